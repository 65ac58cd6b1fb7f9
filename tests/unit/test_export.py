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
from asm_sim.results import netcdf
from asm_sim.results.export import answers_of, codebook_of, plan_export
from asm_sim.results.open import open_results
from asm_sim.results.registry import YEARLY
from asm_sim.results.scenarios import of_all_scenarios, scenario_of
from asm_sim.results.stata import stata_names
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
    long = {"design": json.dumps(["p" * 200_000]), "flag": True, "nothing": None}
    about = ds.assign_attrs(long)
    path = plan_export(about, "netcdf", tmp_path / "a.nc", names).write(at_once)
    with xr.open_dataset(path, engine="h5netcdf") as back:
        for name in ("Conventions", "history", "source"):
            del back.attrs[name]
        texts = {name: back[name].item() for name in back.data_vars if name not in names}
        back = back.drop_vars(texts).rename({axis.replace(".", "_"): axis for axis in AXES})
        back = back.assign_attrs(texts)
        for axis in AXES:
            assert back[axis].attrs.pop("asm_sim_name") == axis
        expected = ds[names]
        expected.attrs = of_all_scenarios(about) | {"flag": "true", "nothing": "null"}
        xr.testing.assert_identical(back.load(), expected)
        assert back["panel_adjustment"].dtype == np.float32
        assert back["adjustment_histogram"].dtype == np.int64


def test_netcdf_holds_all_but_the_panel(ds: xr.Dataset, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    path = plan_export(ds, "netcdf", folder=tmp_path).write()
    assert path == tmp_path / "results.nc"
    with xr.open_dataset(path, engine="h5netcdf") as back:
        left_out = set(ds.data_vars) - set(back.data_vars)
        texts = set(back.data_vars) - set(ds.data_vars)
        assert {name for name in texts if back[name].dims} == set()
        assert {"parameters", "assumptions", "scenarios", "parameters_by_scenario"} <= texts
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
    assert "one of: netcdf, parquet, csv, stata" in refused(ds, "xlsx")
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


@pytest.mark.parametrize("to", ["netcdf", "parquet", "csv", "stata"])
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

    never_failing = netcdf._NeverFailing
    monkeypatch.setattr(
        netcdf, "_NeverFailing", lambda file: never_failing(Full(file.fileno(), "r+", False))
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


def test_the_attributes_of_a_sweep_are_those_of_all_its_scenarios(ds: xr.Dataset) -> None:
    attrs = of_all_scenarios(ds)
    steepness, share = AXES
    common = json.loads(attrs["parameters"])
    assert steepness not in common
    assert common[share] == 0.85
    assert steepness not in json.loads(attrs["assumptions"])
    assert json.loads(attrs["parameters_by_scenario"]) == {steepness: [0.05, 0.1, 0.2]}
    assert "rules_hash" not in attrs
    assert attrs["population_hash"] == ds.attrs["population_hash"]
    one = of_all_scenarios(ds.isel(scenario=[2]))
    assert json.loads(one["parameters"])[steepness] == 0.2
    assert json.loads(one["assumptions"])[steepness]["value"] == 0.2


def with_states(run: xr.Dataset) -> xr.Dataset:
    """Every third clinician is in Texas; who is solo changes from draw to draw."""
    number = run.sizes["clinician"]
    groups = run["group"].values.tolist()
    solo, large = (groups.index(f"practice_size: {name}") for name in ("solo", "2-15"))
    rows = np.arange(number) + np.arange(run.sizes["draw_sample"])[:, np.newaxis]
    run["panel_group"] = run["panel_group"].copy()
    at = run["panel_group"].get_axis_num("membership")
    table = np.moveaxis(run["panel_group"].values, at, -1)
    table[..., 0] = np.where(rows % 5 == 0, solo, large)
    small = ("clinician", np.arange(number) % 2 == 0)
    state = ("clinician", np.where(np.arange(number) % 3 == 0, "TX", "OH"))
    return run.assign_coords(clinician_state=state, clinician_small_practice=small)


@pytest.mark.parametrize("to", ["parquet", "csv", "stata"])
@pytest.mark.parametrize("at_once", [1000, 10_000_000])
def test_rows_of_the_panel_are_chosen(tmp_path: Path, to: str, at_once: int) -> None:
    """By what the roster says, by year and by group, against numpy; also from a sweep."""
    ds = with_states(synthetic_sweep(3, shares=(0.85,)))
    where = {
        "state": ["TX"],
        "small_practice": ["1"],
        "performance_year": ["2028", "2029"],
        "practice_size": ["solo"],
    }
    export = plan_export(ds, to, folder=tmp_path, where=where)
    path = export.write(at_once)
    table = pd.read_stata(path) if to == "stata" else READ[to](path)
    k = np.arange(ds.sizes["clinician"])
    wanted = [
        (scenario, draw, clinician, year)
        for scenario in ds["scenario"].values
        for draw in range(3)
        for clinician in k[(k % 6 == 0) & ((k + draw) % 5 == 0)]
        for year in (2028, 2029)
    ]
    keys = ["scenario", "draw_sample", "clinician", "performance_year"]
    assert list(table[keys].itertuples(index=False, name=None)) == wanted
    assert f"{len(wanted):,} rows of" in export.size
    expected = ds["panel_dollars"].sel(performance_year=[2028, 2029]).to_series()
    np.testing.assert_array_equal(table["panel_dollars"].astype("f4"), expected.loc[wanted])
    assert set(table["clinician_state"]) == {"TX"}


def test_rows_are_chosen_along_what_they_are_by(ds: xr.Dataset, tmp_path: Path) -> None:
    where = {"cohort": ["HF"], "rules.payment.exchange.steepness": ["0.2"], "draw": ["0", "2"]}
    path = plan_export(ds, "csv", tmp_path / "a.csv", ["chance_sd"], where=where).write()
    table = READ["csv"](path)
    expected = ds["chance_sd"].isel(scenario=[2], draw=[0, 2]).sel(cohort=["HF"])
    np.testing.assert_array_equal(table["chance_sd"], expected.values.ravel())
    answers = READ["csv"](answers_of(path))
    np.testing.assert_allclose(answers["value"], expected.mean("draw").values.ravel())
    one = plan_export(ds, "netcdf", tmp_path / "a.nc", ["chance_sd"], where=where).write()
    with xr.open_dataset(one) as back:
        np.testing.assert_array_equal(back["chance_sd"], expected)


@pytest.mark.parametrize(
    ("where", "named", "said"),
    [
        ({"stat": ["TX"]}, {}, "did you mean 'state'?"),
        ({"state": ["Texas"]}, {}, "no state is 'Texas'"),
        ({"practice_size": ["huge"]}, {}, "no clinician has practice_size 'huge'"),
        ({"state": ["TX"]}, {"variables": ["chance_sd"]}, "chance_sd is not by clinician"),
        (
            {"practice_size": ["solo"]},
            {"variables": ["penalty_years"]},
            "penalty_years is not by clinician and draw",
        ),
        ({"practice_size": ["solo"]}, {"to": "netcdf"}, "in tables alone"),
    ],
)
def test_rows_that_are_not_known_are_refused(
    where: dict[str, list[str]], named: dict[str, object], said: str
) -> None:
    ds = with_states(synthetic_dataset(2))
    assert said in refused(ds, **{"to": "csv", "where": where} | named)


def test_stata_has_short_names_labels_and_a_codebook(ds: xr.Dataset, tmp_path: Path) -> None:
    """Pandas reads back what Stata would: names, labels, value labels, missing for infinity."""
    names = ["retained_by_medicare_before_exits", "retained_by_medicare_payment_year"]
    path = plan_export(ds, "stata", tmp_path / "a.dta", names).write()
    with pd.io.stata.StataReader(path) as reader:
        labels = reader.variable_labels()
        table = reader.read()
        assert reader.data_label.endswith(": Baseline")
        assert set(reader.value_labels()) >= {"cohort", "scenario"}
    whole, cut = "rules_payment_exchange_steepness", "payment_redistribution_share"
    assert {whole, cut} < set(labels)
    assert all(len(name) <= 32 for name in labels)
    assert labels[cut] == f"{AXES[1]}: Parameter that the scenarios differ in"
    assert labels["cohort"] == "Cohort of the model"
    assert codebook_of(path).name == "a.dta.columns.csv"
    plan_export(ds, "csv", tmp_path / "a.csv", names).write()  # whose codebook is another
    book = pd.read_csv(codebook_of(path))
    assert book["variable"].tolist() == list(table.columns)
    column = dict(zip(book["column"], book["variable"], strict=True))
    for name in names:
        np.testing.assert_array_equal(table[column[name]], ds[name].values.ravel())
    assert table["cohort"].cat.categories.tolist() == ["HF", "LBP"]
    counts = plan_export(ds, "stata", tmp_path / "b.dta", ["final_score_histogram"]).write()
    bins = pd.read_stata(counts)["score_bin"]
    assert bins.isna().sum() * ds.sizes["score_bin"] == len(bins)
    answers = pd.read_stata(answers_of(path))
    assert {"value", "mcse", "range_low"} < set(answers)


def test_names_of_stata_are_each_once() -> None:
    names = stata_names(["a" * 40, "a" * 41, "x.y", "if", "1st", "p." * 30 + "end"])
    assert names == ["a" * 32, "a" * 30 + "_2", "x_y", "_if", "_1st", "p_" * 14 + "end"]


def test_the_verb_chooses_rows(stored: Path, tmp_path: Path) -> None:
    asked = ["export", str(stored), "--to", "csv", "-o", str(tmp_path / "a.csv"), "--where"]
    told = CliRunner().invoke(app, [*asked, "cohort=HF", "--where", "performance_year=2031"])
    assert told.exit_code == 0, told.output
    table = READ["csv"](tmp_path / "a.csv")
    assert set(table["performance_year"]) == {2031}
    wrong = CliRunner().invoke(app, [*asked, "cohort"])
    assert wrong.exit_code == 2
    assert "give NAME=VALUE, such as state=TX" in wrong.stderr
