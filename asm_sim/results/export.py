"""Results for other programs: one NetCDF file, or long tables in Parquet or CSV.

Everything is written in pieces, scenario by scenario and some draws at a time, so that memory does
not grow with the results; a file appears under its name whole, or not at all.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from asm_sim.documents import did_you_mean
from asm_sim.durable import appearing
from asm_sim.errors import InputError
from asm_sim.places import local_path
from asm_sim.results.answers import answers_table
from asm_sim.results.registry import COORDINATES, VARIABLES, YEARLY
from asm_sim.results.scenarios import (
    DRAW,
    SCENARIO,
    SCENARIO_HASH,
    Which,
    chosen_variables,
    scenario_of,
)

NETCDF, PARQUET, CSV = "netcdf", "parquet", "csv"
SUFFIXES = {NETCDF: ".nc", PARQUET: ".parquet", CSV: ".csv"}
CODEBOOK = ".columns.csv"
ANSWERS = ".answers"
STEM = "results"
VALUES_AT_ONCE = 4_000_000  # 32 MB
BYTES = {PARQUET: 8, CSV: 18}  # of a number, before compression
CHUNK = 131_072  # numbers to a chunk of a NetCDF file: 1 MB
MEGABYTE = 1e6
CF = "CF-1.11"
EXCEL_ROWS = 1_048_576  # of a sheet, the header's among them

Dims = tuple[str, ...]


@dataclass(frozen=True)
class Export:
    """An export that has been checked: the chosen variables, the format and where they go.

    ``output`` is a file, or a folder where the variables take several tables (one for each set of
    dims). ``files`` are all that will be written. ``source`` holds more than the chosen variables:
    the open draws, from which ranges are taken.
    """

    ds: xr.Dataset
    source: xr.Dataset
    to: str
    output: Path
    tables: dict[Dims, list[str]]

    @property
    def is_folder(self) -> bool:
        return self.to != NETCDF and len(self.tables) > 1

    @property
    def files(self) -> list[Path]:
        """The files of data, the answers where there are draws, and codebooks of CSV files."""
        if self.to == NETCDF:
            return [self.output]
        tables = {self._file(dims) if self.is_folder else self.output: dims for dims in self.tables}
        answers = [answers_of(path) for path, dims in tables.items() if DRAW in dims]
        return [*tables, *answers, *(codebook_of(path) for path in tables if self.to == CSV)]

    @property
    def size(self) -> str:
        """How much will be written, in words."""
        if self.to == NETCDF:
            return f"{self.ds.nbytes / MEGABYTE:,.1f} MB before compression"
        shapes = [(_size(self.ds, dims), len(self._columns(dims))) for dims in self.tables]
        cells = sum(rows * columns for rows, columns in shapes)
        tables = "; ".join(f"{rows:,} rows of {columns} columns" for rows, columns in shapes)
        return f"{tables}; up to about {cells * BYTES[self.to] / MEGABYTE:,.1f} MB"

    @property
    def beyond_excel(self) -> list[str]:
        """The CSV tables with more rows than a sheet of Excel holds, which drops the rest."""
        if self.to != CSV:
            return []
        rows = {"-".join(dims): _size(self.ds, dims) for dims in self.tables}
        return [f"{name} ({many:,} rows)" for name, many in rows.items() if many >= EXCEL_ROWS]

    def write(self, values_at_once: int = VALUES_AT_ONCE) -> Path:
        """Write everything, replacing what is there; returns ``output``.

        ``values_at_once`` bounds the numbers that are in memory.
        """
        if self.to == NETCDF:
            with appearing(self.output) as partial:
                _write_netcdf(self.ds, partial, values_at_once)
        elif not self.is_folder:
            (dims,) = self.tables
            self._write_table(dims, self.output, values_at_once)
        else:
            with appearing(self.output) as partial:
                partial.mkdir()
                for dims in self.tables:
                    self._write_table(dims, partial / self._file(dims).name, values_at_once)
        return self.output

    def _file(self, dims: Dims) -> Path:
        return self.output / f"{'-'.join(dims)}{SUFFIXES[self.to]}"

    def _columns(self, dims: Dims) -> list[str]:
        return [*_key_columns(self.ds, dims), *self.tables[dims]]

    def _write_table(self, dims: Dims, path: Path, values_at_once: int) -> None:
        """One table; the codebook of a CSV and the answers are there before the table is."""
        names = self.tables[dims]
        with appearing(path) as partial:
            with _table_writer(self, dims, partial) as write:
                for piece in _pieces(self.ds, dims, len(self._columns(dims)), values_at_once):
                    write(_columns_of(self.ds[names].isel(piece), dims))
            if DRAW in dims:
                with appearing(answers_of(path)) as answers:
                    self._write_answers(names, answers)
            if self.to == CSV:
                with appearing(codebook_of(path)) as codebook:
                    _write_codebook(self.ds, self._columns(dims), codebook)

    def _write_answers(self, names: list[str], path: Path) -> None:
        """Value, error and range of each number that the rows of a table are draws of."""
        table = answers_table(self.source, names)
        if self.to == CSV:
            table.to_csv(path, index=False, lineterminator="\n")
        else:
            table.to_parquet(path, index=False)


def plan_export(
    ds: xr.Dataset,
    to: str,
    output: Path | None = None,
    variables: Iterable[str] | None = None,
    scenario: Which | None = None,
    overwrite: bool = False,
    folder: Path = Path(),
) -> Export:
    """Check an export of a run or a sweep; nothing is written.

    ``to`` is ``netcdf``, ``parquet`` or ``csv``. ``variables`` are by default all but ``panel_*``
    for NetCDF, and those with a value per draw, cohort and performance year for tables, beside
    which stand the answers: mean, error and 90 % range of each number that rows are draws of.
    ``scenario`` is the one scenario to take of a sweep. ``output`` is by default ``results.nc``,
    ``results.parquet`` or ``results.csv`` in ``folder``; ``results-parquet`` or ``results-csv``
    where several tables are needed. Raises :class:`InputError`, also where the output exists
    without ``overwrite``.
    """
    if to not in SUFFIXES:
        known = list(SUFFIXES)
        raise InputError(
            f"no format is called {to!r}{did_you_mean(to, known)}; one of: {', '.join(known)}"
        )
    if scenario is not None:
        ds = scenario_of(ds, scenario)
    source = ds
    ds = ds[chosen_variables(ds, variables, _default_variables(ds, to))]
    tables: dict[Dims, list[str]] = {}
    for name, variable in ds.data_vars.items():
        tables.setdefault(tuple(map(str, variable.dims)), []).append(str(name))
    suffix = SUFFIXES[to]
    several = to != NETCDF and len(tables) > 1
    if output is None:
        output = folder / (f"{STEM}-{to}" if several else f"{STEM}{suffix}")
    output = local_path(output)
    if several and output.suffix in SUFFIXES.values():
        raise InputError(
            f"{output}: these variables need {len(tables)} tables, one for each set of dims; "
            "name a folder, or choose variables of the same dims"
        )
    if not several and output.suffix != suffix:
        raise InputError(f"{output}: a {to} file must end in {suffix}")
    export = Export(ds, source, to, output, tables)
    _check_output(export, overwrite)
    return export


def codebook_of(table: Path) -> Path:
    """The file that says what the columns of a CSV table are."""
    return table.with_name(table.stem + CODEBOOK)


def answers_of(table: Path) -> Path:
    """The file beside a table of draws that has the means, their errors and their ranges."""
    return table.with_name(table.stem + ANSWERS + table.suffix)


def _default_variables(ds: xr.Dataset, to: str) -> list[str]:
    if to != NETCDF:
        return [variable.name for variable in YEARLY]
    return [str(name) for name in ds.data_vars if not str(name).startswith("panel_")]


def _check_output(export: Export, overwrite: bool) -> None:
    """Refuse an output that cannot be written, that exists, or that holds something else."""
    output = export.output
    if not output.parent.is_dir():
        raise InputError(f"{output}: the folder {output.parent} does not exist")
    there = [path for path in (output, *export.files) if path.exists()]
    if there and not overwrite:
        raise InputError(
            f"{there[0]}: this exists; add --overwrite to replace it, or name another --output"
        )
    if not export.is_folder:
        for path in there:
            if not path.is_file():
                raise InputError(f"{path}: this is not an ordinary file; name another output")
    elif there and not (output.is_dir() and all(map(_is_export, output.iterdir()))):
        raise InputError(f"{output}: holds something else than an export; name another output")


def _is_export(path: Path) -> bool:
    """Whether a file's name is one of those that an export gives: dims and a suffix."""
    stem, _, suffix = path.name.partition(".")
    known = {SCENARIO, *COORDINATES}
    endings = {*SUFFIXES.values(), CODEBOOK, *(ANSWERS + ending for ending in SUFFIXES.values())}
    return f".{suffix}" in endings and set(stem.split("-")) <= known


def _pieces(
    ds: xr.Dataset, dims: Dims, width: int, values_at_once: int
) -> Iterator[dict[str, slice]]:
    """Slices along the scenarios, one at a time, and along the dim that follows, in order."""
    first, *rest = [dim for dim in dims if dim != SCENARIO]
    step = max(1, values_at_once // max(1, width * _size(ds, rest)))
    scenarios = [{SCENARIO: slice(i, i + 1)} for i in range(ds.sizes.get(SCENARIO, 0))]
    for one in scenarios if SCENARIO in dims else [{}]:
        for start in range(0, ds.sizes[first], step):
            yield {**one, first: slice(start, start + step)}


def _size(ds: xr.Dataset, dims: Iterable[str]) -> int:
    return math.prod(ds.sizes[dim] for dim in dims)


def _key_columns(ds: xr.Dataset, dims: Dims) -> list[str]:
    """The coordinates that a table's rows are told apart by: of each dim, all but hashes."""
    along: dict[str, list[str]] = {dim: [dim] for dim in dims}
    for name, coordinate in ds.coords.items():
        if coordinate.ndim == 1 and name not in {*coordinate.dims, SCENARIO_HASH}:
            along.get(str(coordinate.dims[0]), []).append(str(name))
    return [name for names in along.values() for name in names]


def _columns_of(ds: xr.Dataset, dims: Dims) -> dict[str, Any]:
    """The columns of a table of ``ds``, as Arrow arrays: one row per combination of coordinates."""
    import pyarrow as pa

    shape = tuple(ds.sizes[dim] for dim in dims)
    columns = {}
    for name in _key_columns(ds, dims):
        (dim,) = ds[name].dims
        axis = dims.index(str(dim))
        along = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(dims))])
        positions = np.broadcast_to(along, shape).ravel()
        # Fixed-width text takes 4 bytes a character: each text is held once.
        values = pa.array(ds[name].values.tolist(), type=_arrow_type(ds[name]))
        columns[name] = pa.DictionaryArray.from_arrays(positions, values).dictionary_decode()
    for variable_name, variable in ds.data_vars.items():
        columns[str(variable_name)] = pa.array(variable.values.ravel(), from_pandas=True)
    return columns


def _arrow_type(values: xr.DataArray) -> Any:
    import pyarrow as pa

    return pa.from_numpy_dtype(values.dtype) if values.dtype.kind in "biuf" else pa.string()


@contextmanager
def _table_writer(export: Export, dims: Dims, path: Path) -> Iterator[Any]:
    """A function that appends columns to the Parquet or CSV file ``path``."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    ds = export.ds
    about = {str(name): _plain(value) for name, value in ds.attrs.items()}
    fields = [
        pa.field(name, _arrow_type(ds[name]), metadata=_words(ds, name))
        for name in export._columns(dims)
    ]
    schema = pa.schema(fields, metadata={"asm_sim": json.dumps(about)})
    if export.to == PARQUET:
        writer = parquet.ParquetWriter(path, schema)
    else:
        writer = arrow_csv.CSVWriter(path, schema)
    with writer:
        yield lambda columns: writer.write_table(pa.table(columns, schema=schema))


def _write_codebook(ds: xr.Dataset, columns: list[str], path: Path) -> None:
    words = pd.DataFrame([{"column": name, **_words(ds, name)} for name in columns])
    words.to_csv(path, index=False, lineterminator="\n")


def _words(ds: xr.Dataset, name: str) -> dict[str, str]:
    """Units and long name of a column, of the registry where the results have none."""
    known = VARIABLES[name].attrs if name in VARIABLES else COORDINATES.get(name, {})
    if name == SCENARIO:
        known = {"units": "1", "long_name": "Scenario of the sweep"}
    elif "." in name:
        known = {"long_name": "Parameter that the scenarios differ in"}
    attrs = {**known, **(ds[name].attrs if name in ds.variables else {})}
    return {key: str(attrs.get(key, "")) for key in ("units", "long_name")}


def _write_netcdf(ds: xr.Dataset, path: Path, values_at_once: int) -> None:
    """One NetCDF-4 file: coordinates and attributes first, then the variables piece by piece."""
    try:
        import h5netcdf
        import h5py  # noqa: F401  # what h5netcdf writes with, and does not ask for
    except ImportError as error:
        raise InputError("NetCDF needs two more packages: pip install h5netcdf h5py") from error
    frame = ds.coords.to_dataset().drop_encoding()
    frame.attrs = {name: _plain(value) for name, value in ds.attrs.items()} | _conventions(ds)
    with path.open("w+b", buffering=0) as disk:
        target = _NeverFailing(disk)
        with h5netcdf.File(target, "w") as file:
            frame.dump_to_store(xr.backends.H5NetCDFStore(file))
            for name, variable in ds.data_vars.items():
                _write_variable(ds, str(name), variable, file, values_at_once, target)
        target.check()


def _conventions(ds: xr.Dataset) -> dict[str, str]:
    """The attributes that the CF conventions ask of every file."""
    version = ds.attrs.get("asm_sim_version", "of an unknown version")
    written = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "Conventions": CF,
        "source": f"asm_sim {version}, simulated",
        "history": f"{written} written by asm-sim export --to {NETCDF}",
    }


def _write_variable(
    ds: xr.Dataset,
    name: str,
    variable: xr.DataArray,
    file: Any,
    values_at_once: int,
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
    written.attrs.update({key: _plain(value) for key, value in variable.attrs.items()})
    for piece in _pieces(ds, dims, 1, values_at_once):
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
    length = max(1, min(ds.sizes[first], CHUNK // max(1, _size(ds, rest))))
    return tuple({SCENARIO: 1, first: length}.get(dim, ds.sizes[dim]) for dim in dims)


def _plain(value: Any) -> Any:
    """An attribute as NetCDF and JSON take it; what is neither text nor number becomes text."""
    if isinstance(value, np.generic):
        value = value.item()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if isinstance(value, str) or is_number else json.dumps(value, default=str)
