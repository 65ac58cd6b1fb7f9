"""Whether the scenarios of a sweep can be used, each checked by its settings and told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from asm_sim.documents import Document, compact
from asm_sim.errors import InputError
from asm_sim.parameters import fingerprint
from asm_sim.population.agreement import disagreements
from asm_sim.population.load import SHELF as POPULATIONS
from asm_sim.rules.load import SHELF as RULE_SETS
from asm_sim.scenario.schema import CHECKS, ROOTS, Base, Setting, laid_on, pairs

UNUSABLE = "this sweep cannot be used:"
PROBLEMS_COLLECTED = 100
_PARAMETER = re.compile(r"\b(?:rules|population)(?:\.\w+)+")


def placed(problem: str, documents: Mapping[str, Document]) -> str:
    """A problem that begins with a parameter, after the place of what is to blame for it.

    That is the first of the parameters named in it that no shipped rule set or population gives.
    """
    shipped_files = {f"{name}.yaml" for shelf in (RULE_SETS, POPULATIONS) for name in shelf.names()}
    paths = [path.split(".") for path in _PARAMETER.findall(problem)]
    places = [documents[root].place(tuple(rest)) for root, *rest in paths]
    given = (place for place in places if place.file not in shipped_files)
    return f"{next(given, places[0])}: {problem}"


@dataclass(frozen=True)
class Planned:
    """A case before it is checked: its settings know where they are written."""

    name: str
    settings: tuple[Setting, ...] = ()
    base: int = 0


class _Outcome(NamedTuple):
    """Of a scenario's rules, population or MIPS: its hash, or what is wrong with it."""

    hash: str
    problems: tuple[str, ...] = ()


class _Checks:
    """Checks scenarios by their settings, and remembers those of the same settings."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], _Outcome] = {}
        self._agree: set[tuple[str, str]] = set()  # hashes of rules and population
        self._last: dict[str, tuple[str, Any]] = {}  # by root, a hash and what has it

    def of(
        self, base: Base, settings: Iterable[Setting]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The hashes of a scenario's rules, population and MIPS, and all that is wrong."""
        settings = tuple(settings)
        outcomes = {root: self._part(base, root, settings) for root in ROOTS}
        problems = tuple(problem for outcome in outcomes.values() for problem in outcome.problems)
        hashes = tuple(outcome.hash for outcome in outcomes.values())
        return hashes, problems or self._together(base, settings, outcomes)

    def _part(self, base: Base, root: str, settings: Iterable[Setting]) -> _Outcome:
        document: Document = getattr(base, root)
        mine = [setting for setting in settings if setting[0].startswith(f"{root}.")]
        key = (id(document), repr(pairs(mine)))
        if key in self._seen and not self._seen[key].problems:
            return self._seen[key]
        here = (id(document), repr([(*setting[:2], str(setting[2])) for setting in mine]))
        if here not in self._seen:  # a problem says where the settings are written
            try:
                model = CHECKS[root](laid_on(document, root, mine))
            except InputError as error:
                self._seen[here] = _Outcome("", error.problems or (error.title,))
            else:
                self._seen[key] = self._seen[here] = _Outcome(fingerprint(model))
                self._last[root] = (self._seen[key].hash, model)
        return self._seen[here]

    def _together(
        self, base: Base, settings: Iterable[Setting], outcomes: Mapping[str, _Outcome]
    ) -> tuple[str, ...]:
        """What rules and population, each as it should be, cannot be beside each other."""
        key = (outcomes["rules"].hash, outcomes["population"].hash)
        if key in self._agree:
            return ()
        models: dict[str, Any] = {}
        for root in ("rules", "population"):
            last_hash, models[root] = self._last.get(root, ("", None))
            if last_hash != outcomes[root].hash:
                models[root] = CHECKS[root](laid_on(getattr(base, root), root, settings))
                self._last[root] = (outcomes[root].hash, models[root])
        problems = disagreements(models["population"], models["rules"])
        if not problems:
            self._agree.add(key)
            return ()
        documents = {root: laid_on(getattr(base, root), root, settings) for root in models}
        return tuple(placed(problem, documents) for problem in problems)


def checked(planned: list[Planned], bases: list[Base]) -> list[tuple[str, ...]]:
    """The hashes of every scenario's rules, population and MIPS, or all that is wrong with any."""
    checks = _Checks()
    hashes = []
    where: dict[str, list[Planned]] = {}  # by problem, the scenarios that have it
    for plan in planned:
        own_hashes, problems = checks.of(bases[plan.base], plan.settings)
        hashes.append(own_hashes)
        for problem in problems:
            where.setdefault(problem, []).append(plan)
        if len(where) > PROBLEMS_COLLECTED:
            break
    if where:
        told = [
            _told(problem, plans, bases[plans[0].base], checks, len(planned))
            for problem, plans in where.items()
        ]
        if len(hashes) < len(planned):
            told.append(f"checking stopped after {len(hashes):,} of {len(planned):,} scenarios")
        raise InputError(UNUSABLE, told)
    return hashes


def _told(problem: str, plans: list[Planned], base: Base, checks: _Checks, count: int) -> str:
    """A problem with whose it is: of all scenarios, of an axis' value, or of a scenario."""
    first = plans[0]
    if count == 1:
        return problem
    of_base = problem in checks.of(base, ())[1]
    if of_base and len(plans) == count:
        return f"{problem} (in every scenario)"
    more = f" and {len(plans) - 1:,} more" if len(plans) > 1 else ""
    for path, value, place in () if of_base else first.settings:
        if problem in checks.of(base, [(path, value, place)])[1]:
            reason = problem.removeprefix(f"{place}: ")
            told = f"{place}: {path!r} set to {compact(value)}: {reason}"
            return f"{told} (scenario {first.name!r}{more})"
    return f"{problem} (scenario {first.name!r}{more})"
