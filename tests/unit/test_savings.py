"""What Medicare keeps: worked by hand, on made-up results, and on a simulation."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.plots import savings_levers, savings_steps
from asm_sim.plots.figure import RunFigure, house_style
from asm_sim.results.scenarios import scenario_of
from asm_sim.studies import savings
from tests.unit.figures import sidecar, words
from tests.unit.refusal import refused
from tests.unit.synthetic_run import COHORTS, UNSCORED, YEARS, synthetic_dataset

SHARES, RISKS = (0.7, 0.85, 1.0), (0.05, 0.09, 0.12)
REFERENCE = "redistribution_share=0.85, risk_level=0.09"
NOMINAL, UNSCORED_STEP, KEPT, CHANGE, EXITS, ACTUAL = range(6)
STEEPNESS = 0.1


def toy(
    scores: npt.ArrayLike,
    part_b: npt.ArrayLike,
    paid: npt.ArrayLike,
    *,
    stays: npt.ArrayLike = 1.0,
    risk: float = 0.09,
    share: float = 0.85,
) -> xr.Dataset:
    """The rule on final scores (nan: none) above zero: arrays of draws x clinicians, one cohort.

    ``paid`` is Part B of the payment year, of which 0 is left where ``stays`` is 0.
    """
    final, base, later = (np.atleast_2d(np.asarray(x, dtype=float)) for x in (scores, part_b, paid))
    final, base, later = np.broadcast_arrays(final, base, later)
    scored = np.isfinite(final)
    of_scored = np.where(scored, base, 0.0)
    median = np.nanmedian(final, axis=1)
    transformed = np.where(scored, 1 / (1 + np.exp(-STEEPNESS * (final - median[:, None]))), 0.0)
    scaling = share * of_scored.sum(1) / (transformed * of_scored).sum(1)
    factor = np.where(scored, risk * (transformed * scaling[:, None] - 1), 0.0)
    grid = np.arange(0.0, 101.0, 5.0)
    curve = 1 / (1 + np.exp(-STEEPNESS * (grid - median[:, None])))
    values = {
        "part_b_payments": base.sum(1),
        "amount_at_risk": risk * of_scored.sum(1),
        "retained_by_medicare": -(factor * base).sum(1),
        "retained_by_medicare_before_exits": -(factor * later).sum(1),
        "retained_by_medicare_payment_year": -(factor * later * np.asarray(stays)).sum(1),
        "median_final_score": median,
        "final_score_mean": np.nanmean(final, axis=1),
        "scaling_factor": scaling,
        "share_negative": (factor < 0).sum(1) / scored.sum(1),
        "break_even_score": median - np.log(scaling - 1.0) / STEEPNESS,
        "adjustment_at_score": np.where(grid > 0, risk * (curve * scaling[:, None] - 1), -risk),
        "clinicians_by_group": np.full((len(final), 1), final.shape[1], dtype=float),
    }
    last = {"adjustment_at_score": ("score",), "clinicians_by_group": ("group",)}
    yearly = ("draw", "cohort", "performance_year")
    return xr.Dataset(
        {
            name: ((*yearly, *last.get(name, ())), value[:, None, None])
            for name, value in values.items()
        },
        coords={
            "draw": np.arange(len(final)),
            "cohort": ["HF"],
            "performance_year": [2027],
            "payment_year": ("performance_year", [2029]),
            "group": ["all"],
            "score": grid,
        },
        attrs={
            "scenario": "toy",
            "seed": "1",
            "draws": len(final),
            "parameters": json.dumps({savings.SHARE: share, savings.RISK: {"2027": risk}}),
        },
    )


def lever_sweep(draws: int = 25) -> xr.Dataset:
    """A sweep of 60 clinicians in which nothing differs but the two levers."""
    generator = np.random.default_rng(3)
    scores = generator.normal(70.0, 14.0, (draws, 60)).clip(1, 100)
    scores[:, ::15] = np.nan
    part_b = generator.lognormal(12.0, 0.8, scores.shape)
    paid = part_b * generator.lognormal(-0.04, 0.2, scores.shape)
    runs, entries = [], []
    for share, risk in itertools.product(SHARES, RISKS):
        runs.append(toy(scores, part_b, paid, risk=risk, share=share))
        entries.append(
            {
                "name": f"redistribution_share={share}, risk_level={risk}",
                "set": {savings.SHARE: share, savings.RISK: risk},
            }
        )
    shared = list(runs[0].coords)
    ds = xr.concat([run.drop_vars(shared) for run in runs], "scenario")
    along = {
        "scenario": [entry["name"] for entry in entries],
        savings.SHARE: [share for share, _ in itertools.product(SHARES, RISKS)],
        savings.RISK: [risk for _, risk in itertools.product(SHARES, RISKS)],
    }
    ds = ds.assign_coords(runs[0].coords)
    ds = ds.assign_coords({name: ("scenario", values) for name, values in along.items()})
    about = {"scenarios": json.dumps(entries), "compare_to": REFERENCE}
    return ds.assign_attrs(runs[0].attrs | about | {"scenario": "redistribution-by-risk"})


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=24)


@pytest.fixture(scope="module")
def sweep() -> xr.Dataset:
    return lever_sweep()


@pytest.fixture(scope="module")
def simulated() -> xr.Dataset:
    return asm.simulate("baseline", draws=3, seed=5)


# By hand


def test_half_a_million_at_nine_percent_puts_45_000_at_stake() -> None:
    assert savings.nominal_savings(500_000, 0.09, 0.0) == pytest.approx(45_000, rel=1e-12)
    assert savings.nominal_savings(500_000, 0.09, 0.85) == pytest.approx(6_750, rel=1e-12)
    assert savings.nominal_savings(500_000, 0.09, 1.0) == 0.0


def test_two_clinicians_one_of_them_without_a_final_score() -> None:
    """One score is its own median: T = 1/2, S = 1.7, -1.35 % of 500,000; later of 450,000."""
    result = savings.steps(toy([60.0, np.nan], [500_000, 300_000], [450_000, 310_000]))
    expected = [10_800.0, -4_050.0, 6_750.0, -675.0, 0.0, 6_075.0]
    for name in ("savings", "savings_all_years", "savings_all_cohorts", "savings_total"):
        np.testing.assert_allclose(result[name].values.squeeze(), expected, rtol=1e-12)
        assert result[name].dims[0] == "step"
        assert np.isnan(result[f"{name}_mcse"]).all()  # one draw tells no error
    assert list(result["step"].values) == list(savings.STEPS)


def test_two_clinicians_with_a_score() -> None:
    """60 and 80: T = 0.26894 and 0.73106, which add to 1; S = 1.7; -4.885 % and +2.185 %."""
    ds = toy([60.0, 80.0], [500_000, 500_000], [500_000, 400_000])
    actual = 500_000 * 0.048852 - 400_000 * 0.021852
    amounts = savings.steps(ds)["savings_total"].values
    np.testing.assert_allclose(amounts, [13_500, 0, 13_500, actual - 13_500, 0, actual], atol=1.0)
    average = savings.average_clinician(ds).squeeze()
    for at in ("median", "mean"):
        assert float(average["score"].sel(average=at)) == 70.0
        assert float(average["adjustment"].sel(average=at)) == pytest.approx(-0.0135, rel=1e-12)
        assert float(average["dollars"].sel(average=at)) == pytest.approx(-6_750, rel=1e-12)


def test_of_one_who_stops_practising_nothing_is_kept_and_nothing_paid_out() -> None:
    """The same two; the first, at -4.885 %, has left by the payment year."""
    ds = toy([60.0, 80.0], [500_000, 500_000], [500_000, 400_000], stays=[0.0, 1.0])
    amounts = savings.steps(ds)["savings_total"]
    assert float(amounts.sel(step="exits")) == pytest.approx(-500_000 * 0.048852, abs=1.0)
    assert float(amounts.sel(step="actual")) == pytest.approx(-400_000 * 0.021852, abs=1.0)


def test_full_redistribution_keeps_nothing() -> None:
    scores = np.random.default_rng(1).normal(70, 10, (5, 9))
    result = savings.steps(toy(scores, np.arange(1.0, 10.0) * 1e5, 2e5, share=1.0))
    for step in ("nominal", "without_final_score", "on_performance_year"):
        np.testing.assert_allclose(result["savings"].sel(step=step), 0.0, atol=1e-8)


# Steps


def test_steps_add_up_and_are_the_rule(ds: xr.Dataset) -> None:
    result = savings.steps(ds)
    amounts = result["savings"]
    assert amounts.dims == ("step", "cohort", "performance_year")
    assert list(amounts["payment_year"].values) == [year + 2 for year in YEARS]
    for name in ("savings", *(f"savings_{total}" for total in savings.TOTALS)):
        nominal, unscored, kept, change, exits, actual = result[name]
        np.testing.assert_allclose(nominal + unscored, kept, rtol=1e-12)
        np.testing.assert_allclose(kept + change + exits, actual, rtol=1e-12)
        assert result[name].attrs["units"] == result[f"{name}_mcse"].attrs["units"] == "USD"
    at_risk = ds["amount_at_risk"].mean("draw")
    np.testing.assert_allclose(amounts[KEPT], 0.15 * at_risk, rtol=1e-9)
    np.testing.assert_allclose(amounts[UNSCORED_STEP], -UNSCORED * amounts[KEPT], rtol=1e-9)
    np.testing.assert_allclose(
        amounts[ACTUAL], ds["retained_by_medicare_payment_year"].mean("draw")
    )
    before = ds["retained_by_medicare_before_exits"].mean("draw")
    np.testing.assert_allclose(amounts[EXITS] + before, amounts[ACTUAL])


def test_cohorts_and_years_add_up_to_the_totals(ds: xr.Dataset) -> None:
    result = savings.steps(ds)
    amounts = result["savings"]
    pairs = {
        "all_years": amounts.sum("performance_year"),
        "all_cohorts": amounts.sum("cohort"),
        "total": amounts.sum(["cohort", "performance_year"]),
    }
    for total, expected in pairs.items():
        np.testing.assert_allclose(result[f"savings_{total}"], expected, rtol=1e-12)


def test_errors_and_quantiles_are_over_draws(ds: xr.Dataset) -> None:
    result = savings.steps(ds)
    total = ds["retained_by_medicare_payment_year"].sum(["cohort", "performance_year"]).values
    draws = len(total)
    error = total.std(ddof=1) / math.sqrt(draws)
    assert float(result["savings_total_mcse"][ACTUAL]) == pytest.approx(error)
    # Paired: the change is known better than from the errors of its two ends.
    before = ds["retained_by_medicare_before_exits"] - ds["retained_by_medicare"]
    apart = before.sum(["cohort", "performance_year"]).values
    assert float(result["savings_total_mcse"][CHANGE]) == pytest.approx(
        apart.std(ddof=1) / math.sqrt(draws)
    )
    spread = result["savings_total_quantile"].isel(step=ACTUAL)
    np.testing.assert_allclose(spread, np.quantile(total, [0.05, 0.5, 0.95]))
    of_median = float(result["savings_total_quantile_mcse"].sel(step="actual", quantile=0.5))
    assert 0.5 * error < of_median < 3 * error
    few = savings.steps(ds.isel(draw=slice(0, 10)))["savings_total_quantile_mcse"]
    assert np.isnan(few.sel(quantile=[0.05, 0.95])).all()
    assert np.isfinite(few.sel(quantile=0.5)).all()


def test_scaled_to_another_number_of_clinicians(ds: xr.Dataset) -> None:
    listed = sum(numbers[0] for numbers in COHORTS.values())
    plain, scaled = savings.steps(ds), savings.scaled_to(ds, 2 * listed, "a guess")
    for name in plain.data_vars:
        np.testing.assert_allclose(scaled[name], 2 * plain[name], rtol=1e-12)
    assert scaled.attrs["clinicians_listed"] == listed
    assert scaled.attrs["clinicians_source"] == "a guess"
    usual = savings.scaled_to(ds)
    np.testing.assert_allclose(usual["savings_total"], plain["savings_total"] * 8600 / listed)
    assert "8,600" in usual.attrs["clinicians_source"]


@pytest.mark.parametrize("share", SHARES)
def test_payment_weighted_mean_is_the_same_whatever_the_scores(share: float) -> None:
    for seed, mean in enumerate((30.0, 60.0, 90.0)):
        scores = np.random.default_rng(seed).normal(mean, 12.0, (4, 30)).clip(1, 100)
        scores[:, 3] = np.nan
        part_b = np.random.default_rng(seed + 9).lognormal(12, 0.9, (4, 30))
        result = savings.payment_weighted_mean(toy(scores, part_b, part_b, share=share))
        expected = -(1 - share) * 0.09
        assert float(result["payment_weighted_mean"].squeeze()) == pytest.approx(
            expected, rel=1e-9, abs=1e-15
        )
        assert float(result["by_rule"].squeeze()) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("form", ["linear", "rank", "threshold"])
def test_another_exchange_function_is_refused_where_the_logistic_is_meant(
    form: str, ds: xr.Dataset
) -> None:
    known = json.loads(ds.attrs["parameters"]) | {"rules.payment.exchange.form": form}
    other = ds.assign_attrs(parameters=json.dumps(known))
    assert f"exchange.form: {form}" in refused(savings.average_clinician, other)
    if form == "threshold":
        assert "there is no pool" in refused(savings.payment_weighted_mean, other)
    else:
        xr.testing.assert_identical(
            savings.payment_weighted_mean(other), savings.payment_weighted_mean(ds)
        )


@pytest.mark.parametrize("width", [4.0, {"2027": 0, "2028": 4.0}])
def test_a_neutral_band_and_rounding_are_refused_where_the_logistic_is_meant(
    width: Any, ds: xr.Dataset
) -> None:
    known = json.loads(ds.attrs["parameters"])
    band = ds.assign_attrs(parameters=json.dumps(known | {"rules.payment.neutral_band": width}))
    assert "rules.payment.neutral_band" in refused(savings.average_clinician, band)
    assert "outside the pool" in refused(savings.payment_weighted_mean, band)
    rounded = {"rules.payment.rounding": "tenth_percent", "rules.payment.neutral_band": 0}
    rounds = ds.assign_attrs(parameters=json.dumps(known | rounded))
    assert "tenth_percent" in refused(savings.average_clinician, rounds)


def test_average_clinician_is_the_closed_form(ds: xr.Dataset) -> None:
    result = savings.average_clinician(ds, 250_000.0)
    assert result["adjustment"].dims == ("average", "cohort", "performance_year")
    risk = xr.DataArray(list(YEARS.values()), dims="performance_year")
    for at, name in (("median", "median_final_score"), ("mean", "final_score_mean")):
        apart = ds[name] - ds["median_final_score"]
        transformed = 1 / (1 + np.exp(-STEEPNESS * apart))
        expected = (risk * (transformed * ds["scaling_factor"] - 1)).transpose(*apart.dims)
        of_average = result.sel(average=at)
        np.testing.assert_allclose(of_average["adjustment"], expected.mean("draw"), rtol=1e-9)
        np.testing.assert_allclose(
            of_average["adjustment_mcse"], expected.std("draw", ddof=1) / math.sqrt(24), rtol=1e-7
        )
        np.testing.assert_allclose(
            of_average["dollars"], 250_000 * expected.mean("draw"), rtol=1e-9
        )
        np.testing.assert_allclose(of_average["score"], ds[name].mean("draw"))


# Levers


def test_levers(sweep: xr.Dataset) -> None:
    result = savings.by_lever(sweep)
    assert result["kept_actual"].dims == ("redistribution_share", "risk_level", "cohort")
    assert result["kept_actual_total"].dims == ("redistribution_share", "risk_level")
    reference = scenario_of(sweep, REFERENCE)
    for share, risk in itertools.product(SHARES, RISKS):
        at = {"redistribution_share": share, "risk_level": risk}
        run = scenario_of(sweep, {savings.SHARE: share, savings.RISK: risk})
        steps = savings.steps(run)["savings_all_years"]
        for step in ("nominal", "on_performance_year", "actual"):
            np.testing.assert_allclose(result[f"kept_{step}"].sel(at), steps.sel(step=step))
        assert float(result["kept_nominal"].sel(at).squeeze()) == pytest.approx(
            (1 - share) * risk * float(run["part_b_payments"].mean()), abs=1e-6
        )
        for name, short in (
            ("share_negative", "share_negative"),
            ("retained_by_medicare_payment_year", "kept_actual"),
        ):
            apart = (run[name] - reference[name]).values
            found = result.sel(at).squeeze()
            assert float(found[f"{short}_difference"]) == pytest.approx(apart.mean(), abs=1e-9)
            assert float(found[f"{short}_difference_mcse"]) == pytest.approx(
                apart.std(ddof=1) / 5, abs=1e-9
            )
    one = {"redistribution_share": 0.85, "risk_level": 0.09}
    for name in result.data_vars:
        if "_difference" in str(name):
            assert (result[name].sel(one) == 0).all()
        assert result[name].dims[:2] == ("redistribution_share", "risk_level")


def test_the_risk_level_moves_the_money_and_not_the_losers(sweep: xr.Dataset) -> None:
    result = savings.by_lever(sweep)
    for name in ("share_negative", "break_even_score"):
        np.testing.assert_allclose(result[name], result[name].isel(risk_level=[0, 0, 0]))
    per_risk = result["kept_actual"] / result["risk_level"]
    np.testing.assert_allclose(per_risk, per_risk.isel(risk_level=[0, 0, 0]))
    assert (result["share_negative"].diff("redistribution_share") < 0).all()
    assert (result["break_even_score"].diff("redistribution_share") < 0).all()


# Wrong input


def test_results_that_do_not_hold_what_is_needed(ds: xr.Dataset, sweep: xr.Dataset) -> None:
    old = ds.drop_vars("part_b_payments")
    for function in (savings.steps, savings.scaled_to, savings_steps.plot):
        said = refused(function, old)
        assert "part_b_payments" in said
        assert "run the scenario again" in said
    assert "adjustment_at_score" in refused(
        savings.average_clinician, ds.drop_vars("adjustment_at_score")
    )
    mute = ds.assign_attrs(parameters="{}")
    for function in (savings.steps, savings.payment_weighted_mean, savings_steps.plot):
        assert "rules.payment." in refused(function, mute)
    assert "part_b_payments" in refused(savings.by_lever, sweep.drop_vars("part_b_payments"))
    assert "clinicians is 0" in refused(savings.scaled_to, ds, 0)
    assert "part_b_payments is -1" in refused(savings.average_clinician, ds, -1)


def test_one_scenario_or_a_sweep_over_the_levers(ds: xr.Dataset, sweep: xr.Dataset) -> None:
    for function in (
        savings.steps,
        savings.scaled_to,
        savings.payment_weighted_mean,
        savings.average_clinician,
        savings_steps.plot,
    ):
        assert "choose one" in refused(function, sweep)
    for function in (savings.by_lever, savings_levers.plot):
        assert "asm-sim sweep redistribution-by-risk" in refused(function, ds)
        other = sweep.rename({savings.RISK: "rules.payment.exchange.steepness"})
        assert "asm-sim sweep redistribution-by-risk" in refused(function, other)
        assert "full grid" in refused(function, sweep.isel(scenario=slice(0, 5)))
    without = sweep.assign_attrs()
    del without.attrs["compare_to"]
    assert "compare_to" in refused(savings.by_lever, without)


def test_another_pool_than_the_rule_s(ds: xr.Dataset) -> None:
    other = ds.assign(retained_by_medicare=ds["retained_by_medicare"] * 1.01)
    assert "does not keep (1 - redistribution share)" in refused(savings.steps, other)


def test_the_shipped_sweep_has_the_rule_as_its_reference() -> None:
    shipped = asm.load_sweep(savings.SWEEP)
    assert len(shipped) == 15
    assert set(shipped.axes) == {savings.SHARE, savings.RISK}
    assert shipped.cases[shipped.compare_to].name == REFERENCE  # type: ignore[index]


# A simulation


def test_a_simulation_keeps_what_the_rule_says(simulated: xr.Dataset) -> None:
    result = savings.steps(simulated)["savings"]
    at_risk = simulated["amount_at_risk"].mean("draw")
    np.testing.assert_allclose(result[KEPT], 0.15 * at_risk, rtol=1e-9)
    assert (result[UNSCORED_STEP] < 0.01).all()  # USD: what is left of a zero
    assert (result[NOMINAL] > 0).all()
    mean = savings.payment_weighted_mean(simulated)["payment_weighted_mean"]
    np.testing.assert_allclose(mean.sel(performance_year=[2027, 2028]), -0.0135, rtol=1e-9)
    at_median = savings.average_clinician(simulated)["adjustment"].sel(average="median")
    risk = xr.DataArray(list(YEARS.values()), dims="performance_year")
    expected = risk * (simulated["scaling_factor"].mean("draw") / 2 - 1)
    np.testing.assert_allclose(at_median, expected.transpose("cohort", ...), rtol=1e-9)


# Figures


def figures(ds: xr.Dataset, sweep: xr.Dataset) -> list[tuple[RunFigure, xr.Dataset]]:
    return [(savings_steps.plot(ds), ds), (savings_levers.plot(sweep), sweep)]


def test_figures_show_the_numbers_of_the_study(
    ds: xr.Dataset, sweep: xr.Dataset, tmp_path: Path
) -> None:
    (waterfall, _), (levers, _) = figures(ds, sweep)
    result = savings.steps(ds)
    for panel in sidecar(waterfall, tmp_path, ds)["plotted"]["panels"]:
        at = {"cohort": panel["cohort"]}
        drawn = {key: [row[key] for row in panel["steps"]] for key in panel["steps"][0]}
        assert drawn["step"] == list(savings.STEPS)
        for key, name, where in (
            ("million_usd", "savings_all_years", at),
            ("million_usd_mcse", "savings_all_years_mcse", at),
            ("million_usd_p05", "savings_all_years_quantile", at | {"quantile": 0.05}),
            ("million_usd_p95", "savings_all_years_quantile", at | {"quantile": 0.95}),
        ):
            np.testing.assert_allclose(drawn[key], result[name].sel(where) / 1e6, rtol=1e-9)
    by_lever = savings.by_lever(sweep)
    lines = sidecar(levers, tmp_path, sweep)["plotted"]["lines"]
    assert len(lines) == len(RISKS)
    for line, risk in zip(lines, RISKS, strict=True):
        at = {"cohort": line["cohort"], "risk_level": risk}
        assert line["redistribution_share_percent"] == [100 * share for share in SHARES]
        for key, name, factor in (
            ("kept_million_usd", "kept_actual", 1e-6),
            ("losers_percent", "share_negative", 100.0),
        ):
            for ending in ("", "_mcse"):
                expected = factor * by_lever[name + ending].sel(at)
                np.testing.assert_allclose(line[key + ending], expected, rtol=1e-9, atol=1e-12)
    assert "the same at every risk level" in words(levers)


def test_bars_start_where_the_step_before_ends(ds: xr.Dataset) -> None:
    figure = savings_steps.plot(ds)
    for panel, ax in zip(figure.plotted["panels"], figure.axes, strict=True):
        values = [row["million_usd"] for row in panel["steps"]]
        np.testing.assert_allclose([bar.get_width() for bar in ax.patches], values)
        starts = [0.0, values[NOMINAL], 0.0, values[KEPT], values[KEPT] + values[CHANGE], 0.0]
        np.testing.assert_allclose([bar.get_x() for bar in ax.patches], starts)


def test_figures_are_labelled_and_nothing_is_cut_off(ds: xr.Dataset, sweep: xr.Dataset) -> None:
    for figure, source in figures(ds, sweep):
        with house_style():
            figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        labels = [ax.get_xlabel() or ax.get_ylabel() for ax in figure.axes]
        assert any(labels)
        assert all(label.endswith(")") for label in labels if label), labels
        assert f"{source.sizes['draw']} draws, seed 1" in words(figure)
        texts = [*figure.texts, *(text for ax in figure.axes for text in ax.texts)]
        texts += [text for ax in figure.axes for text in ax.get_yticklabels() if text.get_visible()]
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]
        boxes.append(("key", figure.legends[0].get_window_extent(renderer)))
        page = figure.bbox.padded(1)
        for said, box in boxes:
            assert page.count_contains([(box.x0, box.y0), (box.x1, box.y1)]) == 2, said
        words_ = [text for text in texts if text.get_text() and text not in figure.texts]
        for one, other in itertools.combinations(words_, 2):
            if one.axes is other.axes:
                assert not one.get_window_extent(renderer).overlaps(
                    other.get_window_extent(renderer)
                ), (one.get_text(), other.get_text())


def test_figures_of_one_draw_and_of_full_redistribution(tmp_path: Path) -> None:
    one = synthetic_dataset(draws=1)
    assert "±?" in words(savings_steps.plot(one))
    sidecar(savings_levers.plot(lever_sweep(draws=1)), tmp_path, one)
    scores = np.random.default_rng(1).normal(70, 10, (5, 9))
    nothing = toy(scores, np.full(9, 2e5), np.full(9, 2e5), share=1.0)
    assert savings_steps.plot(nothing)._repr_png_().startswith(b"\x89PNG")


def test_figures_of_one_cohort_are_not_cut_off(ds: xr.Dataset) -> None:
    figure = savings_steps.plot(ds.isel(cohort=[0]))
    with house_style():
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    assert figure.legends[0].get_window_extent(renderer).x1 <= figure.bbox.x1
