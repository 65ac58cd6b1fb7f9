"""Figures of a run that a process draws beside this one: the same, or drawn here."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from asm_sim.cli import drawing
from asm_sim.cli.drawing import NAMES, Beside, draw_figures, drawing_beside
from asm_sim.errors import RunError
from asm_sim.plots import adjustment_distribution, score_to_adjustment
from asm_sim.plots.save import save
from asm_sim.results.open import open_results
from tests.unit.synthetic_run import synthetic_dataset, write_listed_run

KINDS = ("png", "svg", "json")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run."""
    folder = tmp_path_factory.mktemp("run")
    write_listed_run(synthetic_dataset(draws=3), folder)
    return folder


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is asm-sim."""
    monkeypatch.setattr(drawing, "is_the_program", True)


@pytest.mark.usefixtures("program")
def test_it_draws_what_would_be_drawn_here(run: Path, tmp_path: Path) -> None:
    with drawing_beside(threads=2) as beside:
        beside.draw(run)
        assert sorted(beside.drawn()) == sorted(NAMES)
    ds = open_results(run)
    for name, module in zip(NAMES, (adjustment_distribution, score_to_adjustment), strict=True):
        save(module.plot(ds), tmp_path, name, ds)
        for kind in KINDS:
            file = f"{name}.{kind}"
            assert (run / "figures" / file).read_bytes() == (tmp_path / file).read_bytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_in_another_program_or_on_one_processor_none_is_started(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "is_the_program", threads == 1)
    monkeypatch.setattr(drawing, "_started", lambda: pytest.fail("a process is started"))
    with drawing_beside(threads) as beside:
        beside.draw(Path("nowhere"))
        assert not beside.drawn()


CHILDREN = {
    "it ends at once": "raise SystemExit(1)",
    "it fails while it draws": "import sys; sys.stdin.readline(); raise ValueError",
    "it draws one of them": f"import sys; sys.stdin.readline(); print('[\"{NAMES[1]}\"]')",
}


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("child", CHILDREN)
def test_what_it_does_not_draw_is_drawn_here(
    child: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn: list[str] = []

    def draw(name: str, *_: object) -> None:
        drawn.append(name)

    monkeypatch.setattr(drawing, "_CHILD", CHILDREN[child])
    monkeypatch.setattr(drawing, "_draw", draw)
    with drawing_beside(threads=2) as beside:
        beside.draw(tmp_path)
        paths = draw_figures(xr.Dataset(), tmp_path, beside)
    assert drawn == [name for name in NAMES if name not in CHILDREN[child]]
    assert [path.stem for path in paths] == list(NAMES)


def test_what_the_disk_refuses_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "a.png")

    monkeypatch.setattr(drawing, "_draw", full)
    with pytest.raises(OSError, match="No space left"):
        draw_figures(xr.Dataset(), tmp_path, Beside(None))

    def odd(*_: object) -> None:
        raise KeyError("backend")

    monkeypatch.setattr(drawing, "_draw", odd)
    with pytest.raises(RunError, match=r"could not be drawn \(KeyError: 'backend'\)"):
        draw_figures(xr.Dataset(), tmp_path, Beside(None))
