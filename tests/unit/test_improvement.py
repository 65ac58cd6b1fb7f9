"""What improving is worth: made-up probes whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.studies import improvement
from asm_sim.studies.improvement import OF_PEERS, OWN, PEERS
from tests.unit.probe_run import (
    DRAWS,
    EPISODES,
    GAINS,
    LEVEL,
    NOISE,
    YEARS,
    exact,
    probe_run,
    probe_sweep,
)
from tests.unit.refusal import refused

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def sweep() -> xr.Dataset:
    return probe_sweep(exact)


def test_the_map_of_a_sweep_that_is_known(sweep: xr.Dataset) -> None:
    result = improvement.standing_still(sweep)
    order = (OWN, PEERS, OF_PEERS, "cohort", "performance_year")
    assert result["adjustment"].dims == order
    own, peers, share = result[OWN], result[PEERS], result[OF_PEERS]
    assert own.values.tolist() == GAINS
    gone = result["performance_year"] - YEARS[0]
    expected = 0.2 * gone * (own - share * peers)
    for name, values in (
        ("adjustment", expected + NOISE.mean()),
        ("change", expected),
        ("difference", -0.2 * gone * share * peers),
    ):
        of_map = values.broadcast_like(result[name]).transpose(*order)
        np.testing.assert_allclose(result[name], of_map, rtol=0, atol=1e-8)  # float32 probes
    error = NOISE.mean(axis=(1, 2, 3, 4)).std(ddof=1) / math.sqrt(DRAWS)
    np.testing.assert_allclose(result["adjustment_mcse"], error, rtol=1e-5)
    np.testing.assert_allclose(result["difference_mcse"], 0.0, atol=1e-8)
    assert result.attrs["reference"] == "per_year=0.0, share=1.0"


def test_keeping_up_takes_what_the_peers_gain_on_average(sweep: xr.Dataset) -> None:
    keeping = improvement.standing_still(sweep)["keeping_up"].squeeze("cohort")
    expected = keeping[PEERS] * keeping[OF_PEERS]
    for year in YEARS[1:]:
        np.testing.assert_allclose(
            keeping.sel(performance_year=year), expected, rtol=0.0, atol=1e-6
        )
    assert np.isnan(keeping.sel(performance_year=YEARS[0])).all()  # nobody has improved yet
    assert keeping.attrs["units"] == "SD of true performance a year"


def test_the_error_of_keeping_up_is_over_draws() -> None:
    """Where draws shift the line d = s D + e, the crossing is the mean of e; so is its error."""
    shift = np.random.default_rng(8).normal(0.02, 0.004, DRAWS)

    def shifted(per_year: float, share: float) -> Floats:
        moved = shift[:, None, None, None, None] * (per_year > 0)
        gone = np.arange(len(YEARS))[:, None, None]
        return exact(per_year, share) - 0.2 * gone * moved

    result = improvement.standing_still(probe_sweep(shifted)).sel({PEERS: 0.1, OF_PEERS: 1.0})
    last = result.isel(performance_year=-1).squeeze()
    assert float(last["keeping_up"]) == pytest.approx(0.1 + shift.mean(), abs=1e-6)
    error = shift.std(ddof=1) / math.sqrt(DRAWS)
    assert float(last["keeping_up_mcse"]) == pytest.approx(error, rel=1e-4)


def test_no_crossing_beyond_the_probes() -> None:
    gains = np.array([-0.1, 0.0, 0.1])
    for values, expected in (
        ([-3.0, -1.0, 1.0], 0.05),
        ([-1.0, 0.0, 1.0], 0.0),
        ([-3.0, -2.0, 0.0], 0.1),
        ([-3.0, -2.0, -1.0], np.nan),
        ([1.0, 2.0, 3.0], np.nan),
        ([0.0, 0.0, 0.0], np.nan),
    ):
        found = improvement._root(gains, np.array([values]))
        np.testing.assert_allclose(found, [expected], atol=1e-15)


def test_by_improvement_in_one_run() -> None:
    result = improvement.by_improvement(probe_run(exact(0.1, 1.0)))
    last = result.sel(performance_year=2029, cohort="HF")
    gains = np.array(GAINS)
    np.testing.assert_allclose(
        last["adjustment"], 0.4 * (gains - 0.1) + NOISE.mean(), rtol=0, atol=1e-8
    )
    np.testing.assert_allclose(last["adjustment_difference"], 0.4 * gains, rtol=0, atol=1e-8)
    np.testing.assert_allclose(last["adjustment_difference_mcse"], 0.0, atol=1e-8)
    np.testing.assert_allclose(last["final_score"], 70 + 1000 * last["adjustment"], rtol=1e-6)
    expected = [(0.4 * (gain - 0.1) + NOISE < 0).mean() for gain in GAINS]
    np.testing.assert_allclose(last["share_negative"], expected)
    assert 0 < expected[2] < 1


def test_value_of_a_standard_deviation() -> None:
    """Each SD is worth 6 % to one who is above the average, 4 % below it; 300,000 USD."""
    worth = np.where(LEVEL > 0, 0.06, 0.04) * LEVEL
    run = probe_run(worth[:, None] - 0.02 * (EPISODES[:, None] < 50) + NOISE, extra_draws=2)
    result = improvement.value_of_improvement(run)
    assert result["level"].values.tolist() == [-1.0, 0.5, 1.0]
    for year in YEARS:
        at = result.sel(performance_year=year, cohort="HF")
        np.testing.assert_allclose(at["adjustment"], [-0.04, 0.03, 0.06], rtol=0, atol=1e-8)
        np.testing.assert_allclose(at["adjustment_mcse"], 0.0, atol=1e-8)
        np.testing.assert_allclose(at["dollars"], [-12_000, 9_000, 18_000], rtol=0, atol=0.01)
        np.testing.assert_allclose(at["final_score"], [-40, 30, 60], rtol=0, atol=1e-4)
    stated = improvement.value_of_improvement(run, 500_000.0)
    np.testing.assert_allclose(stated["dollars"], 500_000 * result["adjustment"])


def test_what_cannot_be_studied_is_refused_and_says_why(sweep: xr.Dataset) -> None:
    run = probe_run(exact(0.0, 1.0))
    assert "asm-sim sweep peers-improve" in refused(improvement.standing_still, run)
    for function in (improvement.by_improvement, improvement.value_of_improvement):
        assert "choose one" in refused(function, sweep)
        said = refused(function, run.isel(lens_draw=slice(0, 0)))
        assert "asm-sim run baseline" in said
        assert "lens_draws" in said
        assert "probe_gain" in refused(function, run.drop_vars("probe_gain"))
    other = sweep.rename({improvement.SHARE: "population.practice.ecqm_share"})
    assert "population.practice.ecqm_share" in refused(improvement.standing_still, other)
    moving = sweep.sel(scenario=sweep[improvement.PER_YEAR] > 0)
    assert "hold still in no scenario" in refused(improvement.standing_still, moving)
    assert "full grid" in refused(improvement.standing_still, sweep.isel(scenario=slice(0, 5)))
    assert "lens_draws" in refused(improvement.standing_still, sweep.isel(lens_draw=slice(0, 0)))
    few = run.isel(probe=[0, 1])
    assert "do not differ in probe_gain alone" in refused(improvement.by_improvement, few)
    assert "part_b_payments is -5" in refused(improvement.value_of_improvement, run, -5)


def test_the_shipped_sweep_is_what_the_study_needs() -> None:
    shipped = asm.load_sweep(improvement.SWEEP)
    assert set(shipped.axes) == {improvement.PER_YEAR, improvement.SHARE}
    assert shipped.compare_to is not None
    assert "per_year=0" in shipped.cases[shipped.compare_to].name
    assert shipped.file.lens_draws
