"""Results for other programs: one NetCDF file, or long tables in Parquet, CSV or Stata.

Everything is written in pieces, scenario by scenario and some draws at a time, so that memory does
not grow with the results; a file appears under its name whole, or not at all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr

from asm_sim.documents import did_you_mean
from asm_sim.durable import appearing
from asm_sim.errors import InputError, counted
from asm_sim.memory import check_memory
from asm_sim.places import local_path
from asm_sim.results.answers import answers_table
from asm_sim.results.netcdf import plain_attribute, write_netcdf
from asm_sim.results.registry import COORDINATES, PANEL, VARIABLES, YEARLY
from asm_sim.results.scenarios import (
    DRAW,
    SCENARIO,
    SCENARIO_HASH,
    Which,
    chosen_variables,
    of_all_scenarios,
    scenario_of,
)
from asm_sim.results.stata import stata_names, write_stata
from asm_sim.results.where import Where, part_of

NETCDF, PARQUET, CSV, STATA = "netcdf", "parquet", "csv", "stata"
SUFFIXES = {NETCDF: ".nc", PARQUET: ".parquet", CSV: ".csv", STATA: ".dta"}
EXPLAINED = (CSV, STATA)  # formats with a codebook beside each table
CODEBOOK = ".columns.csv"
ANSWERS = ".answers"
STEM = "results"
VALUES_AT_ONCE = 4_000_000  # 32 MB
BYTES = {PARQUET: 8, CSV: 18, STATA: 8}  # of a number, before compression
STATA_AT_ONCE = 40  # bytes of memory for a cell of a Stata table, which is made in memory
MEGABYTE = 1e6
EXCEL_ROWS = 1_048_576  # of a sheet, the header's among them

Dims = tuple[str, ...]


@dataclass(frozen=True)
class Export:
    """An export that has been checked: the chosen variables, the format and where they go.

    ``output`` is a file, or a folder where the variables take several tables (one for each set of
    dims). ``files`` are all that will be written. ``source`` holds more than the chosen variables:
    the open draws, from which ranges are taken. ``chosen`` is who is wanted along draw_sample and
    clinician, where groups were named.
    """

    ds: xr.Dataset
    source: xr.Dataset
    to: str
    output: Path
    tables: dict[Dims, list[str]]
    chosen: xr.DataArray | None = None

    @property
    def is_folder(self) -> bool:
        return self.to != NETCDF and len(self.tables) > 1

    @property
    def files(self) -> list[Path]:
        """The files of data, the answers where there are draws, and codebooks."""
        if self.to == NETCDF:
            return [self.output]
        tables = {self._file(dims) if self.is_folder else self.output: dims for dims in self.tables}
        answers = [answers_of(path) for path, dims in tables.items() if DRAW in dims]
        explained = tables if self.to in EXPLAINED else ()
        return [*tables, *answers, *map(codebook_of, explained)]

    @property
    def size(self) -> str:
        """How much will be written, in words."""
        if self.to == NETCDF:
            return f"{self.ds.nbytes / MEGABYTE:,.1f} MB before compression"
        shapes = [(self._rows(dims), len(self._columns(dims))) for dims in self.tables]
        cells = sum(rows * columns for rows, columns in shapes)
        tables = "; ".join(
            f"{counted(rows, 'row')} of {counted(columns, 'column')}" for rows, columns in shapes
        )
        return f"{tables}; up to about {cells * BYTES[self.to] / MEGABYTE:,.1f} MB"

    @property
    def beyond_excel(self) -> list[str]:
        """The CSV tables with more rows than a sheet of Excel holds, which drops the rest."""
        if self.to != CSV:
            return []
        rows = {"-".join(dims): self._rows(dims) for dims in self.tables}
        return [f"{name} ({many:,} rows)" for name, many in rows.items() if many >= EXCEL_ROWS]

    def write(self, values_at_once: int = VALUES_AT_ONCE) -> Path:
        """Write everything, replacing what is there; returns ``output``.

        ``values_at_once`` bounds the numbers that are in memory.
        """
        if self.to == NETCDF:
            with appearing(self.output) as partial:
                write_netcdf(
                    self.ds, partial, lambda dims: _pieces(self.ds, dims, 1, values_at_once)
                )
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

    def _rows(self, dims: Dims) -> int:
        if self.chosen is None:
            return _size(self.ds, dims)
        others = [dim for dim in dims if dim not in self.chosen.dims]
        return int(self.chosen.sum()) * _size(self.ds, others)

    def _columns(self, dims: Dims) -> list[str]:
        return [*_key_columns(self.ds, dims), *self.tables[dims]]

    def _write_table(self, dims: Dims, path: Path, values_at_once: int) -> None:
        """One table; the codebook of a CSV and the answers are there before the table is."""
        names = self.tables[dims]
        with appearing(path) as partial:
            if self.to == STATA:
                write_stata(pa.concat_tables(self._parts(dims, values_at_once)), partial, self.ds)
            else:
                with _table_writer(self, dims, partial) as write:
                    for part in self._parts(dims, values_at_once):
                        write(part)
            if DRAW in dims:
                with appearing(answers_of(path)) as answers:
                    self._write_answers(names, answers)
            if self.to in EXPLAINED:
                with appearing(codebook_of(path)) as codebook:
                    _write_codebook(self.ds, self._columns(dims), self.to, codebook)

    def _parts(self, dims: Dims, values_at_once: int) -> Iterator[Any]:
        """The rows of a table, some at a time, as Arrow tables."""
        schema = _schema(self, dims)
        for piece in _pieces(self.ds, dims, len(self._columns(dims)), values_at_once):
            ds = self.ds[self.tables[dims]].isel(piece)
            part = pa.table(_columns_of(ds, dims), schema=schema)
            if self.chosen is not None:
                here = {dim: place for dim, place in piece.items() if dim in self.chosen.dims}
                part = part.filter(pa.array(_rows_of(ds, dims, self.chosen.isel(here))))
            yield part

    def _write_answers(self, names: list[str], path: Path) -> None:
        """Value, error and range of each number that the rows of a table are draws of."""
        table = answers_table(self.source, names)
        if self.to == CSV:
            table.to_csv(path, index=False, lineterminator="\n")
        elif self.to == STATA:
            write_stata(pa.Table.from_pandas(table, preserve_index=False), path, self.ds)
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
    where: Where | None = None,
) -> Export:
    """Check an export of a run or a sweep; nothing is written.

    ``to`` is ``netcdf``, ``parquet``, ``csv`` or ``stata``. ``variables`` are by default all but
    ``panel_*`` for NetCDF, and those with a value per draw, cohort and performance year for tables,
    beside which stand the answers: mean, error and 90 % range of each number that rows are draws
    of. ``scenario`` is the one scenario to take of a sweep. ``where`` chooses rows, as
    :func:`asm_sim.results.where.part_of` does; where it is about clinicians, ``variables`` are by
    default those of the panel. ``output`` is by default ``results`` with the format's suffix in
    ``folder``, or a folder ``results-csv`` (``-parquet``, ``-stata``) where several tables are
    needed. Raises :class:`InputError`, also where the output exists without ``overwrite``.
    """
    if to not in SUFFIXES:
        known = list(SUFFIXES)
        raise InputError(
            f"no format is called {to!r}{did_you_mean(to, known)}; one of: {', '.join(known)}"
        )
    if scenario is not None:
        ds = scenario_of(ds, scenario)
    part = part_of(ds, where or {})
    source = part.ds
    default = _panel_variables(source) if part.of_clinicians else _default_variables(ds, to)
    ds = source[chosen_variables(source, variables, default)]
    part.check(map(str, ds.data_vars))
    if part.rows is not None and to == NETCDF:
        raise InputError("groups change from draw to draw: --where chooses them in tables alone")
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
    export = Export(ds, source, to, output, tables, part.rows)
    if to == STATA:
        cells = max(export._rows(dims) * len(export._columns(dims)) for dims in tables)
        remedy = "choose rows by --where, fewer --variables, or --to parquet"
        check_memory(STATA_AT_ONCE * cells, "Stata tables of this size", remedy)
    _check_output(export, overwrite)
    return export


def codebook_of(table: Path) -> Path:
    """The file that says what the columns of a CSV or a Stata table are, each of its own."""
    of_csv = table.suffix == SUFFIXES[CSV]
    return table.with_name((table.stem if of_csv else table.name) + CODEBOOK)


def answers_of(table: Path) -> Path:
    """The file beside a table of draws that has the means, their errors and their ranges."""
    return table.with_name(table.stem + ANSWERS + table.suffix)


def _default_variables(ds: xr.Dataset, to: str) -> list[str]:
    if to != NETCDF:
        return [variable.name for variable in YEARLY]
    return [str(name) for name in ds.data_vars if not str(name).startswith("panel_")]


def _panel_variables(ds: xr.Dataset) -> list[str]:
    names = [variable.name for variable in PANEL if variable.name in ds.data_vars]
    if not names or not ds.sizes["draw_sample"]:
        raise InputError(
            "the results kept no clinicians, which --where is about; panel_draws in a sweep's file "
            "keeps some, and asm-sim run always does"
        )
    return names


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
    codebooks = (CODEBOOK, SUFFIXES[STATA] + CODEBOOK)
    endings = {*SUFFIXES.values(), *codebooks, *(ANSWERS + ending for ending in SUFFIXES.values())}
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
    return pa.from_numpy_dtype(values.dtype) if values.dtype.kind in "biuf" else pa.string()


def _rows_of(ds: xr.Dataset, dims: Dims, chosen: xr.DataArray) -> Any:
    """Whether each row of the table of ``ds`` with these dims is wanted."""
    laid = chosen.transpose(*(dim for dim in dims if dim in chosen.dims))
    laid_out = laid.values.reshape([laid.sizes.get(dim, 1) for dim in dims])
    return np.broadcast_to(laid_out, [ds.sizes[dim] for dim in dims]).ravel()


def _schema(export: Export, dims: Dims) -> Any:
    """The columns of a table with what they are, and what all of it is."""
    ds = export.ds
    attrs = of_all_scenarios(ds) if SCENARIO in ds.dims else ds.attrs
    about = {str(name): plain_attribute(value) for name, value in attrs.items()}
    fields = [
        pa.field(name, _arrow_type(ds[name]), metadata=_words(ds, name))
        for name in export._columns(dims)
    ]
    return pa.schema(fields, metadata={"asm_sim": json.dumps(about)})


@contextmanager
def _table_writer(export: Export, dims: Dims, path: Path) -> Iterator[Any]:
    """A function that appends rows to the Parquet or CSV file ``path``."""
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    kind = parquet.ParquetWriter if export.to == PARQUET else arrow_csv.CSVWriter
    with kind(path, _schema(export, dims)) as writer:
        yield writer.write_table


def _write_codebook(ds: xr.Dataset, columns: list[str], to: str, path: Path) -> None:
    """What the columns of a table are; for Stata, which cuts names, what each is called here."""
    words = pd.DataFrame([{"column": name, **_words(ds, name)} for name in columns])
    if to == STATA:
        words.insert(0, "variable", stata_names(columns))
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
