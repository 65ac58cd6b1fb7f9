"""Results as one NetCDF file, by the CF conventions, as R, Julia, MATLAB and others read it."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from asm_sim.errors import InputError
from asm_sim.results.scenarios import SCENARIO, of_all_scenarios

CF = "CF-1.11"
CHUNK = 131_072  # numbers to a chunk of a NetCDF file: 1 MB
WHOLE_NAME = "asm_sim_name"  # the attribute that says what is called so in the results

Dims = tuple[str, ...]
Pieces = Callable[[Dims], Iterator[dict[str, slice]]]


def write_netcdf(ds: xr.Dataset, path: Path, pieces: Pieces) -> None:
    """One NetCDF-4 file: coordinates and attributes first, then the variables piece by piece.

    Names have underscores in place of dots, and say in ``asm_sim_name`` what they are called in the
    results. Attributes that are lists and tables are variables without dims: texts in JSON.
    """
    try:
        import h5netcdf
        import h5py  # noqa: F401  # what h5netcdf writes with, and does not ask for
    except ImportError as error:
        raise InputError("NetCDF needs two more packages: pip install h5netcdf h5py") from error
    frame = _frame(ds)
    with path.open("w+b", buffering=0) as disk:
        target = _NeverFailing(disk)
        with h5netcdf.File(target, "w") as file:
            frame.dump_to_store(xr.backends.H5NetCDFStore(file))
            for name, variable in ds.data_vars.items():
                _write_variable(ds, str(name), variable, file, pieces, target)
        target.check()


def _frame(ds: xr.Dataset) -> xr.Dataset:
    """The coordinates and attributes of results as they are written."""
    frame = ds.coords.to_dataset().drop_encoding()
    for name in map(str, ds.coords):
        frame[name].encoding["_FillValue"] = None  # coordinates are all there
        if "." in name:
            frame[name].attrs[WHOLE_NAME] = name
    frame = frame.rename({name: _called(str(name)) for name in ds.coords})
    attrs = of_all_scenarios(ds) if SCENARIO in ds.dims else ds.attrs
    plain = {str(name): plain_attribute(value) for name, value in attrs.items()}
    long = {name: value for name, value in plain.items() if _is_json(value)}
    for name, value in long.items():
        about = {"long_name": f"{name}, a text in JSON"}
        frame[name if name not in frame else f"{name}_json"] = xr.Variable((), value, about)
    frame.attrs = {name: value for name, value in plain.items() if name not in long}
    frame.attrs |= _conventions(ds)
    return frame


def _called(name: str) -> str:
    return name.replace(".", "_")


def _is_json(value: Any) -> bool:
    """Whether an attribute is a list or a table."""
    if not isinstance(value, str) or value[:1] not in {"{", "["}:
        return False
    try:
        return isinstance(json.loads(value), dict | list)
    except ValueError:
        return False


def _conventions(ds: xr.Dataset) -> dict[str, str]:
    """The attributes that the CF conventions ask of every file."""
    version = ds.attrs.get("asm_sim_version", "of an unknown version")
    written = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "Conventions": CF,
        "source": f"asm_sim {version}, simulated",
        "history": f"{written} written by asm-sim export --to netcdf",
    }


def _write_variable(
    ds: xr.Dataset,
    name: str,
    variable: xr.DataArray,
    file: Any,
    pieces: Pieces,
    target: _NeverFailing,
) -> None:
    dims = tuple(map(str, variable.dims))
    for dim in set(dims) - set(file.dimensions):
        file.dimensions[dim] = ds.sizes[dim]
    written = file.create_variable(
        name,
        dims,
        variable.dtype,
        chunks=_chunks(ds, dims),
        fillvalue=np.nan if variable.dtype.kind == "f" else None,
        compression="gzip",
        compression_opts=1,
        shuffle=True,
    )
    beside = [_called(str(key)) for key in variable.coords if key not in ds.dims]
    attrs = {**variable.attrs, **({"coordinates": " ".join(beside)} if beside else {})}
    written.attrs.update({key: plain_attribute(value) for key, value in attrs.items()})
    for piece in pieces(dims):
        where = tuple(piece.get(dim, slice(None)) for dim in dims)
        written[where] = variable.isel(piece).values
        target.check()


class _NeverFailing(io.RawIOBase):
    """A file for HDF5, which crashes where one cannot be written: it is told so of none.

    What the disk did not take is kept in memory, for HDF5 to read and to close its file in peace;
    :meth:`check` raises the error. It is called often, so that this is little.
    """

    def __init__(self, file: Any) -> None:
        self._file, self._at = file, 0
        self._error: OSError | None = None
        self._kept: list[tuple[int, bytes]] = []

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            kept = [start + len(data) for start, data in self._kept]
            offset += max([self._file.seek(0, os.SEEK_END), *kept])
        self._at = offset + (self._at if whence == os.SEEK_CUR else 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        self._file.seek(self._at)
        found = self._file.read(len(view)) or b""
        view[:] = found + bytes(len(view) - len(found))
        for start, data in self._kept:
            first, end = max(start, self._at), min(start + len(data), self._at + len(view))
            if first < end:
                view[first - self._at : end - self._at] = data[first - start : end - start]
        self._at += len(view)
        return len(view)

    def write(self, data: Any) -> int:
        content = bytes(data)
        written = 0
        while self._error is None and written < len(content):
            try:
                self._file.seek(self._at + written)
                written += self._file.write(content[written:])
            except OSError as error:
                self._error = error
        if written < len(content):
            self._kept.append((self._at + written, content[written:]))
        self._at += len(content)
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        size = self._at if size is None else size
        try:
            self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
        return size


def _chunks(ds: xr.Dataset, dims: Dims) -> tuple[int, ...]:
    """A chunk holds one scenario, and as much of the dim that follows as it has room for."""
    first, *rest = [dim for dim in dims if dim != SCENARIO]
    length = max(1, min(ds.sizes[first], CHUNK // max(1, math.prod(ds.sizes[dim] for dim in rest))))
    return tuple({SCENARIO: 1, first: length}.get(dim, ds.sizes[dim]) for dim in dims)


def plain_attribute(value: Any) -> Any:
    """An attribute as NetCDF and JSON take it; what is neither text nor number becomes text."""
    if isinstance(value, np.generic):
        value = value.item()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if isinstance(value, str) or is_number else json.dumps(value, default=str)
