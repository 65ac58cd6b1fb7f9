"""What a run is, in words: its cohorts, where it came from, and what it assumes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from asm_sim.documents import compact
from asm_sim.errors import InputError, counted, printable
from asm_sim.results.registry import (
    CALLED,
    COHORT_TITLES,
    OPEN_DRAW,
    OPEN_LAYER,
    PARAMETER,
    PARAMETER_LAYER,
    SETTINGS,
    STATUSES,
)
from asm_sim.results.scenarios import (
    NAMES_SHOWN,
    SCENARIO,
    as_run,
    draws_of,
    scenario_names,
    scenario_of,
    seeds_of,
    told,
)

_LONG_TEXTS = {
    "scenario_yaml", "parameters", "assumptions", "scenarios", "design", "stamp", COHORT_TITLES,
    PARAMETER_LAYER, OPEN_LAYER, STATUSES, CALLED,
}  # fmt: skip
HASH_DIGITS = 8
LONGEST_NAME = 300  # characters: no file system has longer names
SETTINGS_SHOWN = 8


def cohort_title(ds: xr.Dataset, cohort: object) -> str:
    """What the rule of these results (of a run, a sweep or a study) calls a cohort.

    Its id where they do not say it, as those of earlier versions.
    """
    titles: dict[str, str] = json.loads(ds.attrs.get(COHORT_TITLES, "{}"))
    return printable(titles.get(str(cohort), str(cohort)))


def layers_of(ds: xr.Dataset) -> dict[str, str]:
    """Which layers of the draws are on, as far as the results say it."""
    layers: dict[str, str] = json.loads(ds.attrs.get("scenario_yaml", "{}")).get("layers", {})
    return layers


def parameters_of(ds: xr.Dataset) -> dict[str, Any]:
    """The parameters of the run by path, as far as it says them."""
    values: dict[str, Any] = json.loads(ds.attrs.get("parameters", "{}"))
    return values


def one_scenario(ds: xr.Dataset) -> xr.Dataset:
    """The Dataset of a single scenario, with the attributes of that one and of its draws.

    Takes a run, a sweep of one scenario, or what ``ds.sel(scenario=...)`` of a sweep returned;
    :class:`InputError` where there are several scenarios.
    """
    if "scenario" not in ds.dims:
        return told(ds)
    if ds.sizes["scenario"] > 1:
        names = ", ".join(scenario_names(ds)[:NAMES_SHOWN])
        raise InputError(
            f"these results hold {ds.sizes['scenario']:,} scenarios ({names}); choose one: "
            "ds.sel(scenario=...)"
        )
    return told(scenario_of(ds, 0))


def source_line(ds: xr.Dataset) -> str:
    """Where numbers come from: version of the package, rule year, scenario, hash, draws, seed.

    The scenario with what was set beside its file; draws and seeds are those of the data. One line,
    printable whatever the scenario is called.
    """
    ds = told(ds)
    about = ds.attrs
    rule = f"rule year {printable(str(about['rule_year']))}, " if "rule_year" in about else ""
    return (
        f"asm_sim {about.get('asm_sim_version', '?')}, {rule}scenario {scenario_in_words(ds)} "
        f"({str(about.get('scenario_hash', '?'))[:HASH_DIGITS]}), "
        f"{draws_in_words(ds)}, {_open_in_words(ds)}{_seeds_in_words(ds)}"
        + (f", {counted(len(drawn), 'parameter')} drawn" if (drawn := drawn_parameters(ds)) else "")
    )


def title_line(ds: xr.Dataset) -> str:
    """The title of a run or a sweep and where its numbers come from."""
    title = ds.attrs.get("title")
    return f"{printable(str(title))}: {source_line(ds)}" if title else source_line(ds)


def scenario_in_words(ds: xr.Dataset) -> str:
    """The scenario's name, and what was set beside its file: ``baseline with path=value``."""
    ds = as_run(ds)
    name = printable(str(ds.attrs.get("scenario", "?")), LONGEST_NAME)
    held = ds[SCENARIO].size if SCENARIO in ds.coords else 1
    listed = len(json.loads(ds.attrs.get("scenarios", "[]")))
    some = f", {held:,} of its {listed:,} scenarios" if held < listed else ""
    return f"{name}{some}{with_settings_in_words(ds.attrs)}"


def with_settings_in_words(about: Mapping[Any, Any], settings: str = SETTINGS) -> str:
    """`` with path=value, path=value`` where the attributes say that something was set."""
    pairs = [f"{path}={compact(value)}" for path, value in _settings(about, settings)]
    more = f" and {len(pairs) - SETTINGS_SHOWN:,} more" if len(pairs) > SETTINGS_SHOWN else ""
    shown = ", ".join(printable(pair) for pair in pairs[:SETTINGS_SHOWN])
    return f" with {shown}{more}" if pairs else ""


def settings_of(ds: xr.Dataset) -> list[tuple[str, Any]]:
    """What was set beside the scenario's file: paths and values."""
    return _settings(as_run(ds).attrs)


def _settings(about: Mapping[Any, Any], name: str = SETTINGS) -> list[tuple[str, Any]]:
    """Paths and values in an attribute; nothing of what is no such pair."""
    given = json.loads(about.get(name, "[]"))
    return [(str(pair[0]), pair[1]) for pair in given if isinstance(pair, list) and len(pair) == 2]


def draws_in_words(ds: xr.Dataset) -> str:
    draws = int(draws_of(ds) or 0)
    return f"{draws:,} {'draw' if draws == 1 else 'draws'}"


def _open_in_words(ds: xr.Dataset) -> str:
    number = ds.sizes.get(OPEN_DRAW, 0)
    return f"{counted(number, 'open draw')}, " if number else ""


def _seeds_in_words(ds: xr.Dataset) -> str:
    seeds = seeds_of(ds)
    if len(seeds) > NAMES_SHOWN:
        return f"{len(seeds):,} seeds"
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds) or '?'}"


def drawn_parameters(ds: xr.Dataset) -> list[str]:
    """The parameters that each draw has its own value of, by path; none where that layer is off.

    Of a sweep, those that some scenario draws.
    """
    if PARAMETER.name not in ds or not ds.sizes.get("draw", 0):
        return []
    drawn = ds[PARAMETER.name].isel(draw=0).notnull()
    others = [dim for dim in drawn.dims if dim != "parameter"]
    return [str(path) for path in ds["parameter"].values[drawn.any(others).values]]


def provenance(ds: xr.Dataset) -> dict[str, Any]:
    """The attributes that name a run (plain Python values), less the long texts.

    ``settings`` is a list of what was set beside the scenario's file: ``path`` and ``value`` each.
    """
    ds = told(ds)
    about: dict[str, Any] = {
        str(name): value if isinstance(value, str | int | float) else str(value)
        for name, value in ds.attrs.items()
        if name not in _LONG_TEXTS
    }
    if SETTINGS in about:
        pairs = _settings(about)
        about[SETTINGS] = [{"path": path, "value": value} for path, value in pairs]
    return about
