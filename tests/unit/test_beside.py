"""The answer and the figures of a run, made by a process beside: the same as here, or made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from asm_sim.cli import beside as beside_run
from asm_sim.cli.answer import Answer, Asked, answer
from asm_sim.cli.beside import NAMES, Beside, answer_of, draw_figures, working_beside
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
    monkeypatch.setattr(beside_run, "is_the_program", True)


def asked(folder: Path, as_json: bool = False) -> Asked:
    return Asked(str(folder), "baseline", errors=False, full=True, as_json=as_json, width=90)


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("as_json", [False, True])
def test_it_answers_and_draws_what_would_be_here(run: Path, as_json: bool, tmp_path: Path) -> None:
    wanted = asked(run, as_json)
    with working_beside(threads=2) as beside:
        beside.begin(wanted)
        assert beside.answer() == answer(wanted)
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
    monkeypatch.setattr(beside_run, "is_the_program", threads == 1)
    monkeypatch.setattr(beside_run, "_started", lambda: pytest.fail("a process is started"))
    with working_beside(threads) as beside:
        beside.begin(asked(Path("nowhere")))
        assert beside.answer() is None
        assert not beside.drawn()


HEARS = "import sys; sys.stdin.readline(); "
CHILDREN = {
    "it ends at once": "raise SystemExit(1)",
    "it fails in the middle": f"{HEARS}raise ValueError",
    "it says nonsense": f"{HEARS}print('7\\n[', file=sys.stderr)",
    "it draws one of them": f"{HEARS}print('null\\n[\"{NAMES[1]}\"]', file=sys.stderr)",
}


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("child", CHILDREN)
def test_what_it_does_not_do_is_done_here(
    child: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn: list[str] = []

    def draw(name: str, *_: object) -> None:
        drawn.append(name)

    ours = Answer("in words\n", {"a.csv": "1\n"})
    monkeypatch.setattr(beside_run, "_CHILD", CHILDREN[child])
    monkeypatch.setattr(beside_run, "_draw", draw)
    monkeypatch.setattr(beside_run, "answer", lambda _: ours)
    with working_beside(threads=2) as beside:
        beside.begin(asked(tmp_path))
        assert answer_of(asked(tmp_path), beside) == ours
        paths = draw_figures(tmp_path, beside)
    assert drawn == [name for name in NAMES if name not in CHILDREN[child]]
    assert [path.stem for path in paths] == list(NAMES)


def test_what_the_disk_refuses_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "a.png")

    monkeypatch.setattr(beside_run, "_draw", full)
    with pytest.raises(OSError, match="No space left"):
        draw_figures(tmp_path, Beside(None))

    def odd(*_: object) -> None:
        raise KeyError("backend")

    monkeypatch.setattr(beside_run, "_draw", odd)
    with pytest.raises(RunError, match=r"could not be drawn \(KeyError: 'backend'\)"):
        draw_figures(tmp_path, Beside(None))
