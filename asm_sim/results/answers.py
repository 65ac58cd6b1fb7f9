"""The answers of a run or a sweep: a row per number, with its error and its range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd
import xarray as xr

from asm_sim.results.ranges import Numbers, answer, open_part
from asm_sim.results.scenarios import SCENARIO, scenario_names, scenario_of


def answers_table(ds: xr.Dataset, names: Iterable[str]) -> pd.DataFrame:
    """One row per number of the variables ``names``, which are values by draw.

    Columns: ``scenario`` of a sweep, one per further dim (NA where a variable has it not),
    ``variable``, ``units`` and float64 ``value`` (mean over draws), ``mcse`` (its Monte Carlo
    standard error), ``range_low`` and ``range_high`` (between what the middle 90 % of open draws
    lie) with their errors; nan for what is not known. One scenario is read at a time.
    """
    names = list(names)
    frames = [frame for run, name in _runs(ds) for frame in _frames(run, names, name)]
    given = dict.fromkeys(column for frame in frames for column in frame)
    fixed = ["variable", "units", *Numbers._fields]
    dims = [column for column in given if column not in fixed]
    return pd.concat(frames, ignore_index=True).reindex(columns=[*dims, *fixed])


def _runs(ds: xr.Dataset) -> Iterator[tuple[xr.Dataset, str | None]]:
    if SCENARIO not in ds.dims:
        yield ds, None
        return
    for position, name in enumerate(scenario_names(ds)):
        yield scenario_of(ds, position), name


def _frames(run: xr.Dataset, names: list[str], scenario: str | None) -> Iterator[pd.DataFrame]:
    part = open_part(run)
    for name in names:
        values = run[name].load()
        of_open = part[name].load() if part is not None and name in part else None
        found = answer(values, of_open)
        columns = zip(Numbers._fields, (found.mean, found.mcse, *found.range), strict=True)
        frame = xr.Dataset(dict(columns)).reset_coords(drop=True).to_dataframe().reset_index()
        frame = frame.assign(variable=name, units=values.attrs.get("units", ""))
        if scenario is not None:
            frame.insert(0, SCENARIO, scenario)
        yield frame
