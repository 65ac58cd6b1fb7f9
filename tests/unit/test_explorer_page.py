"""The explorer's page without a browser: its widgets, what they show, and how it is served."""

from __future__ import annotations

import base64
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.engine.plan import make_plan
from asm_sim.errors import InputError
from asm_sim.explorer import page, server
from asm_sim.explorer.page import Page
from asm_sim.explorer.steps import Steps
from asm_sim.scenario.schema import Scenario
from tests.conftest import MakeScenario
from tests.unit.test_against_rules import BY_SIZE

DRAWING = (
    "asm-sim: drawing cohorts of baseline (the first time, kernels are compiled: about a minute)\n"
)
HOSTILE = "<script>alert('x')</script> & \u202eturned"


@pytest.fixture(scope="module")
def steps(make_scenario: MakeScenario) -> Steps:
    scenario = make_scenario(draws=4)
    file = scenario.file.model_copy(update={"title": HOSTILE})
    named = replace(scenario, file=file)
    return Steps(make_plan(named, panel=0, lens=0))


@pytest.fixture
def explorer(steps: Steps) -> Page:
    return Page(steps)


def cell(explorer: Page, name: str) -> list[str]:
    """Now, pinned and difference of a number, as they are shown."""
    row = re.search(f'<tr data-name="{name}">(.*?)</tr>', explorer.shown.value)
    assert row
    return re.findall("<td>(.*?)</td>", row[1])


def test_a_slider_moves_everything_at_once(explorer: Page) -> None:
    before = explorer.shown.value
    own, pinned, difference = cell(explorer, "bonuses")
    assert own == pinned
    assert difference == "0 ±0"
    assert "Nobody: nothing differs" in before
    explorer.sliders["risk"].value = "5 %"
    now, pinned, difference = cell(explorer, "bonuses")
    assert now != own == pinned
    assert difference.startswith("-")
    assert "payments at risk: 5 %" in explorer.shown.value
    assert before.count("<svg") == explorer.shown.value.count("<svg") == 3
    assert re.findall("<svg.*?</svg>", before, re.S) != re.findall(
        "<svg.*?</svg>", explorer.shown.value, re.S
    )
    assert "practice size: solo" in explorer.shown.value
    explorer.cohort.value = "LBP"
    assert "Low back pain, 2027, paid in 2029" in explorer.shown.value
    explorer.year.value = 4
    assert "Low back pain, 2031, paid in 2033" in explorer.shown.value


def test_one_is_pinned_and_compared_with(explorer: Page) -> None:
    explorer.sliders["steepness"].value = "0.2"
    pinned = cell(explorer, "share_negative")[0]
    explorer.pin.click()
    assert cell(explorer, "share_negative") == [pinned, pinned, "0 ±0 points"]
    explorer.back.click()
    assert [slider.value for slider in explorer.sliders.values()] == [
        lever.positions[lever.own].label for lever in explorer.levers
    ]
    assert explorer.now is explorer.steps.base
    assert cell(explorer, "share_negative")[1] == pinned
    assert "steepness of the curve, per point: 0.2" in explorer.shown.value


def test_how_many_draws_are_made_is_told_while_they_are(steps: Steps) -> None:
    told: list[tuple[int, int]] = []
    again = Steps(steps.plan, lambda *counts: told.append(counts))
    assert told == [(done // 2, 4) for done in range(1, 9)]  # of two cohorts
    again.step({"rules.cost.case_minimum": 60})
    assert len(told) == 8


def test_draws_are_counted_and_said_to_be_new(explorer: Page) -> None:
    assert "4 draws." in explorer.shown.value
    explorer.sliders["cost_weight"].value = "30 %"
    assert "4 draws, the same clinicians with the same results, scored anew" in explorer.shown.value
    explorer.sliders["case_minimum"].value = "50"
    assert "4 draws, lived anew from the same random numbers" in explorer.shown.value


def test_a_file_is_given_to_take_away(explorer: Page) -> None:
    explorer.sliders["risk"].value = "4 %"
    explorer.title.value = HOSTILE
    explorer.export.click()
    shown = explorer.exported.value
    assert "Save explored.yaml</a> beside small.yaml and small.csv (a run keeps such" in shown
    assert "<script>" not in shown
    assert "\u202e" not in shown
    (coded,) = re.findall('base64,([^"]*)', shown)
    text = base64.b64decode(coded).decode()
    assert "rules.payment.risk_level: 0.04" in text
    assert "\n  rules.payment.risk_level: 0.04" in shown  # on lines of its own
    explorer.sliders["risk"].value = "5 %"
    assert explorer.exported.value == ""  # what is shown no longer is what was exported


def test_a_hostile_title_is_text(explorer: Page) -> None:
    assert "<h2>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; \\u202eturned</h2>" in (
        explorer.shown.value
    )
    assert "<script" not in explorer.shown.value


def test_what_the_rule_refuses_is_told_and_nothing_moves(
    explorer: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, now = explorer.shown.value, explorer.now

    def refuse(settings: dict[str, Any]) -> None:
        raise InputError("no <b>such</b> rule:", [str(settings)])

    monkeypatch.setattr(explorer.steps, "step", refuse)
    explorer.sliders["risk"].value = "4 %"
    assert "no &lt;b&gt;such&lt;/b&gt; rule:" in explorer.message.value
    assert (explorer.shown.value, explorer.now) == (before, now)


def test_the_curve_is_that_of_the_peers_that_are_chosen(make_scenario: MakeScenario) -> None:
    explorer = Page(Steps(make_plan(make_scenario(settings=BY_SIZE, draws=3), panel=0, lens=0)))
    assert [name for name, _ in explorer.peers.options] == [
        "practices up to 5",
        "practices above 5",
    ]
    even = re.compile("paid in 2029, practices (.*?): breaks even at (.*?) points; pinned")
    small = even.search(explorer.shown.value)
    explorer.peers.value = 1
    large = even.search(explorer.shown.value)
    assert small
    assert large
    assert (small[1], large[1]) == ("up to 5", "above 5")
    assert small[2] != large[2]
    assert "median_final_score" not in explorer.shown.value
    explorer.cohort.value = "LBP"
    assert "Low back pain, 2027, paid in 2029, practices above 5: breaks even" in (
        explorer.shown.value
    )


def test_the_function_makes_the_draws_of_a_run_again(
    small_scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(page, "Page", lambda steps: made.append(steps) or Page(steps))
    box = asm.explore(small_scenario.with_draws(3, None), draws=2)
    assert made[0].draws == 2
    assert box.children
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(InputError, match="ipywidgets, which is not installed; pip install"):
        asm.explore(small_scenario, draws=2)
    with pytest.raises(InputError, match="no such"):
        asm.explore(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"3,000,000 draws at hand need .* fewer \(--draws\)"):
        asm.explore(small_scenario, draws=3_000_000)


@pytest.fixture
def without_draws(monkeypatch: pytest.MonkeyPatch, steps: Steps) -> None:
    monkeypatch.setattr(page, "steps_of", lambda **_: steps)
    monkeypatch.setattr(server, "find_spec", lambda _: True)


@pytest.mark.usefixtures("without_draws")
def test_ctrl_c_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    class Process:
        def wait(self) -> None:
            raise KeyboardInterrupt

    @contextmanager
    def serve(given: dict[str, Any], port: int) -> Iterator[server.Served]:
        try:
            yield server.Served(f"http://127.0.0.1:{port}/?token=x", Process())  # type: ignore[arg-type]
        finally:
            ended.append(given)

    monkeypatch.setattr(server, "serve", serve)
    result = CliRunner().invoke(app, ["explore", "--port", "9000", "--set", "a=1"])
    assert result.exit_code == 0
    assert result.stdout == "http://127.0.0.1:9000/?token=x\n"
    assert result.stderr == f"{DRAWING}4 draws; Ctrl-C ends the page.\nThe page has ended.\n"
    assert ended == [{"run": "baseline", "draws": None, "seed": None, "settings": ["a=1"]}]


@pytest.mark.parametrize(
    ("name", "expected"), [("", "an empty text names no file"), ("a", "a: the file is empty")]
)
def test_what_cannot_be_explored_is_told_before_a_page_opens(
    name: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "find_spec", lambda _: True)
    result = CliRunner().invoke(app, ["explore", name])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[1] == f"Error: {expected}" + " or folder" * (not name)


def test_a_missing_voila_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None if name == "voila" else True)
    result = CliRunner().invoke(app, ["explore"])
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: the explorer's page needs voila, which this Python has not: `make explore` in a "
        'checkout, else pip install "asm_sim[explore]"\n'
    )


@pytest.mark.usefixtures("without_draws")
def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["explore", "--port", str(port)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: --port {port} cannot be had (Address already in use)")


@pytest.mark.usefixtures("without_draws")
def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    says = "import sys; print('first'); sys.exit('no room on \\x1b[31mthis machine')"
    monkeypatch.setattr(server, "_command", lambda *_: [sys.executable, "-c", says])
    result = CliRunner().invoke(app, ["explore"])
    assert result.exit_code == 1
    assert result.stderr == (
        f"{DRAWING}Error: the page could not be served: no room on \\x1b[31mthis machine\n"
    )


def test_a_server_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ignores = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1)"
    stubborn = [sys.executable, "-uc", f"{ignores}; time.sleep(60)"]
    with subprocess.Popen(stubborn, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"1\n"
        monkeypatch.setattr(server, "ENDS_IN", 0.2)
        server._end(process)
    assert process.returncode == -signal.SIGKILL


def test_the_token_is_no_argument(tmp_path: Path) -> None:
    command = server._command(tmp_path / "x.ipynb", 8000)
    environment = server._environment("secret", tmp_path)
    assert environment["JUPYTER_TOKEN"] == "secret"
    assert "secret" not in " ".join(command)
    assert "--Voila.ip=127.0.0.1" in command
    notebook = server._notebook({"run": "'''\"\n", "draws": 3})
    given: dict[str, Any] = {}
    source = notebook["cells"][0]["source"].replace("explore(**", "given.update(**")
    exec(source, {"given": given})
    assert given == {"run": "'''\"\n", "draws": 3}
