"""Areas: a synthetic frame of clinicians in all of the country, of which the model takes a part.

CMS drew about a quarter of the core-based statistical areas and metropolitan divisions, in strata,
and only clinicians there are in the model (42 CFR 512.710; rule-sources.md 6.3). The lists of
areas, strata and rates are not published and the roster has no areas, so the frame is made up:
areas with a volume, a level of spending and a status, in which copies of the roster's practices
lie, as many as it takes for a draw of areas to have the roster's size on average. What depends on
who was drawn can then be studied: another draw of areas is another model. What is made up:

* volumes are spread as a lognormal, and the largest areas are the metropolitan divisions;
* spending per beneficiary is independent of volume; it is a share of the variance of true cost;
* a copy of a practice lies, whole, in an area with a chance in proportion to the area's volume, and
  the area is in the state of a clinician of the roster picked at random.

All of it is decided by hashes of names, so that the frame is the same whatever the seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from asm_sim import same_bits
from asm_sim.addresses import address, addresses, words
from asm_sim.kernels.world.geography import AreaModel
from asm_sim.parameters import Choice, Count, Number, Numbers, Strict
from asm_sim.special_functions import ndtri

if TYPE_CHECKING:
    from asm_sim.population.roster import Roster
    from asm_sim.population.schema import Population

Floats = NDArray[np.float64]

SYNTHETIC = "synthetic"
_ALL_HASHES = 2.0**64


class Geography(Strict):
    """The roster as it is, or a synthetic frame of areas of which some are drawn."""

    frame: Choice
    areas: Count
    division_areas: Count
    selection_share: Number
    volume_sigma: Number
    volume_strata: Numbers
    cost_share: Number

    @model_validator(mode="after")
    def _areas_in_strata(self) -> Self:
        limits = self.volume_strata.value
        if sorted(set(limits)) != limits or not all(0 < limit < 1 for limit in limits):
            raise ValueError("volume_strata must ascend, between 0 and 1")
        if self.division_areas.value > self.areas.value:
            raise ValueError("division_areas: more than there are areas")
        if round(self.selection_share.value * self.areas.value) < 1:
            raise ValueError("selection_share: not a single area would be drawn")
        return self


@dataclass(frozen=True)
class Areas:
    """A areas of a synthetic frame, stratum by stratum, with P practices in them."""

    address: NDArray[np.uint64]  # [A]
    volume: NDArray[np.float64]  # [A] relative
    spending: NDArray[np.float64]  # [A] per beneficiary, as a normal score
    division: NDArray[np.bool_]  # [A] a metropolitan division
    stratum_end: NDArray[np.int64]  # [A] one past the last area of its stratum
    taken: NDArray[np.int64]  # [A] how many areas are drawn of its stratum
    of_practice: NDArray[np.int64]  # [P]


def make_areas(geography: Geography, practices: list[str]) -> Areas:
    """The areas of a frame, stratum by stratum, and the one that each practice lies in."""
    count = int(geography.areas.value)
    score = ndtri((np.arange(count) + 0.5) / count)
    volume = same_bits.exp(geography.volume_sigma.value * score[_deal("volume", count)])
    spending = score[_deal("spending", count)]
    rank = np.argsort(np.argsort(volume, kind="stable"))
    division = rank >= count - int(geography.division_areas.value)
    limits = np.quantile(volume, geography.volume_strata.value)
    by_volume = np.searchsorted(limits, volume, side="right")
    stratum = np.unique((by_volume * 2 + (spending > 0)) * 2 + division, return_inverse=True)[1]
    order = np.argsort(stratum, kind="stable")
    sizes = np.bincount(stratum)
    return Areas(
        address=addresses([("area", str(number)) for number in order]),
        volume=volume[order],
        spending=spending[order],
        division=division[order],
        stratum_end=np.repeat(np.cumsum(sizes), sizes),
        taken=np.repeat(_shared_out(sizes, geography.selection_share.value), sizes),
        of_practice=_settle(practices, volume[order]),
    )


def _shared_out(sizes: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """How many areas are drawn of each stratum: its share, by largest remainders."""
    exact = share * sizes
    taken = np.floor(exact).astype(np.int64)
    missing = round(share * sizes.sum()) - int(taken.sum())
    taken[np.argsort(taken - exact, kind="stable")[:missing]] += 1
    result: NDArray[np.int64] = taken
    return result


def frame_copies(population: Population) -> int:
    """How many times the clinicians of the roster are in the model's frame."""
    geography = population.geography
    return round(1 / geography.selection_share.value) if geography.frame.value == SYNTHETIC else 1


def frame_of(population: Population) -> list[str]:
    """What decides who is in the frame and where, in words: all but what areas do to cost."""
    geography = population.geography
    if geography.frame.value != SYNTHETIC:
        return [f"frame {geography.frame.value}"]
    names = [name for name in type(geography).model_fields if name != "cost_share"]
    return [f"{name} {getattr(geography, name).value}" for name in names]


def with_areas(roster: Roster, population: Population) -> Roster:
    """The frame that a population asks for; the roster itself where it asks for none.

    The frame's clinicians are those of the roster, once for each part of the country that is as
    large as the one in the model; ids get the number of the copy.
    """
    copies = frame_copies(population)
    if population.geography.frame.value != SYNTHETIC:
        return roster
    practice_id = [f"{p}.{k + 1}" for k in range(copies) for p in roster.practice_id]
    areas = make_areas(population.geography, practice_id)
    states = _states(roster, len(areas.taken))
    listed = np.arange(len(roster.cohort))
    order = np.lexsort((np.tile(listed, copies), np.tile(roster.cohort, copies)))
    row, copy = order % len(listed), order // len(listed)  # cohort by cohort
    practice = copy * len(roster.practice_id) + roster.practice[row]
    ids = tuple(f"{roster.clinician_id[i]}.{k + 1}" for i, k in zip(row, copy, strict=True))
    cohorts = [roster.cohorts[c] for c in roster.cohort[row]]
    return replace(
        roster,
        cohort=roster.cohort[row],
        clinician_id=ids,
        state=tuple(states[a] for a in areas.of_practice[practice]),
        practice=practice,
        clinician_address=addresses(
            [("clinician", f"{name}\x1f{own}") for name, own in zip(cohorts, ids, strict=True)]
        ),
        entry=roster.entry[row],
        practice_id=tuple(practice_id),
        practice_small=np.tile(roster.practice_small, copies),
        practice_listed=np.tile(roster.practice_listed, copies),
        practice_address=addresses([("practice", name) for name in practice_id]),
        stated=roster.stated[:, row] if roster.stated.shape[1] else roster.stated,
        practice_stated=np.tile(roster.practice_stated, copies),
        areas=areas,
    )


def compile_areas(
    areas: Areas | None, practices: NDArray[np.int64], cost_share: float, lasting_share: float
) -> AreaModel:
    """The areas as a cohort with these practices of the roster sees them; none without a frame.

    ``cost_share`` is the part of the variance of true cost that an area has in common,
    ``lasting_share`` the part that lasts.
    """
    if areas is None:
        none = np.zeros(0, np.int64)
        return AreaModel(np.zeros((2, 0), np.uint64), none, none, np.zeros(0), 1.0, none)
    share = cost_share / lasting_share if cost_share > 0 else 0.0
    return AreaModel(
        address=words(areas.address),
        stratum_end=areas.stratum_end,
        taken=areas.taken,
        cost=np.sqrt(share) * areas.spending,
        rest=float(np.sqrt(1.0 - share)),
        of_practice=areas.of_practice[practices],
    )


def _hash(kind: str, name: str) -> float:
    """A number in [0, 1) that a name has."""
    return address(kind, name) / _ALL_HASHES


def _deal(kind: str, count: int) -> NDArray[np.int64]:
    """A permutation of so many numbers, one for each area."""
    by_hash = np.argsort([_hash(f"area {kind}", str(number)) for number in range(count)])
    dealt: NDArray[np.int64] = np.argsort(by_hash)
    return dealt


def _settle(practices: list[str], volume: Floats) -> NDArray[np.int64]:
    """The area of each practice, by its chance."""
    up_to = np.cumsum(volume) / volume.sum()
    by_hash = [_hash("practice in area", name) for name in practices]
    return np.minimum(np.searchsorted(up_to, by_hash, side="right"), len(volume) - 1)


def _states(roster: Roster, areas: int) -> list[str]:
    """The state of each area."""
    listed = len(roster.state)
    return [roster.state[int(_hash("area state", str(a)) * listed)] for a in range(areas)]
