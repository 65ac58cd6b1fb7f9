"""Blocks on a dask cluster: what goes wrong there is one message, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import asm_sim as asm
from asm_sim.errors import InputError, RunError
from asm_sim.store import cluster
from asm_sim.store.blocks import missing_jobs
from asm_sim.store.carry_out import carry_out
from asm_sim.store.files import LocalFolder
from tests.conftest import MakeSweep
from tests.engine.small_sweep import contents, run, work

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A cluster whose two workers are threads of this process, so that tests can meddle."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as workers,
        distributed.Client(workers) as connected,
    ):
        yield connected


def test_the_bytes_of_one_process(client: Any, sweep_file: MakeSweep, tmp_path: Path) -> None:
    path = sweep_file()
    report = carry_out(LocalFolder(tmp_path / "store"), work(path), cluster.run_on(client))
    assert report.blocks_run == 12
    run(path, tmp_path / "alone")
    assert contents(tmp_path / "store") == contents(tmp_path / "alone")
    assert contents(tmp_path / "store", "blocks") == contents(tmp_path / "alone", "blocks")


def test_more_jobs_than_are_submitted_at_a_time(
    client: Any, sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_SUBMITTED", 2)
    folder = LocalFolder(tmp_path / "store")
    seen: list[tuple[int, int]] = []
    carry_out(
        folder,
        work(sweep_file()),
        cluster.run_on(client),
        progress=lambda *counts: seen.append(counts),
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (48, 48)  # every draw once


def test_until_on_a_cluster_stops_where_one_process_does(
    client: Any, sweep_file: MakeSweep, tmp_path: Path
) -> None:
    path = sweep_file(draws=60)
    limit = "share_negative<0.02"
    ds = asm.sweep(path, tmp_path / "cluster", client=client, until=limit, block_draws=5)
    asm.sweep(path, tmp_path / "alone", until=limit, block_draws=5)
    assert ds.sizes["draw"] < 60
    assert contents(tmp_path / "cluster") == contents(tmp_path / "alone")


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (MemoryError("no more"), "MemoryError: no more"),
        (ValueError("odd"), "ValueError: odd"),
        (ModuleNotFoundError("No module named 'asm_sim'"), "No module named 'asm_sim'"),
    ],
)
def test_a_failing_block_is_one_message(
    failure: Exception,
    said: str,
    client: Any,
    sweep_file: MakeSweep,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, folder = sweep_file(), LocalFolder(tmp_path / "store")
    write, written = cluster.write_block, []

    def fail(folder: Any, work: Any, job: Any, arrays: Any) -> str:
        if len(written) >= 5:  # counted when they are there, whichever worker writes them
            raise failure
        name = write(folder, work, job, arrays)
        written.append(job)
        return name

    with monkeypatch.context() as patched:
        patched.setattr(cluster, "write_block", fail)
        with pytest.raises(RunError, match=f"{said}.*--resume goes on"):
            carry_out(folder, work(path), cluster.run_on(client))
    assert len(missing_jobs(folder, work(path))) <= 12 - 5
    assert carry_out(folder, work(path), cluster.run_on(client)).finished
    run(path, tmp_path / "alone")
    assert contents(tmp_path / "store") == contents(tmp_path / "alone")


def test_a_full_disk_of_a_worker(
    client: Any, sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cluster, "write_block", full)
    with pytest.raises(OSError, match="No space left"):
        carry_out(LocalFolder(tmp_path / "store"), work(sweep_file()), cluster.run_on(client))


def test_a_worker_of_another_version_is_refused(
    client: Any, sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asm_sim.engine import frame

    some = work(sweep_file(seed=12))
    monkeypatch.setattr(frame, "__version__", "0.0.1")
    with pytest.raises(RunError, match="another version of asm_sim"):
        carry_out(LocalFolder(tmp_path / "store"), some, cluster.run_on(client))


def test_a_disk_that_is_not_shared(
    client: Any, sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_TO_BE_SEEN", 0.0)
    monkeypatch.setattr(cluster, "write_block", lambda *_: "nowhere/000000-5.npz")
    with pytest.raises(RunError, match="not to be seen from here"):
        carry_out(LocalFolder(tmp_path / "store"), work(sweep_file()), cluster.run_on(client))


def test_a_cluster_without_workers(
    sweep_file: MakeSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_LOOK", 0.1)
    monkeypatch.setattr(cluster, "_FOR_A_WORKER", 0.3)
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as empty,
        distributed.Client(empty) as nobody,
        pytest.raises(RunError, match="no worker"),
    ):
        carry_out(LocalFolder(tmp_path / "store"), work(sweep_file()), cluster.run_on(nobody))


def test_what_is_no_client() -> None:
    with pytest.raises(InputError, match=r"dask.distributed.Client is needed"):
        cluster.run_on("tcp://127.0.0.1:8786")


def _no_client(*_: Any, **__: Any) -> Any:
    raise AssertionError("a client is made of an address that nobody answers")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:1", "tls://127.0.0.1:1", "ucx://127.0.0.1:1", "tcp://", "x" * 400],
)
def test_an_address_that_is_of_no_use(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECTING", 0.5)
    monkeypatch.setattr(distributed, "Client", _no_client)
    with (
        pytest.raises(InputError, match="no scheduler answers") as refused,
        cluster.connected(address),
    ):
        pass
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 700


def test_a_scheduler_is_asked_for_and_a_worker_is_none(client: Any) -> None:
    scheduler = client.scheduler.address
    with cluster.connected(scheduler) as connected:
        assert connected.scheduler.address == scheduler
    worker = next(iter(client.nthreads()))
    with pytest.raises(InputError, match="no scheduler answers"), cluster.connected(worker):
        pass
