"""Statistics of any clinicians: who they are, edges of float32, errors, and pairs of scenarios."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.errors import InputError
from asm_sim.studies.subsets import members, statistics
from tests.conftest import POPULATION, SCENARIO, roster_rows, write_roster
from tests.unit.volatility_run import panel_run

PENALTY = -0.09


def made_up(adjustment: npt.ArrayLike, score: npt.ArrayLike | None = None) -> xr.Dataset:
    """Four clinicians, two states; the third is solo in the second draw only, in place of one."""
    table = np.asarray(adjustment, dtype=np.float64)
    solo, large = "practice_size: solo", "practice_size: 2-15"
    groups = [[solo, large, large, large], [large, large, solo, large]]
    member = [[[label, "episodes: 20-29"] for label in draw] for draw in groups] * (len(table) // 2)
    final = np.full_like(table, 50.0) if score is None else score
    ds = panel_run(
        ["HF"] * 2 + ["LBP"] * 2, [0, 1, 1, 2], member, {"adjustment": table, "final_score": final}
    )
    return ds.assign_coords(clinician_state=("clinician", ["TX", "OH", "TX", "TX"]))


def random_run(draws: int = 40) -> xr.Dataset:
    values = np.random.default_rng(4).normal(0.0, 0.03, (draws, 4, 1)).clip(PENALTY, 0.09)
    return made_up(values)


def test_groups_and_roster_are_crossed() -> None:
    ds = random_run(2)
    solo = members(ds, practice_size="solo")
    assert solo.values.tolist() == [[True, False, False, False], [False, False, True, False]]
    texan = members(ds, state="TX")
    assert texan.values.tolist() == [[True, False, True, True]] * 2
    both = members(ds, practice_size="solo", state="TX", cohort="HF")
    assert (both == (solo & texan & members(ds, cohort="HF"))).all()
    assert members(ds, state=["TX", "OH"]).all()
    assert (members(ds, practice_size="practice_size: solo") == solo).all()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"stat": "TX"}, "know no 'stat' of clinicians (did you mean 'state'?)"),
        ({"state": "Texas"}, "no clinician has state 'Texas'"),
        ({"practice_size": "soli"}, "practice_size 'soli' (did you mean 'solo'?)"),
    ],
)
def test_who_is_not_known_is_told(where: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as told:
        members(random_run(2), **where)
    assert said in str(told.value)


def test_the_maximum_penalty_is_at_its_limit() -> None:
    """It is below the double -0.09 in float32, where numpy's histogram loses it."""
    table = np.tile([[PENALTY], [0.0], [0.05], [0.09]], (4, 1, 1))
    ds = made_up(table)
    assert np.histogram(ds["panel_adjustment"], [PENALTY, 0.0, 0.09])[0].sum() == 8  # of 16
    found = statistics(
        ds, at_most=[PENALTY, 0.0], below=[PENALTY, 0.0, 0.09], bins=[PENALTY, 0.0, 0.09]
    )
    one = found.sel(subset="all", performance_year=2027)
    assert one["share_at_most"].values.tolist() == [0.25, 0.5]
    assert one["share_below"].values.tolist() == [0.0, 0.25, 0.75]
    assert one["share_in_bin"].values.tolist() == [0.0, 0.25, 0.75, 0.0]
    assert one["bin"].values.tolist() == [-math.inf, PENALTY, 0.0, 0.09]
    assert one["bin_end"].values.tolist() == [PENALTY, 0.0, 0.09, math.inf]
    beyond = statistics(ds, bins=[-0.05, 0.0]).sel(subset="all", performance_year=2027)
    assert beyond["share_in_bin"].values.tolist() == [0.25, 0.25, 0.5]


def test_who_has_no_final_score_counts_only_where_asked() -> None:
    table = np.tile([[-0.02], [0.0], [0.02], [0.06]], (4, 1, 1))
    score = np.tile([[40.0], [np.nan], [60.0], [80.0]], (4, 1, 1))
    ds = made_up(table, score)
    scored = statistics(ds).isel(subset=0, performance_year=0)
    assert float(scored["adjustment_mean"]) == pytest.approx(0.02)
    assert float(scored["clinicians"]) == 3
    paid = statistics(ds, unscored=True).isel(subset=0, performance_year=0)
    assert float(paid["adjustment_mean"]) == pytest.approx(0.015)
    final = statistics(ds, "final_score", unscored=True).isel(subset=0, performance_year=0)
    assert float(final["clinicians"]) == 3


def test_means_and_errors_are_over_draws() -> None:
    """Of a subset of constant size: the mean and the error of the means of the draws."""
    ds = random_run()
    texan = members(ds, state="TX")
    found = statistics(ds, "adjustment", {"TX": texan, "rest": ~texan}, against="rest")
    table = ds["panel_adjustment"].values[:, :, 0].astype(float)
    one, other = table[:, [0, 2, 3]].mean(axis=1), table[:, 1]
    at = found.sel(subset="TX", performance_year=2027)
    for name, values in (
        ("adjustment_mean", one),
        ("adjustment_mean_difference", one - other),
    ):
        assert float(at[name]) == pytest.approx(values.mean())
        assert float(at[f"{name}_mcse"]) == pytest.approx(values.std(ddof=1) / math.sqrt(40))
    assert (found["adjustment_mean_difference"].sel(subset="rest") == 0).all()
    own = statistics(ds, 100 * ds["panel_adjustment"], {"TX": texan}).isel(subset=0)
    assert float(own["adjustment_mean"][0]) == pytest.approx(100 * one.mean())


def test_errors_of_quantiles_cover() -> None:
    """Clinicians of a draw share a shift, so that only draws are independent."""
    generator = np.random.default_rng(8)
    hits = 0
    for _ in range(60):
        shift = generator.normal(0.0, 1.0, (40, 1, 1))
        ds = made_up(shift + generator.normal(0.0, 1.0, (40, 4, 1)))
        at = statistics(ds, quantiles=[0.5]).isel(subset=0, performance_year=0, quantile=0)
        hits += abs(float(at["adjustment_quantile"])) <= 2 * float(at["adjustment_quantile_mcse"])
    assert 52 <= hits <= 60
    alike = made_up(np.tile([[1.0], [2.0], [3.0], [4.0]], (4, 1, 1)))
    at = statistics(alike, quantiles=0.5).isel(subset=0, performance_year=0, quantile=0)
    assert (float(at["adjustment_quantile"]), float(at["adjustment_quantile_mcse"])) == (2.5, 0.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"variable": "adjustmnt"}, "did you mean 'adjustment'?"),
        ({"against": "TX"}, "against='TX' is neither a subset nor a scenario"),
        ({"bins": [0.1, 0.0]}, "two or more edges that ascend"),
        ({"quantiles": 1.5}, "between 0 and 1"),
        ({"subsets": {"a": "TX"}}, "subset 'a' is no choice of clinicians"),
        ({"subsets": {}}, "no subset is given"),
        ({"variable": xr.DataArray(np.zeros(4), dims="clinician")}, "and these have clinician"),
    ],
)
def test_what_is_not_known_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as told:
        statistics(random_run(2), **given)  # type: ignore[arg-type]
    assert said in str(told.value)


def test_everybody_of_a_cohort_is_what_the_run_says(small_run: xr.Dataset) -> None:
    """The panel and the kernels' own summaries agree, a year at a time."""
    found = statistics(small_run, subsets={"HF": members(small_run, cohort="HF")}, below=0.0)
    one = found.sel(subset="HF")
    run = small_run.sel(cohort="HF")
    unscored = run["share_unscored"]
    weight = run["clinicians_by_group"].sel(group="all") * (1 - unscored)
    for name, column in (("adjustment_mean", "adjustment_mean"), ("share_below", "share_negative")):
        expected = (run[column] * weight).sum("draw") / weight.sum("draw")
        np.testing.assert_allclose(one[name].squeeze(), expected, atol=1e-7)
    no_score = np.isnan(small_run["panel_final_score"])
    assert no_score.any()
    assert (small_run["panel_adjustment"].where(no_score, 0.0) == 0).all()


def test_solo_practices_in_texas_under_three_steepnesses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ten lines of a notebook that ask it, and what they answer, against numpy."""
    rows = [row | {"state": "TX" if k % 3 else "OH"} for k, row in enumerate(roster_rows())]
    write_roster(tmp_path / "small.csv", rows)
    (tmp_path / "small.yaml").write_text(POPULATION)
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "steepness.yaml").write_text(
        "title: Three steepnesses\nextends: scenario\ndraws: 12\nsweep:\n  grid:\n"
        "    rules.payment.exchange.steepness: [0.05, 0.1, 0.2]\n"
    )
    monkeypatch.chdir(tmp_path)

    ds = asm.sweep("steepness.yaml", "sweeps/steepness", panel_draws=12)
    solo_texas = asm.studies.subsets.members(ds, practice_size="solo", state="TX")
    subsets = {"solo in Texas": solo_texas, "the rest": ~solo_texas}
    found = asm.studies.subsets.statistics(
        ds, "adjustment", subsets, at_most=-0.09, quantiles=[0.1, 0.9], against="the rest"
    )
    steeper = asm.studies.subsets.statistics(ds, subsets=subsets, against="steepness=0.05")

    assert dict(found["adjustment_mean"].sizes) == {
        "scenario": 3,
        "subset": 2,
        "performance_year": 5,
    }
    table = ds["panel_adjustment"].values.astype(float)
    counts = np.isfinite(ds["panel_final_score"].values) & solo_texas.values[..., np.newaxis]
    mean = np.where(counts, table, 0.0).sum(axis=(1, 2)) / counts.sum(axis=(1, 2))
    np.testing.assert_allclose(found["adjustment_mean"].sel(subset="solo in Texas"), mean)
    share = (counts & (table <= -0.0899999)).sum(axis=(1, 2)) / counts.sum(axis=(1, 2))
    at_most = found["share_at_most"].sel(subset="solo in Texas", at_most=-0.09)
    np.testing.assert_allclose(at_most, share)
    assert (found["adjustment_mean_difference_mcse"].sel(subset="solo in Texas") > 0).all()
    change = steeper.sel(scenario="steepness=0.2", subset="solo in Texas")
    unpaired = np.hypot(
        *(
            found["adjustment_mean_mcse"].sel(subset="solo in Texas", scenario=f"steepness={one}")
            for one in (0.05, 0.2)
        )
    )
    assert (change["adjustment_mean_difference_mcse"] < 0.8 * unpaired).all()
