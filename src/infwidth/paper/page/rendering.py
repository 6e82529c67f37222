"""How pages are made of templates: everything that they name ends up inside."""

from pathlib import Path

import jinja2

from infwidth.paper.page.content import counted
from infwidth.paper.page.images import embedded

_HERE = Path(__file__).parent


def environment(folder: Path) -> jinja2.Environment:
    """The environment of a page's templates.

    They may call `asset` (the text of a file), `embedded` (a picture) and `counted`.

    Args:
        folder: of the page's own files; others are those of all pages.
    """
    loader = jinja2.FileSystemLoader([folder, _HERE / "shared", _HERE])
    made = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False,
        "separators": (",", ":"),
        "allow_nan": False,
    }

    def asset(name: str) -> str:
        return loader.get_source(made, name)[0]

    made.globals |= {"asset": asset, "embedded": embedded, "counted": counted}
    return made
