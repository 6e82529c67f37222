"""The page in a headless Chromium: what a reader sees, does, and prints."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESKTOP, NEEDED, PHONE, Browser, network, started
from page_folder import PLAN, Folder
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By

from infwidth import numbers
from infwidth.measures import reading as measurements
from infwidth.measures.metrics import DRAWN

pytestmark = NEEDED
A4_INCHES = {"paperWidth": 8.27, "paperHeight": 11.69}
CHOSEN = "return Object.fromEntries(new FormData(document.getElementById('choices')))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder.written(tmp_path_factory.mktemp("page") / "invented")


@pytest.fixture(scope="module")
def browser(folder: Folder) -> Iterator[Browser]:
    file = folder.path / "index.html"
    file.write_text(folder.page(), encoding="utf-8")
    with started(file.as_uri(), plots=2) as found:
        yield found


def test_the_page_loads_itself_alone_and_nothing_complains(browser: Browser) -> None:
    browser.open()
    assert network(browser.requested()) == [browser.address]
    assert browser.logged("browser") == []


def test_a_request_or_a_complaint_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    html = Path(browser.address.removeprefix("file://")).read_text(encoding="utf-8")
    planted = tmp_path / "planted.html"
    planted.write_text(html.replace("</main>", '<img src="missing.png"></main>'), encoding="utf-8")
    browser.open(address=planted.as_uri())
    complaints = [entry["message"] for entry in browser.logged("browser")]
    assert any("Content Security Policy" in complaint for complaint in complaints)
    without = re.sub(r"<meta http-equiv.*?>", "", planted.read_text(encoding="utf-8"))
    planted.write_text(without, encoding="utf-8")
    browser.open(address=planted.as_uri())
    assert len(network(browser.requested())) == 2


@pytest.mark.parametrize(
    ("choice", "changes"),
    [
        ("input[name=metric][value=gram_min_eig]", ("sweep", "evolution")),
        ("input[name=layer][value='1']", ("sweep", "evolution")),
        ("input[name=kind][value=x]", ("sweep", "evolution")),
    ],
)
def test_choices_change_the_plots(browser: Browser, choice: str, changes: tuple[str, ...]) -> None:
    browser.open()
    before = {plot: browser.lines(plot) for plot in changes}
    assert all(len(lines) == len(PLAN.schemes) for lines in before.values())
    browser.click(choice)
    for plot in changes:
        assert browser.lines(plot) != before[plot]


def test_a_scheme_that_is_unticked_is_not_drawn(browser: Browser) -> None:
    browser.open()
    browser.click("input[name=scheme][value=IP]")
    for plot in ("sweep", "evolution"):
        assert len(browser.lines(plot)) == len(PLAN.schemes) - 1
        assert "IP" not in browser.find(f"#{plot} .legend").text
    browser.click("input[name=scheme][value=IP]")
    assert len(browser.lines("sweep")) == len(PLAN.schemes)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_findings_are_chosen_by_who_states_them(browser: Browser, size: tuple[int, int]) -> None:
    browser.open(size)
    rows = "[...document.querySelectorAll('.findings tbody tr')]"
    shown = f"return {rows}.map((row) => row.offsetHeight > 0)"
    assert browser.run(shown) == [True, True, True, True]
    browser.click("input[name=origin][value=paper]")
    assert browser.run(shown) == [True, True, False, False]
    browser.click("input[name=origin][value='']")
    assert browser.run(shown) == [True, True, True, True]


def test_a_width_is_chosen_from_the_list_or_in_the_plot(browser: Browser) -> None:
    browser.open()
    before = browser.lines("evolution")
    browser.find("#width").send_keys("256")
    assert browser.lines("evolution") != before
    assert "n = 256" in browser.find("#evolution .unit").text
    area = browser.find("#sweep .plot")
    ActionChains(browser.driver).move_to_element(area).move_by_offset(
        area.size["width"] // 2 - 20, 0
    ).click().perform()
    assert "n = 4096" in browser.find("#evolution .unit").text
    assert browser.run(CHOSEN)["width"] == "4096"


def test_a_cell_shows_the_plot_that_it_was_read_from(browser: Browser) -> None:
    browser.open()
    browser.click("input[name=kind][value=x]")
    browser.click("input[name=layer][value='1']")
    browser.find("#cell-3-IP a.see").click()
    chosen = browser.run(CHOSEN)
    assert chosen["metric"] == "spacetime_min_eig"
    assert (chosen["layer"], chosen["kind"]) == (str(PLAN.layers), "h")
    assert browser.find("#sweep h3").text == "Space-time joint non-degeneracy, against the width"
    browser.wait(
        "(({top, bottom}) => top >= 0 && bottom > top && top < innerHeight / 2)"
        "(document.getElementById('sweep').getBoundingClientRect())"
    )
    assert browser.run("return document.activeElement.id") == "sweep"


def test_every_value_in_the_tables_is_that_of_the_files(browser: Browser, folder: Folder) -> None:
    """The texts of both plots' tables, for each measure, against those of `numbers`."""
    browser.open()
    measured = measurements.read(folder.path)
    limits = 0
    for metric in (drawn.name for drawn in DRAWN):
        browser.click(f"input[name=metric][value={metric}]")
        script = (
            "return [...document.querySelectorAll('#sweep .values tbody tr')]"
            ".map((row) => [...row.cells].map((cell) => cell.textContent))"
        )
        last = measured.features(step=measured.last_step)
        expected = []
        for width in PLAN.widths:
            row = [str(width)]
            for scheme in PLAN.schemes:
                found = last[(last["scheme"] == scheme) & (last["width"] == width)]
                points = measurements.curve(found, metric, "width")
                if not len(points):
                    row.append(numbers.NOTHING)
                    continue
                mean, low, high, limit = points.iloc[0]
                limits += limit
                exact = (float("nan"), float("nan"), mean) if limit else (mean, low, high)
                row.append(numbers.with_interval(*exact))
            expected.append(row)
        assert browser.run(script) == expected
    assert limits


def test_pointing_at_the_plot_tells_values_ranges_and_resolutions(browser: Browser) -> None:
    browser.open()
    browser.click("input[name=metric][value=gram_min_eig]")
    browser.settle()
    area = browser.find("#sweep .plot")
    ActionChains(browser.driver).move_to_element(area).move_by_offset(
        area.size["width"] // 2 - 20, 0
    ).perform()
    browser.wait("!document.querySelector('#sweep .tip').hidden")
    tip = browser.find("#sweep .tip")
    assert tip.find_element(By.TAG_NAME, "caption").text == "n = 4096"
    heads = [head.text for head in tip.find_elements(By.CSS_SELECTOR, "thead th")]
    assert heads == ["scheme", "mean [range over seeds]", "resolution"]
    rows = tip.find_elements(By.CSS_SELECTOR, "tbody tr")
    assert len(rows) == len(PLAN.schemes)
    shown = browser.find("#sweep .values tbody tr:last-child").get_attribute("textContent")
    assert all(row.find_elements(By.TAG_NAME, "td")[0].text in shown for row in rows)
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "#sweep .tip tr.nearest")) == 1
    ActionChains(browser.driver).move_to_element(browser.find("#explore-head")).perform()
    browser.wait("document.querySelector('#sweep .tip').hidden")


def test_the_keyboard_reaches_choices_values_and_figures(browser: Browser) -> None:
    browser.open()
    browser.run("document.querySelector('input[name=metric]').focus()")
    ActionChains(browser.driver).send_keys(Keys.ARROW_RIGHT).perform()
    assert browser.run(CHOSEN)["metric"] == "gram_min_eig"
    area = browser.find("#sweep .plot")
    caption = "return document.querySelector('#sweep .tip caption')?.textContent"
    for key, width in ((Keys.HOME, 64), (Keys.ARROW_RIGHT, 256), (Keys.END, 4096)):
        area.send_keys(key)
        assert browser.run(caption) == f"n = {width}"
    area.send_keys(Keys.ARROW_LEFT)
    area.send_keys(Keys.ENTER)
    assert browser.run(CHOSEN)["width"] == "1024"
    area.send_keys(Keys.ESCAPE)
    assert browser.run("return document.querySelector('#sweep .tip').hidden")
    browser.find("#figure-layers .zoom").send_keys(Keys.ENTER)
    assert browser.run("return document.getElementById('enlarged').open")
    assert browser.run("return document.querySelector('#enlarged img').naturalWidth") == 300
    ActionChains(browser.driver).send_keys(Keys.ESCAPE).perform()
    browser.wait("!document.getElementById('enlarged').open")


def test_diverged_replicas_and_limits_are_marked(browser: Browser) -> None:
    browser.open()
    crosses = (
        "return document.querySelectorAll('#sweep .mark-symbol path[stroke-width=\"2\"]').length"
    )
    assert browser.run(crosses) == 2
    browser.click("input[name=metric][value=spacetime_min_eig]")
    browser.settle()
    hollow = (
        "return [...document.querySelectorAll('#sweep .mark-symbol path')]"
        ".filter((path) => path.getAttribute('fill') === 'transparent'"
        " && path.getAttribute('opacity') !== '0').length"
    )
    limits = [
        cell
        for row in browser.run(
            "return [...document.querySelectorAll('#sweep .values tbody td')]"
            ".map((cell) => cell.textContent)"
        )
        for cell in [row]
        if cell.startswith("<")
    ]
    assert browser.run(hollow) == len(limits) > 0


def overflowing(browser: Browser) -> bool:
    """The page is wider than the phone; the window itself would widen with it."""
    return int(browser.run("return document.documentElement.scrollWidth")) > PHONE[0]


def test_a_phone_shows_all_without_sideways_scrolling(browser: Browser) -> None:
    browser.open(PHONE)
    browser.run("for (const part of document.querySelectorAll('details')) part.open = true")
    browser.settle()
    assert not overflowing(browser)
    assert browser.run("return document.querySelector('#sweep svg').clientWidth") <= PHONE[0]
    browser.find("#sweep .plot").send_keys(Keys.HOME)
    tip = browser.run("return document.querySelector('#sweep .tip').getBoundingClientRect()")
    assert 0 <= tip["left"] < tip["right"] <= PHONE[0]
    sizes = browser.run(
        "return [...document.querySelectorAll('main p, main td, main label, main summary')]"
        ".map((part) => parseFloat(getComputedStyle(part).fontSize))"
    )
    assert min(sizes) >= 12
    # Something wide would be seen.
    browser.run(
        "document.querySelector('main').append(Object.assign("
        "document.createElement('pre'), {textContent: 'x'.repeat(200)}))"
    )
    assert overflowing(browser)


def test_paper_has_everything_laid_out_and_no_choices(browser: Browser, tmp_path: Path) -> None:
    browser.open()
    browser.run(
        "addEventListener('beforeprint', () => { window.printed = "
        "document.querySelectorAll('details:not([open])').length; })"
    )
    printed = browser.command(
        "Page.printToPDF", **A4_INCHES, printBackground=False, generateTaggedPDF=True
    )
    content = base64.b64decode(printed["data"])
    (tmp_path / "page.pdf").write_bytes(content)
    assert browser.run("return window.printed") == 0
    assert browser.run("return document.querySelectorAll('details[open]').length") == 0
    assert len(re.findall(rb"/Type /Page\b", content)) >= 3
    # Its structure has every table: Table 1, that of the layers, values, settings, ...
    assert len(re.findall(rb"/S /Table\b", content)) == browser.run(
        "return document.querySelectorAll('main table, footer table').length"
    )
    browser.command("Emulation.setEmulatedMedia", media="print")
    hidden = (
        "return [...document.querySelectorAll(arguments[0])]"
        ".every((part) => part.getClientRects().length === 0)"
    )
    assert browser.run(hidden, "form, nav, a.see, .tip, dialog")
    assert not browser.run(hidden, "table.verdicts td")
    assert not browser.run(hidden, "#sweep svg")
    browser.command("Emulation.setEmulatedMedia", media="")
    assert not browser.run(hidden, "form")
