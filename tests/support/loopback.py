"""A web server on the loopback address that serves given bytes and misbehaves on demand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """One address. `drops` and `stalls` count the answers that end halfway before a good one."""

    content: bytes
    ranges: bool = True
    drops: int = 0
    stalls: int = 0
    content_type: str = "application/gzip"
    redirect: str | None = None
    false_range: str | None = None


@dataclass
class Loopback:
    url: str
    pages: dict[str, Page]
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Range header) of every GET."""


class _Handler(BaseHTTPRequestHandler):
    loopback: Loopback
    over: threading.Event

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self.loopback.requests.append((self.path, self.headers["Range"]))
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        page = self.loopback.pages.get(self.path)
        if page is None:
            self.send_error(404)
            return
        if page.redirect is not None:
            self.send_response(302)
            self.send_header("Location", page.redirect)
            self.end_headers()
            return
        asked = self.headers["Range"]
        start, size = 0, len(page.content)
        if asked is not None and page.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= size:
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header(
                "Content-Range", page.false_range or f"bytes {start}-{size - 1}/{size}"
            )
        else:
            self.send_response(200)
        if page.false_range and start:
            start = 0
        rest = page.content[start:]
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if not body:
            return
        if page.drops or page.stalls:
            self.wfile.write(rest[: len(rest) // 2])
            self.wfile.flush()
            if page.drops:
                page.drops -= 1
            else:
                page.stalls -= 1
                self.over.wait(20)
            self.close_connection = True
            return
        self.wfile.write(rest)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serve(pages: dict[str, Page]) -> Iterator[Loopback]:
    """Serve `pages`, a mapping of paths such as "/file", until the block ends."""
    over = threading.Event()
    handler = type("Handler", (_Handler,), {"over": over})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    loopback = Loopback(f"http://127.0.0.1:{server.server_port}", pages)
    handler.loopback = loopback  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield loopback
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def closed_address() -> str:
    """An address at which nothing listens."""
    with serve({}) as loopback:
        url = loopback.url
    return url
