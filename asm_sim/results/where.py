"""Which part of results is wanted: of some years, cohorts, scenarios, groups or clinicians."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.results.clinicians import groups, having, one_of, traits
from asm_sim.results.registry import CLINICIAN_PREFIX

CLINICIAN = "clinician"
Where = Mapping[str, list[str]]


@dataclass(frozen=True)
class Part:
    """A part of results; ``ds`` has along each dim what is wanted of it.

    ``rows`` is for groups, which change from draw to draw: who is wanted, along draw_sample and
    clinician (and scenario); None where no group was named. ``along`` has for each condition the
    dims that it chose along: a variable with none of them is not chosen from by it.
    """

    ds: xr.Dataset
    rows: xr.DataArray | None
    along: dict[str, set[str]]

    @property
    def of_clinicians(self) -> bool:
        """Whether a condition is about clinicians and about nothing else."""
        return any(dims <= {CLINICIAN, "draw_sample"} for dims in self.along.values())

    def check(self, names: Iterable[str]) -> None:
        """:class:`InputError` where a condition says nothing about one of these variables."""
        for name in names:
            dims = set(map(str, self.ds[name].dims))
            for condition, along in self.along.items():
                every = "draw_sample" in along  # a group: of clinicians in draws
                if not (along <= dims if every else along & dims):
                    of = "by clinician and draw" if every else f"by {' or '.join(sorted(along))}"
                    raise InputError(
                        f"--where {condition}=...: {name} is not {of}; leave it out, or name other "
                        "--variables (asm-sim variables lists them with their dims)"
                    )


def conditions(texts: Iterable[str]) -> dict[str, list[str]]:
    """``NAME=VALUE``s by name, those of one name together; :class:`InputError` for other texts."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise InputError(f"--where {text!r}: give NAME=VALUE, such as state=TX")
        found.setdefault(name, []).append(value)
    return found


def part_of(ds: xr.Dataset, where: Where) -> Part:
    """The part of results that has one of the values of every name.

    Names are coordinates (``cohort``, ``performance_year``, ``group``, the axes of a sweep), what
    the roster says of clinicians (``state``, ``small_practice``) and groupings (``practice_size``,
    ``place``). Nothing is read but coordinates and groups. Raises :class:`InputError` for a name or
    a value that is not known, and where nothing is left.
    """
    along: dict[str, set[str]] = {}
    for name, wanted in where.items():
        for known in (name, f"{CLINICIAN_PREFIX}{name}"):
            if known not in ds.coords or ds[known].ndim != 1:
                continue
            (dim,) = map(str, ds[known].dims)
            values = ds[known].values
            there = list(dict.fromkeys(values.tolist()))
            some = [one_of(f"no {name} is", one, there) for one in wanted]
            ds = ds.isel({dim: np.flatnonzero(np.isin(values, some))})
            along.setdefault(name, set()).add(dim)
    rows: xr.DataArray | None = None
    for name in where:
        if name in along:
            continue
        if name not in groups(ds):
            of_clinicians = [*groups(ds), *traits(ds)]
            raise InputError(
                f"--where {name}=...: the results know no {name!r}"
                f"{did_you_mean(name, [*map(str, ds.coords), *of_clinicians])}; of clinicians they "
                f"know {', '.join(of_clinicians) or 'nothing'}"
            )
        inside = having(ds, name, where[name])
        rows = inside if rows is None else rows & inside
        along[name] = {CLINICIAN, "draw_sample"}
    if rows is not None:
        rows = rows.load()
        anywhere = rows.any([dim for dim in rows.dims if dim != CLINICIAN]).values
        some_time = {CLINICIAN: np.flatnonzero(anywhere)}
        ds, rows = ds.isel(some_time), rows.isel(some_time)
    empty = {dim for dims in along.values() for dim in dims if not ds.sizes[dim]}
    if empty:
        said = " and ".join(f"{name}={'|'.join(values)}" for name, values in where.items())
        raise InputError(f"--where: nothing in these results has {said}")
    return Part(ds, rows, along)
