"""What is asked of any figure: years, cohorts, its width, and axes of the user's own."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import asm_sim as asm
from asm_sim.errors import InputError
from asm_sim.plots.figure import RunAxes, RunFigure
from asm_sim.studies.subsets import statistics
from tests.unit.answers import effects, sampled
from tests.unit.mips_run import random_panel
from tests.unit.probe_run import exact, probe_sweep
from tests.unit.study_runs import Runs
from tests.unit.synthetic_run import synthetic_dataset, synthetic_sweep
from tests.unit.test_savings import lever_sweep
from tests.unit.test_subsets import random_run
from tests.unit.volatility_run import made_up_run

NAMES = [name for name in asm.plots.__all__ if name != "save"]
every_figure = pytest.mark.parametrize("name", NAMES)
OF_A_RUN = ("adjustment_distribution", "score_to_adjustment", "same_score", "savings_steps",
            "transfer_matrix")  # fmt: skip
OF_LENSES = ("quintile_transitions", "variance_shares", "chance_band",
             "misclassification_by_volume")  # fmt: skip
OF_MIPS = ("asm_against_mips", "score_curves_with_mips")
# Figures of the small roster, by the commands that make their runs.
MADE = {
    "areas_redrawn": ["asm-sim run areas-redrawn"],
    "episodes_needed": ["asm-sim run baseline"],
    "inherited_adjustments": ["asm-sim run movers-and-entrants"],
    "mips_pool_cases": ["asm-sim run baseline"],
    "paid_twice": [
        "asm-sim run aco-overlap",
        "asm-sim run aco-overlap --set population.aco.quality_effect=0 "
        "--set population.aco.cost_effect=0",
    ],
    "who_invests": ["asm-sim run care-redesign-by-all", "asm-sim run baseline"],
}
NO_YEARS = {"episodes_needed", "quintile_transitions", "sensitivity_indices", "tornado",
            "variance_shares"}  # fmt: skip
MOST_YEARS = {"mips_pool_cases": 2, "misclassification_by_volume": 2, "score_to_adjustment": 2,
              "score_curves_with_mips": 2, "standing_still": 1, "who_invests": 1}  # fmt: skip
SUMS = {"savings_levers", "savings_steps", "scenarios_side_by_side", "transfer_matrix"}
NO_COHORTS = {"mips_pool_cases", "subsets"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[xr.Dataset]]:
    """Results of few draws for each figure."""
    runs = Runs(tmp_path_factory.mktemp("asked"))
    found = {name: [runs.of(command) for command in commands] for name, commands in MADE.items()}
    found |= {name: [synthetic_dataset(draws=4)] for name in OF_A_RUN}
    found |= {name: [made_up_run()] for name in OF_LENSES}
    found |= {name: [random_panel(draws=3, clinicians=60)] for name in OF_MIPS}
    sweep = probe_sweep(exact)
    both = xr.concat([sweep, sweep.assign_coords(cohort=["LBP"])], "cohort", data_vars="all")
    found["standing_still"] = [both.assign_attrs(sweep.attrs)]
    found["scenarios_side_by_side"] = [synthetic_sweep(draws=3)]
    found["savings_levers"] = [lever_sweep()]
    found["subsets"] = [statistics(random_run(), "adjustment")]
    return found | {"tornado": [effects()], "sensitivity_indices": [sampled("sobol")]}


def axes_of(count: int) -> list[Any]:
    figure = Figure(figsize=(9, 9))
    FigureCanvasAgg(figure)
    return list(figure.subplots(1, count, squeeze=False).ravel())


def drawn_on(plot: Any, results: list[xr.Dataset], own: RunFigure, **asked: Any) -> RunAxes:
    """The same on axes of the user's own, as many as the figure has panels."""
    panels = [ax for ax in own.axes if ax.get_label() != "<colorbar>"]
    axes = axes_of(len(panels))
    return plot(*results, ax=np.array(axes) if len(axes) > 1 else axes[0], **asked)  # type: ignore[no-any-return]


def same(one: Any, other: Any) -> None:
    """Plotted numbers that are equal."""
    np.testing.assert_equal(one, other)


@every_figure
def test_a_width_and_axes_of_ones_own(name: str, sources: dict[str, list[xr.Dataset]]) -> None:
    plot, results = getattr(asm.plots, name).plot, sources[name]
    figure = plot(*results, width=9.5)
    assert isinstance(figure, RunFigure)
    assert figure.get_figwidth() == 9.5
    there = drawn_on(plot, results, figure)
    same(there.plotted, figure.plotted)
    assert all(ax.has_data() for ax in there.axes)
    title = figure.head[0][0].get_text().replace("\n", " ")
    assert title in repr(there)
    assert f"Source: {there.source}" in figure.foot[0][0].get_text().replace("\n", " ")
    notes = [" ".join(one.get_text().split()) for one, _, _ in [*figure.head[1:], *figure.foot[1:]]
             if hasattr(one, "get_text")]  # fmt: skip
    assert [" ".join(note.split()) for note in there.notes] == notes
    assert bool(there.axes[0].get_legend()) == bool(figure.legends)
    for mine, its in zip(there.axes, figure.axes, strict=False):
        assert len(mine.lines) == len(its.lines)
        assert mine.get_xlim() == pytest.approx(its.get_xlim())
        assert mine.get_ylim() == pytest.approx(its.get_ylim())
        assert mine.get_title("left").replace("\n", " ") == its.get_title("left").replace("\n", " ")
        assert mine.get_xlabel() == its.get_xlabel()


@every_figure
def test_years_and_cohorts(name: str, sources: dict[str, list[xr.Dataset]]) -> None:
    plot, results = getattr(asm.plots, name).plot, sources[name]
    ds = results[0]
    if name in NO_COHORTS:
        with pytest.raises(InputError, match=f"{name} takes no cohorts: "):
            plot(*results, cohorts=["HF"])
    else:
        cohort = str(ds["cohort"].values[-1])
        assert cohorts_in(plot(*results, cohorts=cohort).plotted) == {cohort}
        with pytest.raises(InputError, match=r"the run has no cohort \['DM'\]; it has HF"):
            plot(*results, cohorts=["DM"])
    if name in NO_YEARS:
        with pytest.raises(InputError, match=f"{name} takes no years: "):
            plot(*results, years=[2027])
        return
    last = int(ds["performance_year"].values[-1])
    shown = years_in(plot(*results, years=last).plotted)
    assert shown == ({last} if name not in SUMS else set())
    with pytest.raises(InputError, match=r"the run has no performance_year \[2040\]; it has"):
        plot(*results, years=[2040])
    with pytest.raises(InputError, match="at all"):
        plot(*results, years=[])
    if name in MOST_YEARS:
        with pytest.raises(InputError, match=f"{name} shows .*; 3 were asked for"):
            plot(*results, years=[2027, 2028, 2029])


def cohorts_in(plotted: Any) -> set[str]:
    return set(found_in(plotted, "cohort"))


def years_in(plotted: Any) -> set[int]:
    found = found_in(plotted, "performance_year")
    return {int(year) for years in found for year in np.ravel(years)}


def found_in(plotted: Any, key: str) -> list[Any]:
    if isinstance(plotted, dict):
        here = [plotted[key]] if key in plotted else []
        return here + [one for part in plotted.values() for one in found_in(part, key)]
    if isinstance(plotted, list):
        return [one for part in plotted for one in found_in(part, key)]
    return []


@every_figure
def test_a_figure_says_what_it_takes(name: str) -> None:
    plot = getattr(asm.plots, name).plot
    names = list(inspect.signature(plot).parameters)
    assert names[0] == "ds"
    assert names[-4:] == ["ax", "years", "cohorts", "width"]
    assert "asked" not in names
    words = plot.__doc__.rpartition("\n\n")[2]
    assert "``ax``" in words
    assert ("takes no ``years``" in words) == (name in NO_YEARS)
    assert ("at most 2 performance years" in words) == (MOST_YEARS.get(name) == 2)


def test_what_cannot_be_drawn_on_is_told(sources: dict[str, list[xr.Dataset]]) -> None:
    plot, (ds,) = asm.plots.adjustment_distribution.plot, sources["adjustment_distribution"]
    with pytest.raises(
        InputError, match=r"draws 10 panels \(5 down, 2 across\), and there are 3 axes"
    ):
        plot(ds, ax=axes_of(3))
    with pytest.raises(InputError, match="not Figure"):
        plot(ds, ax=Figure())  # type: ignore[call-overload]
    with pytest.raises(InputError, match="axes of yours have theirs"):
        plot(ds, ax=axes_of(1), years=2027, cohorts="HF", width=4.0)  # type: ignore[call-overload]
    for width in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="above zero"):
            plot(ds, width=width)


def test_sums_over_chosen_years_say_which(sources: dict[str, list[xr.Dataset]]) -> None:
    (ds,) = sources["savings_steps"]
    both = asm.plots.savings_steps.plot(ds, years=[2027, 2030])
    assert "payment years 2029, 2032" in both.head[0][0].get_text()
    one, other = (asm.plots.savings_steps.plot(ds, years=year) for year in (2027, 2030))
    kept = [
        figure.plotted["panels"][0]["steps"][-1]["million_usd"] for figure in (one, other, both)
    ]
    assert kept[0] + kept[1] == pytest.approx(kept[2])
    (axis,) = axes_of(1)
    there = asm.plots.transfer_matrix.plot(ds, ax=axis, cohorts="HF", years=[2028, 2029])
    assert axis.get_xlabel() == "Bonuses, 2030\N{EN DASH}2031 (million USD)"
    assert len(there.notes) == 1
