"""Opening the results of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asm_sim.errors import InputError
from asm_sim.results.registry import VARIABLES

if TYPE_CHECKING:
    import xarray as xr

STORE = "results.zarr"
BLOCKS = "blocks"
CONSOLIDATED = ".zmetadata"


def open_results(path: str | Path) -> xr.Dataset:
    """The results of a finished run as one Dataset, read from disk as they are used.

    ``path`` is the folder that the run wrote (``--out``) or the ``results.zarr`` in it. Variables,
    dims and units are those of :data:`asm_sim.results.registry.VARIABLES`. Raises
    :class:`InputError` where there is no such path, the folder holds no run, the run is not
    finished, or the store is damaged.
    """
    store = _store(Path(path).expanduser())
    import xarray as xr

    try:
        # Whatever a damaged file makes zarr or xarray stumble over is the same news to the user.
        ds: xr.Dataset = xr.open_zarr(store, chunks=None, consolidated=True)
    except Exception as error:
        raise InputError(
            f"{store} is damaged and cannot be opened ({_in_one_line(error)}); "
            "run the scenario again, or restore the folder from a copy"
        ) from error
    if not set(ds.data_vars) & set(VARIABLES):
        raise InputError(f"{store} is a Zarr store, but holds none of asm_sim's results")
    return ds


def _store(path: Path) -> Path:
    """The Zarr store that ``path`` means, sure to be one."""
    if not path.exists():
        raise InputError(f"{path}: there is no such folder{_runs_beside(path)}")
    if not path.is_dir():
        raise InputError(f"{path} is a file; name the folder of a run (what --out named)")
    if (path / CONSOLIDATED).is_file():
        return path
    store = path if path.name == STORE else path / STORE
    if (store / CONSOLIDATED).is_file():
        return store
    if (store.parent / BLOCKS).is_dir():
        raise InputError(
            f"{store.parent} holds a run that is not finished: it has blocks of draws, but no "
            f"complete {STORE}; the same `asm-sim run` command with the same --out goes on "
            "from there"
        )
    if store.is_dir():
        raise InputError(
            f"{store} is damaged or only partly copied: it has no {CONSOLIDATED}; "
            "run the scenario again, or restore the folder from a copy"
        )
    raise InputError(
        f"{path} holds no run: there is no {STORE} in it{_runs_below(path)}; "
        "`asm-sim run --out FOLDER` makes one"
    )


def _runs_beside(path: Path) -> str:
    return _runs_below(path.parent) if path.parent.is_dir() else ""


def _runs_below(folder: Path) -> str:
    """A hint that names the runs in a folder, which may be what was meant."""
    found = sorted(store.parent for store in folder.glob(f"*/{STORE}"))[:3]
    return f" (runs there: {', '.join(str(run) for run in found)})" if found else ""


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
