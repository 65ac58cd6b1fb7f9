"""Figures of volatility: that they show the numbers of the studies, and that they can be read."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.plots import (
    chance_band,
    misclassification_by_volume,
    quintile_transitions,
    variance_shares,
)
from asm_sim.plots.figure import RunFigure, house_style
from asm_sim.plots.save import numbers, save
from asm_sim.studies import chance, decomposition, volatility
from tests.unit.figures import words
from tests.unit.volatility_run import made_up_run

PLOTS: dict[str, Callable[[xr.Dataset], RunFigure]] = {
    "quintile_transitions": quintile_transitions.plot,
    "variance_shares": variance_shares.plot,
    "chance_band": chance_band.plot,
    "misclassification_by_volume": misclassification_by_volume.plot,
}
NEEDS = {
    "quintile_transitions": "quintile_transition",
    "variance_shares": "within_clinician_variance",
    "chance_band": "probe_adjustment",
    "misclassification_by_volume": "panel_true_adjustment",
}
every_figure = pytest.mark.parametrize("name", PLOTS)


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return made_up_run()


def plotted(figure: RunFigure, ds: xr.Dataset) -> dict[str, Any]:
    """What the file beside the figure says of it."""
    content: dict[str, Any] = json.loads(json.dumps(numbers(figure, "x", ds), allow_nan=False))
    return content["plotted"]  # type: ignore[no-any-return]


def test_transitions_are_those_of_the_study(ds: xr.Dataset) -> None:
    figure = quintile_transitions.plot(ds)
    result = volatility.transitions(ds)
    panels = plotted(figure, ds)["panels"]
    assert [panel["cohort"] for panel in panels] == ["HF", "LBP"]
    for panel, ax in zip(panels, figure.axes, strict=True):
        at = {"cohort": panel["cohort"]}
        for ending in ("", "_mcse"):
            expected = 100 * result[f"transition{ending}"].sel(at)
            np.testing.assert_allclose(panel[f"share_percent{ending}"], expected)
        np.testing.assert_allclose(np.sum(panel["share_percent"], axis=1), 100.0)
        # A cell's text stands where its quintiles are: a row down, a column across.
        cells = {text.get_position(): text.get_text() for text in ax.texts}
        for row, column in itertools.product(range(5), range(5)):
            value = panel["share_percent"][row][column]
            near = [
                said
                for (x, y), said in cells.items()
                if x == column + 1 and abs(y - row - 1) < 0.2 and "±" not in said
            ]
            assert len(near) == 1
            assert float(near[0]) == pytest.approx(value, abs=0.5)


def test_shares_are_those_of_the_study(ds: xr.Dataset) -> None:
    figure = variance_shares.plot(ds)
    result = decomposition.shares(ds)
    panels = plotted(figure, ds)["panels"]
    assert len(panels) == 4
    for panel, ax in zip(panels, figure.axes, strict=True):
        of_panel = result.sel(variance=panel["variance"], cohort=panel["cohort"])
        drawn = {"all": panel["all"]}
        drawn |= {f"episodes: {band['episodes_a_year']}": band["factors"] for band in
                  panel["bands"]}  # fmt: skip
        assert len(drawn) == 4
        for group, rows in drawn.items():
            assert sum(row["share_percent"] for row in rows) == pytest.approx(100.0)
            for row in rows:
                at = {"factor": row["factor"], "group": group}
                for ending in ("", "_mcse"):
                    expected = 100 * float(of_panel[f"share{ending}"].sel(at))
                    assert row[f"share_percent{ending}"] == pytest.approx(expected)
        widths = [bar.get_width() for bar in ax.patches]  # type: ignore[attr-defined]
        np.testing.assert_allclose(widths, [row["share_percent"] for row in panel["all"]])
        assert panel["sd_percentage_points"] == pytest.approx(
            100 * float(of_panel["sd"].sel(group="all"))
        )
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [label.replace("\n", " ") for label in labels] == [
        decomposition.FACTOR_TITLES[row["factor"]] for row in panels[0]["all"]
    ]


def test_bands_of_chance_are_those_of_the_study(ds: xr.Dataset) -> None:
    figure = chance_band.plot(ds)
    result = chance.average_clinician(ds)
    panels = plotted(figure, ds)["panels"]
    assert [(panel["performance_year"], panel["cohort"]) for panel in panels] == [
        (2027, "HF"), (2027, "LBP"), (2031, "HF"), (2031, "LBP"),
    ]  # fmt: skip
    for panel in panels:
        at = {"cohort": panel["cohort"], "performance_year": panel["performance_year"]}
        assert panel["episodes_a_year"] == [20, 30, 50, 100, 200]
        for q in chance.QUANTILES:
            for ending in ("", "_mcse"):
                expected = 100 * result[f"chance_quantile{ending}"].sel(quantile=q, **at)
                drawn = panel[f"chance_percentage_points_p{round(100 * q):02d}{ending}"]
                found = [np.nan if value is None else value for value in drawn]
                np.testing.assert_allclose(found, expected)
        assert panel["noise_free_adjustment_percent"] == pytest.approx(-1.0)
    assert "−1 ±0 % of Part B" in words(figure)


def test_wrong_signs_are_those_of_the_study(ds: xr.Dataset) -> None:
    figure = misclassification_by_volume.plot(ds)
    result = chance.misclassification(ds)
    lines = plotted(figure, ds)["lines"]
    assert len(lines) == 8
    for line in lines:
        at = {name: line[name] for name in ("cohort", "among", "performance_year")}
        groups = [f"episodes: {band}" for band in line["episodes_a_year"]]
        for ending in ("", "_mcse"):
            of_line = 100 * result[f"misclassified_share{ending}"].sel(at)
            np.testing.assert_allclose(
                line[f"wrong_sign_percent{ending}"], of_line.sel(group=groups)
            )
            assert line[f"wrong_sign_percent_of_all_bands{ending}"] == pytest.approx(
                float(of_line.sel(group="all"))
            )
    assert "first 12 draws" in words(figure)


@every_figure
def test_axes_have_labels_with_units_and_nothing_is_cut_off(name: str, ds: xr.Dataset) -> None:
    for cohorts in ([0, 1], [0]):
        made = ds.isel(cohort=cohorts)
        figure = PLOTS[name](made)
        with house_style():
            figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        labels = [label for ax in figure.axes for label in (ax.get_xlabel(), ax.get_ylabel())]
        labels = [label for label in (*labels, figure.get_supylabel()) if label]
        assert labels
        assert all(label.endswith(")") for label in labels), labels
        assert "12 draws, seed 1" in words(figure)
        inside = [text for ax in figure.axes for text in ax.texts if text.get_text()]
        outside = [text for text in figure.texts if text.get_text()]
        ticks = [text for ax in figure.axes for text in ax.get_yticklabels()]
        titles = [ax.title for ax in figure.axes] + [ax._left_title for ax in figure.axes]  # type: ignore[attr-defined]
        page = figure.bbox.padded(1)
        keys = [(key, "key") for key in figure.legends]
        everything = [(text, text.get_text()) for text in (*inside, *outside, *titles, *ticks)]
        for artist, said in (*everything, *keys):
            if said and artist.get_visible():
                box = artist.get_window_extent(renderer)
                assert page.count_contains([(box.x0, box.y0), (box.x1, box.y1)]) == 2, said
        for one, other in itertools.combinations([*inside, *outside], 2):
            assert not one.get_window_extent(renderer).overlaps(
                other.get_window_extent(renderer)
            ), (one.get_text(), other.get_text())


@every_figure
def test_files_are_the_same_each_time(name: str, ds: xr.Dataset, tmp_path: Path) -> None:
    first, second = (save(PLOTS[name](ds), tmp_path / part, name, ds) for part in "ab")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.suffix


@every_figure
def test_one_draw_is_drawn_without_errors(name: str) -> None:
    few = made_up_run(draws=1)
    figure = PLOTS[name](few)
    assert figure._repr_png_().startswith(b"\x89PNG")
    plotted(figure, few)


@every_figure
def test_one_year_is_drawn_once(name: str) -> None:
    one = made_up_run(draws=4, years=2).isel(performance_year=[1])
    assert PLOTS[name](one)._repr_png_().startswith(b"\x89PNG")


@every_figure
def test_what_a_run_lacks_is_said(name: str, ds: xr.Dataset) -> None:
    with pytest.raises(InputError, match="asm-sim run baseline"):
        PLOTS[name](ds.drop_vars(NEEDS[name]))
