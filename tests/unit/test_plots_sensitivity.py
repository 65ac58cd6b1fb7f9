"""Figures of sensitivity: the numbers of the answer, the largest on top, and all of it readable."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.plots import sensitivity_indices, tornado
from asm_sim.plots.figure import RunFigure
from asm_sim.plots.save import numbers
from tests.unit.answers import LONG, PATHS, effects, sampled
from tests.unit.figures import words
from tests.unit.test_figure_texts import check_inside


def plotted(figure: RunFigure, ds: xr.Dataset) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(numbers(figure, "x", ds), allow_nan=False))
    found: dict[str, Any] = content["plotted"]
    return found


def test_a_tornado_shows_the_effects() -> None:
    ds = effects()
    figure = tornado.plot(ds)
    check_inside(figure)
    panels = plotted(figure, ds)["panels"]
    assert [panel["cohort"] for panel in panels] == ["HF", "LBP"]
    assert panels[0]["central"] == pytest.approx(50.0)
    assert [one["parameter"] for one in panels[0]["unknowns"]] == [LONG, PATHS[0], PATHS[2]]
    ends = panels[1]["unknowns"][1]["changes"]
    assert [(end["end"], end["set_to"]) for end in ends] == [("low", "0.05"), ("high", "0.2")]
    assert [end["change"] for end in ends] == pytest.approx([0.5, -2.5])
    assert [end["change_mcse"] for end in ends] == pytest.approx([0.05, 0.25])
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    np.testing.assert_allclose(widths, [11.0, 1.0, -5.0, 0.04])
    assert "0.15" in words(figure)


def test_a_tornado_of_money_is_in_millions() -> None:
    ds = effects()
    figure = tornado.plot(ds, "retained_by_medicare")
    assert plotted(figure, ds)["outcome"] == "retained_by_medicare"
    assert "million USD" in figure.axes[0].get_xlabel()
    assert plotted(figure, ds)["panels"][0]["central"] == pytest.approx(10.0)


def test_indices_are_shares_with_their_errors() -> None:
    ds = sampled("sobol")
    figure = sensitivity_indices.plot(ds)
    check_inside(figure)
    unknowns = plotted(figure, ds)["panels"][0]["unknowns"]
    assert [one["parameter"] for one in unknowns] == [LONG, PATHS[0], PATHS[2]]
    assert unknowns[0]["first_percent"] == pytest.approx(70.0)
    assert unknowns[0]["total_percent_mcse"] == pytest.approx(3.0)
    assert unknowns[2]["first_percent"] == pytest.approx(-1.0)  # as it came out
    drawn = [line.get_xdata() for line in figure.axes[0].lines]
    assert min(float(np.min(x)) for x in drawn) == 0.0


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="a tornado shows effects"):
        tornado.plot(sampled("sobol"))
    with pytest.raises(InputError, match="this figure shows indices"):
        sensitivity_indices.plot(effects())
    with pytest.raises(InputError, match="did you mean 'share_negative'"):
        tornado.plot(effects(), "share_negativ")
