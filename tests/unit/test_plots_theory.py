"""The figure of episodes needed: what it says is what the study says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from asm_sim.plots import episodes_needed
from asm_sim.plots.figure import SOURCE_LINE, RunFigure, house_style
from asm_sim.studies import theory


@pytest.fixture(scope="module")
def figure(small_run: xr.Dataset) -> RunFigure:
    return episodes_needed.plot(small_run)


def test_what_is_drawn_is_the_power_table(figure: RunFigure, small_run: xr.Dataset) -> None:
    found = theory.power(small_run)
    assert figure.plotted["probability"] == 0.9
    assert figure.plotted["case_minimum_episodes"] == 20
    for line in figure.plotted["lines"]:
        of_cohort = found.sel(cohort=line["cohort"])
        np.testing.assert_array_equal(line["episodes"], of_cohort["episodes"])
        # The curve passes through the points of the table.
        between = np.interp(
            np.log(line["distance_sd"]), np.log(line["curve_distance_sd"]),
            np.log(line["curve_episodes"]),
        )  # fmt: skip
        np.testing.assert_allclose(np.exp(between), line["episodes"], rtol=1e-6)
    (ax,) = figure.axes
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 60, 5, 60, 5]  # type: ignore[arg-type]


def test_it_says_where_it_is_from_and_of_what_reliability(figure: RunFigure) -> None:
    (key,) = figure.legends
    labels = [text.get_text() for text in key.get_texts()]
    assert labels == [
        "Heart failure (reliability 0.5)",
        "Low back pain (reliability 0.55)",
        "20 episodes: the least that is scored",
    ]
    texts = {text.get_gid(): text.get_text() for text in figure.texts}
    assert "24 draws" in texts[SOURCE_LINE]
    assert texts[SOURCE_LINE].endswith("seed 7")
    assert any("HF 190, LBP 155" in text.get_text() for text in figure.texts)
    (ax,) = figure.axes
    assert ax.get_ylabel() == "Episodes needed (a year)"
    assert ax.get_xlabel().endswith("(SD of true cost)")


def test_nothing_is_cut_off_and_no_words_collide(figure: RunFigure) -> None:
    with house_style():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    (ax,) = figure.axes
    texts = [*figure.texts, *ax.get_xticklabels(), *ax.get_yticklabels()]
    texts += [ax.xaxis.label, ax.yaxis.label]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]
    boxes += [("key", legend.get_window_extent(renderer)) for legend in figure.legends]
    page = figure.bbox.padded(1)
    for said, box in boxes:
        assert page.count_contains([(box.x0, box.y0), (box.x1, box.y1)]) == 2, said
    for (said, box), (other_said, other) in itertools.combinations(boxes, 2):
        assert not box.overlaps(other), (said, other_said)
