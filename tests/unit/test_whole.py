"""A store of results that is not whole is refused by the name of the file, before or as it is read.

Where a chunk is missing, Zarr itself reads missing values or zeros, without a word.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
import xarray as xr
from typer.testing import CliRunner

from asm_sim.cli.main import app
from asm_sim.errors import InputError
from asm_sim.results.open import RESULTS, is_whole, open_results
from asm_sim.results.whole import Held, files_of, sealed
from tests.unit.synthetic_run import synthetic_dataset, synthetic_sweep, write_listed_run

CHUNK = "adjustment_histogram/0.0.0.0"


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=3)


def written(ds: xr.Dataset, place: str | Path) -> str | Path:
    write_listed_run(ds, place)
    return place


@pytest.fixture
def run(ds: xr.Dataset, tmp_path: Path) -> Path:
    return Path(written(ds, tmp_path / "run"))


def refused(place: str | Path, verify: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        open_results(place, verify).load()
    return str(caught.value)


def test_a_whole_store_opens(ds: xr.Dataset, run: Path) -> None:
    xr.testing.assert_identical(open_results(run, verify=True).load(), ds)
    with xr.open_zarr(run / RESULTS, chunks=None) as plain:  # Zarr knows nothing of the list
        xr.testing.assert_identical(plain.load(), ds)
    assert is_whole(run / RESULTS)
    files = files_of((run / RESULTS / ".zmetadata").read_bytes())
    assert files is not None
    there = {p.relative_to(run / RESULTS).as_posix() for p in (run / RESULTS).rglob("[!.]*.*")}
    assert set(files) >= {name for name in there if not name.startswith("draw/")}
    assert files[CHUNK] == Held.of((run / RESULTS / CHUNK).read_bytes())


DAMAGE: dict[str, Callable[[Path], object]] = {
    "is not there": lambda path: path.unlink(),
    "has 0 bytes in place of": lambda path: path.write_bytes(b""),
    "bytes in place of": lambda path: path.write_bytes(path.read_bytes()[:-1]),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_file_that_is_missing_or_cut(run: Path, what: str) -> None:
    DAMAGE[what](run / RESULTS / CHUNK)
    said = refused(run)
    assert f"{RESULTS} is damaged: {CHUNK}: " in said
    assert what in said
    assert "--resume --verify" in said
    assert refused(run, verify=True) == said
    assert not is_whole(run / RESULTS)


def test_a_changed_byte_is_seen_when_it_is_read(ds: xr.Dataset, run: Path) -> None:
    path = run / RESULTS / CHUNK
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    opened = open_results(run)
    xr.testing.assert_identical(opened["share_negative"].load(), ds["share_negative"])
    with pytest.raises(InputError, match="holds something else than what was written"):
        opened["adjustment_histogram"].load()
    with pytest.raises(InputError, match=CHUNK):
        pickle.loads(pickle.dumps(opened))["adjustment_histogram"].load()
    assert f"{CHUNK}: holds something else" in refused(run, verify=True)


def test_a_file_that_goes_after_it_was_opened(run: Path) -> None:
    opened = open_results(run)
    (run / RESULTS / CHUNK).unlink()
    with pytest.raises(InputError, match=f"{CHUNK}: is not there"):
        opened["adjustment_histogram"].load()


def test_many_damaged_files_are_listed_in_few_lines(run: Path) -> None:
    for path in (run / RESULTS).glob("*/[0-9]*"):
        path.write_bytes(b"")
    for verify in (False, True):
        assert 20 < len(refused(run, verify).splitlines()) < 30


def test_metadata_that_were_changed(run: Path) -> None:
    path = run / RESULTS / ".zmetadata"
    content = path.read_bytes()
    for other in (
        content.replace(b'"fraction"', b'"percents"', 1),
        content[:-1],
        content + b" ",
        content.replace(b"asm_sim_sha256", b"asm_sim_sha257"),
        b"[" * 100_000,
    ):
        path.write_bytes(other)
        said = refused(run)
        assert "is damaged: it cannot be opened" in said
        assert len(said) < 1000
        assert not is_whole(run / RESULTS)


def test_a_store_without_the_list_is_taken_as_it_is(ds: xr.Dataset, tmp_path: Path) -> None:
    ds.to_zarr(tmp_path / RESULTS, zarr_format=2, consolidated=True)
    xr.testing.assert_identical(open_results(tmp_path, verify=True).load(), ds)
    assert is_whole(tmp_path / RESULTS)


def test_an_object_store(ds: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(written(ds, "memory://whole/run"))
    xr.testing.assert_identical(open_results(url, verify=True).load(), ds)
    files = fsspec.filesystem("memory")
    content = files.cat(f"/whole/run/{RESULTS}/{CHUNK}")
    files.pipe(f"/whole/run/{RESULTS}/{CHUNK}", content[:-1] + b"x")
    assert f"{CHUNK}: holds something else" in refused(url, verify=True)
    files.pipe(f"/whole/run/{RESULTS}/{CHUNK}", content[:9])
    assert f"{CHUNK}: has 9 bytes" in refused(url)
    files.rm(f"/whole/run/{RESULTS}/{CHUNK}")
    assert f"{CHUNK}: is not there" in refused(url)

    def never(*_: object, **__: object) -> None:
        raise PermissionError("this bucket may not be listed")

    monkeypatch.setattr(type(files), "find", never)
    opened = open_results(url)
    with pytest.raises(InputError, match=f"{CHUNK}: is not there"):
        opened["adjustment_histogram"].load()


def test_what_was_in_an_object_store_before_is_neither_read_nor_kept(ds: xr.Dataset) -> None:
    url = "memory://whole/twice"
    written(ds, url)
    few = ds[["share_negative"]].isel(draw=slice(2))
    written(few, url)
    xr.testing.assert_identical(open_results(url, verify=True).load(), few)
    left = fsspec.filesystem("memory").find(f"/whole/twice/{RESULTS}")
    assert not [name for name in left if "histogram" in name]


@pytest.mark.filterwarnings("ignore:.*Zarr")
@pytest.mark.parametrize("kind", ["run", "sweep"])
def test_results_are_saved_again_in_every_format(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("h5py")
    made = synthetic_dataset(draws=3) if kind == "run" else synthetic_sweep(3, shares=(0.85,))
    opened = open_results(written(made, tmp_path / "run"))
    few = opened[["share_negative", "adjustment_histogram", "panel_adjustment"]]
    for zarr_format in (2, 3):
        for consolidated in (True, False):
            path = tmp_path / f"{zarr_format}-{consolidated}.zarr"
            few.to_zarr(path, zarr_format=zarr_format, consolidated=consolidated)
            if zarr_format == 3 or consolidated:
                xr.testing.assert_identical(open_results(path).load(), few.load())
    few.to_netcdf(tmp_path / "few.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "few.nc", engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), few.load())


@pytest.mark.filterwarnings("ignore:.*Zarr")
def test_a_zarr_3_store_of_a_dataset_in_memory(ds: xr.Dataset, tmp_path: Path) -> None:
    ds.to_zarr(tmp_path / "mine.zarr")
    xr.testing.assert_identical(open_results(str(tmp_path / "mine.zarr")).load(), ds)
    ds.to_zarr(tmp_path / "run" / RESULTS)
    xr.testing.assert_identical(open_results(tmp_path / "run").load(), ds)
    shutil.rmtree(tmp_path / "mine.zarr" / "draw")
    (tmp_path / "mine.zarr" / "zarr.json").write_text("{")
    assert "damaged" in refused(tmp_path / "mine.zarr")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scenario_yaml", "{"),
        ("scenario_yaml", "[" * 100_000),
        ("parameters", ["a"]),
        ("assumptions", 7),
        ("scenarios", "{}"),
        ("title", 7),
        ("seed", [1]),
    ],
)
def test_attributes_of_other_types(
    ds: xr.Dataset, tmp_path: Path, name: str, value: object
) -> None:
    ds.assign_attrs({name: value}).to_zarr(tmp_path / RESULTS, zarr_format=2)
    said = refused(tmp_path)
    assert f"these attributes are not what asm-sim writes:\n  - {name}: " in said
    assert len(said) < 500


def test_attributes_that_are_missing(ds: xr.Dataset, tmp_path: Path) -> None:
    bare = ds.drop_attrs()
    bare.to_zarr(tmp_path / RESULTS, zarr_format=2)
    opened = open_results(tmp_path)
    assert opened["share_negative"].attrs["units"] == ds["share_negative"].attrs["units"]


def test_the_order_in_which_zarr_lists_its_metadata_changes_no_byte() -> None:
    names = [".zattrs", ".zgroup", "b/.zarray", "a/.zarray"]
    contents = {
        sealed(json.dumps({"metadata": {name: {} for name in order}}).encode(), {})
        for order in (names, sorted(names), sorted(names, reverse=True))
    }
    assert len(contents) == 1


def test_the_seal() -> None:
    content = sealed(json.dumps({"metadata": {}, "zarr_consolidated_format": 1}).encode(), {})
    assert files_of(content) == {}
    assert json.loads(content)["zarr_consolidated_format"] == 1
    for other in (b"[]", b"{}", b'{"metadata": 1}', b"", b"\xff"):
        with pytest.raises(ValueError):
            files_of(other)
    assert files_of(b'{"metadata": {}}') is None


def test_the_verb_reads_all(ds: xr.Dataset, run: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    said = runner.invoke(app, ["doctor", str(run)])
    assert said.exit_code == 0
    files = json.loads(runner.invoke(app, ["doctor", str(run), "--json"]).stdout)["files"]
    assert f"all {files:,} files hold what was written" in said.stdout
    assert files == len([name for name in (run / RESULTS).rglob("[0-9]*") if name.is_file()])
    path = run / RESULTS / CHUNK
    path.write_bytes(path.read_bytes()[::-1])
    assert runner.invoke(app, ["export", str(run), "--to", "csv"]).exit_code == 0
    said = runner.invoke(app, ["doctor", str(run)])
    assert said.exit_code == 2
    assert f"{CHUNK}: holds something else" in said.stderr
    ds.to_zarr(tmp_path / "mine" / RESULTS, zarr_format=2)
    said = runner.invoke(app, ["doctor", str(tmp_path / "mine")])
    assert said.exit_code == 0
    assert "has no checksums" in said.stdout
    assert runner.invoke(app, ["doctor", str(run), "--calibration"]).exit_code == 2
