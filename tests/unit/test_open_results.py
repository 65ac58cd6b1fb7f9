"""Opening a run: what is opened, and what is said where there is nothing to open."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.open import open_results
from tests.unit.synthetic_run import synthetic_dataset


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "baseline"
    (folder / "blocks").mkdir(parents=True)
    synthetic_dataset(draws=3).to_zarr(folder / "results.zarr", zarr_format=2, consolidated=True)
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def refused(path: Path) -> str:
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
    assert "not finished" in refused(copied)
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
