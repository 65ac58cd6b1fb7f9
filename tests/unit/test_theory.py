"""Closed forms beside a run, and the episodes that the right sign takes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import asm_sim.cli.theory as told
from asm_sim.cli.main import app
from asm_sim.studies import closed_forms as forms
from asm_sim.studies import theory
from tests.conftest import MakeScenario
from tests.unit.refusal import refused


@pytest.fixture(scope="module")
def found(small_run: xr.Dataset) -> xr.Dataset:
    return theory.beside(small_run)


def test_each_number_is_beside_its_closed_form(small_run: xr.Dataset, found: xr.Dataset) -> None:
    assert found.sizes["form"] == 12
    year, cohort = 2029, "LBP"
    here = found.sel(performance_year=year, cohort=cohort)
    run = small_run.sel(performance_year=year, cohort=cohort)
    for name in ("scaling_factor", "adjustment_sd", "share_negative", "misclassified_share"):
        assert float(here["simulated"].sel(form=name)) == pytest.approx(float(run[name].mean()))
    zero = run["share_zero_score"].values
    wanted = forms.scaling(0.85, zero)
    one = here.sel(form="scaling_factor")
    assert float(one["closed_form"]) == pytest.approx(wanted.mean())
    apart = run["scaling_factor"].values - wanted
    assert float(one["difference"]) == pytest.approx(apart.mean())
    assert float(one["difference_mcse"]) == pytest.approx(apart.std(ddof=1) / np.sqrt(len(apart)))
    # No closed form explains itself: the mean adjustment does not depend on what was simulated.
    assert float(here["closed_form"].sel(form="adjustment_mean")) == pytest.approx(-0.10 * 0.15)
    kept = here.sel(form=["penalties", "bonuses"])["closed_form"].values
    assert kept[0] - kept[1] == pytest.approx(0.15)


def test_the_spread_of_the_scores_above_zero_is_taken_from_all_scores(
    small_run: xr.Dataset, found: xr.Dataset
) -> None:
    """As it is in the panel, clinician by clinician."""
    at = {"performance_year": 2028, "cohort": "HF"}
    inside = small_run["clinician_cohort"].values == "HF"
    scores = small_run["panel_final_score"].sel(performance_year=2028).values[:, inside]
    draws = small_run.sizes["draw_sample"]
    spread = [row[row > 0].std() for row in scores]
    steep = forms.adjustment_sd(0.09, 0.1, spread, 0.85, [(row == 0).mean() for row in scores])
    assert draws == small_run.sizes["draw"]
    assert float(found.sel(form="adjustment_sd", **at)["closed_form"]) == pytest.approx(
        steep.mean(), rel=0.01
    )


def test_they_are_as_near_as_the_shape_of_the_scores_lets_them_be(found: xr.Dataset) -> None:
    """On the small roster: within a tenth, or where the errors are larger, within five of them."""
    near = abs(found["difference"]) < np.maximum(
        0.12 * abs(found["closed_form"]), 5 * found["difference_mcse"]
    )
    first_year_has_none_before = np.isnan(found["difference"])
    assert (near | first_year_has_none_before).all()
    only = found["form"].where(np.isnan(found["simulated"]).any(("cohort", "performance_year")))
    assert [str(name) for name in only.values if isinstance(name, str)] == ["sign_change_share"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"rules.payment.exchange.form": "linear"}, "rules.payment.exchange.form: linear"),
        ({"rules.payment.exchange.midpoint": "mean"}, "rules.payment.exchange.midpoint: median"),
        ({"rules.payment.cap": 0.5}, "rules.payment.cap: none"),
        ({"rules.payment.rounding": "tenth_percent"}, "rules.payment.rounding: tenth_percent"),
        ({"rules.payment.zero_score_adjustment": -0.5}, "zero_score_adjustment: -1"),
    ],
)
def test_another_rule_is_refused(
    make_scenario: MakeScenario, settings: dict[str, object], expected: str
) -> None:
    from asm_sim.engine.simulate import simulate

    ds = simulate(make_scenario(settings=settings, draws=2))
    assert expected in refused(theory.beside, ds)


def test_power_is_of_the_run_s_own_reliability(small_run: xr.Dataset) -> None:
    found = theory.power(small_run)
    assert found["kappa"].values.tolist() == pytest.approx([20.0, 20 * 0.45 / 0.55])
    hf = found.sel(cohort="HF")
    assert np.ceil(hf["episodes"].values).tolist() == [526, 132, 33, 15, 9]
    assert float(hf["episodes_for_all"]) == pytest.approx(189.4, abs=0.1)
    assert float(found["case_minimum"]) == 20
    surer = theory.power(small_run, [1.0], 0.975).sel(cohort="HF", distance=1.0)
    assert float(surer["episodes"]) == pytest.approx(20 * 1.959964**2, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (([0.0],), "give SDs of true cost, above 0"),
        (([],), "give SDs of true cost, above 0"),
        (([np.nan],), "give SDs of true cost, above 0"),
        (([1.0], 0.5), "give one between 0.5 and 1"),
        (([1.0], 1.0), "give one between 0.5 and 1"),
    ],
)
def test_distances_and_probabilities_that_are_none(
    small_run: xr.Dataset, arguments: tuple[object, ...], expected: str
) -> None:
    assert expected in refused(theory.power, small_run, *arguments)


def test_doctor_prints_them_in_80_columns(
    small_run: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told, "_run", lambda *_: small_run)
    result = CliRunner().invoke(app, ["doctor", "--theory"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines[1:])) <= told.WIDTH  # the first names the run
    assert "Heart failure, performance year 2028" in lines
    assert sum(line.startswith("Scaling factor") for line in lines) == 2
    records = json.loads(CliRunner().invoke(app, ["doctor", "--theory", "--json"]).stdout)
    assert len(records) == 24
    assert records[0]["form"] == "scaling_factor"
    assert records[0]["difference"] == pytest.approx(
        records[0]["simulated"] - records[0]["closed_form"]
    )
