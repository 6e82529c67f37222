"""A headless Chromium that looks at a page."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
NEEDED = pytest.mark.skipif(
    not (CHROMIUM and CHROMEDRIVER),
    reason="chromium and chromedriver (Debian: chromium-driver) are not installed",
)
# Root may not use the sandbox; the rest keeps Chromium itself from asking the network.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = (360, 740)
DESKTOP = (1280, 900)


class Browser:
    """A Chromium with the page in it."""

    def __init__(self, driver: Chrome, address: str, plots: int) -> None:
        self.driver = driver
        self.address = address
        self.plots = plots

    def open(self, size: tuple[int, int] = DESKTOP, *, address: str = "") -> None:
        """The page anew, in a window of a size in CSS pixels; what was logged before is dropped."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        mobile = {"mobile": width < 500}
        self.command("Emulation.setDeviceMetricsOverride", **metrics, **mobile)
        # Else what is to be clicked may still be scrolling.
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.command("Emulation.setEmulatedMedia", media="", features=[still])
        self.driver.get("about:blank")
        self.logged("browser"), self.logged("performance")
        self.driver.get(address or self.address)
        self.wait(f"document.querySelectorAll('.plot svg[viewBox]').length === {self.plots}")

    def command(self, name: str, **arguments: Any) -> dict[str, Any]:
        """A command of the DevTools protocol."""
        result: dict[str, Any] = self.driver.execute_cdp_cmd(name, arguments)
        return result

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a script that says `return`."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: str) -> None:
        """Until a JavaScript expression is true."""
        WebDriverWait(self.driver, 20, 0.05).until(lambda _: self.run(f"return {condition}"))

    def logged(self, kind: str) -> list[dict[str, Any]]:
        """The browser's log since the last call."""
        entries: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).click()", selector)

    def lines(self, plot: str) -> list[str]:
        """The outlines of the curves of one plot."""
        self.settle()
        script = (
            "return [...document.querySelectorAll(`#${arguments[0]} .mark-line path`)]"
            ".map((path) => path.getAttribute('d')).filter(Boolean)"
        )
        return list(self.run(script, plot))

    def settle(self) -> None:
        """Until Vega has drawn: it does so in the frame after a change."""
        self.driver.execute_async_script(
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[0], 30)))"
        )

    def requested(self) -> list[str]:
        """The addresses that the page asked for since it was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.logged("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


@contextmanager
def started(address: str, plots: int) -> Iterator[Browser]:
    """A browser for the page at an address, which has so many plots."""
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, Service(CHROMEDRIVER))
    yield Browser(driver, address, plots)
    driver.quit()


def network(addresses: list[str]) -> list[str]:
    """Of addresses, those that a network would be asked for."""
    return [address for address in addresses if not address.startswith(("data:", "about:"))]
