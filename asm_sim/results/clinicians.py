"""Who is who among the clinicians that results hold: by groups, and by what the roster says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.results.registry import CLINICIAN_PREFIX

EVERYBODY = "all"
VALUES_SHOWN = 20


def having(ds: xr.Dataset, name: str, wanted: Sequence[Any]) -> xr.DataArray:
    """Who has one of these values: booleans, along clinician for what the roster says.

    For a grouping they are along clinician and draw_sample, and scenario where there is one.
    Values may be given as texts. Raises :class:`InputError` for a name or a value that the results
    do not know.
    """
    labels = groups(ds)
    if name in labels:
        some = [
            one_of(f"no clinician has {name}", str(one).removeprefix(f"{name}: "), labels[name])
            for one in wanted
        ]
        every = ds["group"].values.astype(str)
        places = np.flatnonzero(np.isin(every, [f"{name}: {one}" for one in some]))
        members = ds["panel_group"].sel(membership=name).drop_vars("membership")
        inside: xr.DataArray = members.isin(places)
        return inside
    known = traits(ds)
    if name not in known:
        names = [*labels, *known]
        raise InputError(
            f"the results know no {name!r} of clinicians{did_you_mean(name, names)}; "
            f"they know {', '.join(names) or 'nothing of them'}"
        )
    values = known[name].values
    there = list(dict.fromkeys(values.tolist()))
    some = [one_of(f"no clinician has {name}", one, there) for one in wanted]
    at = {"clinician": ds["clinician"].values}
    return xr.DataArray(np.isin(values, some), at, ("clinician",))


def groups(ds: xr.Dataset) -> dict[str, list[str]]:
    """The groups of each grouping that clinicians are told apart by; none without a panel."""
    if "panel_group" not in ds:
        return {}
    labels, groupings = (ds[name].values.astype(str) for name in ("group", "grouping"))
    return {
        name: [label.removeprefix(f"{name}: ") for label in labels[groupings == name]]
        for name in dict.fromkeys(groupings.tolist())
        if name != EVERYBODY
    }


def traits(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """What the roster says of each clinician, by its name without ``clinician_``."""
    return {
        str(name).removeprefix(CLINICIAN_PREFIX): coordinate
        for name, coordinate in ds.coords.items()
        if str(name).startswith(CLINICIAN_PREFIX) and coordinate.dims == ("clinician",)
    }


def one_of(refusal: str, wanted: Any, known: Sequence[Any]) -> Any:
    """The known value that is wanted, or that a text means; the refusal begins with ``refusal``."""
    for one in known:
        if one == wanted or (isinstance(wanted, str) and _means(wanted.strip(), one)):
            return one
    few = ", ".join(map(str, known[:VALUES_SHOWN])) + (", ..." if len(known) > VALUES_SHOWN else "")
    hint = did_you_mean(str(wanted), list(map(str, known)))
    raise InputError(f"{refusal} {wanted!r}{hint}; there are {few}")


def _means(text: str, value: Any) -> bool:
    if isinstance(value, str):
        return False
    if text.lower() in {"true", "false"}:
        return bool(value == (text.lower() == "true"))
    try:
        return bool(float(text) == value)
    except ValueError:
        return False
