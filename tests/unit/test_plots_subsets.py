"""A question of one's own in a few lines: subsets beside each other, with error bars."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.errors import InputError
from asm_sim.plots import subsets
from asm_sim.plots.figure import RunFigure
from asm_sim.studies.subsets import members, statistics
from tests.unit.figures import words
from tests.unit.test_figure_texts import check_inside
from tests.unit.test_subsets import PENALTY, random_run

ROOT = Path(__file__).parents[2]
MOST_LINES = 10


@pytest.fixture(scope="module")
def of_run() -> xr.Dataset:
    ds = random_run()
    ds["panel_adjustment"] = ds["panel_adjustment"].assign_attrs(units="fraction")
    solo = members(ds, practice_size="solo")
    groups = {"solo": solo, "the rest": ~solo}
    return statistics(ds, "adjustment", groups, at_most=[PENALTY, 0.0], against="the rest")


@pytest.fixture(scope="module")
def of_sweep(of_run: xr.Dataset) -> xr.Dataset:
    parts = [of_run, 2.0 * of_run, 3.0 * of_run]
    whole = xr.concat(parts, "scenario").assign_coords(scenario=["a", "b", "c"])
    whole = xr.concat([whole, 10.0 * whole], "performance_year")
    whole = whole.assign_coords(performance_year=[2027, 2028]).assign_attrs(of_run.attrs)
    return whole.map(lambda one: one.assign_attrs(of_run[one.name].attrs))


def test_numbers_and_errors_are_those_of_the_study(of_sweep: xr.Dataset) -> None:
    figure = subsets.plot(of_sweep)
    check_inside(figure)
    assert figure.plotted["statistic"] == "adjustment_mean"
    for panel, ax, year in zip(figure.plotted["panels"], figure.axes, (2027, 2028), strict=True):
        assert panel["performance_year"] == year
        assert ax.get_title("left") == str(year)
        assert panel["scenario"] == ["a", "b", "c"]
        for subset, bar in zip(panel["subsets"], ax.containers, strict=True):
            one = 100 * of_sweep.sel(subset=subset["subset"], performance_year=year)
            np.testing.assert_allclose(subset["percent"], one["adjustment_mean"])
            np.testing.assert_allclose(subset["percent_mcse"], one["adjustment_mean_mcse"])
            dots, _, (lines,) = bar
            np.testing.assert_allclose(dots.get_xdata(), one["adjustment_mean"])
            for line, value, error in zip(
                lines.get_segments(),
                one["adjustment_mean"],
                one["adjustment_mean_mcse"],
                strict=True,
            ):
                np.testing.assert_allclose(line[:, 0], [value - 2 * error, value + 2 * error])
    assert figure.axes[0].get_xlabel() == "Mean adjustment (%)"
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["a", "b", "c"]
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    assert key == ["solo", "the rest", "\N{PLUS-MINUS SIGN}2 standard errors"]


def test_another_statistic_of_a_run(of_run: xr.Dataset) -> None:
    figure = subsets.plot(of_run.sel(at_most=[PENALTY]), "share_at_most_difference")
    (panel,) = figure.plotted["panels"]
    assert panel["performance_year"] == [2027]
    solo, rest = panel["subsets"]
    one = 100 * of_run["share_at_most_difference"].sel(subset="solo", at_most=PENALTY)
    np.testing.assert_allclose(solo["percent"], one)
    assert rest["percent"].tolist() == [0.0]
    assert "less that of the rest" in words(figure).replace("\n", " ")
    without_unit = subsets.plot(statistics(random_run(), "final_score"))
    assert without_unit.axes[0].get_xlabel() == "Mean final score"


def test_what_cannot_be_drawn_is_told(of_run: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"2 values of at_most.*plot\(ds.sel\(at_most=\.\.\.\)\)"):
        subsets.plot(of_run, "share_at_most")
    with pytest.raises(InputError, match="did you mean 'adjustment_mean'"):
        subsets.plot(of_run, "adjustment_men")
    with pytest.raises(InputError, match=r"asm\.studies\.subsets\.statistics"):
        subsets.plot(random_run(2))


def tutorial() -> str:
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    return cell_of(re.findall(r"```{code-cell} python\n(.*?)```", page, re.DOTALL))


def notebook() -> str:
    page = (ROOT / "notebooks" / "10_sweeps.py").read_text(encoding="utf-8")
    return cell_of(page.split("# %%"))


def readme() -> str:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    return cell_of(re.findall(r"```python\n(.*?)```", page, re.DOTALL))


def cell_of(cells: list[str]) -> str:
    """The one in which the question is asked."""
    (cell,) = (cell.strip() for cell in cells if "subsets.plot(" in cell)
    return cell


@pytest.mark.parametrize(
    "cell", [tutorial(), notebook(), readme()], ids=["tutorial", "10", "README"]
)
def test_solo_practices_in_texas_under_three_steepnesses_take_few_lines(cell: str) -> None:
    lines = [line for line in cell.splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES
    assert all(len(line) <= 100 for line in lines)
    assert not [line for line in lines if line.startswith((" ", ")", "]", "}"))]  # one a statement


def test_these_lines_do_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the shipped roster, with very few draws."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    known: dict[str, Any] = {
        "asm": asm, "studies": asm.studies, "Path": Path, "DRAWS": 3,
    }  # fmt: skip
    *before, last = notebook().splitlines()
    exec("\n".join(before), known)
    figure = eval(last, known)
    assert isinstance(figure, RunFigure)
    (panel,) = figure.plotted["panels"]
    assert panel["performance_year"] == 2027
    assert panel["scenario"] == ["steepness=0.05", "steepness=0.1", "steepness=0.2"]
    for subset in panel["subsets"]:
        assert np.isfinite(subset["percent"]).all()
        assert (subset["percent_mcse"] > 0).all()
    solo, rest = panel["subsets"]
    assert (solo["percent_mcse"] > rest["percent_mcse"]).all()  # they are few
