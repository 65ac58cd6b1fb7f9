"""What a store holds when it is finished: scenarios times blocks of draws.

The work is known before the first draw: each scenario has been resolved and checked, and what is
kept of it is small (a fingerprint, and how its parameters differ from the first one's), so that it
travels to workers and memory does not grow with the number of scenarios.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from asm_sim import __version__
from asm_sim.engine import frame as frame_module
from asm_sim.engine.frame import (
    OPEN_DRAWS,
    OPEN_PARTS,
    Block,
    Frame,
    blocks_of,
    check_lens,
    draws_kept,
    fingerprint,
    make_frame,
    open_beside,
    roster_of,
    usual_draws,
    with_shifts,
)
from asm_sim.engine.plan import Plan, compiled
from asm_sim.errors import InputError
from asm_sim.kernels._jit import sources_hash
from asm_sim.parameters import plain_value
from asm_sim.population.agreement import check_complete
from asm_sim.population.geography import frame_of, with_areas
from asm_sim.population.groups import groups
from asm_sim.population.reserves import reserves
from asm_sim.population.roster import Roster
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import Sweep

_NAME_DIGITS = 16  # of a fingerprint, in the name of a scenario's folder of blocks


class Job(NamedTuple):
    """One block of one scenario: of its draws, or of its open draws."""

    scenario: int
    block: Block
    open: bool = False


class Member(NamedTuple):
    """What is kept of a scenario."""

    name: str
    hash: str
    fingerprint: str
    open_fingerprint: str  # of its open draws; nothing where there are none
    changes: dict[str, Any]  # parameters that differ from the first scenario's
    resolved: dict[str, Any]  # its file, as plain data


@dataclass(frozen=True)
class Work:
    """Scenarios times blocks."""

    source: Sweep | Scenario
    members: tuple[Member, ...]
    roster: Roster
    draws: int
    block_draws: int
    panel: int
    lens: int
    open: int
    parameters: dict[str, Any] = field(repr=False)  # of the first scenario
    shifts: tuple[Mapping[str, int], ...] = ()  # of each scenario's layers; none of any where empty

    @property
    def is_sweep(self) -> bool:
        return isinstance(self.source, Sweep)

    @property
    def panel_draws(self) -> int:
        return min(self.panel, self.draws)

    @property
    def lens_draws(self) -> int:
        return min(self.lens, self.draws)

    @property
    def open_draws(self) -> int:
        return min(self.open, self.draws)

    @property
    def compare_to(self) -> str | None:
        position = self.source.compare_to if isinstance(self.source, Sweep) else None
        return None if position is None else self.members[position].name

    def __len__(self) -> int:
        return len(self.members)

    def scenario(self, index: int) -> Scenario:
        """A scenario, resolved anew."""
        return self.source.scenario(index) if isinstance(self.source, Sweep) else self.source

    def plan(self, index: int, of_open: bool = False) -> Plan:
        """A scenario, compiled; or that of its open draws."""
        plan = compiled(self.frame(index))
        return plan.opened() if of_open else plan

    def frame(self, index: int) -> Frame:
        """Who is in a scenario, which axes it has and how large it is."""
        return make_frame(
            self.scenario(index),
            self.roster,
            self.block_draws,
            self.panel,
            self.lens,
            self.shifts[index] if self.shifts else None,
            open_draws=self.open,
        )

    def blocks(self, of_open: bool = False) -> list[Block]:
        """The blocks of each scenario, or of its open draws."""
        return blocks_of(self.open_draws if of_open else self.draws, self.block_draws)

    @cached_property
    def distinct(self) -> tuple[int, ...]:
        """The scenarios that are computed: the first of those with the same parameters."""
        return _first_of_each(member.fingerprint for member in self.members)

    @cached_property
    def distinct_open(self) -> tuple[int, ...]:
        """Those of which open draws are: what is set is held, also at the value that it had."""
        if not self.open:
            return ()
        return _first_of_each(member.open_fingerprint for member in self.members)

    def jobs(self) -> Iterator[Job]:
        """All blocks to be computed, scenario by scenario; then those of the open draws."""
        for of_open, distinct in ((False, self.distinct), (True, self.distinct_open)):
            blocks = self.blocks(of_open)
            yield from (Job(index, block, of_open) for index in distinct for block in blocks)

    @property
    def job_count(self) -> int:
        return len(self.distinct) * len(self.blocks()) + len(self.distinct_open) * len(
            self.blocks(of_open=True)
        )

    @property
    def draws_in_all(self) -> int:
        """The draws of all scenarios that are computed, open ones among them."""
        return len(self.distinct) * self.draws + len(self.distinct_open) * self.open_draws

    def fingerprint(self, job: Job) -> str:
        """The hash of everything that decides the bits of a block."""
        member = self.members[job.scenario]
        return member.open_fingerprint if job.open else member.fingerprint

    def block_name(self, job: Job) -> str:
        """The name of a block's file below the folder of blocks."""
        folder = self.fingerprint(job)[:_NAME_DIGITS]
        return f"{folder}/{job.block.number:06d}-{job.block.draws}.npz"

    def with_draws(self, draws: int) -> Work:
        """The work of these scenarios with another number of draws."""
        return replace(self, source=self.source.with_draws(draws, None), draws=draws)

    def with_open(self, open_draws: int) -> Work:
        """The same scenarios with another number of open draws."""
        return replace(self, open=open_draws)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of all scenarios' hashes; of a single scenario, its own."""
        if not self.is_sweep:
            return self.members[0].hash
        return hashlib.sha256(
            json.dumps([member.hash for member in self.members]).encode()
        ).hexdigest()

    def mark(self) -> dict[str, Any]:
        """What a folder says of the work in it; enough to say in words how other work differs."""
        first = self.scenario(0)
        return {
            "format": "asm_sim sweep" if self.is_sweep else "asm_sim run",
            "version": __version__,
            "kernels": sources_hash(),
            "name": first.name if not isinstance(self.source, Sweep) else self.source.name,
            "rules": first.rules.id,
            "population": first.population.id,
            "mips": first.mips.id,
            "roster": self.roster.sha256,
            "layers": first.layers.model_dump(),
            "seed": str(first.seed),
            "draws": self.draws,
            "block_draws": self.block_draws,
            "panel": self.panel,
            "lens": self.lens,
            "open_draws": self.open,
            "parameters": self.parameters,
            "scenarios": {member.fingerprint: member.name for member in self.members},
        }


def work_of(
    source: Sweep | Scenario,
    block_draws: int | None = None,
    panel: int | None = None,
    lens: int | None = None,
    open_draws: int | None = None,
    shifts: Sequence[Mapping[str, int]] = (),
) -> Work:
    """Everything that a sweep or a scenario asks for, checked.

    ``panel`` is the number of draws kept clinician by clinician, ``lens`` the number looked at
    closely and ``open_draws`` that of the open draws beside them; by default what the scenario file
    says, else 200, 100 and 200 for one scenario (none where its rule does not let them be, or
    nothing can be drawn) and none for a sweep. ``shifts`` are added to the indices of the layers of
    each scenario, as :func:`asm_sim.engine.frame.make_frame` says. Raises
    :class:`asm_sim.errors.InputError` where a scenario's parts do not fit together, or where
    scenarios cannot stand side by side in one Dataset.
    """
    if block_draws is None:
        block_draws = frame_module.BLOCK_DRAWS
    usual = (0, 0) if isinstance(source, Sweep) else usual_draws(source)
    usual_open = 0 if isinstance(source, Sweep) else OPEN_DRAWS
    panel, lens = draws_kept(source.file, panel, lens, usual)
    if isinstance(source, Sweep) and not panel and any(a.startswith("mips.") for a in source.axes):
        raise InputError(
            "MIPS is scored only in the draws that are kept clinician by clinician, and a sweep "
            "keeps none by itself: say how many with panel_draws in the file or --panel"
        )
    count = len(source) if isinstance(source, Sweep) else 1
    first = source.scenario(0) if isinstance(source, Sweep) else source
    roster = roster_of(first)
    everyone = with_areas(roster, first.population)  # the same in all scenarios
    check_complete(first.population, first.rules, everyone)
    frame = _frame(first, roster)
    parameters = _values(first)
    members: list[Member] = []
    beside = 0
    problems: list[str] = []
    for index in range(count):
        scenario = source.scenario(index) if isinstance(source, Sweep) else source
        try:
            _check_roster(scenario, first, roster)
            check_complete(scenario.population, scenario.rules, everyone)
            check_lens(scenario, lens)
            beside = open_beside(scenario, open_draws, usual_open)
            _check_frame(_frame(scenario, roster), frame)
        except InputError as error:
            problems.append(f"scenario {scenario.name!r}: {error}" if count > 1 else str(error))
            continue
        values = _values(scenario)
        changes = {path: value for path, value in values.items() if parameters.get(path) != value}
        changes |= {path: None for path in parameters if path not in values}
        own_hash = scenario.hash(roster.sha256)
        mark, open_mark = (
            fingerprint(hashed, scenario.seed, block_draws, kept) if hashed else ""
            for hashed, kept in (
                (with_shifts(own_hash, shifts[index] if shifts else {}), (panel, lens)),
                (scenario.opened().hash(roster.sha256) if beside else "", OPEN_PARTS),
            )
        )
        resolved = scenario.resolved()
        members.append(Member(scenario.name, own_hash, mark, open_mark, changes, resolved))
    if problems:
        if count == 1:
            raise InputError(problems[0])
        raise InputError("these scenarios cannot be run in one sweep:", problems)
    of_draws = (first.draws, block_draws, panel, lens, beside)
    return Work(source, tuple(members), roster, *of_draws, parameters, tuple(shifts))


def _first_of_each(fingerprints: Iterable[str]) -> tuple[int, ...]:
    first: dict[str, int] = {}
    for index, fingerprint_ in enumerate(fingerprints):
        first.setdefault(fingerprint_, index)
    return tuple(first.values())


def _values(scenario: Scenario) -> dict[str, Any]:
    """The value of every parameter, as plain data."""
    return {path: plain_value(leaf) for path, leaf in scenario.leaves().items()}


def _check_roster(scenario: Scenario, first: Scenario, roster: Roster) -> None:
    same = (
        scenario.folder == first.folder
        and scenario.population.roster.value == first.population.roster.value
        and scenario.population.roster_among.value == first.population.roster_among.value
    )
    if not same and roster_of(scenario).sha256 != roster.sha256:
        raise InputError("has another roster than the first; run it as a sweep of its own")
    areas = {"areas": frame_of(first.population)}
    _check_frame({"areas": frame_of(scenario.population)}, areas)


def _frame(scenario: Scenario, roster: Roster) -> dict[str, Any]:
    """What all scenarios of a store must have in common."""
    rules = scenario.rules
    return {
        "performance years": rules.years,
        "payment years": [rules.payment_year(year) for year in rules.years],
        "cohorts": [name for name in rules.cohorts if name in roster.cohorts],
        "groups": [group.label for group in groups(scenario.population, roster)],
        "parameters with low and high": [item.path for item in scenario.ranges],
        "open parameters of the rule": [item.path for item in scenario.readings],
        "reserves": [
            f"{len(reserves(scenario.population, rules, roster, cohort))} {cohort}"
            for cohort in roster.cohorts
        ],
    }


def _check_frame(frame: dict[str, Any], first: dict[str, Any]) -> None:
    for what, value in frame.items():
        if value != first[what]:
            odd = next((item for item in value if item not in first[what]), value)
            raise InputError(
                f"has other {what} than the first ({odd}); run it as a sweep of its own"
            )
