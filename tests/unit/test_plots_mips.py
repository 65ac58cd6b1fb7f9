"""The figures of ASM and MIPS: they draw the numbers of the study, labelled and not cut off."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.plots import asm_against_mips, score_curves_with_mips
from asm_sim.plots.figure import RunFigure, house_style
from asm_sim.studies import mips
from tests.unit.figures import Plot, sidecar, words
from tests.unit.mips_run import by_hand, random_panel

PLOTS: dict[str, Plot] = {
    "asm_against_mips": asm_against_mips.plot,
    "score_curves_with_mips": score_curves_with_mips.plot,
}
every_figure = pytest.mark.parametrize("name", PLOTS)


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    """Bonuses in MIPS are small, as they are by the rule."""
    run = random_panel(draws=5, clinicians=90)
    names = ("panel_mips_adjustment", "panel_mips_pathway_adjustment")
    return run.assign({name: run[name].clip(-0.09, 0.009) for name in names})


@every_figure
def test_labels_have_units_and_there_is_a_source_line(name: str, ds: xr.Dataset) -> None:
    figure = PLOTS[name](ds)
    labels = [figure.get_supylabel()]
    labels += [label for ax in figure.axes for label in (ax.get_xlabel(), ax.get_ylabel())]
    said = [label for label in labels if label]
    assert len(said) >= 4
    for label in said:
        assert re.search(r"\((points|%[^()]+)\)$", label), label
    assert "scenario toy" in words(figure)


def boxes_of(figure: RunFigure) -> list[tuple[str, object, object]]:
    with house_style():
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = [(None, text) for text in figure.texts]
    texts += [(ax, text) for ax in figure.axes for text in ax.texts]
    found = [
        (text.get_text(), ax, text.get_window_extent(renderer))
        for ax, text in texts
        if text.get_text()
    ]
    return [*found, ("key", None, figure.legends[0].get_window_extent(renderer))]


@every_figure
@pytest.mark.parametrize("cohorts", [1, 2])
def test_nothing_is_cut_off_and_no_words_collide(name: str, cohorts: int, ds: xr.Dataset) -> None:
    figure = PLOTS[name](ds.isel(cohort=slice(0, cohorts)))
    boxes = boxes_of(figure)
    page = figure.bbox.padded(1)
    for said, _, box in boxes:
        assert page.count_contains([(box.x0, box.y0), (box.x1, box.y1)]) == 2, said  # type: ignore[attr-defined]
    for (one, _, box), (other, _, other_box) in itertools.combinations(boxes, 2):
        assert not box.overlaps(other_box), (one, other)  # type: ignore[attr-defined]


def test_cells_and_quadrants_are_the_panel_s(ds: xr.Dataset, tmp_path: Path) -> None:
    figure = asm_against_mips.plot(ds, "value_pathway")
    content = sidecar(figure, tmp_path, ds)["plotted"]
    assert content["mips_form"] == "value_pathway"
    assert content["panel_draws"] == 5
    assert [(p["performance_year"], p["cohort"]) for p in content["panels"]] == [
        (2027, "HF"), (2027, "LBP"), (2028, "HF"), (2028, "LBP"),
    ]  # fmt: skip
    shares = mips.quadrants(ds, "all", "value_pathway").isel(mips_form=0, group=0)
    for panel in content["panels"]:
        where = {name: panel[name] for name in ("cohort", "performance_year")}
        here = shares.sel(where)
        inside = (ds["clinician_cohort"] == panel["cohort"]).values
        year = {"performance_year": panel["performance_year"]}
        cells = np.array(panel["clinicians_percent"])
        assert cells.sum() == pytest.approx(100.0)
        across = np.array(panel["mips_adjustment_edges_percent"])
        up = np.array(panel["asm_adjustment_edges_percent"])
        assert np.isclose(across, 0, atol=1e-9).any()  # zero parts the cells
        assert np.isclose(up, 0, atol=1e-9).any()
        of_mips = 100 * ds["panel_mips_pathway_adjustment"].sel(year).values[:, inside]
        asm = 100 * ds["panel_adjustment"].sel(year).values[:, inside]
        i, j = len(across) // 2, len(up) // 2
        within = (of_mips >= across[i]) & (of_mips < across[i + 1])
        within &= (asm >= up[j]) & (asm < up[j + 1])
        assert cells[i, j] == pytest.approx(100 * within.mean())
        left, below = across[:-1] < -1e-9, up[:-1] < -1e-9
        for name, part in (
            ("penalty_under_both", cells[np.ix_(left, below)]),
            ("penalty_under_asm_only", cells[np.ix_(~left, below)]),
            ("penalty_under_mips_only", cells[np.ix_(left, ~below)]),
            ("penalty_under_neither", cells[np.ix_(~left, ~below)]),
        ):
            quadrant = panel["quadrants"][name]
            assert quadrant["share_percent"] == pytest.approx(part.sum()), name
            share = 100 * here.sel(quadrant=name)
            assert quadrant["share_percent"] == pytest.approx(float(share["share"]))
            assert quadrant["share_percent_mcse"] == pytest.approx(float(share["share_mcse"]))


def test_each_quadrant_is_written_where_it_is(ds: xr.Dataset) -> None:
    figure = asm_against_mips.plot(ds)
    for panel, ax in zip(figure.plotted["panels"], figure.axes, strict=False):
        with house_style():
            figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        zero = ax.transData.transform((0.0, 0.0))
        for name, said in asm_against_mips.WORDS.items():
            (text,) = [text for text in ax.texts if text.get_text().startswith(said)]
            share = panel["quadrants"][name]["share_percent"]
            assert float(text.get_text().split("\n")[-1].split()[0]) == pytest.approx(share, abs=3)
            box = text.get_window_extent(renderer)
            assert (box.y1 <= zero[1]) == (name in {"penalty_under_both", "penalty_under_asm_only"})
            is_left = name in {"penalty_under_both", "penalty_under_mips_only"}
            assert (box.x1 <= zero[0]) or not is_left
            assert (box.x0 >= zero[0]) or is_left


def test_curves_are_the_draws_and_the_rule(ds: xr.Dataset, tmp_path: Path) -> None:
    figure = score_curves_with_mips.plot(ds)
    content = sidecar(figure, tmp_path, ds)["plotted"]
    for panel, ax in zip(content["panels"], figure.axes[:2], strict=True):
        assert [curve["performance_year"] for curve in panel["asm_curves"]] == [2027, 2028]
        for curve, line in zip(panel["asm_curves"], ax.lines[1:], strict=False):
            at = {name: curve.get(name, panel.get(name)) for name in ("performance_year", "cohort")}
            by_draw = 100 * ds["adjustment_at_score"].sel(at)
            np.testing.assert_allclose(curve["adjustment_percent_median"], by_draw.median("draw"))
            np.testing.assert_allclose(line.get_ydata(), curve["adjustment_percent_median"])
        corners = panel["mips_score_points"]
        np.testing.assert_allclose(corners, [0, 18.75, 18.75, 75, 100], atol=1e-9)
        np.testing.assert_allclose(panel["mips_adjustment_percent"], [-9, -9, -6.75, 0, 0.9])
        np.testing.assert_allclose(ax.lines[3].get_ydata(), panel["mips_adjustment_percent"])
        inside = (ds["clinician_cohort"] == panel["cohort"]).values
        widths = np.diff(panel["bar_edges_points"])
        for name, variable in (("asm", "panel_final_score"), ("mips", "panel_mips_final_score")):
            heights = np.array(panel[f"{name}_clinicians_percent"])
            assert heights.sum() == pytest.approx(100.0)
            scores = ds[variable].values[:, inside, 0]
            share = 100 * ((scores >= 75) & (scores < 80)).mean()
            assert heights[15] == pytest.approx(share)
        np.testing.assert_allclose(widths, 5.0)
        below = 100 * (ds["panel_mips_final_score"].values[:, inside, 0] < 75).mean()
        assert panel["mips_below_threshold_percent"] == pytest.approx(below)


@every_figure
def test_one_year_one_draw_and_wrong_input(name: str, ds: xr.Dataset) -> None:
    plot = PLOTS[name]
    small = by_hand().isel(performance_year=[0], draw=[0], draw_sample=[0])
    assert plot(small)._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="asm-sim run baseline"):
        plot(ds.drop_vars("panel_mips_adjustment"))
    with pytest.raises(InputError, match="no form of MIPS is called 'group'"):
        plot(ds, "group")  # type: ignore[call-arg]
