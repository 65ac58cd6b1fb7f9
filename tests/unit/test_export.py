"""Exports: what is read back equals the results, whatever the pieces, and nothing is half done."""

from __future__ import annotations

import csv
import errno
import io
import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr
from typer.testing import CliRunner

from asm_sim.cli.main import app
from asm_sim.errors import InputError
from asm_sim.results import export as tables
from asm_sim.results.export import answers_of, codebook_of, plan_export
from asm_sim.results.open import open_results
from asm_sim.results.registry import YEARLY
from asm_sim.results.scenarios import scenario_of
from tests.unit.synthetic_run import AXES, opened, synthetic_dataset, synthetic_sweep, write_run

DRAWS = 7
READ = {
    "parquet": pd.read_parquet,
    "csv": partial(pd.read_csv, engine="pyarrow"),  # to the last bit, with pandas 2 too
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweeps") / "steepness"
    return write_run(synthetic_sweep(DRAWS, shares=(0.85,)), folder)


@pytest.fixture(scope="module")
def ds(stored: Path) -> xr.Dataset:
    """The sweep as it is on disk. Do not load it."""
    return open_results(stored)


def refused(*arguments, **named) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as error:
        plan_export(*arguments, **named)
    return str(error.value)


@pytest.mark.parametrize("at_once", [1, 100, 1_000_000])
def test_netcdf_reads_back_equal(ds: xr.Dataset, tmp_path: Path, at_once: int) -> None:
    pytest.importorskip("h5py")
    names = ["final_score_mean", "adjustment_histogram", "panel_adjustment", "quintile_transition"]
    about = ds.assign_attrs(parameters="p" * 200_000, flag=True, nothing=None)
    path = plan_export(about, "netcdf", tmp_path / "a.nc", names).write(at_once)
    with xr.open_dataset(path, engine="h5netcdf") as back:
        for name in ("Conventions", "history", "source"):
            del back.attrs[name]
        xr.testing.assert_identical(
            back.load(), ds[names].assign_attrs(about.attrs | {"flag": "true", "nothing": "null"})
        )
        assert back["panel_adjustment"].dtype == np.float32
        assert back["adjustment_histogram"].dtype == np.int64


def test_netcdf_holds_all_but_the_panel(ds: xr.Dataset, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    path = plan_export(ds, "netcdf", folder=tmp_path).write()
    assert path == tmp_path / "results.nc"
    with xr.open_dataset(path, engine="h5netcdf") as back:
        left_out = set(ds.data_vars) - set(back.data_vars)
    assert left_out == {name for name in ds.data_vars if str(name).startswith("panel_")} != set()


@pytest.mark.parametrize("to", ["parquet", "csv"])
@pytest.mark.parametrize("at_once", [1, 3000, 1_000_000])
def test_a_table_holds_every_number(ds: xr.Dataset, tmp_path: Path, to: str, at_once: int) -> None:
    path = plan_export(ds, to, folder=tmp_path).write(at_once)
    table = READ[to](path)
    names = [variable.name for variable in YEARLY]
    keys = ["scenario", *AXES, "draw", "seed", "cohort", "performance_year", "payment_year"]
    assert list(table.columns) == keys + names
    assert len(table) == 3 * DRAWS * 2 * 5
    expected = ds[names].drop_vars("scenario_hash").load().to_dataframe().reset_index()
    pd.testing.assert_frame_equal(
        table, expected[keys + names], check_dtype=False, check_exact=True
    )
    beside = {answers_of(path).name} | ({codebook_of(path).name} if to == "csv" else set())
    assert {found.name for found in tmp_path.iterdir()} == {path.name, *beside}


@pytest.mark.parametrize("to", ["parquet", "csv"])
def test_beside_a_table_of_draws_are_the_answers(tmp_path: Path, to: str) -> None:
    """A value, its error and its range for each number that the rows are draws of."""
    run = opened(synthetic_dataset(30), 25)
    names = ["share_negative", "adjustment_mean_by_group", "penalty_years"]
    export = plan_export(run, to, folder=tmp_path, variables=names)
    folder = export.write()
    assert set(folder.iterdir()) == set(export.files)
    yearly = READ[to](folder / f"draw-cohort-performance_year.answers.{to}")
    assert list(yearly.columns) == [
        *("cohort", "performance_year", "variable", "units", "value", "mcse"),
        *("range_low", "range_low_mcse", "range_high", "range_high_mcse"),
    ]
    assert len(yearly) == 2 * 5
    row = yearly.query("cohort == 'LBP' and performance_year == 2029").iloc[0]
    at = {"cohort": "LBP", "performance_year": 2029}
    draws, open_draws = run.share_negative.sel(at), run.open_share_negative.sel(at)
    assert row["value"] == pytest.approx(float(draws.mean()))
    assert row["mcse"] == pytest.approx(float(draws.std(ddof=1)) / 30**0.5)
    assert row["range_low"] == pytest.approx(float(open_draws.quantile(0.05)))
    groups = READ[to](folder / f"draw-cohort-performance_year-group.answers.{to}")
    assert groups["value"].notna().any()
    assert groups["range_low"].isna().all()  # of no group are there open draws
    plan_export(run, to, folder=tmp_path, variables=names, overwrite=True).write()


def test_answers_of_a_sweep_name_the_scenario(ds: xr.Dataset, tmp_path: Path) -> None:
    path = plan_export(ds, "csv", tmp_path / "a.csv", ["share_negative"]).write()
    table = READ["csv"](answers_of(path))
    assert table["scenario"].unique().tolist() == ds["scenario"].values.tolist()
    pd.testing.assert_series_equal(
        table["value"],
        ds["share_negative"].mean("draw").to_series().reset_index(drop=True),
        check_names=False,
    )


def test_pieces_change_nothing(ds: xr.Dataset, tmp_path: Path) -> None:
    texts = set()
    for number, at_once in enumerate((1, 777, 10**9)):
        path = tmp_path / f"{number}.csv"
        texts.add(plan_export(ds, "csv", path, ["panel_dollars"]).write(at_once).read_bytes())
    assert len(texts) == 1
    export = plan_export(ds, "csv", tmp_path / "9.csv", ["panel_dollars"])
    pieces = list(tables._pieces(export.ds, ("scenario", *ds["panel_dollars"].dims[1:]), 6, 20_000))
    assert len(pieces) == 3 * DRAWS  # 650 clinicians x 5 years x 6 columns: one draw at a time


def test_units_are_with_the_columns(ds: xr.Dataset, tmp_path: Path) -> None:
    path = plan_export(ds, "parquet", folder=tmp_path).write()
    schema = pq.read_schema(path)
    field = schema.field("retained_by_medicare")
    assert field.metadata[b"units"] == b"USD"
    assert field.metadata[b"long_name"] == ds["retained_by_medicare"].attrs["long_name"].encode()
    assert json.loads(schema.metadata[b"asm_sim"])["seed"] == "1"
    path = plan_export(ds, "csv", folder=tmp_path).write()
    with codebook_of(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["column"] for row in rows] == list(pd.read_csv(path, nrows=1).columns)
    assert {row["column"]: row["units"] for row in rows}["chance_sd"] == "fraction"
    assert all(row["long_name"] for row in rows)


@pytest.mark.parametrize("to", ["parquet", "csv"])
def test_a_table_for_each_set_of_dims(ds: xr.Dataset, tmp_path: Path, to: str) -> None:
    names = ["final_score_histogram", "chance_sd", "penalty_years", "share_negative"]
    export = plan_export(ds, to, folder=tmp_path, variables=names, scenario="1")
    folder = export.write()
    assert folder == tmp_path / f"results-{to}"
    assert set(folder.iterdir()) == set(export.files)
    yearly = READ[to](folder / f"draw-cohort-performance_year.{to}")
    assert {"chance_sd", "share_negative"} <= set(yearly)
    one = scenario_of(ds, 1)
    np.testing.assert_array_equal(yearly["chance_sd"], one["chance_sd"].values.ravel())
    counts = READ[to](folder / f"cohort-performance_year-group-score_bin.{to}")
    assert counts["final_score_histogram"].dtype == np.int64
    assert counts["final_score_histogram"].sum() == one["final_score_histogram"].sum()
    assert counts["score_bin"].min() == -np.inf
    assert {"group", "grouping"} <= set(counts)
    assert "exists" in refused(ds, to, folder=tmp_path, variables=names, scenario="1")
    plan_export(ds, to, folder=tmp_path, variables=names[:2], overwrite=True).write()
    assert not list(folder.glob("draw*"))  # nothing of the old one is left
    (folder / "notes.txt").write_text("mine")
    said = refused(ds, to, folder=tmp_path, variables=names, overwrite=True)
    assert "something else" in said
    assert "need 3 tables" in refused(ds, to, tmp_path / f"a.{to}", names)


def test_what_is_refused(ds: xr.Dataset, tmp_path: Path) -> None:
    assert "did you mean 'parquet'" in refused(ds, "parket")
    assert "one of: netcdf, parquet, csv" in refused(ds, "xlsx")
    assert "did you mean 'chance_sd'" in refused(ds, "csv", variables=["chance_std"])
    assert "name at least one" in refused(ds, "csv", variables=[])
    assert "no scenario is called" in refused(ds, "csv", scenario="nix")
    assert "of one run" in refused(scenario_of(ds, 0), "csv", scenario="0")
    assert "does not exist" in refused(ds, "csv", tmp_path / "nowhere" / "a.csv")
    assert "must end in .nc" in refused(ds, "netcdf", tmp_path / "a.csv")
    (tmp_path / "a.csv").mkdir()
    assert "not an ordinary file" in refused(ds, "csv", tmp_path / "a.csv", overwrite=True)
    (tmp_path / "b.columns.csv").write_text("mine")
    assert "b.columns.csv: this exists" in refused(ds, "csv", tmp_path / "b.csv")


@pytest.mark.parametrize("to", ["netcdf", "parquet", "csv"])
def test_a_failure_leaves_the_old_output_alone(
    ds: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    pytest.importorskip("h5py")
    path = plan_export(ds, to, folder=tmp_path).write()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert "exists" in refused(ds, to, folder=tmp_path)
    export = plan_export(ds, to, folder=tmp_path, overwrite=True, variables=["chance_sd"])
    pieces = tables._pieces

    def failing(*arguments):  # type: ignore[no-untyped-def]
        yield next(pieces(*arguments))
        raise OSError("no space left")

    monkeypatch.setattr(tables, "_pieces", failing)
    with pytest.raises(OSError, match="no space"):
        export.write()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    monkeypatch.undo()
    assert export.write() == path
    assert path.read_bytes() != before[path.name]


@pytest.mark.parametrize("room", [0, 1, 100, 2_000, 5_000, 20_000, 60_000, 150_000])
def test_netcdf_on_a_full_disk(
    ds: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """HDF5 crashes where its file cannot be written or closed; it is not told."""
    pytest.importorskip("h5py")

    class Full(io.FileIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            left = room - self.tell()
            if left <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data[:left])

        def truncate(self, size: int | None = None) -> int:
            if size is not None and size > room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().truncate(size)

    never_failing = tables._NeverFailing
    monkeypatch.setattr(
        tables, "_NeverFailing", lambda file: never_failing(Full(file.fileno(), "r+", False))
    )
    export = plan_export(ds, "netcdf", folder=tmp_path)
    with pytest.raises(OSError, match="No space left") as caught:
        export.write(1000)
    assert caught.value.filename == str(tmp_path / "results.nc")
    assert not list(tmp_path.iterdir())


def test_the_verb(stored: Path, ds: xr.Dataset, tmp_path: Path) -> None:
    runner = CliRunner()
    said = runner.invoke(app, ["export", str(stored), "--to", "csv", "--scenario", "2"])
    assert said.exit_code == 0, said.output
    assert said.stdout.strip() == str(stored / "results.csv")
    assert f"{DRAWS * 10} rows of" in said.stderr
    table = READ["csv"](stored / "results.csv")
    np.testing.assert_array_equal(table["chance_sd"], ds["chance_sd"][2].values.ravel())
    again = runner.invoke(app, ["export", str(stored), "--to", "csv"])
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    path = tmp_path / "two.parquet"
    arguments = ["--variables", "chance_sd, share_negative", "-o", str(path)]
    said = runner.invoke(
        app, ["export", str(stored / "results.zarr"), "--to", "parquet", *arguments]
    )
    assert said.exit_code == 0, said.output
    assert {"chance_sd", "share_negative"} < set(pd.read_parquet(path))
    assert runner.invoke(app, ["export", str(stored), "--to", "xls"]).exit_code == 2


def test_netcdf_says_by_which_conventions_and_where_it_comes_from(
    ds: xr.Dataset, tmp_path: Path
) -> None:
    path = plan_export(ds, "netcdf", tmp_path / "a.nc", ["share_negative"]).write()
    with xr.open_dataset(path) as back:
        assert back.attrs["Conventions"] == "CF-1.11"
        assert back.attrs["source"] == f"asm_sim {ds.attrs['asm_sim_version']}, simulated"
        assert back.attrs["history"].endswith("written by asm-sim export --to netcdf")


def test_a_table_beyond_excel_is_warned_of(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["export", str(stored), "--overwrite", "--variables", "share_negative", "--to"]
    few = CliRunner().invoke(app, [*asked, "csv", "-o", str(tmp_path / "a.csv")])
    assert "Warning" not in few.stderr
    monkeypatch.setattr(tables, "EXCEL_ROWS", 10)
    many = CliRunner().invoke(app, [*asked, "csv", "-o", str(tmp_path / "a.csv")])
    assert many.exit_code == 0
    assert "Excel opens" in many.stderr
    other = CliRunner().invoke(app, [*asked, "parquet", "-o", str(tmp_path / "a.parquet")])
    assert "Warning" not in other.stderr
