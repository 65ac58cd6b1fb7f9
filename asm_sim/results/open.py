"""Opening the results of a run or a sweep."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asm_sim import __version__
from asm_sim.errors import InputError, printable
from asm_sim.places import local_path, place_of
from asm_sim.results import whole
from asm_sim.results.registry import (
    NO_OPEN_DRAWS,
    OPEN_LAYER,
    PARAMETER_LAYER,
    SETTINGS,
    STATUSES,
    VARIABLES,
)

if TYPE_CHECKING:
    import xarray as xr


RESULTS = "results.zarr"
BLOCKS = "blocks"
INPUTS = "inputs"  # the user's own files that a run was made from
MARK = "run.json"  # what makes a folder a run or a sweep of ours
# All that is written into the folder of a run or a sweep without a name of its own.
WRITTEN = (
    BLOCKS, RESULTS, INPUTS, "figures", "summary.csv", "own_clinicians.csv", "scenario.yaml",
    "report.html", MARK,
)  # fmt: skip
CONSOLIDATED = ".zmetadata"  # of Zarr format 2; a store without is not finished
FORMAT_3 = "zarr.json"
FOR_CLUSTERS = "distributed fsspec s3fs"  # the extra "cluster", by names that an index has

# What is read of the attributes: texts, and JSON in texts.
_TEXTS = {
    "title", "scenario", "scenario_hash", "seed", "compare_to", "no_lens", NO_OPEN_DRAWS, "rules",
    "rule_year", "asm_sim_version",
}  # fmt: skip
_JSON: dict[str, type] = {
    "scenario_yaml": dict,
    SETTINGS: list,
    "parameters": dict,
    "assumptions": dict,
    "mips_unscored": dict,
    PARAMETER_LAYER: dict,
    OPEN_LAYER: dict,
    STATUSES: dict,
    "scenarios": list,
    "design": dict,
}

_UNFINISHED = (
    f"holds a run that is not finished: it has blocks of draws, but no complete {RESULTS}; the "
    "same asm-sim command with the same --out (and --resume for a sweep) goes on from there"
)


def open_results(path: str | Path, verify: bool = False) -> xr.Dataset:
    """The results of a finished run or sweep as one Dataset, read as they are used.

    ``path`` is the folder that the run wrote (``--out``) or the ``results.zarr`` in it, on disk or
    as a URL that fsspec knows (``s3://bucket/run``); or a Zarr store, of format 2 or 3, to which
    such a Dataset was saved. Variables, dims and units are those of
    :data:`asm_sim.results.registry.VARIABLES`; those of a sweep have a leading ``scenario`` dim.

    Raises :class:`InputError` where there is no such path, it holds no run, the run is not
    finished, the store is damaged, or a URL cannot be reached. Results know which files they are
    made of: all must be there with their sizes when they are opened, and what is read must have the
    checksum with which it was written. ``verify`` reads everything at once. A store that was saved
    from a Dataset, or by an early version of this package, has no checksums and is taken as it is.
    Results of another minor version open, and a :class:`UserWarning` says what that means.
    """
    store = _store_of(path)
    import xarray as xr

    try:
        # Whatever a damaged file makes zarr or xarray stumble over is the same news to the user.
        source, files, consolidated = _checked(store)
        if problems := _problems(store, files, verify):
            raise whole.damaged(str(store), problems)
        ds: xr.Dataset = xr.open_zarr(source, chunks=None, consolidated=consolidated)
    except InputError:
        raise
    except Exception as error:
        raise whole.damaged(str(store), [f"it cannot be opened ({_in_one_line(error)})"]) from error
    if not set(ds.data_vars) & set(VARIABLES):
        raise InputError(f"{store} is a Zarr store, but holds none of asm_sim's results")
    _check_attributes(ds, store)
    if told := _of_another_version(str(ds.attrs.get("asm_sim_version", __version__))):
        warnings.warn(f"{store}: {told}", UserWarning, stacklevel=2)
    for variable in ds.variables.values():  # Dataset.drop_encoding would read the data
        variable.encoding = {}  # how they lie in this store is of no use where they are saved next
    ds.encoding = {}
    if "payment_year" in ds.coords:
        ds["payment_year"].load()  # it goes with every value by year, and would be read each time
    return ds


def files_listed(path: str | Path) -> int:
    """How many files the results at ``path`` say they are made of; 0 where they say nothing."""
    return len(_checked(_store_of(path))[1] or {})


def is_whole(store: str | Path) -> bool:
    """Whether all files of a Zarr store of ours are there with their sizes, its metadata whole."""
    try:
        return not _problems(store, whole.files_of(_read(store, CONSOLIDATED)))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return False


def _problems(store: Path | str, files: whole.Files | None, verify: bool = False) -> list[str]:
    """What is wrong with the files of a store, by their sizes or, to ``verify``, all read."""
    if not files:
        return []
    if verify:
        return whole.spoilt(files, lambda name: _read(store, name))
    sizes = whole.sizes_of(files, store) if isinstance(store, Path) else _sizes(store)
    return [] if sizes is None else whole.lost(files, sizes)


def _checked(store: Path | str) -> tuple[Any, whole.Files | None, bool]:
    """A Zarr store to open, the files it must hold if it says so, and if it is consolidated."""
    from asm_sim.results import checked  # zarr is imported where a store is opened

    try:
        content = _read(store, CONSOLIDATED)
    except FileNotFoundError:
        about = json.loads(_read(store, FORMAT_3))
        return checked.store_at(store), None, bool(about.get("consolidated_metadata"))
    files = whole.files_of(content)
    return checked.Checked(checked.store_at(store), content, files or {}, str(store)), files, True


def _read(store: Path | str, name: str) -> bytes:
    if isinstance(store, Path):
        return (store / name).read_bytes()
    files, root = file_system(store)
    return bytes(files.cat_file(f"{root}/{name}"))


def _sizes(store: str) -> dict[str, int] | None:
    """The sizes of all files of a store at a URL; None where it does not let them be listed."""
    files, root = file_system(store)
    try:
        files.invalidate_cache()
        found = files.find(root, detail=True)
    except Exception:  # each file system has errors of its own
        return None
    start = f"{root}/"
    return {
        name[name.index(start) + len(start) :]: int(about["size"]) for name, about in found.items()
    }


def _check_attributes(ds: xr.Dataset, store: Path | str) -> None:
    """:class:`InputError` where attributes that are read later are not what they should be."""
    wrong = [
        f"{name}: {printable(str(value), 60)!r}"
        for name, value in ds.attrs.items()
        if not _is_as_written(str(name), value)
    ]
    if wrong:
        raise InputError(f"{store}: these attributes are not what asm-sim writes:", wrong)
    for name in set(ds.data_vars) & set(VARIABLES):
        variable = ds.variables[name]  # of a DataArray for each it would take longer than all else
        variable.attrs = {**VARIABLES[str(name)].attrs, **variable.attrs}


def _of_another_version(written: str) -> str:
    """What to know of results that another minor version has written; nothing of this one's."""
    theirs, ours = (version.split(".")[:2] for version in (written, __version__))
    if theirs == ours:
        return ""
    return (
        f"written by asm_sim {printable(written, 20)}, and this is {__version__}: it opens, its "
        "numbers are those of that version, and what only one of the two knows is missing or has "
        "no units; CHANGELOG.md says what moved, and running the scenario again gives this "
        "version's numbers"
    )


def _is_as_written(name: str, value: object) -> bool:
    if name in _TEXTS:
        return isinstance(value, str)
    if name not in _JSON:
        return True
    try:
        return isinstance(json.loads(value), _JSON[name])  # type: ignore[arg-type]
    except (TypeError, ValueError, RecursionError):
        return False


def latest_run(
    folder: str | Path, scenario: str = "baseline", variables: Iterable[str] = ()
) -> xr.Dataset | None:
    """The newest finished run of a scenario in ``folder`` that holds all ``variables``.

    Of that scenario and no other: one in which something was set beside its file is another. One
    that kept no draws of a variable does not hold it. None where there is no such run.
    """
    runs = local_path(folder).glob(f"*/{RESULTS}")
    stores = [store for store in runs if _is_run_of(store, scenario)]
    for store in sorted(stores, key=lambda store: store.stat().st_mtime, reverse=True):
        run = open_results(store)
        if all(name in run and run[name].size for name in variables):
            return run
    return None


def _is_run_of(store: Path, scenario: str) -> bool:
    """Whether a store says that it is a run of a scenario as its file has it."""
    try:
        about = json.loads((store / ".zattrs").read_bytes())
        return bool(
            (store / CONSOLIDATED).is_file()
            and "scenarios" not in about
            and about["scenario"] == scenario
            and json.loads(about[SETTINGS]) == []
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def folder_of(path: str | Path) -> Path:
    """Where files that belong to a run go: its folder; the current one where it is at a URL."""
    place = place_of(path)
    return _store(place).parent if isinstance(place, Path) else Path()


def _store_of(path: str | Path) -> Path | str:
    """Where the Zarr store lies that ``path`` means, sure to be one."""
    place = place_of(path)
    return _store(place) if isinstance(place, Path) else _store_at(place)


def _store(path: Path) -> Path:
    """The Zarr store that ``path`` means, sure to be one."""
    if not path.exists():
        raise InputError(f"{path}: there is no such folder{_runs_beside(path)}")
    if not path.is_dir():
        raise InputError(f"{path} is a file; name the folder of a run (what --out named)")
    store = path if path.name == RESULTS else path / RESULTS
    for folder in (path, store):
        if any((folder / name).is_file() for name in (CONSOLIDATED, FORMAT_3)):
            return folder
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
    files, root = file_system(url)
    refusals = []
    below = product(("", f"/{RESULTS}"), (CONSOLIDATED, FORMAT_3))
    for folder, name in below:
        try:
            files.info(f"{root}{folder}/{name}")
            return url + folder
        except FileNotFoundError:
            continue
        except Exception as error:  # each file system has errors of its own
            refusals.append(error)
    try:
        there = {str(name).rstrip("/").rpartition("/")[2] for name in files.ls(root, detail=False)}
    except FileNotFoundError:
        there = set()
    except Exception as error:
        raise _unreachable(url, refusals[0] if refusals else error) from error
    if refusals:
        raise _unreachable(url, refusals[0]) from refusals[0]
    if not there:
        raise InputError(f"{url}: there is nothing at this URL")
    if BLOCKS in there:
        raise InputError(f"{url} {_UNFINISHED}")
    raise InputError(
        f"{url} holds no finished run: there is no {RESULTS} with a {CONSOLIDATED} in it"
    )


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it."""
    install = f"pip install {FOR_CLUSTERS}"
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
    text = printable(" ".join(str(error).split()))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
