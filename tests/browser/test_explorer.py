"""The explorer's page in a real browser: moved, pinned, compared, taken away, and nobody else's."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

import asm_sim as asm
from asm_sim.explorer import answers
from asm_sim.explorer.page import steps_of
from asm_sim.explorer.server import serve
from asm_sim.explorer.steps import Steps
from asm_sim.scenario.load import load_scenario
from tests.browser.accessible import serious_faults
from tests.conftest import MakeScenario

pytestmark = pytest.mark.browser

WIDTHS = {"phone": 360, "tablet": 768, "desk": 1280}
TITLE = "<script>document.title='taken'</script> \"quoted\" & שלום"
DRAWS = 6
SLOWEST = 120_000  # milliseconds; a kernel has to start
RISK, STEEPNESS, CASES = 0, 2, 5  # sliders, from the top
# Voilà's own: its parts of JupyterLab are of other versions than the package that is installed, and
# it says that it is not done where kernels are compiled.
NOISE = re.compile(
    r"Unsatisfied version|No satisfying version|Federation Runtime|Starting WebSocket"
    r"|voila is still executing"
)


class Opened(NamedTuple):
    """The page in a tab, and everything that it said and asked for."""

    tab: Any
    said: list[str]
    asked: list[str]

    def cells(self, name: str) -> list[str]:
        """Now, pinned and difference of a number."""
        found: list[str] = self.tab.locator(f".numbers tr[data-name={name}] td").all_text_contents()
        return found

    def drawn(self) -> str:
        """The figures."""
        found: str = self.tab.evaluate(
            "[...document.querySelectorAll('.explored svg')].map(e => e.innerHTML).join()"
        )
        return found

    def press(self, slider: int, key: str, then: str) -> None:
        """A key on a slider, and what the page says after it."""
        self.tab.locator(".noUi-handle").nth(slider).focus()
        self.tab.keyboard.press(key)
        self.tab.get_by_text(then).first.wait_for(timeout=SLOWEST)


@pytest.fixture(scope="module")
def scenario(make_scenario: MakeScenario) -> Path:
    """A scenario file of the small roster: badly called, with a value between positions."""
    path = make_scenario().folder / "scenario.yaml"
    text = path.read_text().replace("A small roster", json.dumps(TITLE))
    path.write_text(f"{text}  rules.payment.exchange.steepness: 0.1167\n")
    return path


@pytest.fixture(scope="module")
def steps(scenario: Path) -> Steps:
    return steps_of(scenario, draws=DRAWS)


@pytest.fixture(scope="module")
def address(scenario: Path) -> Iterator[str]:
    with serve({"run": str(scenario), "draws": DRAWS}) as page:
        yield page.address


@pytest.fixture(scope="module")
def opened(browser: Any, address: str) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": WIDTHS["desk"], "height": 1400})
    tab = context.new_page()
    page = Opened(tab, [], [])
    tab.on("console", lambda message: page.said.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: page.said.append(f"thrown: {error}"))
    tab.on("request", lambda request: page.asked.append(request.url))
    tab.goto(address, timeout=SLOWEST)
    tab.locator(".explored table").first.wait_for(timeout=SLOWEST)
    yield page
    context.close()


@pytest.fixture(autouse=True)
def as_it_is(request: pytest.FixtureRequest) -> None:
    """Each test of the one page begins with every lever where the scenario has it, and pinned."""
    if "opened" in request.fixturenames:
        opened: Opened = request.getfixturevalue("opened")
        opened.tab.get_by_role("button", name="All as it is").click()
        opened.tab.get_by_text("Now: as it is.").wait_for(timeout=SLOWEST)
        opened.tab.get_by_role("button", name="Pin this").click()
        opened.tab.get_by_text("Pinned: as it is.").wait_for(timeout=SLOWEST)


def test_a_slider_moves_the_numbers(opened: Opened, steps: Steps) -> None:
    readouts = opened.tab.locator(".widget-readout").all_text_contents()
    assert readouts[STEEPNESS] == "0.1167 (as it is)"
    figures = opened.drawn()
    before = opened.cells("bonuses")
    opened.press(RISK, "ArrowLeft", "payments at risk: 8 %")
    step = steps.step({"rules.payment.risk_level": 0.08})
    rows = {row.name: list(row.texts()) for row in answers.numbers(step, steps.base, "HF", 0)}
    assert {name: opened.cells(name) for name in rows} == rows
    assert opened.cells("bonuses")[0] != before[0] == opened.cells("bonuses")[1]
    assert opened.drawn() != figures
    seconds = float(opened.tab.locator(".explored").get_attribute("data-seconds"))
    assert 0 < seconds < 30
    opened.press(STEEPNESS, "ArrowRight", "steepness of the curve, per point: 0.12")
    opened.press(STEEPNESS, "ArrowLeft", "Now: payments at risk: 8 %. Pinned")
    assert opened.cells("bonuses") == rows["bonuses"]


def test_one_is_pinned_and_another_compared(opened: Opened, pictures: Path) -> None:
    opened.press(RISK, "ArrowLeft", "payments at risk: 8 %")
    first = opened.cells("penalties")[0]
    opened.tab.get_by_role("button", name="Pin this").click()
    opened.tab.get_by_text("Nobody: nothing differs").wait_for(timeout=SLOWEST)
    assert opened.cells("penalties") == [first, first, "0 ±0"]
    opened.press(STEEPNESS, "ArrowRight", "steepness of the curve, per point: 0.12")
    now, pinned, difference = opened.cells("penalties")
    assert pinned == first != now
    assert difference != "0 ±0"
    assert opened.tab.locator(".losers tbody tr").count() > 4
    opened.press(CASES, "ArrowRight", "lived anew from the same random numbers")
    opened.tab.screenshot(path=pictures / "explorer-compared.png", full_page=True)
    opened.tab.get_by_label("Cohort").select_option("Low back pain")
    opened.tab.get_by_text("Low back pain, 2027, paid in 2029:").first.wait_for(timeout=SLOWEST)


def test_what_is_taken_away_runs(opened: Opened, scenario: Path, steps: Steps) -> None:
    opened.press(RISK, "ArrowRight", "payments at risk: 9 %")
    opened.tab.get_by_label("Title").fill(TITLE)
    opened.tab.get_by_role("button", name="Scenario file").click()
    with opened.tab.expect_download() as downloaded:
        opened.tab.get_by_role("link", name="Save explored.yaml").click()
    path = scenario.parent / "explored.yaml"
    downloaded.value.save_as(path)
    assert load_scenario(path).title == TITLE
    run = asm.simulate(path)
    cohort = opened.tab.get_by_label("Cohort").input_value()
    assert cohort in {"Heart failure", "Low back pain"}
    name = "HF" if cohort == "Heart failure" else "LBP"
    step = steps.step({"rules.payment.risk_level": 0.09})
    kept = run["retained_by_medicare"].sel(cohort=name).values
    assert step.cohorts[name].by_draw["retained_by_medicare"] == pytest.approx(kept, rel=1e-9)
    row = next(
        row
        for row in answers.numbers(step, steps.base, name, 0)
        if row.name == "retained_by_medicare"
    )
    assert opened.cells("retained_by_medicare") == list(row.texts())


def test_a_hostile_title_is_text(opened: Opened) -> None:
    assert opened.tab.locator(".explored h2").text_content() == TITLE
    assert opened.tab.title() == "Explorer of the rule: asm_sim"


def test_nothing_goes_wrong_and_nothing_is_asked_elsewhere(opened: Opened) -> None:
    assert [line for line in opened.said if not NOISE.search(line)] == []
    assert not [line for line in opened.said if line.startswith(("error", "thrown"))]
    hosts = {urlsplit(url).hostname for url in opened.asked if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits(width: str, opened: Opened, pictures: Path) -> None:
    opened.press(RISK, "ArrowLeft", "payments at risk: 8 %")
    opened.tab.set_viewport_size({"width": WIDTHS[width], "height": 2600})
    opened.tab.screenshot(path=pictures / f"explorer-{width}.png", full_page=True)
    assert opened.tab.evaluate("document.documentElement.scrollWidth") == WIDTHS[width]
    right = "Math.max(...[...document.querySelectorAll('.explored, .explored p, .explored svg, '"
    inside = f"{right} + '.noUi-target, select')].map(e => e.getBoundingClientRect().right))"
    assert opened.tab.evaluate(inside) <= WIDTHS[width]
    letters = "[...document.querySelectorAll('.explored *')].filter(e => !e.closest('svg')"
    small = f"{letters} && parseFloat(getComputedStyle(e).fontSize) < 11).length"
    assert opened.tab.evaluate(small) == 0
    opened.tab.set_viewport_size({"width": WIDTHS["desk"], "height": 1400})


@pytest.mark.parametrize("width", [WIDTHS["phone"], WIDTHS["desk"]])
def test_axe_finds_nothing(opened: Opened, width: int) -> None:
    opened.tab.set_viewport_size({"width": width, "height": 1400})
    opened.press(RISK, "ArrowLeft", "payments at risk: 8 %")
    handle = opened.tab.get_by_role("slider", name="Steepness of the curve, per point")
    assert handle.get_attribute("aria-valuetext") == "0.1167 (as it is)"
    assert serious_faults(opened.tab) == []


def test_without_its_token_it_is_not_there(address: str) -> None:
    with urllib.request.urlopen(address.partition("?")[0]) as answer:
        assert urlsplit(answer.url).path == "/login"
        assert b"explored" not in answer.read()


def _as_in_front() -> None:
    """What a shell starts in the background, these tests too, does not hear Ctrl-C otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_page_and_kernels(scenario: Path, browser: Any) -> None:
    command = [sys.executable, "-m", "asm_sim", "explore", str(scenario), "--draws", "4"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_as_in_front,
    )
    assert process.stdout
    place = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=\S{32}", place)
    tab = browser.new_page()
    tab.goto(place, timeout=SLOWEST, wait_until="commit")
    waiting = "getComputedStyle(document.querySelector('#loading'), '::after').content"
    tab.locator("#loading").wait_for(timeout=SLOWEST)
    assert "where compiled kernels cannot be kept" in tab.evaluate(waiting)
    tab.locator(".explored table").first.wait_for(timeout=SLOWEST)
    tab.close()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it, to everyone in front
    _, said = process.communicate(timeout=60)
    assert said.startswith(f"asm-sim: drawing cohorts of {scenario} (the first time, kernels are")
    assert said.endswith("\n4 draws; Ctrl-C ends the page.\nThe page has ended.\n")
    assert process.returncode == 0
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert place.partition("?")[0] not in left
