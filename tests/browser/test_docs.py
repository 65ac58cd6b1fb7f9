"""The site of docs/, where `make docs` has made it: it opens from disk and asks for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.accessible import serious_faults

pytestmark = pytest.mark.browser

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = ("index", "tutorial", "model", "parameters/payment", "api", "notebooks/01_first_run")
WIDTHS = {"phone": 360, "desk": 1280}


@pytest.fixture(autouse=True)
def site() -> None:
    if not (SITE / "index.html").is_file():
        pytest.skip("there is no site; `make docs` makes it")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_disk(name: str, browser: Any, pictures: Path) -> None:
    """Without a request to a network or an error, and nothing is wider than the screen."""
    context = browser.new_context()
    tab = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto((SITE / f"{name}.html").as_uri())
    for width, pixels in WIDTHS.items():
        tab.set_viewport_size({"width": pixels, "height": 900})
        assert tab.evaluate("document.documentElement.scrollWidth") == pixels
        tab.screenshot(path=pictures / f"docs-{name.replace('/', '-')}-{width}.png")
    assert said == []
    assert [url for url in asked if not url.startswith("file:")] == []
    assert tab.locator("h1").count() == 1
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(name: str, browser: Any) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto((SITE / f"{name}.html").as_uri())
    assert serious_faults(tab) == []
    context.close()


def test_words_are_found_without_a_server(browser: Any) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{(SITE / 'search.html').as_uri()}?q=steepness")
    tab.locator("#search-results li").first.wait_for(timeout=20_000)
    assert tab.locator("#search-results li").count() > 3
    context.close()


def test_formulas_are_drawn_by_the_browser(browser: Any) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto((SITE / "model.html").as_uri())
    assert tab.locator("math").count() > 30
    fraction = tab.locator("math mfrac").first.bounding_box()
    assert fraction["height"] > 15  # one line over another, not in a row
    context.close()
