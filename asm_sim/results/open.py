"""Opening the results of a run or a sweep."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asm_sim.errors import InputError
from asm_sim.results.registry import VARIABLES

if TYPE_CHECKING:
    import xarray as xr

RESULTS = "results.zarr"
BLOCKS = "blocks"
CONSOLIDATED = ".zmetadata"

_UNFINISHED = (
    f"holds a run that is not finished: it has blocks of draws, but no complete {RESULTS}; the "
    "same asm-sim command with the same --out (and --resume for a sweep) goes on from there"
)


def open_results(path: str | Path) -> xr.Dataset:
    """The results of a finished run or sweep as one Dataset, read as they are used.

    ``path`` is the folder that the run wrote (``--out``) or the ``results.zarr`` in it, on disk or
    as a URL that fsspec knows (``s3://bucket/run``). Variables, dims and units are those of
    :data:`asm_sim.results.registry.VARIABLES`; those of a sweep have a leading ``scenario`` dim.
    Raises :class:`InputError` where there is no such path, it holds no run, the run is not
    finished, the store is damaged, or a URL cannot be reached.
    """
    store = _store_at(str(path)) if is_url(path) else str(_store(Path(path).expanduser()))
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


def latest_run(
    folder: str | Path, scenario: str = "baseline", variables: Iterable[str] = ()
) -> xr.Dataset | None:
    """The newest finished run of a scenario below ``folder`` that holds all ``variables``.

    One that kept no draws of a variable does not hold it. None where there is no such run.
    """
    stores = Path(folder).glob(f"{scenario}*/{RESULTS}")
    for store in sorted(stores, key=lambda store: store.stat().st_mtime, reverse=True):
        run = open_results(store)
        if all(name in run and run[name].size for name in variables):
            return run
    return None


def is_url(path: str | Path) -> bool:
    return isinstance(path, str) and "://" in path


def folder_of(path: str | Path) -> Path:
    """Where files that belong to a run go: its folder; the current one where it is at a URL."""
    return Path() if is_url(path) else _store(Path(path).expanduser()).parent


def _store(path: Path) -> Path:
    """The Zarr store that ``path`` means, sure to be one."""
    if not path.exists():
        raise InputError(f"{path}: there is no such folder{_runs_beside(path)}")
    if not path.is_dir():
        raise InputError(f"{path} is a file; name the folder of a run (what --out named)")
    if (path / CONSOLIDATED).is_file():
        return path
    store = path if path.name == RESULTS else path / RESULTS
    if (store / CONSOLIDATED).is_file():
        return store
    if (store.parent / BLOCKS).is_dir():
        raise InputError(f"{store.parent} {_UNFINISHED}")
    if store.is_dir():
        raise InputError(
            f"{store} is damaged or only partly copied: it has no {CONSOLIDATED}; "
            "run the scenario again, or restore the folder from a copy"
        )
    raise InputError(
        f"{path} holds no run: there is no {RESULTS} in it{_runs_below(path)}; "
        "`asm-sim run --out FOLDER` makes one"
    )


def _store_at(url: str) -> str:
    """The URL of the Zarr store that ``url`` means, sure to be one."""
    url = url.rstrip("/")
    files, root = file_system(url)
    refusals = []
    for store, folder in ((url, root), (f"{url}/{RESULTS}", f"{root}/{RESULTS}")):
        try:
            files.info(f"{folder}/{CONSOLIDATED}")
            return store
        except FileNotFoundError:
            continue
        except Exception as error:  # each file system has errors of its own
            refusals.append(error)
    try:
        below = {str(name).rstrip("/").rpartition("/")[2] for name in files.ls(root, detail=False)}
    except FileNotFoundError:
        below = set()
    except Exception as error:
        raise _unreachable(url, refusals[0] if refusals else error) from error
    if refusals:
        raise _unreachable(url, refusals[0]) from refusals[0]
    if not below:
        raise InputError(f"{url}: there is nothing at this URL")
    if BLOCKS in below:
        raise InputError(f"{url} {_UNFINISHED}")
    raise InputError(
        f"{url} holds no finished run: there is no {RESULTS} with a {CONSOLIDATED} in it"
    )


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it."""
    install = 'pip install "asm_sim[cluster]"'
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise InputError(f"{url}: URLs need fsspec, which is not installed; {install}") from error
    try:
        files, root = url_to_fs(url)
    except ImportError as error:
        raise InputError(
            f"{url}: a package that these URLs need is not installed ({_in_one_line(error)}); "
            f"{install}, or only s3fs for s3:// and gcsfs for gs://"
        ) from error
    except Exception as error:
        raise _unreachable(url, error) from error
    return files, str(root).rstrip("/")


def _unreachable(url: str, error: Exception) -> InputError:
    public = "; for a public bucket set FSSPEC_S3_ANON=true" if url.startswith("s3:") else ""
    return InputError(
        f"{url} cannot be reached or may not be read ({_in_one_line(error)}); "
        f"check the URL and the credentials{public}"
    )


def _runs_beside(path: Path) -> str:
    return _runs_below(path.parent) if path.parent.is_dir() else ""


def _runs_below(folder: Path) -> str:
    """A hint that names the runs in a folder, which may be what was meant."""
    found = sorted(store.parent for store in folder.glob(f"*/{RESULTS}"))[:3]
    return f" (runs there: {', '.join(str(run) for run in found)})" if found else ""


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
