"""The summary of a run: its numbers, what is printed, and the three sentences."""

from __future__ import annotations

import io
import json
import math
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

from asm_sim.errors import InputError
from asm_sim.results.describe import source_line
from asm_sim.results.effects import BELONGS_TO, MOST_NAMED, in_points, shipped_effects
from asm_sim.results.in_words import UNRANGED, effects_lines, held_lines, sentences
from asm_sim.results.ranges import FEWEST_OPEN, OUTSIDE, OUTSIDE_NOTE
from asm_sim.results.statistics import million_usd, round_to_error, rounded_to_range
from asm_sim.results.summary import (
    MORE,
    PRINTED,
    SHORT,
    STATISTICS,
    effects_table,
    print_summary,
    summary_json,
    summary_table,
)
from tests.unit.synthetic_run import YEARS, opened, synthetic_dataset

RANGE = ["range_low", "range_low_mcse", "range_high", "range_high_mcse"]


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=40)


@pytest.fixture(scope="module")
def opened_ds() -> xr.Dataset:
    """With 80 open draws beside as many draws."""
    return synthetic_dataset(draws=80, open_draws=80)


def printed(
    ds: xr.Dataset,
    width: int = 80,
    encoding: str = "utf-8",
    errors: bool = False,
    full: bool = True,
) -> str:
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding=encoding) as stream:
        print_summary(ds, Console(file=stream, width=width), errors, full)
        stream.flush()
        return written.getvalue().decode(encoding)


def tables_of(text: str, behind: str) -> str:
    """The tables, which stand between the answer in sentences and what is ``behind`` it."""
    first = text.index("Heart failure (HF)")
    return text[first : text.index(f"\n{behind}", first)]


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
    assert table[RANGE].isna().all(axis=None)


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
    for row_ in table.itertuples(index=False):
        value, error, (factor, _) = row_.value, row_.mcse, PRINTED[row_.unit]
        for part in round_to_error(factor * value, factor * error).split():
            assert re.search(rf"(?<![\d.]){re.escape(part)}(?![\d.])", text), part
    tables = tables_of(text, "±")
    numbers = re.findall(r"-?\d[\d,]*\.\d+", tables)
    known = {
        part
        for row_ in table.itertuples(index=False)
        for part in round_to_error(
            PRINTED[row_.unit][0] * row_.value, PRINTED[row_.unit][0] * row_.mcse
        )
        .replace("±", "")
        .split()
    }
    assert set(numbers) - {"0.1.0", "0.1"} <= known


def test_errors_stand_beside_the_values_where_there_is_room(ds: xr.Dataset) -> None:
    assert re.search(r"mean +\d+\.\d+ ±0\.\d+ ", printed(ds, 140))
    assert re.search(r"mean +\d+\.\d+ +\d+\.\d+ ", printed(ds, 80))


def test_sentences_come_first_and_then_one_short_table(opened_ds: xr.Dataset) -> None:
    text = printed(opened_ds, full=False)
    whole = printed(opened_ds)
    assert max(map(len, text.splitlines())) <= 80
    for shown in (text, whole):
        assert " ".join(shown.split()).index(sentences(opened_ds)[0][:60]) < 200
        assert shown.index("In performance year") < shown.index("performance year  ")
    assert text.count("\npaid in") == 1 < whole.count("\npaid in")
    assert len(text.splitlines()) < len(whole.splitlines()) / 2
    tables = tables_of(text, "A value is")
    for statistic in SHORT:
        numbers = row(summary_table(opened_ds), statistic)
        factor, _ = PRINTED[numbers["unit"]]
        three = (factor * numbers[name] for name in ("value", "range_low", "range_high"))
        for written in rounded_to_range(*three):
            assert written in tables
    assert text.rstrip().endswith(MORE)
    assert "Settled" in whole
    assert MORE not in whole


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


def test_sentences_from_the_data(ds: xr.Dataset) -> None:
    told = sentences(ds)
    for sentence in told:
        assert sentence.endswith(".")
    share = ds["share_negative"].sel(cohort="HF", performance_year=2027).values
    error = share.std(ddof=1) / math.sqrt(len(share))
    assert f"{round_to_error(100 * share.mean(), 100 * error)} % (HF)" in told[0]
    assert "payment years 2029 to 2033" in told[0]
    paid = ds["retained_by_medicare_payment_year"].sum(["cohort", "performance_year"]).values
    written = million_usd(paid.mean(), paid.std(ddof=1) / math.sqrt(len(paid)))
    assert told[0].endswith(f"after the trend of payments and exits, it is {written}.")
    assert "± is the Monte Carlo standard error over 40 draws" in told[2]
    assert told[3].startswith("No ranges: these results have no open draws, from which ranges are")
    assert "run the scenario again with --open-draws 200" in told[3]


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


def test_without_a_recorded_scenario_nothing_is_claimed(ds: xr.Dataset) -> None:
    bare = ds.copy()
    bare.attrs = {}
    assert "Settled: these results do not say what." in sentences(bare)
    assert "40 draws" in source_line(bare)


def test_one_draw_has_no_error() -> None:
    text = printed(synthetic_dataset(draws=1))
    assert "±?" in text
    assert not re.search(r"±\d", text)
    assert "over 1 draw: " in " ".join(text.split())


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
    expected = summary_table(ds)
    given = pd.DataFrame(answer["statistics"]).astype(dict.fromkeys(RANGE, float))
    pd.testing.assert_frame_equal(given, expected)
    assert answer["sentences"] == sentences(ds)
    assert answer["effects"]["outcome"] == "share_negative"
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
    assert re.search(
        r"at maximum penalty +<7.3", printed(opened(never, 30), 140)
    )  # nor an open one
    some = never.assign(share_negative=xr.zeros_like(ds["share_negative"]))
    assert "below 7.3 % (HF) and below 7.3 % (LBP) of scored clinicians" in sentences(some)[0]


# Ranges


def test_the_range_is_that_of_the_open_draws(opened_ds: xr.Dataset) -> None:
    """Its ends by NumPy, their errors by the interval of order statistics; beside the same mean."""
    table = summary_table(opened_ds)
    assert table[RANGE].notna().all(axis=None)
    share = row(table, "share_negative")
    at = {"cohort": "LBP", "performance_year": 2029}
    values = opened_ds["open_share_negative"].sel(at).values
    low, high = np.quantile(values, [0.05, 0.95])
    assert (share["range_low"], share["range_high"]) == (pytest.approx(low), pytest.approx(high))
    assert 0 < share["range_low_mcse"] < share["range_high"] - share["range_low"]
    assert share["value"] == pytest.approx(opened_ds["share_negative"].sel(at).mean())
    quantile = opened_ds["open_adjustment_quantile"].sel(at).isel(quantile=1).values
    assert row(table, "adjustment_p05")["range_low"] == pytest.approx(np.quantile(quantile, 0.05))
    columns = ["value", "mcse"]
    without = summary_table(opened_ds.drop_dims("open_draw"))
    pd.testing.assert_frame_equal(table[columns], without[columns])


@pytest.mark.parametrize("width", [80, 110, 200])
def test_every_range_is_printed_with_two_digits_of_its_width(
    opened_ds: xr.Dataset, width: int
) -> None:
    text = printed(opened_ds, width)
    assert max(map(len, text.splitlines())) <= width
    assert "±" not in text
    tables = tables_of(text, "A value is")
    numbers = Counter(re.findall(r"-?\d[\d,]*(?:\.\d+)?", tables))
    for row_ in summary_table(opened_ds).itertuples(index=False):
        factor, _ = PRINTED[row_.unit]
        three = (factor * number for number in (row_.value, row_.range_low, row_.range_high))
        numbers.subtract(rounded_to_range(*three))
    left = {number for number, count in numbers.items() if count}
    years = {str(year) for first in YEARS for year in (first, first + 2)}
    assert left == years | {"5", "95"}  # percentiles


def test_ranges_stand_beside_the_values_where_there_is_room(opened_ds: xr.Dataset) -> None:
    number = r"-?\d+(\.\d+)?"
    assert re.search(
        rf"share with a penalty +{number} \({number} to {number}\) ", printed(opened_ds, 160)
    )
    below = printed(opened_ds, 110).splitlines()
    line = next(k for k, text in enumerate(below) if "share with a penalty" in text)
    assert re.fullmatch(rf"( +{number} to {number}){{5}}", below[line + 1].rstrip())
    narrow = printed(opened_ds).splitlines()
    line = next(k for k, text in enumerate(narrow) if "share with a penalty" in text)
    assert re.fullmatch(rf"( +{number} to){{5}}", narrow[line + 1].rstrip())
    assert re.fullmatch(rf"( +{number}){{5}}", narrow[line + 2].rstrip())


def test_errors_are_printed_where_they_are_asked_for(opened_ds: xr.Dataset) -> None:
    """As without open draws, but for what is said of ranges."""
    asked = printed(opened_ds, errors=True)
    assert "No ranges" not in asked
    assert " to " not in tables_of(asked, "± is the")
    without = printed(opened_ds.drop_dims("open_draw"))
    assert tables_of(asked, "± is the") == tables_of(without, "± is the")


def test_sentences_have_ranges_and_say_what_they_are(opened_ds: xr.Dataset) -> None:
    told = sentences(opened_ds)
    low, high = np.quantile(opened_ds.open_share_negative[:, 0, 0], [0.05, 0.95])
    value = float(opened_ds.share_negative[:, 0, 0].mean())
    three = rounded_to_range(100 * value, 100 * low, 100 * high)
    assert "{} ({} to {}) % (HF)".format(*three) in told[0]
    assert "the middle 90 % of 80 open draws" in " ".join(told)
    assert "(1 parameter of the population) drawn in each" in " ".join(told)
    assert "±" not in " ".join(told)
    assert told[-1].startswith("`asm-sim sensitivity baseline --method variance` tells where")


def test_what_medicare_keeps_has_no_range_where_nothing_changes_it(opened_ds: xr.Dataset) -> None:
    told = sentences(opened_ds)
    assert "which Medicare keeps: 15 % of the amount at risk; on" in told[0]
    assert "Settled: Medicare keeps 15 % of the amount at risk in any case" in told[-2]
    moved = opened_ds.assign(open_amount_at_risk=opened_ds.open_amount_at_risk**1.01)
    assert re.search(r"keeps: 15\.\d+\*? \(1\d\.\d+ to 1\d\.\d+\) % of", sentences(moved)[0])
    assert "in any case" not in " ".join(sentences(moved))


def test_a_value_outside_its_range_is_said_so(opened_ds: xr.Dataset) -> None:
    assert OUTSIDE not in printed(opened_ds)
    moved = opened_ds.assign(open_share_negative=opened_ds.open_share_negative + 0.3)
    text = printed(moved, 160)
    assert re.search(r"share with a penalty +5\d\* \(7\d to 9\d\)", text)
    assert text.count(OUTSIDE_NOTE) == 3  # below each table, and behind the sentences
    assert OUTSIDE not in printed(moved, 160, errors=True)


def test_why_there_is_no_range(ds: xr.Dataset) -> None:
    few = " ".join(sentences(opened(ds, FEWEST_OPEN - 1)))
    assert "No ranges: 19 open draws are too few for a range, which needs 20" in few
    refused = ds.assign_attrs(no_open_draws="the ends of a range do not fit")
    assert "can be drawn in this scenario: the ends of a range do not fit" in printed(refused, 200)


def test_draws_that_are_open_themselves_are_those_of_the_range(ds: xr.Dataset) -> None:
    own = ds.assign_attrs(all_open=1)
    told = " ".join(sentences(own))
    assert (
        "A value is the mean over 40 draws. The range beside it holds the middle 90 % of 40 draw"
        in told
    )
    assert summary_table(own)["range_low"].notna().all()


def test_what_is_open_and_held_is_told(opened_ds: xr.Dataset) -> None:
    layer = {
        "drawn": {"population.a": [1, 2, 3], "rules.b": [1, 2, 3], "rules.c": [1, 2, 3]},
        "held": {"population.d": "set by the scenario"},
        "without_range": {
            "population.e": "no belief",
            "population.f": "no belief",
            "rules.g": "",
        },
    }
    told = opened_ds.assign_attrs(open_layer=json.dumps(layer))
    assert "(1 parameter of the population and 2 parameters of the rule) drawn in each" in " ".join(
        sentences(told)
    )
    assert held_lines(told) == [
        "Open too, and held in all of them: 3 parameters of the population and 1 parameter of the "
        "rule (g). `asm-sim parameters --status assumption,precedent` says why each is."
    ]
    assert summary_json(told)["held"]["rules.g"] == UNRANGED
    assert summary_json(told)["held"]["population.f"] == "no belief"
    assert held_lines(opened_ds.drop_dims("open_draw")) == []
    assert "Open too, and held in all of them" in printed(told)


# What moves the share of penalties


def test_effects_are_those_of_the_scenario_or_said_to_be_of_the_baseline(ds: xr.Dataset) -> None:
    effects = shipped_effects()
    named = effects.named("HF")[0][0]
    other = effects_lines(ds.assign_attrs(settings=json.dumps([["rules.a", [1, "b c"]]])))
    assert "effects of the baseline" in other[0]
    assert other[-1].startswith("`asm-sim sensitivity baseline --set 'rules.a=[1, b c]'` computes")
    called = effects_lines(ds.assign_attrs(called="my files/a.yaml"))
    assert called[-1].startswith("`asm-sim sensitivity 'my files/a.yaml'` computes")
    own = ds.assign_attrs({name: effects.about[name] for name in BELONGS_TO})
    lines = effects_lines(own)
    assert "effects of" not in lines[0]
    assert "sensitivity" not in " ".join(lines)
    assert lines[1:] == other[1:-1]
    assert lines[1].startswith(f"  HF   {named.path} ({named.central}): {in_points(named)} at ")
    assert summary_json(own)["effects"]["of_this_scenario"] is True
    assert summary_json(ds)["effects"]["of_this_scenario"] is False
    rows = effects_table(own)
    assert rows["parameter"].nunique() <= 2 * MOST_NAMED
    assert list(map(str, rows.iloc[0])) == [
        "HF", named.path, named.central, named.value, in_points(named)
    ]  # fmt: skip


def test_how_much_of_the_rule_has_been_read(ds: xr.Dataset) -> None:
    counts = {"rules": {"regulation": 5, "published": 2, "derived": 4, "precedent": 1, "lever": 3}}
    told = sentences(ds.assign_attrs(statuses=json.dumps(counts)))
    assert (
        "Settled: of the 15 parameters of the rule 7 are read in the regulation or in official "
        "data, 4 follow from these or are told by others." in told
    )
