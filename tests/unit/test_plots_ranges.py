"""Figures of a run with open draws show the range as a band, and say what is drawn in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.plots import (
    adjustment_distribution,
    savings_levers,
    savings_steps,
    score_to_adjustment,
)
from asm_sim.results.ranges import needs_open_draws
from asm_sim.results.statistics import rounded_to_range
from tests.unit.figures import sidecar, words
from tests.unit.synthetic_run import opened, synthetic_dataset, synthetic_sweep

AT = {"cohort": "HF", "performance_year": 2027}
KEY = "90 % range: 25 draws of all that nobody knows"


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return opened(synthetic_dataset(draws=30), 25)


def key_of(figure: object) -> str:
    (legend,) = figure.legends  # type: ignore[attr-defined]
    return " | ".join(text.get_text() for text in legend.get_texts())


def test_a_curve_has_the_range_of_the_open_draws(ds: xr.Dataset, tmp_path: Path) -> None:
    figure = score_to_adjustment.plot(ds)
    assert KEY in key_of(figure)
    curve = sidecar(figure, tmp_path, ds)["plotted"]["panels"][0]["curves"][0]
    of_open = 100 * needs_open_draws(ds).adjustment_at_score.sel(AT)
    for name, q in (("range_low", 0.05), ("range_high", 0.95)):
        np.testing.assert_allclose(curve[f"adjustment_percent_{name}"], of_open.quantile(q, "draw"))
    assert "adjustment_percent_p05" not in curve
    middle = (100 * ds.adjustment_at_score.sel(AT)).median("draw")
    np.testing.assert_allclose(curve["adjustment_percent_median"], middle)
    even = needs_open_draws(ds).break_even_score.sel(AT)
    low, high = even.quantile([0.05, 0.95]).values.tolist()
    assert curve["break_even_score_points"]["range_low"] == pytest.approx(low)
    three = rounded_to_range(float(ds.break_even_score.sel(AT).mean()), low, high)
    assert "2027: {} ({} to {})".format(*three) in words(figure)
    assert "±" not in words(figure)


def test_shares_are_written_with_their_range(ds: xr.Dataset) -> None:
    figure = adjustment_distribution.plot(ds)
    share = figure.plotted["panels"][0]["share_negative"]
    values = needs_open_draws(ds).share_negative.sel(AT)
    assert share["range_high"] == pytest.approx(float(values.quantile(0.95)))
    numbers = (100 * share[name] for name in ("mean", "range_low", "range_high"))
    assert "{} ({} to {}) % with a penalty".format(*rounded_to_range(*numbers)) in words(figure)
    assert "±" not in words(figure)


def test_what_medicare_keeps_has_a_line_for_the_range(ds: xr.Dataset, tmp_path: Path) -> None:
    figure = savings_steps.plot(ds)
    assert KEY in key_of(figure)
    assert "standard error" not in key_of(figure)
    step = sidecar(figure, tmp_path, ds)["plotted"]["panels"][1]["steps"][-1]
    kept = needs_open_draws(ds).retained_by_medicare_payment_year.sel(cohort="LBP")
    by_draw = kept.sum("performance_year") / 1e6
    assert step["step"] == "actual"
    assert step["million_usd_range_low"] == pytest.approx(float(by_draw.quantile(0.05)))
    assert step["million_usd_mcse"] > 0
    assert "±" not in words(figure)
    without = savings_steps.plot(ds.drop_dims("open_draw"))
    assert "million_usd_p05" in without.plotted["panels"][1]["steps"][-1]
    assert "standard errors" in key_of(without)


def test_the_range_of_savings_is_that_of_whatever_pool_a_draw_reads(ds: xr.Dataset) -> None:
    kept = [name for name in ds if str(name).startswith("open_retained_by_medicare")]
    more = ds.assign({name: ds[name] + 1e6 for name in kept})  # a million a year and cohort
    steps, before = (
        {row["step"]: row for row in savings_steps.plot(run).plotted["panels"][0]["steps"]}
        for run in (more, ds)
    )
    for name in ("without_final_score", "on_performance_year", "actual"):
        raised = before[name]["million_usd_range_high"] + len(ds.performance_year)
        assert steps[name]["million_usd_range_high"] == pytest.approx(raised)
        assert steps[name]["million_usd"] == before[name]["million_usd"]
    central = ds.assign(
        {
            str(name).removeprefix("open_"): 1.1 * ds[str(name).removeprefix("open_")]
            for name in kept
        }
    )
    with pytest.raises(InputError, match="does not keep"):
        savings_steps.plot(central)


def test_a_sweep_has_a_band_to_each_line() -> None:
    risk, share = "rules.payment.risk_level", "rules.payment.redistribution_share"
    sweep = synthetic_sweep(25).rename({"rules.payment.exchange.steepness": risk})
    own = ["scenario", "scenario_hash", risk, share]
    parts = [opened(sweep.isel(scenario=k).drop_vars(own), 25) for k in range(6)]
    beside = xr.concat(parts, "scenario", coords="minimal")
    beside = beside.assign_coords({name: sweep[name] for name in own}).assign_attrs(sweep.attrs)
    figure = savings_levers.plot(beside)
    assert KEY in key_of(figure)
    assert "±2 standard errors" in key_of(figure)
    line = figure.plotted["lines"][0]
    at = {"scenario": (sweep[risk] == 0.05).values, "cohort": "HF"}
    losers = 100 * needs_open_draws(beside).share_negative.sel(at).mean("performance_year")
    np.testing.assert_allclose(line["losers_percent_range_low"], losers.quantile(0.05, "draw"))
    assert [len(ax.collections) for ax in figure.axes[:1]] == [2 * 3]  # bars and bands
    assert "range_low" not in str(savings_levers.plot(sweep).plotted)
