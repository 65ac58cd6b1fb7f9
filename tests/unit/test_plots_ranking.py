"""The figures of relative ranking: what they say, and that it is what the studies say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.plots import same_score, standing_still, transfer_matrix
from asm_sim.plots.figure import SOURCE_LINE, RunFigure, house_style
from asm_sim.studies import improvement, relative_ranking, transfers
from asm_sim.studies.improvement import OF_PEERS, OWN, PEERS
from asm_sim.studies.transfers import MEDICARE, PAYER, RECEIVER
from tests.unit.figures import sidecar, words
from tests.unit.probe_run import exact, probe_sweep
from tests.unit.synthetic_run import COHORTS, YEARS, synthetic_dataset, synthetic_sweep

Plot = Callable[[xr.Dataset], RunFigure]
PLOTS: dict[str, Plot] = {
    "same_score": same_score.plot,
    "transfer_matrix": transfer_matrix.plot,
    "standing_still": standing_still.plot,
}
every_figure = pytest.mark.parametrize("name", PLOTS)


@pytest.fixture(scope="module")
def sources() -> dict[str, xr.Dataset]:
    run = synthetic_dataset(draws=24)
    sweep = probe_sweep(exact)
    both = xr.concat([sweep, sweep.assign_coords(cohort=["LBP"])], "cohort", data_vars="all")
    both = both.assign_attrs(sweep.attrs)
    return {"same_score": run, "transfer_matrix": run, "standing_still": both}


@every_figure
def test_axes_have_labels_with_units_and_a_source_line(
    name: str, sources: dict[str, xr.Dataset]
) -> None:
    figure = PLOTS[name](sources[name])
    labels = [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes]
    assert len(labels) == 2
    for label in filter(None, itertools.chain(*labels)):
        assert re.search(r"\((points|% .+|million USD|SD a year)\)$", label), label
    assert all(across for across, _ in labels)
    assert labels[0][1]
    foot = [text.get_text() for text in figure.texts if text.get_gid() == SOURCE_LINE]
    draws = sources[name].sizes["draw"]
    assert len(foot) == 1
    assert f"{draws} draws, seed 1" in foot[0]


@every_figure
def test_nothing_is_cut_off_and_no_words_collide(name: str, sources: dict[str, xr.Dataset]) -> None:
    figure = PLOTS[name](sources[name])
    with house_style():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = [*figure.texts, *(text for ax in figure.axes for text in ax.texts)]
    texts += [
        text
        for ax in figure.axes
        for text in (*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label)
        if text.get_visible()
    ]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]
    boxes += [("key", legend.get_window_extent(renderer)) for legend in figure.legends]
    page = figure.bbox.padded(1)
    for said, box in boxes:
        assert page.count_contains([(box.x0, box.y0), (box.x1, box.y1)]) == 2, said
    for (said, box), (other_said, other) in itertools.combinations(boxes, 2):
        assert not box.overlaps(other), (said, other_said)


@every_figure
def test_of_one_cohort_too(name: str, sources: dict[str, xr.Dataset]) -> None:
    figure = PLOTS[name](sources[name].isel(cohort=[0]))
    with house_style():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    assert len(figure.axes) == 1
    for artist in (*figure.texts, *figure.legends):
        assert artist.get_window_extent(renderer).x1 <= figure.bbox.x1 + 1


@every_figure
def test_drawing_leaves_the_settings_of_the_user_alone(
    name: str, sources: dict[str, xr.Dataset]
) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 17.0, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        assert PLOTS[name](sources[name])._repr_png_().startswith(b"\x89PNG")
        assert dict(matplotlib.rcParams) == before


def test_same_score_shows_the_study(sources: dict[str, xr.Dataset], tmp_path: Path) -> None:
    ds = sources["same_score"]
    figure = same_score.plot(ds)
    result = relative_ranking.same_score(ds)
    panels = sidecar(figure, tmp_path, ds)["plotted"]["panels"]
    assert [panel["cohort"] for panel in panels] == list(COHORTS)
    for panel, ax in zip(panels, figure.axes, strict=True):
        assert panel["score_points"] == list(same_score.SCORES)
        assert [year["performance_year"] for year in panel["years"]] == list(YEARS)
        medians = [line for line in ax.lines if line.get_marker() not in ("", "None", None)]
        for year, drawn in zip(panel["years"], medians, strict=True):
            at = result.sel(
                cohort=panel["cohort"],
                performance_year=year["performance_year"],
                score=list(same_score.SCORES),
            )
            for key, quantile in (("p05", 0.05), ("median", 0.5), ("p95", 0.95)):
                expected = 100 * at["adjustment_quantile"].sel(quantile=quantile)
                np.testing.assert_allclose(year[f"adjustment_percent_{key}"], expected)
            np.testing.assert_allclose(
                year["adjustment_percentage_points_sd"], 100 * at["adjustment_sd"]
            )
            spread = np.subtract(
                year["adjustment_percent_highest"], year["adjustment_percent_lowest"]
            )
            np.testing.assert_allclose(spread, 100 * at["adjustment_range"])
            np.testing.assert_array_equal(drawn.get_ydata(), year["adjustment_percent_median"])


def test_matrix_shows_the_study(sources: dict[str, xr.Dataset], tmp_path: Path) -> None:
    ds = sources["transfer_matrix"]
    figure = transfer_matrix.plot(ds)
    paid = transfers.matrix(ds)
    for panel, ax in zip(
        sidecar(figure, tmp_path, ds)["plotted"]["panels"], figure.axes, strict=True
    ):
        assert panel["payers"] == panel["groups"]
        assert panel["receivers"] == [*panel["groups"], MEDICARE]
        at = {"cohort": panel["cohort"], PAYER: panel["payers"], RECEIVER: panel["receivers"]}
        for ending in ("", "_mcse"):
            expected = paid[f"transfer_all_years{ending}"].sel(at).transpose(PAYER, RECEIVER) / 1e6
            np.testing.assert_allclose(panel[f"million_usd{ending}"], expected, rtol=1e-9)
        amounts = np.array(panel["million_usd"])
        np.testing.assert_allclose(amounts.sum(1), panel["penalties_million_usd"])
        np.testing.assert_allclose(amounts[:, :-1].sum(0), panel["bonuses_million_usd"])
        assert amounts[:, -1].sum() == pytest.approx(panel["kept_by_medicare_million_usd"])
        assert len(ax.patches) == amounts.size


def test_medicare_has_a_row_where_it_pays(sources: dict[str, xr.Dataset]) -> None:
    ds = sources["transfer_matrix"]
    generous = ds.assign(
        bonuses_by_group=3 * ds["bonuses_by_group"],
        penalties_by_group=ds["penalties_by_group"] / 3,
    )
    for panel in transfer_matrix.plot(generous).plotted["panels"]:
        assert panel["payers"][-1] == MEDICARE
        assert panel["kept_by_medicare_million_usd"] < 0


def test_standing_still_shows_the_study(sources: dict[str, xr.Dataset], tmp_path: Path) -> None:
    ds = sources["standing_still"]
    result = improvement.standing_still(ds).isel(performance_year=-1)
    for share in (None, 0.5):
        figure = standing_still.plot(ds, share)
        plotted = sidecar(figure, tmp_path, ds)["plotted"]
        assert plotted["share_of_peers_who_improve"] == (share or 1.0)
        of_share = result.sel({OF_PEERS: share or 1.0})
        for panel, ax in zip(plotted["panels"], figure.axes, strict=True):
            at = of_share.sel(cohort=panel["cohort"]).transpose(OWN, PEERS)
            np.testing.assert_allclose(panel["adjustment_percent"], 100 * at["adjustment"])
            np.testing.assert_allclose(panel["keeping_up_sd_a_year"], at["keeping_up"])
            keeping = panel["keeping_up_sd_a_year"]
            assert any(np.array_equal(line.get_ydata(), keeping) for line in ax.lines)
    assert "when 50 % of the peers improve" in words(standing_still.plot(ds, 0.5))
    assert "when all peers improve" in words(standing_still.plot(ds))


def test_numbers_of_contours_stand_where_the_adjustment_is_that() -> None:
    own, peers = np.array([-0.1, 0.0, 0.1, 0.3]), np.array([0.0, 0.1, 0.2])
    values = 40.0 * (own[:, None] - peers)
    places = standing_still._labels(peers, own, values, peers, np.arange(-12.0, 13.0, 2.0))
    assert len(places) >= 5
    for x, y, level in places:
        assert 40.0 * (y - x) == pytest.approx(level)
        assert abs(y - x) > 0.02  # off the line that keeps up


def test_one_draw_has_no_error(sources: dict[str, xr.Dataset], tmp_path: Path) -> None:
    run = synthetic_dataset(draws=1)
    for name, said in (("same_score", "none"), ("transfer_matrix", "±?")):
        figure = PLOTS[name](run)
        sidecar(figure, tmp_path, run)
        assert said in words(figure).splitlines()
    sweep = sources["standing_still"].isel(lens_draw=[0])
    assert "adjustments: ? percentage points" in words(standing_still.plot(sweep))


def test_wrong_results_are_refused(sources: dict[str, xr.Dataset]) -> None:
    for name in ("same_score", "transfer_matrix"):
        with pytest.raises(InputError, match="choose one"):
            PLOTS[name](synthetic_sweep())
    with pytest.raises(InputError, match="asm-sim sweep peers-improve"):
        standing_still.plot(sources["same_score"])
    with pytest.raises(InputError, match=r"known shares: 0\.5, 1"):
        standing_still.plot(sources["standing_still"], 0.7)
    with pytest.raises(InputError, match="50, 60"):
        same_score.plot(sources["same_score"].sel(score=[0.0, 100.0]))
