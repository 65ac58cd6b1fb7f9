"""Differences between scenarios, paired draw by draw.

Scenarios of one seed share their random numbers, so that draw d of one is compared with draw d of
the other and most of the chance cancels; every difference carries its Monte Carlo standard error
and, where both have open draws, its range over these, paired in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from asm_sim.errors import InputError, printable
from asm_sim.results.describe import (
    HASH_DIGITS,
    LONGEST_NAME,
    cohort_title,
    one_scenario,
    with_settings_in_words,
)
from asm_sim.results.open import open_results
from asm_sim.results.pairs import on_shared_draws
from asm_sim.results.ranges import (
    FEWEST_OPEN,
    OUTSIDE_NOTE,
    PERCENT_OF_RANGE,
    Numbers,
    open_part,
    range_of,
)
from asm_sim.results.registry import COHORT_TITLES, SETTINGS
from asm_sim.results.scenarios import (
    COMPARE_TO,
    SCENARIO,
    Which,
    chosen_variables,
    position_of,
    scenario_names,
    scenario_of,
    told,
)
from asm_sim.results.statistics import estimate, paired_difference, rounded
from asm_sim.results.summary import PRINTED, STATISTICS, json_value
from asm_sim.results.terminal import Layout, cell, say, say_fitting, writable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Results = xr.Dataset | str | Path

HEADLINES = (
    "final_score_mean",
    "adjustment_mean",
    "adjustment_sd",
    "share_negative",
    "share_maximum_penalty",
    "misclassified_share",
    "chance_sd",
    "retained_by_medicare",
    "retained_by_medicare_payment_year",
)
REFERENCE, DIFFERENCE = "_reference", "_difference"
# What follows the name of a number: of its error, and of its range.
SUFFIXES = ("", *(f"_{name}" for name in Numbers._fields[1:]))
_SUFFIX_WORDS = dict(
    zip(
        SUFFIXES,
        (
            "",
            "Monte Carlo standard error",
            "low end of the 90 % range over open draws",
            "low end of the 90 % range over open draws, Monte Carlo standard error",
            "high end of the 90 % range over open draws",
            "high end of the 90 % range over open draws, Monte Carlo standard error",
        ),
        strict=True,
    )
)
# What a number is of, in its name and in words.
_WHAT = {"": "", REFERENCE: "reference", DIFFERENCE: "difference from the reference"}
REFERENCE_SETTINGS = "reference_settings"
NUMBERS = [name + suffix for name in ("a", "b", "difference") for suffix in SUFFIXES]
ALL_YEARS = "all years"
VALUES_AT_ONCE = 1_000_000  # 8 MB: what is read of a sweep at a time

# Rows of the printed table; other variables are called by their name.
LABELS = {
    **{row.variable: row.label for row in STATISTICS if row.quantile is None},
    "final_score_mean": "mean final score",
    "final_score_sd": "SD of the final score",
    "final_score_median": "median final score",
    "break_even_score": "break-even score",
    "adjustment_mean": "mean adjustment",
    "adjustment_sd": "SD of the adjustment",
    "misclassified_share": "wrong sign by chance",
    "chance_sd": "SD of chance",
    "retained_by_medicare_payment_year": "kept, as paid later",
}
PERCENTAGE_POINTS = "percentage points"


def compare(
    results: Results,
    a: Which | xr.Dataset | Path,
    b: Which | None = None,
    variables: Iterable[str] | None = None,
) -> xr.Dataset:
    """Scenario ``a`` of a sweep minus scenario ``b``, by cohort and performance year.

    ``results`` is a sweep's Dataset, or the folder or URL of one; scenarios are named, or chosen
    as :func:`asm_sim.results.scenarios.scenario_of` tells; ``b`` is by default the scenario that
    the sweep compares with. Where ``results`` is a run, ``a`` is another run and ``b`` is not given
    (:func:`compare_runs`).

    Returns, for every variable ``x`` (by default :data:`HEADLINES`), ``x`` (mean over draws of
    ``a``), ``x_reference`` (of ``b``) and ``x_difference`` (a - b, paired within draw), each with
    its Monte Carlo standard error ``*_mcse``; where both have open draws of ``x`` the 90 % range
    over these as well, ``*_range_low`` and ``*_range_high``, with errors. float64, dims of ``x``
    less ``draw``, its units. Raises :class:`InputError`.
    """
    ds = _opened(results)
    if SCENARIO in ds.dims:
        if isinstance(a, xr.Dataset | Path):
            raise InputError("a sweep is compared by its scenarios: name two of them")
        return compare_runs(
            scenario_of(ds, a), scenario_of(ds, reference_of(ds) if b is None else b), variables
        )
    if b is not None or not isinstance(a, xr.Dataset | Path | str):
        raise InputError("these results are of one run; name one other run to compare it with")
    try:
        other = _opened(a)
    except InputError as error:
        raise InputError(
            f"the first results are of one run, so that the other must be a run too: {error}"
        ) from error
    return compare_runs(ds, other, variables)


def compare_runs(
    run: xr.Dataset, reference: xr.Dataset, variables: Iterable[str] | None = None
) -> xr.Dataset:
    """``run`` minus ``reference``, two runs of one seed; otherwise as :func:`compare`.

    Means and differences are over the draws that both runs have.
    """
    run, reference = one_scenario(run), one_scenario(reference)
    names = chosen_variables(run, variables, HEADLINES)
    chosen_variables(reference, names, ())
    opened = _open_pair(run, reference)
    run, reference = on_shared_draws(run, reference)
    parts: dict[str, xr.DataArray] = {}
    for name in names:
        pair = [_per_draw(ds, name).load() for ds in (run, reference)]
        difference = paired_difference(pair[0], pair[1], name)
        found = [estimate(pair[0], name), estimate(pair[1], name), difference]
        ranges = _ranges(opened, name)
        for what, numbers, known in zip(_WHAT, found, ranges, strict=True):
            parts |= _named(name + what, [*numbers, *known], run[name].attrs, _WHAT[what])
    about = {
        "scenario": run.attrs.get("scenario", "?"),
        SETTINGS: run.attrs.get(SETTINGS, "[]"),
        "scenario_hash": run.attrs.get("scenario_hash", "?"),
        "reference": reference.attrs.get("scenario", "?"),
        REFERENCE_SETTINGS: reference.attrs.get(SETTINGS, "[]"),
        "reference_hash": reference.attrs.get("scenario_hash", "?"),
        "draws": run.sizes["draw"],
    }
    return xr.Dataset(parts, attrs=about | _common(told(run)))


def versus_reference(ds: xr.Dataset, variables: Iterable[str] | None = None) -> xr.Dataset:
    """Every scenario of a sweep minus the one that it compares with (attribute ``compare_to``).

    Returns ``x_difference`` and ``x_difference_mcse`` for every variable ``x`` (by default
    :data:`HEADLINES`): float64, dims ``scenario`` and those of ``x`` less ``draw``, its units.
    Reads a bounded part of the sweep at a time. Raises :class:`InputError`.
    """
    name_of_reference = reference_of(ds)
    reference = ds.isel(scenario=position_of(ds, name_of_reference), drop=True)
    parts: dict[str, xr.DataArray] = {}
    for name in chosen_variables(ds, variables, HEADLINES):
        every, one = _per_draw(ds, name), _per_draw(reference, name).load()
        step = max(1, VALUES_AT_ONCE // max(1, one[name].size))
        pieces = [
            paired_difference(every.isel(scenario=slice(first, first + step)).load(), one, name)
            for first in range(0, ds.sizes[SCENARIO], step)
        ]
        whole = [xr.concat(part, SCENARIO) for part in zip(*pieces, strict=True)]
        parts |= _named(name + DIFFERENCE, whole, ds[name].attrs, _WHAT[DIFFERENCE])
    about = {
        "scenario": ds.attrs.get("scenario", "?"),
        SETTINGS: ds.attrs.get(SETTINGS, "[]"),
        "scenario_hash": ds.attrs.get("scenario_hash", "?"),
        "reference": name_of_reference,
        "draws": ds.sizes["draw"],
    }
    return xr.Dataset(parts, attrs=about | _common(told(ds)))


def reference_of(ds: xr.Dataset) -> str:
    """The name of the scenario that a sweep compares with; :class:`InputError` if it names none."""
    if SCENARIO not in ds.dims:
        raise InputError("these results are of one run: there are no scenarios to compare")
    if ds.attrs.get(COMPARE_TO) not in scenario_names(ds):
        raise InputError(
            "the sweep names no scenario of these to compare with (compare_to); "
            "name a second scenario, or set it: ds.assign_attrs(compare_to=NAME)"
        )
    return str(ds.attrs[COMPARE_TO])


def comparison_table(result: xr.Dataset) -> pd.DataFrame:
    """What :func:`compare` returned, one row per variable, cohort and performance year.

    Columns ``cohort``, ``performance_year``, one per further dim, ``variable``, ``units``, and
    float64 ``a``, ``b`` (means), ``difference`` (a - b), each with ``*_mcse`` and a range, nan
    where it is not known.
    """
    frames, dims = [], ["cohort", "performance_year"]
    for name in _compared(result):
        names = [name + what + suffix for what in _WHAT for suffix in SUFFIXES]
        parts = {
            column: result[one] for column, one in zip(NUMBERS, names, strict=True) if one in result
        }
        frame = xr.Dataset(parts).reset_coords(drop=True).to_dataframe().reset_index()
        frames.append(frame.assign(variable=name, units=result[name].attrs.get("units", "")))
        dims += [str(dim) for dim in result[name].dims if dim not in dims]
    table = pd.concat(frames, ignore_index=True)
    table = table.reindex(columns=[*dims, "variable", "units", *NUMBERS])
    whole = {dim: "Int64" for dim in dims if dim not in result or result[dim].dtype.kind in "iu"}
    return table.astype(whole)


def comparison_json(result: xr.Dataset) -> dict[str, Any]:
    """The comparison for a program: ``comparison`` (what was compared) and ``differences`` (the
    rows of :func:`comparison_table`, null for what is not known)."""
    rows = comparison_table(result).astype(object).to_dict(orient="records")
    about = {
        key: json.loads(value) if key in {SETTINGS, REFERENCE_SETTINGS, COHORT_TITLES} else value
        for key, value in result.attrs.items()
    }
    return {
        "comparison": {str(key): _plain(value) for key, value in about.items()},
        "differences": [{str(key): _plain(value) for key, value in row.items()} for row in rows],
    }


def print_comparison(result: xr.Dataset, console: Console, errors: bool = False) -> None:
    """Print what is compared and, for each cohort, the differences with their ranges.

    With their errors where there are no open draws, and where ``errors`` asks for them.
    """
    from rich.text import Text

    about, table = result.attrs, comparison_table(result)
    names = [
        f"{printable(str(about[key]), LONGEST_NAME)}{with_settings_in_words(about, settings)} "
        f"({str(about[f'{key}_hash'])[:HASH_DIGITS]})"
        for key, settings in ((SCENARIO, SETTINGS), ("reference", REFERENCE_SETTINGS))
    ]
    say(console, Text(f"A  {names[0]}\nB  {names[1]}", style="bold"))
    draws = about["draws"]
    text = (
        f"A minus B: {draws:,} {'draw' if draws == 1 else 'draws'}, seed {about['seed']}. Both "
        f"were given the same random numbers, so that the differences are paired within draws"
        f"{_kind_of_number(table, errors)}."
    )
    say(console, Text(writable(text, console)))
    for cohort in dict.fromkeys(table["cohort"]):
        rows = table[table["cohort"] == cohort]
        say(console, Text(f"\n{cohort_title(result, cohort)} ({cohort})", style="bold"))
        say_fitting(console, partial(_table, rows, console, errors))
    differences = table[[f"difference{suffix}" for suffix in SUFFIXES]].itertuples(index=False)
    if not errors and any(Numbers(*row).is_outside for row in differences):
        say(console, Text(OUTSIDE_NOTE))


def _kind_of_number(table: pd.DataFrame, errors: bool) -> str:
    """What stands beside the differences of a table."""
    ranged = table["difference_range_low"].notna()
    kinds = [
        f"the range beside one holds the middle {PERCENT_OF_RANGE} % of the open draws, paired "
        "in the same way"
    ] * bool(ranged.any() and not errors)
    kinds += ["± is their Monte Carlo standard error"] * bool(errors or not ranged.all())
    return "".join(f"; {kind}" for kind in kinds)


def _table(rows: pd.DataFrame, console: Console, errors: bool, layout: Layout) -> Table:
    """One cohort: variables down, grouped by unit, performance years across."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows = rows.assign(year=rows["performance_year"].astype("string").fillna(ALL_YEARS))
    years = list(dict.fromkeys(rows["year"]))
    further = list(rows.columns[2 : rows.columns.get_loc("variable")])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("A minus B,\nperformance year", no_wrap=False)
    for year in years:
        table.add_column(year, justify="right", no_wrap=True)
    for units, of_units in rows.groupby("units", sort=False):
        factor, unit = PRINTED.get(str(units), (1.0, "" if units == "1" else str(units)))
        unit = PERCENTAGE_POINTS if unit == "%" else unit
        table.add_row(Text(unit or "without unit", style="italic"))
        keys = ["variable", *further]
        for key, of_key in of_units.groupby(keys, sort=False, dropna=False):
            name, *where = key
            places = [
                f"{dim} {value}"
                for dim, value in zip(further, where, strict=True)
                if value is not pd.NA
            ]
            label = ", ".join([LABELS.get(str(name), str(name)), *places])
            columns = [of_key[f"difference{suffix}"] for suffix in SUFFIXES]
            numbers = (Numbers(*row).times(factor) for row in zip(*columns, strict=True))
            by_year = dict(zip(of_key["year"], numbers, strict=True))
            cells = [
                _difference(by_year[year], layout, errors) if year in by_year else ""
                for year in years
            ]
            table.add_row(Text(f"  {label}"), *(writable(cell, console) for cell in cells))
    return table


def _difference(numbers: Numbers, layout: Layout, errors: bool) -> str:
    """A difference with its sign and its range or error; what is exactly equal is just 0."""
    value, error = numbers.value, numbers.mcse
    same = (value == 0 and not error > 0) or rounded(value, error) == ("0", "0")
    if same and not numbers.has_width:
        return "0"
    written = cell(numbers, layout, errors)
    digits = written.partition(layout.before_error)[0]
    return f"+{written}" if value > 0 and any(c in "123456789" for c in digits) else written


def _open_pair(run: xr.Dataset, reference: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset] | None:
    """The open draws that both runs have; None where there are too few."""
    parts = [open_part(ds) for ds in (run, reference)]
    if parts[0] is None or parts[1] is None:
        return None
    pair = on_shared_draws(parts[0], parts[1])
    return pair if pair[0].sizes["draw"] >= FEWEST_OPEN else None


def _ranges(pair: tuple[xr.Dataset, xr.Dataset] | None, name: str) -> list[Iterable[xr.DataArray]]:
    """The ranges of both and of their difference; nothing where they have no such open draws."""
    if pair is None or any(name not in part for part in pair):
        return [(), (), ()]
    one, other = (part[name].load() for part in pair)
    return [range_of(values) for values in (one, other, one - other)]


def _opened(results: Results) -> xr.Dataset:
    return results if isinstance(results, xr.Dataset) else open_results(results)


def _per_draw(ds: xr.Dataset, name: str) -> xr.Dataset:
    """The one variable, sure to have draws."""
    if "draw" not in ds[name].dims:
        dims = ", ".join(map(str, ds[name].dims))
        raise InputError(f"{name!r} is not a value per draw; its dims are {dims}")
    return ds[[name]]


def _named(
    name: str, numbers: Iterable[xr.DataArray], attrs: dict[str, Any], what: str
) -> dict[str, xr.DataArray]:
    """A mean, its error and its range under their names, with units and long names."""
    return {
        name + suffix: values.assign_attrs(
            attrs
            | {"long_name": ", ".join(filter(None, (attrs.get("long_name", name), what, words)))}
        )
        for (suffix, words), values in zip(_SUFFIX_WORDS.items(), numbers, strict=False)
    }


def _common(ds: xr.Dataset) -> dict[str, Any]:
    names = ("seed", "asm_sim_version", "rules", "population", COHORT_TITLES)
    return {name: ds.attrs[name] for name in names if name in ds.attrs}


def _compared(result: xr.Dataset) -> list[str]:
    return [str(name) for name in result.data_vars if f"{name}{DIFFERENCE}" in result]


def _plain(value: Any) -> Any:
    if value is pd.NA:
        return None
    return json_value(value.item() if isinstance(value, np.generic) else value)
