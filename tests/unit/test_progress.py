"""The progress bar where rich cannot draw one."""

from __future__ import annotations

import warnings

import pytest

from asm_sim.store import progress


def test_a_notebook_without_ipywidgets_shows_a_plain_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr(progress, "find_spec", lambda _: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with progress.shown(True) as update:
            assert update is not None
            for done in (0, 500, 1000):
                update(done, 1000)
    out, said = capsys.readouterr()
    assert out == ""
    first, *_, last = said.split("\r")[1:]
    assert first.startswith(f"Simulating [{'.' * 30}] 0/1,000 draws, compiling")
    assert last.startswith(f"Simulating [{'#' * 30}] 1,000/1,000 draws, ")
    assert last.endswith("\n")


def test_elsewhere_rich_draws_it(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown(True) as update:
        assert update is not None
        update(1, 2)
    assert "\r" not in capsys.readouterr().err


def test_a_function_of_one_s_own_and_nothing() -> None:
    seen: list[tuple[int, int]] = []
    with progress.shown(lambda *counts: seen.append(counts)) as update:
        assert update is not None
        update(1, 2)
    assert seen == [(1, 2)]
    with progress.shown(False) as nothing:
        assert nothing is None
