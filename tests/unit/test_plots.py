"""Figures: what they say, that it is what the data say, and that they are the same each time."""

from __future__ import annotations

import math
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch

from asm_sim.errors import InputError
from asm_sim.plots import adjustment_distribution, score_to_adjustment
from asm_sim.plots.figure import house_style
from asm_sim.plots.save import save
from asm_sim.results.statistics import percent
from tests.unit.figures import Plot, sidecar, words
from tests.unit.synthetic_run import COHORTS, YEARS, synthetic_dataset

PLOTS: dict[str, Plot] = {
    "adjustment_distribution": adjustment_distribution.plot,
    "score_to_adjustment": score_to_adjustment.plot,
}
every_figure = pytest.mark.parametrize("name", PLOTS)


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=12)


@every_figure
def test_axes_have_labels_with_units_and_a_source_line(name: str, ds: xr.Dataset) -> None:
    figure = PLOTS[name](ds)
    labelled = [ax.get_xlabel() for ax in figure.axes if ax.get_xlabel()]
    assert len(labelled) == len(COHORTS)
    vertical = [figure.get_supylabel(), *(ax.get_ylabel() for ax in figure.axes)]
    for label in [*labelled, *filter(None, vertical)]:
        assert re.search(r"\((points|% .+)\)$", label), label
    assert any(vertical)
    assert "scenario baseline (01234567), 12 draws, seed 1" in words(figure)


@every_figure
def test_files_are_the_same_each_time(name: str, ds: xr.Dataset, tmp_path: Path) -> None:
    first = save(PLOTS[name](ds), tmp_path / "first", name, ds)
    with matplotlib.rc_context({"svg.hashsalt": "x", "font.size": 30, "lines.linewidth": 9}):
        second = save(PLOTS[name](ds), tmp_path / "second", name, ds)
    assert [path.name for path in first] == [f"{name}.png", f"{name}.svg", f"{name}.json"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.suffix
    svg = first[1].read_text(encoding="utf-8")
    assert "<dc:date>" not in svg
    assert first[0].read_bytes().startswith(b"\x89PNG")


@every_figure
def test_a_figure_is_laid_out_once_for_both_files(
    name: str, ds: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[Figure] = []
    execute = ConstrainedLayoutEngine.execute

    def counting(engine: ConstrainedLayoutEngine, figure: Figure) -> object:
        times.append(figure)
        return execute(engine, figure)

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", counting)
    figure = PLOTS[name](ds)
    save(figure, tmp_path, name, ds)
    assert len(times) == 1
    figure.set_size_inches(9.0, 9.0)  # and anew where it was changed
    save(figure, tmp_path, name, ds)
    assert len(times) == 2
    assert sum(len(ax.patches) for ax in figure.axes) <= 3 * len(figure.axes)  # not one a bar


@every_figure
def test_drawing_leaves_the_settings_of_the_user_alone(name: str, ds: xr.Dataset) -> None:
    with matplotlib.rc_context({"font.size": 17.0, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        PLOTS[name](ds)._repr_png_()
        assert dict(matplotlib.rcParams) == before


@every_figure
def test_nothing_is_cut_off_and_no_words_collide(name: str, ds: xr.Dataset) -> None:
    figure = PLOTS[name](ds)
    with house_style():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        page = figure.bbox.padded(1)
        boxes = [
            (text.get_text(), text.get_window_extent(renderer))
            for text in [*figure.texts, *(text for ax in figure.axes for text in ax.texts)]
            if text.get_text()
        ]
        boxes.append(("key", figure.legends[0].get_window_extent(renderer)))
    for words_, box in boxes:
        assert page.count_contains([(box.x0, box.y0), (box.x1, box.y1)]) == 2, words_
    for position, (words_, box) in enumerate(boxes):
        for other_words, other in boxes[position + 1 :]:
            assert not box.overlaps(other), (words_, other_words)


def test_distribution_is_the_histogram(ds: xr.Dataset, tmp_path: Path) -> None:
    content = sidecar(adjustment_distribution.plot(ds), tmp_path, ds)
    assert content["run"]["scenario_hash"] == ds.attrs["scenario_hash"]
    panels = content["plotted"]["panels"]
    assert len(panels) == len(COHORTS) * len(YEARS)
    for panel in panels:
        at = {"cohort": panel["cohort"], "performance_year": panel["performance_year"]}
        counts = ds["adjustment_histogram"].sel(at).sel(group="all").values
        assert sum(panel["clinician_draws"]) == counts.sum()
        assert panel["clinician_draws_below"] == panel["clinician_draws_above"] == 0
        edges = np.array(panel["bar_edges_percent"])
        assert np.sum(panel["clinicians_percent"]) == pytest.approx(100.0)
        np.testing.assert_allclose(np.diff(edges), 1.0)
        risk = 100.0 * YEARS[panel["performance_year"]]
        assert panel["maximum_penalty_percent"] == pytest.approx(-risk)
        assert edges[0] == pytest.approx(-risk)
        below_zero = np.array(panel["clinician_draws"])[edges[:-1] < -1e-9].sum() / counts.sum()
        assert panel["share_negative"]["mean"] == pytest.approx(below_zero)
        share = ds["share_negative"].sel(at).values
        assert panel["share_negative"]["mcse"] == pytest.approx(
            share.std(ddof=1) / math.sqrt(len(share))
        )


def test_bars_are_as_high_as_the_text_says(ds: xr.Dataset) -> None:
    figure = adjustment_distribution.plot(ds)
    assert "(% in a bar of 1 percentage point" in figure.get_supylabel()
    for panel, ax in zip(figure.plotted["panels"], figure.axes, strict=True):
        penalties, bonuses, maximum = (bars_of(patch) for patch in ax.patches)
        edges = panel["bar_edges_percent"]
        np.testing.assert_allclose([left for left, _, _ in penalties + bonuses], edges[:-1])
        np.testing.assert_allclose([right for _, right, _ in penalties + bonuses], edges[1:])
        at = {"cohort": panel["cohort"], "performance_year": panel["performance_year"]}
        counts = ds["adjustment_histogram"].sel(at).sel(group="all").values[1:-1]
        lower = 100.0 * ds["adjustment_bin"].values[1:-1]
        for left, right, height in penalties + bonuses:
            inside = (lower > left - 1e-6) & (lower < right - 1e-6)
            assert height == pytest.approx(100.0 * counts[inside].sum() / counts.sum())
        said = "\n".join(text.get_text() for text in ax.texts)
        negative = sum(height for _, _, height in penalties)
        assert negative == pytest.approx(100.0 * panel["share_negative"]["mean"], abs=0.5)
        assert f"{percent(**_named(panel['share_negative']))} with a penalty" in said
        ((left, right, height),) = maximum
        assert (left, right) == (edges[0], edges[1])
        assert height == pytest.approx(100.0 * panel["share_maximum_penalty"]["mean"])
        assert f"{percent(**_named(panel['share_maximum_penalty']))} at " in said
        assert f"{panel['performance_year']}, paid in {panel['payment_year']}" in said


def bars_of(patch: Patch) -> list[tuple[float, float, float]]:
    """Left and right end and height of each bar of one colour."""
    bars = patch.get_path().vertices.reshape(-1, 5, 2)
    return [(bar[0, 0], bar[2, 0], bar[1, 1]) for bar in bars]


def test_the_strip_is_as_high_as_the_shares_of_scores(ds: xr.Dataset) -> None:
    figure = score_to_adjustment.plot(ds)
    counts = ds["final_score_histogram"].sel(performance_year=2027, group="all", cohort="HF")
    (steps,) = figure.axes[2].patches
    heights, edges, _ = steps.get_data()
    np.testing.assert_allclose(edges, ds["score_bin"].values[1:])
    assert f"% in {edges[1] - edges[0]:g} pt" in figure.axes[2].get_ylabel()
    assert heights.sum() == pytest.approx(100.0)
    assert heights[30] == pytest.approx(100.0 * counts.values[31] / counts.values.sum())


def _named(share: dict[str, float]) -> dict[str, float]:
    return {"value": share["mean"], "error": share["mcse"]}


@pytest.mark.parametrize("width", [0.0005, 0.001, 0.0025, 0.01])
def test_distribution_with_other_bins(width: float, ds: xr.Dataset) -> None:
    edges = np.round(np.arange(-0.25, 0.25 + width / 2, width), 6)
    dims = ds["adjustment_histogram"].dims
    shape = [*ds["adjustment_histogram"].shape[:-1], len(edges) + 1]
    counts = np.random.default_rng(5).integers(0, 9, shape)
    counts[..., 1 : 1 + round(0.16 / width)] = 0  # nothing below -9 %
    changed = ds.drop_dims("adjustment_bin").assign(adjustment_histogram=(dims, counts))
    changed = changed.assign_coords(adjustment_bin=np.concatenate([[-np.inf], edges]))
    for panel in adjustment_distribution.plot(changed).plotted["panels"]:
        bars = panel["bar_edges_percent"]
        assert np.abs(bars).min() == pytest.approx(0.0, abs=1e-9)  # zero parts two bars
        assert np.diff(bars).max() == pytest.approx(1.0)
        drawn = panel["clinician_draws"].sum()
        beyond = panel["clinician_draws_below"] + panel["clinician_draws_above"]
        at = {"cohort": panel["cohort"], "performance_year": panel["performance_year"]}
        assert drawn + beyond == changed["adjustment_histogram"].sel(at).sel(group="all").sum()


def test_what_lies_beyond_the_axis_is_said(ds: xr.Dataset) -> None:
    counts = ds["adjustment_histogram"].copy()
    counts[{"adjustment_bin": -1}] += 5
    assert "% beyond the axis" in words(
        adjustment_distribution.plot(ds.assign(adjustment_histogram=counts))
    )
    assert "beyond" not in words(adjustment_distribution.plot(ds))


def test_curves_are_quantiles_over_draws(ds: xr.Dataset, tmp_path: Path) -> None:
    figure = score_to_adjustment.plot(ds)
    panels = sidecar(figure, tmp_path, ds)["plotted"]["panels"]
    assert [panel["cohort"] for panel in panels] == list(COHORTS)
    for panel, ax in zip(panels, figure.axes, strict=False):
        assert panel["score_points"] == ds["score"].values.tolist()
        assert [curve["performance_year"] for curve in panel["curves"]] == [2027, 2031]
        assert [curve["payment_year"] for curve in panel["curves"]] == [2029, 2033]
        for curve, line in zip(panel["curves"], ax.lines[1:], strict=False):
            at = {"cohort": panel["cohort"], "performance_year": curve["performance_year"]}
            by_draw = 100.0 * ds["adjustment_at_score"].sel(at)
            for key, quantile in (("median", 0.5), ("p05", 0.05), ("p95", 0.95)):
                np.testing.assert_allclose(
                    curve[f"adjustment_percent_{key}"], by_draw.quantile(quantile, "draw")
                )
            np.testing.assert_array_equal(
                line.get_ydata(), np.array(curve["adjustment_percent_median"])
            )
            even = curve["break_even_score_points"]["mean"]
            assert even == pytest.approx(float(ds["break_even_score"].sel(at).mean()))
        counts = ds["final_score_histogram"].sel(
            cohort=panel["cohort"], performance_year=2027, group="all"
        )
        assert sum(panel["clinicians"]["clinician_draws"]) == int(counts.sum())


def test_one_year_and_no_break_even_score(ds: xr.Dataset, tmp_path: Path) -> None:
    bare = ds.isel(performance_year=[0], cohort=[1])
    bare["break_even_score"] = bare["break_even_score"] * np.nan
    figure = score_to_adjustment.plot(bare)
    assert "break-even" not in words(figure)
    (panel,) = sidecar(figure, tmp_path, bare)["plotted"]["panels"]
    (curve,) = panel["curves"]
    assert curve["break_even_score_points"] == {"mean": None, "mcse": None}


def test_no_curve_where_every_group_of_peers_has_its_own(ds: xr.Dataset) -> None:
    own = ds.assign(adjustment_at_score=ds["adjustment_at_score"] * np.nan)
    assert words(score_to_adjustment.plot(own)).count("every group of peers has its own") == 2
    assert "peers" not in words(score_to_adjustment.plot(ds))


@every_figure
def test_one_draw(name: str, tmp_path: Path) -> None:
    ds = synthetic_dataset(draws=1)
    figure = PLOTS[name](ds)
    save(figure, tmp_path, name, ds)
    assert "±?" in words(figure)


@every_figure
def test_several_scenarios_are_refused(name: str, ds: xr.Dataset) -> None:
    sweep = xr.concat([ds, ds], xr.IndexVariable("scenario", ["a", "b"]), data_vars="all")
    with pytest.raises(InputError, match="choose one"):
        PLOTS[name](sweep)


@every_figure
def test_a_notebook_shows_the_figure(name: str, ds: xr.Dataset) -> None:
    assert PLOTS[name](ds)._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("module", [adjustment_distribution, score_to_adjustment])
def test_years_and_cohorts_are_chosen_and_the_width_is_what_is_asked_for(
    module: Plot, ds: xr.Dataset
) -> None:
    figure = module.plot(ds, years=[2028, 2030], cohorts=["LBP"], width=7.5)
    panels = figure.plotted["panels"]
    assert {panel["cohort"] for panel in panels} == {"LBP"}
    shown = {one["performance_year"] for panel in panels for one in panel.get("curves", [panel])}
    assert shown == {2028, 2030}
    assert figure.get_figwidth() == 7.5
    for wrong in ({"years": [2040]}, {"cohorts": ["DM"]}, {"years": []}):
        with pytest.raises(InputError, match="the run has no"):
            module.plot(ds, **wrong)
