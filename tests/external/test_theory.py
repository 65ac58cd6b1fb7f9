"""Closed forms of the rule against the kernels, on the test bed where scores are normal."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr

from asm_sim.reproductions.bench import (
    COHORT,
    FULL,
    RELIABILITY,
    SD_SCORE,
    SHARE_PAID_OUT,
    SMALL,
    STATED_AT,
    Bench,
)
from asm_sim.studies import closed_forms as forms
from asm_sim.studies import normal, theory, volatility

R, RHO, RELIABLE = 0.09, 0.85, 0.61
STEEPNESS = "rules.payment.exchange.steepness"
CASES = [(0.05, RHO), (0.1, RHO), (0.2, RHO), (0.1, 0.7)]
every_case = pytest.mark.parametrize(("k", "rho"), CASES)


@pytest.fixture(
    scope="module",
    params=[SMALL, pytest.param(FULL, marks=pytest.mark.stress)],
    ids=["small", "whole"],
)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), request.param)


def run(bench: Bench, k: float, rho: float) -> xr.Dataset:
    return bench.run({RELIABILITY: RELIABLE, STEEPNESS: k, SHARE_PAID_OUT: rho})


@every_case
def test_forms_2_to_9_from_nothing_but_parameters(bench: Bench, k: float, rho: float) -> None:
    """Nothing here is taken from the run: spread, reliability and rule are all stated."""
    ds = run(bench, k, rho).sel(cohort=COHORT)
    cut = float(forms.break_even_in_sds(k, SD_SCORE, rho))
    even = ds["break_even_score"] - ds["median_final_score"]
    squared = float(forms.reliability_of_adjustment(RELIABLE, k, SD_SCORE))
    expected = {
        "scaling_factor": (ds["scaling_factor"], forms.scaling(rho), 0.01),
        "break-even": (even, forms.break_even(0, k, rho), 0.005 / k),
        "mean": (ds["adjustment_mean"], forms.mean_adjustment(R, rho), 1e-4),
        "penalties": (ds["share_negative"], forms.penalty_share(k, SD_SCORE, rho), 0.003),
        "spread": (ds["adjustment_sd"], forms.adjustment_sd(R, k, SD_SCORE, rho), 2e-4),
        "bonuses": (
            ds["bonuses"] / ds["amount_at_risk"], forms.bonuses(k, SD_SCORE, rho), 0.002,
        ),
        "chance": (ds["chance_variance_share"], forms.chance_share_of_variance(squared), 0.01),
        "reliability": (ds["reliability"], squared, 0.01),
        "wrong sign": (ds["misclassified_share"], forms.wrong_sign(cut, RELIABLE), 0.005),
    }  # fmt: skip
    for name, (simulated, form, tolerance) in expected.items():
        assert float(simulated.mean()) == pytest.approx(
            float(form), abs=bench.size.slack * tolerance
        ), name
    assert float(ds["adjustment_quantile"].max()) < float(forms.largest_bonus(R, rho)) + 1e-3


@every_case
def test_form_11_over_the_years(bench: Bench, k: float, rho: float) -> None:
    ds = run(bench, k, rho)
    cut = float(forms.break_even_in_sds(k, SD_SCORE, rho))
    changes = volatility.year_to_year(ds).sel(cohort=COHORT)["sign_change_share_all_years"]
    wanted = float(forms.sign_change(cut, RELIABLE))
    assert float(changes) == pytest.approx(wanted, abs=bench.size.slack * 0.005)
    bad = volatility.penalty_years(ds).sel(cohort=COHORT, group="all")["probability"]
    np.testing.assert_allclose(
        bad.values, normal.years_below(cut, RELIABLE, 5), rtol=0, atol=bench.size.slack * 0.006
    )


def test_beside_says_the_same_of_the_run_as_its_parameters(bench: Bench) -> None:
    found = theory.beside(run(bench, 0.1, RHO)).sel(cohort=COHORT, performance_year=2029)
    near = np.maximum(5 * found["difference_mcse"], 0.01 * abs(found["closed_form"]))
    apart = abs(found["difference"]) >= near
    # The peers' luck is the one thing that is not there: costs are scored by their distance from
    # their own median, so that the median score is the same in every draw.
    assert found["form"].values[apart.values].tolist() == ["median_sd"]
    assert float(found["simulated"].sel(form="median_sd")) == pytest.approx(0.0, abs=1e-9)
    of_parameters = {
        "adjustment_sd": forms.adjustment_sd(R, 0.1, SD_SCORE, RHO),
        "share_negative": forms.penalty_share(0.1, SD_SCORE, RHO),
        "worth_of_a_point": forms.worth_of_a_point(R, 0.1, RHO),
        "sign_change_share": forms.sign_change(
            forms.break_even_in_sds(0.1, SD_SCORE, RHO), RELIABLE
        ),
    }
    for name, value in of_parameters.items():
        form = float(found["closed_form"].sel(form=name))
        assert form == pytest.approx(float(value), rel=0.03), name


def test_form_10_and_12_by_probe_clinicians(bench: Bench) -> None:
    """Of a stated true level and number of episodes: how often the sign is which."""
    kappa, episodes, k = 20.0, 50.0, 0.1
    settings = {RELIABILITY: 0.5, STATED_AT: kappa, STEEPNESS: k}
    ds = bench.run(settings, episodes=episodes, lens=True).sel(cohort=COHORT)
    spread = np.sqrt(1.0 + kappa / episodes)  # of what is measured, in true SDs
    cut = float(forms.break_even_in_sds(k, SD_SCORE, RHO)) * spread
    still = ds["probe_gain"].values == 0
    assert still.sum() == 7 * 3 + 2  # levels by episodes, and the average one with 30 and 100
    for p in np.flatnonzero(still):
        level, n = (float(ds[f"probe_{of}"][p]) for of in ("level", "episodes"))
        paid = ds["probe_adjustment"].isel(probe=p).values.astype(np.float64)
        gains = (paid >= 0).reshape(len(paid), -1).mean(axis=1)
        error = gains.std(ddof=1) / np.sqrt(len(gains))
        wanted = float(ndtr((level - cut) * np.sqrt(n / kappa)))
        assert gains.mean() == pytest.approx(wanted, abs=4.5 * error + 0.01), (level, n)
        # Form 12: the expected adjustment, its noise averaged by the curve.
        score, noise = SD_SCORE * level / spread, SD_SCORE * np.sqrt(kappa / n) / spread
        x = np.random.default_rng(1).standard_normal(100_000)
        curve = R * (float(forms.scaling(RHO)) / (1 + np.exp(-k * (score + noise * x))) - 1)
        assert paid.mean() == pytest.approx(curve.mean(), abs=0.002), (level, n)
