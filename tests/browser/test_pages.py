"""Every page that the package writes opens from disk, for everyone, and asks for nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.book.book import book_of
from asm_sim.book.html import html
from asm_sim.results.effects import shipped_effects
from asm_sim.scenario.load import load_scenario
from asm_sim.score.example import example_rows
from tests.browser.accessible import serious_faults
from tests.conftest import POPULATION, SCENARIO, SWEEP, MakeScenario, roster_rows, write_roster

pytestmark = pytest.mark.browser

PAGES = ("run", "sweep", "explanation", "book")
WIDTHS = {"phone": 360, "tablet": 768, "desk": 1280}
NAME = "<script>document.title='taken'</script> \"quoted\" 'x' </title> & שלום"
HOSTILE = f"{NAME} \u202eturned"  # which no table of clinicians may hold


class Opened(NamedTuple):
    """A page in a tab, and everything that it said and asked for."""

    tab: Any
    said: list[str]
    asked: list[str]


@pytest.fixture(scope="module")
def files(make_scenario: MakeScenario, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind on disk, whatever was given a name called as badly as can be."""
    folder = tmp_path_factory.mktemp("pages")
    run = asm.simulate(make_scenario(), open_draws=24).assign_attrs(title=HOSTILE)
    rows = example_rows()
    rows[0]["clinician_id"] = NAME
    book = book_of(load_scenario("baseline"), shipped_effects(), ["precedent", "inferred"])
    texts = {
        "run": asm.report(run),
        "sweep": asm.report(small_sweep(folder)),
        "explanation": asm.explain(pd.DataFrame(rows), NAME).to_html(),
        "book": html(book._replace(title=HOSTILE)),
    }
    paths = {name: folder / f"{name}.html" for name in texts}
    for name, path in paths.items():
        path.write_text(texts[name], encoding="utf-8")
    return paths


def small_sweep(folder: Path) -> xr.Dataset:
    """Four scenarios of the small roster under a hostile title."""
    write_roster(folder / "small.csv", roster_rows())
    (folder / "small.yaml").write_text(POPULATION)
    (folder / "scenario.yaml").write_text(SCENARIO)
    text = SWEEP.format(
        steepness="[0.05, 0.1]", draws=24, layers='{population: "on", measurement: "on"}'
    )
    (folder / "sweep.yaml").write_text(text)
    results = asm.sweep(folder / "sweep.yaml", folder / "store", open_draws=24)
    return results.assign_attrs(title=HOSTILE)


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, browser: Any, files: dict[str, Path]) -> Iterator[Opened]:
    context = browser.new_context()
    tab = context.new_page()
    opened = Opened(tab, [], [])
    tab.on("console", lambda message: opened.said.append(message.text))
    tab.on("pageerror", lambda error: opened.said.append(str(error)))
    tab.on("request", lambda request: opened.asked.append(request.url))
    tab.goto(files[request.param].as_uri())
    yield opened
    assert opened.said == []
    assert opened.asked == [files[request.param].as_uri()]
    context.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits(
    name: str, width: str, browser: Any, files: dict[str, Path], pictures: Path
) -> None:
    """Nothing but tables and figures, which scroll by themselves, is wider than the screen."""
    context = browser.new_context(viewport={"width": WIDTHS[width], "height": 900})
    tab = context.new_page()
    tab.goto(files[name].as_uri())
    path = pictures / f"{name}-{width}.png"
    tab.screenshot(path=path, full_page=True)
    assert path.stat().st_size > 10_000
    assert tab.evaluate("document.documentElement.scrollWidth") == WIDTHS[width]
    letters = "[...document.querySelectorAll('main *')].filter(e => e.children.length === 0"
    small = (
        f"{letters} && parseFloat(getComputedStyle(e).fontSize) < 11 && !e.closest('svg')).length"
    )
    assert tab.evaluate(small) == 0
    context.close()


def test_it_prints(page: Opened, pictures: Path, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["page"]
    path = pictures / f"{name}.pdf"
    page.tab.pdf(path=path, format="A4", margin=dict.fromkeys(("top", "bottom", "left"), "15mm"))
    assert path.read_bytes().startswith(b"%PDF")
    page.tab.emulate_media(media="print")
    assert not page.tab.locator(".skip").is_visible()
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.tab.evaluate(colour) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [WIDTHS["phone"], WIDTHS["desk"]])
def test_axe_finds_nothing(page: Opened, width: int) -> None:
    page.tab.set_viewport_size({"width": width, "height": 900})
    page.tab.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert serious_faults(page.tab) == []


def test_it_is_read_in_order(page: Opened) -> None:
    """One first heading, no level left out; every table has a caption, every figure words."""
    headings = "[...document.querySelectorAll('h1, h2, h3, h4')].map(e => Number(e.tagName[1]))"
    levels = page.tab.evaluate(headings)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    tables = page.tab.locator("table")
    assert tables.count() == page.tab.locator("table > caption").count() > 1
    assert page.tab.locator("th:not([scope])").count() == 0
    for figure in page.tab.locator("svg").all():
        assert figure.get_attribute("role") == "img"
        for part in ("aria-labelledby", "aria-describedby"):
            words = page.tab.locator(f"#{figure.get_attribute(part)}").text_content()
            assert len(words.split()) > 2
    ids = page.tab.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_it_is_walked_by_keyboard(page: Opened) -> None:
    """The first key leads past the contents, and where one is can be seen."""
    page.tab.keyboard.press("Tab")
    focused = page.tab.locator(":focus")
    assert focused.get_attribute("class") == "skip"
    box = focused.bounding_box()
    assert box["x"] >= 0
    page.tab.keyboard.press("Enter")
    assert page.tab.evaluate("document.activeElement.id") == "content"
    page.tab.keyboard.press("Tab")
    outline = page.tab.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"


def test_a_hostile_name_is_text(page: Opened) -> None:
    heading = page.tab.locator("h1").text_content()
    assert heading in {f"Clinician {NAME}", f"{NAME} \\u202eturned"}
    assert page.tab.title().startswith(heading)
    assert page.tab.locator("script").count() == 0
