"""The printed answer: the largest first, in 80 columns, with errors, and all of it as a table."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from asm_sim.results.sensitivity import (
    leading,
    print_sensitivity,
    sensitivity_json,
    sensitivity_table,
)
from tests.unit.answers import LONG, PATHS, effects, layers, sampled


def printed(ds: xr.Dataset, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_sensitivity(ds, Console(file=file, width=80))
    file.seek(0)
    return file.read()


def test_effects_are_the_largest_first_in_80_columns() -> None:
    text = printed(effects())
    assert max(map(len, text.splitlines())) <= 80
    assert text.index(LONG) < text.index("rules.a.steepness")
    assert "population.b.nothing" not in text  # no larger than its errors
    assert "Not shown: 1 other unknown with" in text
    for said in (
        "Share with a penalty, performance year 2027",
        "changes in percentage points",
        "at the central values (%)",
        "rules.a.steepness (0.1 per point)",
        "+1.00 ±0.10",
        "-5.0 ±0.5",
        "+11.0 ±1.1",
        "changes in million USD",
    ):
        assert said in text, said


def test_a_terminal_without_the_sign_is_written_without_it() -> None:
    text = printed(effects(), "ascii")
    assert "±" not in text
    assert "+11.0 +/-1.1" in text


def test_screening_shows_size_mean_and_spread() -> None:
    text = printed(sampled("morris"))
    assert max(map(len, text.splitlines())) <= 80
    assert text.index(LONG) < text.index("rules.a.steepness")
    assert "size" in text
    assert "+70 ±3" in text


def test_shares_say_how_far_an_answer_would_narrow() -> None:
    text = printed(sampled("sobol"))
    assert max(map(len, text.splitlines())) <= 80
    assert "70 ±3" in text
    assert "-1" not in text  # a share below zero is zero
    spread = "SD in percentage points is 4.00 ±0.10 (HF), 2.19 if it were known"
    assert spread in " ".join(text.split())  # 4 times the root of 1 - .7


def test_layers_have_shares_that_are_no_less_than_zero() -> None:
    text = printed(layers())
    assert max(map(len, text.splitlines())) <= 80
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "how the rule is read 50 ±6 50 ±6" in lines
    assert "luck: few episodes and cases 0 ±6 0 ±6" in lines
    assert "SD over draws (percentage points) 2.00 ±0.10 1.00 ±0.05" in lines
    assert "how the rule is read fixed by the rule fixed by the rule" in lines
    table = sensitivity_table(layers())
    assert len(table) == 2 * 2 * (4 + 1)
    row = table[(table.parameter == "measurement") & (table.outcome == "share_negative")].iloc[0]
    assert (row.statistic, row.units, row.value) == ("share", "fraction", -0.05)


@pytest.mark.parametrize("ds", [effects(), sampled("morris"), sampled("sobol")])
def test_the_table_has_every_number(ds: xr.Dataset) -> None:
    table = sensitivity_table(ds)
    values = [ds[str(n)].size for n in ds.data_vars if not str(n).endswith("_mcse")]
    assert len(table) == sum(values)
    row = table[(table.parameter == LONG) & (table.cohort == "LBP")].iloc[0]
    name = str(row.statistic)
    here = ds.sel(outcome=row.outcome, cohort="LBP")
    at = int(np.flatnonzero(here["parameter"].values == LONG)[0])
    assert row.value == float(here[name].values[at])
    assert row.mcse == float(here[f"{name}_mcse"].values[at])
    told = json.loads(json.dumps(sensitivity_json(ds), allow_nan=False))
    assert len(told["numbers"]) == len(table)
    assert told["run"]["scenario"] == "one"


def test_the_order_is_that_of_any_cohort() -> None:
    assert leading(effects(), "share_negative") == [LONG, PATHS[0], PATHS[2]]
    assert leading(sampled("sobol"), "share_negative")[0] == LONG
