"""Opening a run: what is opened, and what is said where there is nothing to open."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import asm_sim
from asm_sim.cli.main import app
from asm_sim.errors import InputError
from asm_sim.results.open import FOR_CLUSTERS, folder_of, latest_run, open_results
from tests.unit.synthetic_run import synthetic_dataset, synthetic_sweep, write_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "baseline"
    (folder / "blocks").mkdir(parents=True)
    synthetic_dataset(draws=3).to_zarr(folder / "results.zarr", zarr_format=2, consolidated=True)
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def refused(path: Path | str) -> str:
    with pytest.raises(InputError) as error:
        open_results(path)
    return str(error.value)


def test_the_folder_and_the_store_open_alike(finished: Path) -> None:
    expected = synthetic_dataset(draws=3)
    for path in (finished, finished / "results.zarr", str(finished)):
        xr.testing.assert_identical(open_results(path).load(), expected)


def test_data_are_read_when_they_are_used(finished: Path) -> None:
    ds = open_results(finished)
    variable = ds["panel_adjustment"].variable
    assert not variable._in_memory
    assert not variable.chunks  # no dask
    assert np.isfinite(ds["final_score_mean"].isel(draw=0)).all()
    assert not variable._in_memory


def test_nothing_there(finished: Path) -> None:
    said = refused(finished.parent / "baselin")
    assert "there is no such folder" in said
    assert str(finished) in said  # the run that was perhaps meant


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "results.zip"
    path.write_text("")
    assert "is a file" in refused(path)


def test_a_folder_without_a_run(finished: Path, tmp_path: Path) -> None:
    assert "holds no run" in refused(tmp_path)
    assert str(finished) in refused(finished.parent)


def test_an_unfinished_run(copied: Path) -> None:
    shutil.rmtree(copied / "results.zarr")
    said = refused(copied)
    assert "not finished" in said
    assert "--resume for a sweep" in said
    (copied / "results.zarr").mkdir()  # died while the store was written
    assert "not finished" in refused(copied)
    assert "not finished" in refused(copied / "results.zarr")


def test_a_damaged_store(copied: Path) -> None:
    metadata = copied / "results.zarr" / ".zmetadata"
    content = metadata.read_text()
    for broken in ("", content[: len(content) // 2], "{}", "[]", '{"metadata": {".zgroup": 1}}'):
        metadata.write_text(broken)
        said = refused(copied)
        assert "damaged" in said
        assert "\n" not in said
    shutil.rmtree(copied / "blocks")
    metadata.unlink()
    assert "damaged or only partly copied" in refused(copied)


def test_a_store_of_something_else(tmp_path: Path) -> None:
    xr.Dataset({"temperature": ("x", [1.0])}).to_zarr(
        tmp_path / "weather.zarr", zarr_format=2, consolidated=True
    )
    assert "none of asm_sim's results" in refused(tmp_path / "weather.zarr")


def test_a_sweep(tmp_path: Path) -> None:
    expected = synthetic_sweep(draws=2)
    ds = open_results(write_run(expected, tmp_path / "sweep"))
    assert not ds["final_score_mean"].variable._in_memory
    xr.testing.assert_identical(ds.load(), expected)


@pytest.fixture
def url(finished: Path) -> Iterator[str]:
    """The run in the memory of this process, as a bucket would hold it."""
    files = fsspec.filesystem("memory")
    files.put(str(finished / "results.zarr"), "/bucket/run/results.zarr", recursive=True)
    yield "memory://bucket/run"
    files.rm("/bucket", recursive=True)


def test_a_url(url: str) -> None:
    for address in (url, f"{url}/", f"{url}/results.zarr"):
        ds = open_results(address)
        assert not ds["final_score_mean"].variable._in_memory
        xr.testing.assert_identical(ds.load(), synthetic_dataset(draws=3))


def test_urls_without_a_run(url: str) -> None:
    files = fsspec.filesystem("memory")
    assert "there is nothing at this URL" in refused("memory://bucket/nowhere")
    assert "holds no finished run" in refused("memory://bucket")
    files.rm("/bucket/run/results.zarr/.zmetadata")
    assert "holds no finished run" in refused(url)
    files.pipe("/bucket/run/blocks/000000-10.npz", b"")
    assert "not finished" in refused(url)
    assert "no scheme" in refused("nosuchprotocol://bucket/run")


def test_a_url_that_may_not_be_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(fsspec.filesystem("memory"))
    info = kind.info

    def only_in_the_store(self, path, **options):  # type: ignore[no-untyped-def]
        if not path.endswith("results.zarr/.zmetadata"):
            raise PermissionError("Access Denied")
        return info(self, path, **options)

    def never(*_, **__):  # type: ignore[no-untyped-def]
        raise PermissionError("Access Denied")

    monkeypatch.setattr(kind, "info", only_in_the_store)
    open_results(url)  # without the right to list, a bucket denies what is not there
    monkeypatch.setattr(kind, "info", never)
    said = refused(url)
    assert "may not be read (PermissionError: Access Denied)" in said
    assert "\n" not in said


@pytest.mark.parametrize(("missing", "name"), [("fsspec.core", "fsspec"), ("s3fs", "s3fs")])
def test_a_package_for_urls_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str, name: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    known = sys.modules["fsspec.registry"]._registry  # type: ignore[attr-defined]
    monkeypatch.delitem(known, "s3", raising=False)
    said = refused("s3://bucket/run")
    assert name in said
    assert f"pip install {FOR_CLUSTERS}" in said


def test_the_folder_of_a_run(finished: Path) -> None:
    assert folder_of(finished) == folder_of(finished / "results.zarr") == finished
    assert folder_of("s3://bucket/run") == Path()


def test_the_latest_run_is_of_exactly_that_scenario(tmp_path: Path) -> None:
    run = synthetic_dataset(draws=3)
    others = {
        "baseline-set": {"settings": '[["rules.payment.redistribution_share", 0.7]]'},
        "baseline-steep": {"scenario": "baseline-steep"},
        "baseline-own": {"scenario": "baseline.yaml"},
        "baseline-sweep": {"scenarios": "[]"},
    }
    for name, attrs in others.items():
        write_run(run.assign_attrs(attrs), tmp_path / name)
    (tmp_path / "baseline-broken" / "results.zarr").mkdir(parents=True)
    (tmp_path / "baseline-broken" / "results.zarr" / ".zattrs").write_text("[1]")
    assert latest_run(tmp_path) is None
    write_run(run, tmp_path / "whatever")
    found = latest_run(tmp_path)
    assert found is not None
    assert found.attrs["scenario"] == "baseline"


def test_the_latest_run_that_holds_what_is_needed(tmp_path: Path) -> None:
    assert latest_run(tmp_path) is None
    older, newer = synthetic_dataset(draws=3), synthetic_dataset(draws=4)
    without = newer.isel(draw_sample=slice(0, 0)).drop_vars("share_negative")
    for second, (name, ds) in enumerate(
        {"a": older, "b": without, "c": newer.assign_attrs(scenario="other")}.items()
    ):
        store = write_run(ds, tmp_path / name) / "results.zarr"
        os.utime(store, (second, second))

    def draws(*variables: str) -> int | None:
        run = latest_run(tmp_path, "baseline", variables)
        return None if run is None else run.sizes["draw"]

    assert draws() == draws("adjustment_mean") == 4
    assert draws("share_negative") == 3  # the newer one lacks it
    assert draws("panel_adjustment") == 3  # the newer one kept no draw of it
    assert draws("adjustment_mean", "no_such_variable") is None


@pytest.mark.parametrize("version", ["0.0.7", "1.0.0"])
def test_results_of_another_minor_version_open_and_say_so(version: str, tmp_path: Path) -> None:
    ds = synthetic_dataset(draws=2).assign_attrs(asm_sim_version=version)
    store = write_run(ds, tmp_path / "old")
    with pytest.warns(UserWarning, match=f"written by asm_sim {version}, and this is") as told:
        opened = open_results(store)
    assert len(told) == 1
    assert opened["share_negative"].sum() == ds["share_negative"].sum()
    shown = CliRunner().invoke(app, ["compare", str(store), str(store), "--json"])
    assert shown.exit_code == 0, shown.stderr
    warned = [line for line in shown.stderr.splitlines() if line.startswith("Warning: ")]
    assert len(set(warned)) == 1
    assert "CHANGELOG.md says what moved" in warned[0]


def test_results_of_the_same_minor_version_open_silently(tmp_path: Path) -> None:
    patch = ".".join([*asm_sim.__version__.split(".")[:2], "99"])
    ds = synthetic_dataset(draws=2).assign_attrs(asm_sim_version=patch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_results(write_run(ds, tmp_path / "same"))
