"""The summary of a run: its numbers, what is printed, and the three sentences."""

from __future__ import annotations

import io
import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

from asm_sim.errors import InputError
from asm_sim.results.describe import leading_assumptions, source_line
from asm_sim.results.sentences import sentences
from asm_sim.results.statistics import million_usd, round_to_error
from asm_sim.results.summary import (
    PRINTED,
    STATISTICS,
    print_summary,
    summary_json,
    summary_table,
)
from tests.unit.synthetic_run import YEARS, synthetic_dataset


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=40)


def printed(ds: xr.Dataset, width: int = 80, encoding: str = "utf-8") -> str:
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding=encoding) as stream:
        print_summary(ds, Console(file=stream, width=width))
        stream.flush()
        return written.getvalue().decode(encoding)


def row(table: pd.DataFrame, statistic: str, cohort: str = "LBP", year: int = 2029) -> pd.Series:
    chosen = table[
        (table["statistic"] == statistic)
        & (table["cohort"] == cohort)
        & (table["performance_year"] == year)
    ]
    return chosen.squeeze(axis=0)


def test_table_has_a_row_for_all(ds: xr.Dataset) -> None:
    table = summary_table(ds)
    assert len(table) == 2 * len(YEARS) * len(STATISTICS)
    assert (table["payment_year"] == table["performance_year"] + 2).all()
    assert set(table["unit"]) == {"points", "fraction", "USD"}
    assert table[["value", "mcse"]].notna().all(axis=None)


def test_table_is_the_data(ds: xr.Dataset) -> None:
    table = summary_table(ds)
    at = {"cohort": "LBP", "performance_year": 2029}
    by_draw = ds["final_score_mean"].sel(at).values
    assert row(table, "final_score_mean")["value"] == pytest.approx(by_draw.mean())
    assert row(table, "final_score_mean")["mcse"] == pytest.approx(
        by_draw.std(ddof=1) / math.sqrt(len(by_draw))
    )
    quantile = ds["adjustment_quantile"].sel(at).isel(quantile=1).values
    assert row(table, "adjustment_p05")["value"] == pytest.approx(quantile.mean())


def test_what_medicare_keeps_is_exact_but_for_part_b(ds: xr.Dataset) -> None:
    table = summary_table(ds)
    retained = row(table, "retained_by_medicare")
    at_risk = ds["amount_at_risk"].sel(cohort="LBP", performance_year=2029).values
    assert retained["value"] == pytest.approx(0.15 * at_risk.mean())
    assert retained["mcse"] == pytest.approx(0.15 * at_risk.std(ddof=1) / math.sqrt(len(at_risk)))
    assert "which Medicare keeps: 15 % of the amount at risk; on" in sentences(ds)[0]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_number_is_printed_with_its_error_and_no_digit_more(
    ds: xr.Dataset, width: int
) -> None:
    text = printed(ds, width)
    table = summary_table(ds)
    assert max(map(len, text.splitlines())) <= width
    for *_, value, error, unit in table.itertuples(index=False):
        factor, _ = PRINTED[unit]
        for part in round_to_error(factor * value, factor * error).split():
            assert re.search(rf"(?<![\d.]){re.escape(part)}(?![\d.])", text), part
    tables = text.partition("In performance year")[0]
    numbers = re.findall(r"-?\d[\d,]*\.\d+", tables)
    known = {
        part
        for *_, value, error, unit in table.itertuples(index=False)
        for part in round_to_error(PRINTED[unit][0] * value, PRINTED[unit][0] * error)
        .replace("±", "")
        .split()
    }
    assert set(numbers) - {"0.1.0", "0.1"} <= known


def test_errors_stand_beside_the_values_where_there_is_room(ds: xr.Dataset) -> None:
    assert re.search(r"mean +\d+\.\d+ ±0\.\d+ ", printed(ds, 140))
    assert re.search(r"mean +\d+\.\d+ +\d+\.\d+ ", printed(ds, 80))


def test_years_and_payment_years(ds: xr.Dataset) -> None:
    text = printed(ds)
    assert re.search(r"performance year +2027 +2028 +2029 +2030 +2031", text)
    assert re.search(r"paid in +2029 +2030 +2031 +2032 +2033", text)


def test_a_narrow_console_cuts_no_number_off(ds: xr.Dataset) -> None:
    assert "…" not in printed(ds, 40)
    assert re.findall(r"[±]\S+", printed(ds, 40)) == re.findall(r"[±]\S+", printed(ds, 80))


def test_a_console_without_the_sign(ds: xr.Dataset) -> None:
    text = printed(ds, 140, "ascii")
    assert " +/-0." in text
    assert printed(ds, 140).count("±") == text.count("+/-")


def test_three_sentences_from_the_data(ds: xr.Dataset) -> None:
    three = sentences(ds)
    assert len(three) == 3
    for sentence in three:
        assert sentence.endswith(".")
        assert not re.search(r"\. [A-Z]", sentence)
    share = ds["share_negative"].sel(cohort="HF", performance_year=2027).values
    error = share.std(ddof=1) / math.sqrt(len(share))
    assert f"{round_to_error(100 * share.mean(), 100 * error)} % (HF)" in three[0]
    assert "payment years 2029 to 2033" in three[0]
    paid = ds["retained_by_medicare_payment_year"].sum(["cohort", "performance_year"]).values
    written = million_usd(paid.mean(), paid.std(ddof=1) / math.sqrt(len(paid)))
    assert three[0].endswith(f"after the trend of payments and exits, it is {written}.")
    assert "over 40 draws" in three[1]
    assert "steepness of the logistic" in three[2]
    assert "(0.1 per point, assumption)" in three[2]
    assert "reliability of the cost measure at 20 episodes" in three[2]


def test_sentences_follow_the_data(ds: xr.Dataset) -> None:
    generous = ds.assign(retained_by_medicare=-ds["retained_by_medicare"])
    assert "bonuses exceed penalties by" in sentences(generous)[0]
    assert "which Medicare adds: 15 % of the amount at risk; on" in sentences(generous)[0]
    without_truth = ds.drop_vars("chance_variance_share")
    assert "was not computed in this run" in sentences(without_truth)[1]
    held = ds.assign_attrs(scenario_yaml=json.dumps({"layers": {"measurement": "off"}}))
    assert sentences(held)[1].startswith("True rates and costs are shown, so that nothing of it is")
    one_year = ds.isel(performance_year=[2])
    assert "over payment year 2031 penalties" in sentences(one_year)[0]


def test_assumptions_carry_the_values_and_status_of_the_run(ds: xr.Dataset) -> None:
    sentence = sentences(ds)[2]
    assert "at 20 episodes (HF 0.5, LBP 0.55, assumption)" in sentence
    assert "the anchor of the cost curve (7.5 points, assumption)" in sentence
    assert "which no source states, then" in sentence
    known = json.loads(ds.attrs["assumptions"])
    known["rules.payment.exchange.steepness"]["value"] = 0.2
    changed = sentences(ds.assign_attrs(assumptions=json.dumps(known)))[2]
    assert "(0.2 per point, assumption), which no source states, then" in changed


def test_what_is_known_better_is_not_called_an_assumption(ds: xr.Dataset) -> None:
    known = json.loads(ds.attrs["assumptions"])
    del known["rules.payment.exchange.steepness"]
    changed = ds.assign_attrs(assumptions=json.dumps(known))
    assert leading_assumptions(changed)[0].status == ""
    assert "into a payment (0.1), then" in sentences(changed)[2]


def test_another_exchange_function_stands_in_place_of_the_steepness(ds: xr.Dataset) -> None:
    known = json.loads(ds.attrs["parameters"]) | {"rules.payment.exchange.form": "rank"}
    changed = ds.assign_attrs(parameters=json.dumps(known))
    first = leading_assumptions(changed)[0]
    assert (first.path, first.value) == ("rules.payment.exchange.form", "rank")
    assert (
        "above all an exchange function that is not the rule's logistic (rank), then"
        in (sentences(changed)[2])
    )
    assert "steepness" not in sentences(changed)[2]


def test_without_a_recorded_scenario_no_value_is_claimed(ds: xr.Dataset) -> None:
    bare = ds.copy()
    bare.attrs = {}
    assert all(not part.value for part in leading_assumptions(bare))
    assert "the steepness of the logistic" in sentences(bare)[2]
    assert "40 draws" in source_line(bare)


def test_one_draw_has_no_error() -> None:
    text = printed(synthetic_dataset(draws=1))
    assert "±?" in text
    assert not re.search(r"±\d", text)
    assert "over 1 draw " in text


def test_draws_without_a_break_even_score_are_counted(ds: xr.Dataset) -> None:
    values = ds["break_even_score"].copy()
    values[{"draw": 0, "cohort": 1}] = np.nan
    text = " ".join(printed(ds.assign(break_even_score=values)).split())
    assert text.count("no score breaks even") == 1
    assert "In 5 of 200 draws and years no score breaks even" in text
    never = printed(ds.assign(break_even_score=xr.full_like(values, np.nan)))
    assert re.search(r"break-even +none +none", never)


def test_json_is_complete_and_can_be_written(ds: xr.Dataset) -> None:
    answer = json.loads(json.dumps(summary_json(ds), allow_nan=False))
    assert answer["run"]["seed"] == "1"
    assert answer["run"]["scenario_hash"] == ds.attrs["scenario_hash"]
    assert "scenario_yaml" not in answer["run"]
    assert pd.DataFrame(answer["statistics"]).equals(summary_table(ds))
    assert answer["sentences"] == sentences(ds)
    assert answer["assumptions"][0]["value"] == "0.1 per point"
    json.dumps(summary_json(synthetic_dataset(draws=1)), allow_nan=False)


def test_several_scenarios_are_for_another_verb(ds: xr.Dataset) -> None:
    sweep = xr.concat([ds, ds], xr.IndexVariable("scenario", ["a", "b"]), data_vars="all")
    with pytest.raises(InputError, match=r"2 scenarios \(a, b\); choose one"):
        summary_table(sweep)
    one, alone = summary_table(sweep.isel(scenario=[0])), summary_table(ds)
    assert set(one.pop("scenario")) == {"a"}
    assert set(alone.pop("scenario")) == {"baseline"}
    pd.testing.assert_frame_equal(one, alone)


def test_a_penalty_that_no_draw_shows_is_told_by_a_bound(ds: xr.Dataset) -> None:
    never = ds.assign(share_maximum_penalty=xr.zeros_like(ds["share_maximum_penalty"]))
    text = printed(never, 140)
    assert re.search(r"at maximum penalty +<7.3 +<7.3 ", text)
    assert text.count("the bound holds with 95 % confidence") == 2
    assert "95 % confidence" not in printed(ds, 140)
    row_ = row(summary_table(never), "share_maximum_penalty")
    assert row_["value"] == 0
    assert 2 * row_["mcse"] == pytest.approx(1 - 0.05 ** (1 / 40))
    some = never.assign(share_negative=xr.zeros_like(ds["share_negative"]))
    assert "below 7.3 % (HF) and below 7.3 % (LBP) of scored clinicians" in sentences(some)[0]
