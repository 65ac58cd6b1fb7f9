"""Scenarios of a sweep: choosing one, laying them on a grid, and differences between them."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console
from typer.testing import CliRunner

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.plots import adjustment_distribution
from asm_sim.results import compare as module
from asm_sim.results.compare import (
    HEADLINES,
    NUMBERS,
    compare,
    compare_runs,
    comparison_json,
    comparison_table,
    print_comparison,
    versus_reference,
)
from asm_sim.results.describe import one_scenario, source_line
from asm_sim.results.open import open_results
from asm_sim.results.ranges import OUTSIDE_NOTE
from asm_sim.results.scenarios import by_axis, scenario_of, with_settings
from asm_sim.results.sweep_summary import print_sweep, sweep_table
from tests.unit.refusal import refused
from tests.unit.synthetic_run import AXES, opened, synthetic_dataset, synthetic_sweep, write_run

DRAWS = 8
HIGH, BASE = (f"steepness={steep}, redistribution_share=0.85" for steep in (0.2, 0.1))


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_sweep(DRAWS)


@pytest.fixture(scope="module")
def stored(ds: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(ds, tmp_path_factory.mktemp("sweeps") / "steepness")


def printed(result: xr.Dataset, width: int = 80) -> str:
    stream = io.StringIO()
    print_comparison(result, Console(file=stream, width=width))
    return stream.getvalue()


# Choosing a scenario


@pytest.mark.parametrize(
    "which", [HIGH, 5, "5", {AXES[0]: 0.2, AXES[1]: 0.85}, {AXES[0]: "0.2", AXES[1]: 0.85}]
)
def test_a_scenario_by_name_position_or_values(ds: xr.Dataset, which: object) -> None:
    run = scenario_of(ds, which)  # type: ignore[arg-type]
    assert "scenario" not in run.dims
    assert not {"scenario", "scenario_hash", *AXES} & set(run.coords)
    xr.testing.assert_equal(run["final_score_mean"], ds["final_score_mean"][5].drop_vars(
        ["scenario", "scenario_hash", *AXES]))  # fmt: skip
    assert HIGH in source_line(run)
    assert run.attrs["scenario_hash"] == str(ds["scenario_hash"].values[5])
    assert not {"scenarios", "compare_to", "rules_hash"} & set(run.attrs)
    assert run.attrs["population_hash"] == ds.attrs["population_hash"]


def test_a_name_of_digits_is_a_name(ds: xr.Dataset) -> None:
    named = ds.assign_coords(scenario=["5", "4", "3", "2", "1", "0"])
    assert scenario_of(named, "5").attrs["scenario"] == "5"
    assert scenario_of(named, 5).attrs["scenario"] == "0"


def test_what_is_said_where_there_is_no_such_scenario(ds: xr.Dataset) -> None:
    said = refused(scenario_of, ds, "steepness=0.2,redistribution_share=0.85")
    assert f"did you mean {HIGH!r}" in said
    assert "6 scenarios" in said
    assert "no scenario is called '6'" in refused(scenario_of, ds, "6")
    assert "no scenario is called '-1'" in refused(scenario_of, ds, -1)
    assert "no axis 'steepness'" in refused(scenario_of, ds, {"steepness": 0.2})
    assert "fits 2 scenarios" in refused(scenario_of, ds, {AXES[0]: 0.2})
    assert "no scenario has" in refused(scenario_of, ds, {AXES[0]: 0.3, AXES[1]: 0.85})
    assert "of one run" in refused(scenario_of, synthetic_dataset(2), 0)


def test_settings_change_the_leaves_below() -> None:
    values = {"r.a": 1.0, "r.b": {"2027": 0.1, "2028": 0.2}, "r.c.x": 1, "r.c.y": 2, "r.cc": 3}
    years = ["2027", "2028"]

    def change(path: str, value: object) -> dict[str, object]:
        after = with_settings(values, {path: value}, years)
        return {key: after[key] for key in after if after[key] != values[key]}

    assert change("r.a", 2.0) == {"r.a": 2.0}
    assert change("r.b", {2028: 0.3}) == {"r.b": {"2027": 0.1, "2028": 0.3}}
    assert change("r.a", {"2028": 3.0}) == {"r.a": {"2027": 1.0, "2028": 3.0}}
    assert change("r.b", 0.5) == {"r.b": 0.5}
    assert change("r.c", 7) == {"r.c.x": 7, "r.c.y": 7}
    assert change("r.c", {"y": 8}) == {"r.c.y": 8}
    assert change("r.nowhere", 1) == {}


def test_a_scenario_is_described_with_its_own_parameters(ds: xr.Dataset) -> None:
    for run in (scenario_of(ds, HIGH), one_scenario(ds.sel(scenario=HIGH))):
        assert json.loads(run.attrs["parameters"])[AXES[0]] == 0.2
        assert json.loads(run.attrs["scenario_yaml"])["set"] == {AXES[0]: 0.2, AXES[1]: 0.85}
    only = ds.isel(scenario=[5])
    assert one_scenario(only).attrs == scenario_of(ds, 5).attrs
    assert "6 scenarios" in refused(one_scenario, ds)
    adjustment_distribution.plot(ds.sel(scenario=HIGH))


def test_a_grid_has_a_dim_per_axis_and_is_read_when_used(stored: Path) -> None:
    ds = open_results(stored)
    shuffled = ds.isel(scenario=[3, 0, 5, 1, 4, 2])
    for grid in (by_axis(ds), by_axis(shuffled)):
        assert grid["final_score_mean"].dims == (*AXES, "draw", "cohort", "performance_year")
        assert not grid["final_score_mean"].variable._in_memory
        np.testing.assert_array_equal(grid[AXES[0]], [0.05, 0.1, 0.2])
        cell = grid.sel({AXES[0]: 0.2, AXES[1]: 0.85})
        assert str(cell["scenario"].item()) == HIGH
        np.testing.assert_array_equal(cell["final_score_mean"], ds["final_score_mean"][5])
        part = grid["final_score_mean"].isel({AXES[0]: [2, 0], AXES[1]: 0, "draw": slice(1, 3)})
        np.testing.assert_array_equal(part, ds["final_score_mean"][[4, 0], 1:3])
        assert one_scenario(cell).attrs["scenario"] == HIGH
        names = ds["scenario"].values.reshape(3, 2)
        np.testing.assert_array_equal(grid["scenario"], names)
        money = ds["retained_by_medicare"].values
        np.testing.assert_array_equal(
            grid["retained_by_medicare"], money.reshape(3, 2, *money.shape[1:])
        )


def test_no_grid(ds: xr.Dataset) -> None:
    assert "not the full grid" in refused(by_axis, ds.isel(scenario=slice(0, 5)))
    assert "not the full grid" in refused(by_axis, ds.isel(scenario=[0, 1, 2, 3, 4, 4]))
    assert "no axes" in refused(by_axis, synthetic_dataset(2))


# Differences


def test_differences_by_hand(ds: xr.Dataset) -> None:
    result = compare(ds, HIGH)
    high, base = (ds["final_score_mean"].values[i] for i in (5, 3))
    expected = {
        "": high,
        "_reference": base,
        "_difference": high - base,
    }
    for kind, values in expected.items():
        name = f"final_score_mean{kind}"
        np.testing.assert_allclose(result[name], values.mean(axis=0), rtol=1e-12)
        error = values.std(axis=0, ddof=1) / math.sqrt(DRAWS)
        np.testing.assert_allclose(result[f"{name}_mcse"], error, rtol=1e-9)
        assert result[name].attrs["units"] == "points"
        assert result[name].dims == ("cohort", "performance_year")
    assert (result["final_score_mean_difference_mcse"] < result["final_score_mean_mcse"] / 4).all()
    assert result.attrs["scenario"] == HIGH
    assert result.attrs["reference"] == BASE
    assert result.attrs["draws"] == DRAWS
    assert set(HEADLINES) <= set(result.data_vars)
    assert "chance_sd_difference" in compare(ds, 0, 1, ["chance_sd"])


def test_a_path_or_a_dataset_in_memory(ds: xr.Dataset, stored: Path) -> None:
    xr.testing.assert_identical(asm.compare(str(stored), HIGH, BASE), compare(ds, HIGH, BASE))


def test_two_runs_over_the_draws_that_both_have(ds: xr.Dataset) -> None:
    first, second = scenario_of(ds, HIGH), scenario_of(ds, BASE).isel(draw=slice(0, 5))
    result = compare(first, second)
    xr.testing.assert_allclose(result, compare_runs(first.isel(draw=slice(0, 5)), second))
    assert result.attrs["draws"] == 5
    difference = result["final_score_mean"] - result["final_score_mean_reference"]
    np.testing.assert_allclose(result["final_score_mean_difference"], difference, atol=1e-12)


def test_what_cannot_be_compared(ds: xr.Dataset, stored: Path) -> None:
    run = synthetic_dataset(2)
    assert "different seeds" in refused(compare, run, run.assign_coords(seed=run["seed"] + 8))
    assert "share no draw" in refused(compare, run, run.assign_coords(draw=[7, 8]))
    assert "name one other run" in refused(compare, run, run, "b")
    assert "name one other run" in refused(compare, run, 1)
    assert "must be a run too" in refused(compare, run, str(stored / "nowhere"))
    assert "compare_to" in refused(compare, ds.drop_attrs(), HIGH)
    assert "name two of them" in refused(compare, ds, run)
    assert "did you mean 'chance_sd'" in refused(compare, ds, 0, 1, ["chance_sdd"])
    assert "not a value per draw" in refused(compare, ds, 0, 1, ["adjustment_histogram"])


@pytest.mark.parametrize("at_once", [1, 200, 1_000_000])
def test_every_scenario_against_the_reference(
    stored: Path, ds: xr.Dataset, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(module, "VALUES_AT_ONCE", at_once)
    result = versus_reference(open_results(stored), ["final_score_mean", "quintile_transition"])
    assert result["final_score_mean_difference"].dims == ("scenario", "cohort", "performance_year")
    for position, name in enumerate(ds["scenario"].values):
        one = compare(ds, str(name), BASE, ["final_score_mean"])
        for kind in ("_difference", "_difference_mcse"):
            np.testing.assert_allclose(
                result[f"final_score_mean{kind}"][position],
                one[f"final_score_mean{kind}"],
                rtol=1e-9,
            )
    assert (result["final_score_mean_difference"][3] == 0).all()
    assert result["quintile_transition_difference"].sizes["to_quintile"] == 5
    assert by_axis(result).sizes[AXES[0]] == 3


def test_the_table(ds: xr.Dataset) -> None:
    names = ["final_score_mean", "penalty_years", "adjustment_mean_by_group"]
    table = comparison_table(compare(ds, HIGH, variables=names))
    groups = ds.sizes["group"]
    assert len(table) == 2 * 5 + 2 * groups * 6 + 2 * 5 * groups
    assert list(table.columns) == [
        *("cohort", "performance_year", "group", "n_years", "variable", "units"),
        *NUMBERS,
    ]
    row = table.query("variable == 'final_score_mean' and cohort == 'LBP'").iloc[2]
    assert row["performance_year"] == 2029
    values = ds["final_score_mean"].values[:, :, 1, 2]
    assert row["a"] == pytest.approx(values[5].mean(), rel=1e-12)
    assert row["b"] == pytest.approx(values[3].mean(), rel=1e-12)
    assert row["difference"] == pytest.approx((values[5] - values[3]).mean(), rel=1e-9)
    assert table.query("variable == 'penalty_years'")["performance_year"].isna().all()
    text = json.dumps(comparison_json(compare(ds, HIGH, variables=names)), allow_nan=False)
    rows = json.loads(text)["differences"]
    assert len(rows) == len(table)
    assert rows[-1].keys() == dict.fromkeys(table.columns).keys()


def test_what_is_printed(ds: xr.Dataset) -> None:
    text = printed(compare(ds, HIGH), width=120)
    assert f"A  {HIGH}" in text
    assert f"B  {BASE}" in text
    assert "paired within draws" in text
    assert f"{DRAWS} draws, seed 1" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["kept", "by", "Medicare", *"00000"] in lines  # equal, without sign, error or decimals
    scores = next(line for line in text.splitlines() if "mean final score" in line)
    assert scores.count("+1.0") + scores.count("+0.") == scores.count("±") == 5
    assert "±?" in printed(compare(ds.isel(draw=[0]), HIGH))
    assert "-1." in printed(compare(ds, BASE, HIGH)) or "-0." in printed(compare(ds, BASE, HIGH))
    further = printed(compare(ds, 0, 1, ["penalty_years", "scaling_factor"]), width=140)
    assert "all years" in further
    assert "n_years 5" in further


def test_the_verb(stored: Path, tmp_path: Path, ds: xr.Dataset) -> None:
    runner = CliRunner()
    csv = tmp_path / "differences.csv"
    said = runner.invoke(app, ["compare", str(stored), HIGH, "--csv", str(csv)])
    assert said.exit_code == 0, said.output
    assert "mean final score" in said.stdout
    assert csv.read_text().count("\n") == 1 + 2 * 5 * len(HEADLINES)
    said = runner.invoke(
        app, ["compare", str(stored), "5", "0", "--variables", "chance_sd", "--json"]
    )
    rows = json.loads(said.stdout)["differences"]
    assert {row["variable"] for row in rows} == {"chance_sd"}
    assert len(rows) == 10
    said = runner.invoke(app, ["compare", str(stored), "nix"])
    assert said.exit_code == 2
    assert "no scenario is called 'nix'" in said.stderr
    runs = [write_run(scenario_of(ds, i), tmp_path / f"run{i}") for i in (5, 3)]
    said = runner.invoke(app, ["compare", *map(str, runs), "--json"])
    assert json.loads(said.stdout)["comparison"]["reference"] == BASE
    shutil.rmtree(runs[1])
    assert runner.invoke(app, ["compare", *map(str, runs)]).exit_code == 2


def test_the_table_of_a_comparison_is_written_whole(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home is one's home, a folder is no file, and a full disk keeps what was there."""
    runner = CliRunner()
    asked = ["compare", str(stored), HIGH, "--csv"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runner.invoke(app, [*asked, "~/a.csv"]).exit_code == 0
    before = (tmp_path / "a.csv").read_text()
    for other, why in (("~", "is a folder"), ("~/b/c.csv", "folder does not exist")):
        said = runner.invoke(app, [*asked, other])
        assert said.exit_code == 2
        assert why in said.stderr

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = runner.invoke(app, [*asked, "~/a.csv", "--variables", "chance_sd"])
    assert said.exit_code == 1
    assert said.stderr == f"Error: {tmp_path / 'a.csv'}: No space left on device\n"
    assert (tmp_path / "a.csv").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


# Ranges


@pytest.fixture(scope="module")
def opened_pair() -> tuple[xr.Dataset, xr.Dataset]:
    """Two runs whose open draws differ by a factor that is their own."""
    run = synthetic_dataset(30)
    factor = xr.DataArray(np.linspace(1.01, 1.06, 30), dims="open_draw")
    reference = opened(run, 30)
    share = (reference.open_share_negative * factor).transpose("open_draw", ...)
    return reference.assign(open_share_negative=share.assign_attrs(units="fraction")), reference


def test_the_range_of_a_difference_is_paired(opened_pair: tuple[xr.Dataset, xr.Dataset]) -> None:
    run, reference = opened_pair
    result = compare_runs(run, reference, ["share_negative", "share_negative_by_group"])
    apart = (run.open_share_negative - reference.open_share_negative).values[:, 1, 2]
    at = {"cohort": "LBP", "performance_year": 2029}
    names = [f"share_negative_difference_range_{end}" for end in ("low", "high")]
    ends = [float(result[name].sel(at)) for name in names]
    assert ends == pytest.approx(np.quantile(apart, [0.05, 0.95]))
    assert "range" in result.share_negative_difference_range_low.attrs["long_name"]
    assert result.share_negative_difference_range_low.attrs["units"] == "fraction"
    assert "share_negative_by_group_difference_range_low" not in result  # of no open draw
    row = comparison_table(result).query("cohort == 'LBP' and performance_year == 2029").iloc[0]
    assert [row["difference_range_low"], row["difference_range_high"]] == ends
    assert row["a_range_low"] > row["b_range_low"]
    json.dumps(comparison_json(result), allow_nan=False)
    for pair in (
        (run, reference.drop_dims("open_draw")),
        (run.isel(open_draw=slice(15)), reference),
    ):
        assert comparison_table(compare_runs(*pair))["difference_range_low"].isna().all()


def test_a_range_or_an_error_is_printed(opened_pair: tuple[xr.Dataset, xr.Dataset]) -> None:
    result = compare_runs(*opened_pair, ["share_negative", "final_score_mean"])
    text = printed(result, 140)
    assert "holds the middle 90 % of the open draws, paired" in " ".join(text.split())
    assert "±" not in text
    assert re.search(r"share with a penalty +0\.0\* \(\d\.\d to \d\.\d\)", text)
    assert text.count(OUTSIDE_NOTE) == 1
    everything = printed(compare_runs(*opened_pair))
    assert max(map(len, everything.splitlines())) <= 80
    assert re.search(r"mean final score +0 +0 +0 +0 +0\n", text)
    stream = io.StringIO()
    print_comparison(result, Console(file=stream, width=140), errors=True)
    assert "± is their Monte Carlo standard error" in " ".join(stream.getvalue().split())
    assert "range" not in stream.getvalue()


def test_a_sweep_has_ranges_of_values_and_differences() -> None:
    sweep = synthetic_sweep(30)
    own = ["scenario", "scenario_hash", *AXES]
    parts = [sweep.isel(scenario=k).drop_vars(own) for k in range(6)]
    parts = [opened(part, 30, spread=0.1 + 0.01 * k) for k, part in enumerate(parts)]
    beside = xr.concat(parts, "scenario", coords="minimal")
    beside = beside.assign_coords({name: sweep[name] for name in own}).assign_attrs(sweep.attrs)
    table = sweep_table(beside).set_index(["scenario", "cohort", "outcome"])
    plain = sweep_table(sweep).set_index(["scenario", "cohort", "outcome"])
    pd.testing.assert_frame_equal(table[plain.columns.tolist()], plain)
    name = HIGH, "HF", "share_negative"
    values = beside.open_share_negative.sel(cohort="HF").mean("performance_year")
    apart = values.sel(scenario=HIGH) - values.sel(scenario=BASE)
    low, high = np.quantile(apart, [0.05, 0.95])
    expected = float(values.sel(scenario=HIGH).quantile(0.05))
    assert table.loc[name, "range_low"] == pytest.approx(expected)
    assert table.loc[name, "difference_range_low"] == pytest.approx(low)
    assert table.loc[name, "difference_range_high"] == pytest.approx(high)
    assert (table.query("scenario == @BASE")["difference_range_high"] == 0).all()
    for errors, sign in ((False, " to "), (True, "±")):
        stream = io.StringIO()
        print_sweep(table.reset_index(), beside, Console(file=stream, width=170), errors)
        assert stream.getvalue().count(sign) > 40
        assert {False: "±", True: " to "}[errors] not in stream.getvalue()
        assert OUTSIDE_NOTE not in stream.getvalue()
    moved = table.assign(range_low=table["mean"] + 1, range_high=table["mean"] + 2)
    print_sweep(moved.reset_index(), beside, Console(file=stream, width=170))
    assert stream.getvalue().count(OUTSIDE_NOTE) == 1


@pytest.mark.parametrize("named", [False, True])
def test_the_table_of_a_sweep_fits_80_columns(named: bool) -> None:
    """Of values, and of scenarios with long names, which run on below; no number is cut off."""
    ds = synthetic_sweep(8)
    if named:
        given = {"sweep": {"list": []}}
        ds = ds.assign_attrs(scenario_yaml=json.dumps(given))
    table = sweep_table(ds)
    stream = io.StringIO()
    print_sweep(table, ds, Console(file=stream, width=80))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert text.count("±") >= 2 * len(table) / len(set(table["cohort"]))
