"""Texts of figures: names are shown as they are, whole, and all is inside the picture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable

import pytest
import xarray as xr
from matplotlib.lines import Line2D

from asm_sim.errors import InputError
from asm_sim.plots import adjustment_distribution, score_to_adjustment
from asm_sim.plots.figure import (
    SOURCE_LINE,
    RunFigure,
    add_foot_note,
    add_key,
    house_style,
    legible,
    new_figure,
    panel_title,
)
from asm_sim.results.describe import source_line
from tests.unit.synthetic_run import synthetic_dataset

Plot = Callable[[xr.Dataset], RunFigure]
every_plot = pytest.mark.parametrize(
    "plot", [adjustment_distribution.plot, score_to_adjustment.plot]
)
NAMES = [
    "bonus $500 to $1000",
    "cost_$_x^2_$",
    r"$\frac{$ \$",
    "[red]x[/red] a_b^c",
    "a" * 250,
    "words " * 40,
    "שלום مرحبا",
    "two\nlines\x1b[31m",
]


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=4)


def source_of(figure: RunFigure) -> str:
    return next(text.get_text() for text in figure.texts if text.get_gid() == SOURCE_LINE)


def check_inside(figure: RunFigure) -> None:
    """Every text, title, label and key lies inside the picture; those around the panels apart."""
    with house_style():
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    around = [*figure.texts, *figure.legends]
    inside = [text for ax in figure.axes for text in ax.texts]
    boxes = [artist.get_window_extent(renderer) for artist in around]
    boxes += [ax.get_tightbbox(renderer) for ax in figure.axes]  # with its title and labels
    page = figure.bbox.padded(1)
    for box in (*boxes, *(text.get_window_extent(renderer) for text in inside)):
        assert page.count_contains([(box.x0, box.y0), (box.x1, box.y1)]) == 2
    for position, box in enumerate(boxes[: len(around)]):
        for other in boxes[position + 1 :]:
            assert not box.overlaps(other), around[position]


@every_plot
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_shown_whole(plot: Plot, name: str, ds: xr.Dataset) -> None:
    named = ds.assign_attrs(scenario=name, settings=json.dumps([["rules.a", "$x_1$"]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plot(named)
        check_inside(figure)
    shown = "".join(source_of(figure).split())
    assert shown == "".join(f"Source: {source_line(named)}".split())
    assert shown.endswith("4draws,seed1")
    assert not any(text.get_parse_math() for text in figure.texts)


@every_plot
@pytest.mark.parametrize("cohorts", [1, 2])
def test_a_long_name_of_a_cohort_takes_several_lines(
    plot: Plot, cohorts: int, ds: xr.Dataset
) -> None:
    names = ["the $first$ cohort of a name that takes very many words to be told", "b" * 80]
    some = ds.isel(cohort=slice(cohorts)).assign_coords(cohort=names[:cohorts])
    figure = plot(some)
    check_inside(figure)
    title = figure.axes[0]._left_title.get_text()  # type: ignore[attr-defined]
    assert "\n" in title
    assert title.replace("\n", " ") == names[0]


@every_plot
@pytest.mark.parametrize("score", [2.0, 30.0, 50.0, 70.0, 98.0])
def test_marks_are_written_where_there_is_room(plot: Plot, score: float, ds: xr.Dataset) -> None:
    marks = {name: ds[name] * 0.01 + score for name in ("median_final_score", "break_even_score")}
    for cohorts in (1, 2):
        check_inside(plot(ds.assign(marks).isel(cohort=slice(cohorts))))


def test_panels_keep_their_height_under_a_head_and_above_a_foot_of_many_lines(
    ds: xr.Dataset,
) -> None:
    with house_style():
        short, long = (new_figure(ds, 6.0, 3.0, "word " * count) for count in (1, 40))
        keys = [Line2D([], [], label=f"a rather long label {n}") for n in range(7)]
        for figure in (short, long):
            panel_title(figure.subplots(), "title")
            add_key(figure, keys)
            add_foot_note(figure, "a note that stands at the right of the foot " * 2)
        check_inside(short)
        check_inside(long)
        assert long.get_figheight() > short.get_figheight() + 0.3
        heights = [
            figure.axes[0].get_position().height * figure.get_figheight()
            for figure in (short, long)
        ]
    assert heights[0] == pytest.approx(heights[1], abs=0.02)


def test_characters_that_the_font_lacks_are_escapes() -> None:
    assert legible("a±b\n中") == "a±b\n\\u4e2d"


@every_plot
def test_counts_over_other_draws_are_not_drawn(plot: Plot, ds: xr.Dataset) -> None:
    counts = {
        name: ds[name].assign_attrs(draws=4)
        for name in ("adjustment_histogram", "final_score_histogram")
    }
    whole = ds.assign(counts)
    plot(whole)
    with pytest.raises(InputError, match=r"clinicians of 4 draws, and these results hold 3"):
        plot(whole.isel(draw=slice(3)))


@pytest.mark.parametrize("backend", ["module://nowhere.to_be_found", "svg", ""])
def test_figures_need_no_backend(backend: str) -> None:
    """The environment of a notebook that is not ours; a backend that there is stays chosen."""
    script = """
import os, sys
import asm_sim.plots
import matplotlib
from asm_sim.plots.figure import house_style, new_figure
import xarray as xr
with house_style():
    figure = new_figure(xr.Dataset(), 3.0, 3.0, "title")
assert figure._repr_png_().startswith(b"\\x89PNG")
assert not {"matplotlib.pyplot", "matplotlib.style"} & set(sys.modules)  # they take their time
assert os.environ["MPLBACKEND"] == sys.argv[1]
if sys.argv[1] == "svg":
    assert matplotlib.rcParams["backend"] == "svg"
"""
    found = subprocess.run(
        [sys.executable, "-c", script, backend],
        env={**os.environ, "MPLBACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
