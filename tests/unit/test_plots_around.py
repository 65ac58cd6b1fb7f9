"""The figures of the studies around the model: they draw the study's numbers, and whole."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.cli.figures_file import wanted_of
from asm_sim.errors import InputError
from asm_sim.plots.figure import RunFigure, house_style
from asm_sim.plots.save import numbers
from asm_sim.studies import geography, hires, mips_pool, overlap, redesign
from asm_sim.studies.catalogue import BASELINE
from tests.unit.figures import words
from tests.unit.study_runs import Runs

FOLDER = Path(__file__).parents[2] / "figures"
NAMES = (
    "areas_redrawn", "inherited_adjustments", "mips_pool_cases", "paid_twice", "who_invests",
)  # fmt: skip
every_figure = pytest.mark.parametrize("name", NAMES)
UNITS = r"\((%|percentage points|thousand USD|million USD).*\)$|^Performance year$"
Drawn = dict[str, tuple[RunFigure, list[xr.Dataset]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("around"))


@pytest.fixture(scope="module")
def drawn(runs: Runs) -> Drawn:
    """Each figure of runs of the small roster, by the commands that figures.yaml names."""
    found: Drawn = {}
    for name, needed in wanted_of(FOLDER, list(NAMES)).items():
        commands = [re.sub(r" --draws \d+", "", one.command) for one in needed.all]
        results = [runs.of(command) for command in commands]
        found[name] = getattr(asm.plots, name).plot(*results), results
    return found


@every_figure
def test_labels_have_units_and_there_is_a_source_line(name: str, drawn: Drawn) -> None:
    figure, (ds, *_) = drawn[name]
    labels = [label for ax in figure.axes for label in (ax.get_xlabel(), ax.get_ylabel()) if label]
    assert labels
    for label in labels:
        assert re.search(
            r"\((%|percentage points|thousand USD|million USD|USD).*\)$|^Performance year$", label
        ), label
    assert f"{ds.sizes['draw']} draws" in words(figure)
    titles = [ax.get_title("left") for ax in figure.axes if ax.get_title("left")]
    assert titles == ([] if name == "mips_pool_cases" else ["Heart failure", "Low back pain"])


@every_figure
def test_nothing_is_cut_off_and_no_words_collide(name: str, drawn: Drawn) -> None:
    figure, _ = drawn[name]
    with house_style():
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    heads = [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts]
    heads += [("key", legend.get_window_extent(renderer)) for legend in figure.legends]
    panels = [(f"panel {k}", ax.get_tightbbox(renderer)) for k, ax in enumerate(figure.axes)]
    page = figure.bbox.padded(1)
    for said, box in [*heads, *panels]:
        assert page.count_contains([(box.x0, box.y0), (box.x1, box.y1)]) == 2, said  # type: ignore[attr-defined]
    for (one, box), (other, other_box) in itertools.combinations([*heads, *panels], 2):
        assert not box.overlaps(other_box), (one, other)  # type: ignore[attr-defined]


@every_figure
def test_the_numbers_beside_it_can_be_written(name: str, drawn: Drawn) -> None:
    figure, (ds, *_) = drawn[name]
    text = json.dumps(numbers(figure, name, ds), allow_nan=False)
    assert json.loads(text)["figure"] == name


def series(figure: RunFigure, cohort: str, name: str) -> dict[str, np.ndarray]:
    """The plotted arrays whose names begin with that of a variable."""
    for panel in figure.plotted["panels"]:
        for one in panel["series"]:
            if panel["cohort"] == cohort and any(key.startswith(f"{name}_") for key in one):
                return {"year": panel["performance_year"], **one}
    raise AssertionError(name)


def test_lines_by_year_are_those_of_the_study(drawn: Drawn) -> None:
    areas = geography.redrawn(drawn["areas_redrawn"][1][0], ["share_negative"])
    movers = hires.inherited(drawn["inherited_adjustments"][1][0])
    twice = overlap.double_incentive(*drawn["paid_twice"][1])
    for figure, found, name, units, factor in (
        ("areas_redrawn", areas, "own_adjustment_sd", "percent", 100),
        ("areas_redrawn", areas, "share_negative_sd", "percent", 100),
        ("inherited_adjustments", movers, "dollars", "thousand_usd", 1e-3),
        ("inherited_adjustments", movers, "share_losing", "percent", 100),
        ("paid_twice", twice, "others", "million_usd", 1e-6),
    ):
        plotted = series(drawn[figure][0], "LBP", f"{name}_{units}".removesuffix(f"_{units}"))
        at = found.sel(cohort="LBP", performance_year=plotted["year"])
        for ending in ("", "_mcse"):
            expected = factor * at[f"{name}{ending}"]
            np.testing.assert_allclose(plotted[f"{name}_{units}{ending}"], expected, rtol=1e-12)
    assert 2027 not in series(drawn["inherited_adjustments"][0], "HF", "dollars")["year"]


def test_cases_of_the_pool_are_those_of_the_study(drawn: Drawn) -> None:
    figure, (ds,) = drawn["mips_pool_cases"]
    found = mips_pool.without_participants(ds, "traditional").isel(mips_form=0)
    assert figure.plotted["cases"] == found["case_title"].values.tolist()
    for line in figure.plotted["years"]:
        at = found.sel(performance_year=line["performance_year"])
        plotted = line["largest_bonus_change_percentage_points"]
        np.testing.assert_allclose(plotted, 100 * at["largest_bonus_change"], rtol=1e-12)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == figure.plotted["cases"]


def test_the_first_who_invests_and_all(drawn: Drawn) -> None:
    figure, (everybody, nobody) = drawn["who_invests"]
    assert figure.plotted["effect_sd"] == 0.25
    assert figure.plotted["usd_a_clinician_and_year"] == 20_000
    at = {"cohort": "HF", "group": "all", "performance_year": 2031}
    alone = redesign.first_mover(nobody, 0.25, 20_000.0).sel(at)
    together = redesign.if_all_invest(everybody, nobody).sel(at)
    lines = figure.plotted["panels"][0]["lines"]
    expected = [part[name] for part in (alone, together) for name in ("dollars", "net")]
    np.testing.assert_allclose(
        [line["thousand_usd"] for line in lines], np.array(expected) / 1e3, atol=1e-12
    )


def test_a_programme_that_not_all_run_is_refused(runs: Runs) -> None:
    base = runs.of(BASELINE)
    with pytest.raises(InputError, match="not everybody invests"):
        redesign.programme_of_all(base)
    with pytest.raises(InputError, match="care-redesign-by-all"):
        asm.plots.who_invests.plot(base, base)
