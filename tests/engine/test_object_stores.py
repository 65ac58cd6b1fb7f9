"""Stores that are not a disk: a real S3 server on this machine, and fsspec's memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import asm_sim as asm
from asm_sim.errors import InputError, RunError
from asm_sim.store import blocks as store
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import open_folder
from asm_sim.store.here import run_here
from tests.conftest import MakeSweep
from tests.engine.small_sweep import BLOCK, work

pytest.importorskip("moto")
pytest.importorskip("s3fs")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The URL of a bucket on a server that listens on loopback only."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patched.setenv("AWS_ACCESS_KEY_ID", "test")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patched.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("policy")
        yield "s3://policy"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def same_results(url: str, folder: Path) -> None:
    expected = asm.open_results(folder).load()
    with xr.open_zarr(f"{url}/results.zarr", chunks=None) as plain:
        xr.testing.assert_identical(plain.load(), expected)
    xr.testing.assert_identical(asm.open_results(url).load(), expected)


def test_s3_holds_what_a_disk_holds(s3: str, sweep_file: MakeSweep, tmp_path: Path) -> None:
    """Begun, gone on with, added to, and damage is seen."""
    path, url = sweep_file(), f"{s3}/first"
    folder, some = open_folder(url), work(path)
    store.claim(folder, some)
    list(run_here(folder, some, list(some.jobs())[:5]))
    with pytest.raises(InputError, match="not finished"):
        asm.open_results(url)
    assert carry_out(folder, work(path, draws=15)).blocks_run == 8
    carry_out(open_folder(tmp_path / "disk"), work(path, draws=15))
    same_results(url, tmp_path / "disk")
    assert len(folder.files_below("blocks")) == 12  # the short one is retired
    name = sorted(folder.files_below("blocks"))[3]
    folder.write(f"blocks/{name}", folder.read(f"blocks/{name}")[:-1000])
    damaged = store.damaged_jobs(folder, work(path, draws=15), work(path, draws=15).jobs())
    assert len(damaged) == 1
    assert name in "".join(damaged.values())


@pytest.mark.stress
def test_the_command_on_s3(s3: str, sweep_file: MakeSweep, tmp_path: Path) -> None:
    """One process runs a shard; another the rest, and puts it together."""
    path, url = sweep_file(), f"{s3}/shards"

    def command(*options: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "asm_sim.cli.main", "sweep", str(path), "--out", url]
        return subprocess.run(
            [*words, "--block-draws", str(BLOCK), *options],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ.copy(),
            check=False,
        )

    shard = command("--shard", "2/2")
    assert shard.returncode == 0, shard.stderr
    done = command("--resume")
    assert done.returncode == 0, done.stderr
    assert "Heart failure" in done.stdout
    carry_out(open_folder(tmp_path / "disk"), work(path))
    same_results(url, tmp_path / "disk")


def test_memory(sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file()
    ds = asm.sweep(path, "memory://asm-sim-test", block_draws=BLOCK)
    assert np.isfinite(ds.adjustment_mean).all()
    carry_out(open_folder(tmp_path / "disk"), work(path))
    same_results("memory://asm-sim-test", tmp_path / "disk")


def test_workers_cannot_share_memory(sweep_file: MakeSweep) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(RunError, match="not to be seen from here"),
    ):
        asm.sweep(sweep_file(), "memory://asm-sim-elsewhere", client=client)


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there(sweep_file: MakeSweep) -> None:
    with pytest.raises(InputError, match=r"cannot be written to.*bucket"):
        asm.sweep(sweep_file(), "s3://no-such-bucket/sweep")


@pytest.mark.parametrize("url", ["s3://", "memory:///", "file://"])
def test_a_url_without_a_folder(url: str) -> None:
    with pytest.raises(InputError, match="names no folder"):
        open_folder(url)


def test_a_protocol_that_nobody_knows(sweep_file: MakeSweep) -> None:
    with pytest.raises(InputError, match="nonsense"):
        asm.sweep(sweep_file(), "nonsense://bucket/sweep")
