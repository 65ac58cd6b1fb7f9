"""Scenarios by name or file: bases, settings, and everything checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from asm_sim.documents import (
    Document,
    Place,
    Shelf,
    compact,
    is_name,
    load_with_bases,
    merged,
    plain_at,
    read_document,
)
from asm_sim.errors import InputError
from asm_sim.parameters import check, fingerprint, parse_assignment
from asm_sim.population.agreement import disagreements
from asm_sim.population.load import SHELF as POPULATIONS
from asm_sim.rules.load import SHELF as RULE_SETS
from asm_sim.scenario.schema import (
    CHECKS,
    ROOTS,
    Base,
    Scenario,
    ScenarioFile,
    Setting,
    flattened,
    laid_on,
    pairs,
    root_of,
)

DEFAULT = "baseline"
_PACKAGED = Path(__file__).parent / "shipped"  # in an installed wheel
_SOURCE = Path(__file__).parents[2] / "scenarios"  # in a checkout
SHELF = Shelf("scenario", _PACKAGED if _PACKAGED.is_dir() else _SOURCE)

_SETTINGS = "set"
SWEEP_KEYS = ("sweep", "compare_to")
UNUSABLE = "this sweep cannot be used:"
PROBLEMS_COLLECTED = 100


@dataclass(frozen=True)
class Source:
    """A scenario file with its bases laid under it, before its parameters are read."""

    path: Path
    file: ScenarioFile
    document: Document
    settings: tuple[Setting, ...]  # those of the file and, behind them, those of the call
    assigned: tuple[tuple[str, Any], ...]  # those of the call

    @property
    def beside(self) -> Path | None:
        """The folder that is searched before the shipped files; none for a shipped scenario."""
        return None if self.path.parent == SHELF.folder else self.path.parent


def load_scenario(
    name_or_path: str | Path = DEFAULT, assignments: Iterable[str | tuple[str, Any]] = ()
) -> Scenario:
    """A scenario by its name or from a YAML file, with further settings laid on top.

    ``assignments`` are texts ``path=value`` as on the command line, or pairs of path and value.
    A file that names no base extends ``baseline``. Raises :class:`asm_sim.errors.InputError`
    naming file, line and key, also where rules and population cannot go together. The roster is not
    read yet: what only it decides is refused when the run is planned (entries for its cohorts,
    states that nobody is in, what its cells state), and so are draws to be looked at closely under
    a rule that does not let them be, since a call may still say how many.
    """
    source = read_source(name_or_path, assignments)
    for key in SWEEP_KEYS:
        if key in source.document.data:
            raise InputError(
                f"{source.document.place((key,))}: {key!r}: this file describes a sweep; "
                f"run it with `asm-sim sweep {name_or_path}`"
            )
    parts, folder = parts_of(source)
    documents = {root: laid_on(document, root, source.settings) for root, document in parts.items()}
    checked_parts: dict[str, Any] = {root: CHECKS[root](documents[root]) for root in documents}
    problems = disagreements(checked_parts["population"], checked_parts["rules"])
    if problems:
        placed = [_placed(problem, documents) for problem in problems]
        raise InputError("the rules and the population of this scenario do not fit:", placed)
    scenario = Scenario(
        name=_name(source.path),
        file=source.file,
        settings=pairs(source.settings),
        folder=folder,
        assigned=source.assigned,
        **checked_parts,
    )
    try:
        scenario.ranges  # noqa: B018 - what the parameter layer draws is checked too
    except InputError as error:
        place = source.document.place(("layers", "parameters"))
        raise InputError(f"{place}: {error.title}", list(error.problems)) from error
    return scenario


def _name(path: Path) -> str:
    """What a scenario is called: as its file is, which is no shipped one of the same name."""
    own = path.parent != SHELF.folder and path.stem in SHELF.names()
    return path.name if own else path.stem


def read_source(
    name_or_path: str | Path, assignments: Iterable[str | tuple[str, Any]] = ()
) -> Source:
    """A scenario file or a sweep with its bases, its keys checked but for those of the sweep."""
    document, path = load_with_bases(name_or_path, SHELF, _combine, DEFAULT)
    if "title" not in read_document(path, shown_as=SHELF.shown(path)).data:
        raise InputError(f"{name_or_path}: the scenario has no 'title'")
    assigned = tuple(pair for item in assignments for pair in _assignment(item))
    settings = _settings_of(document)
    settings += [(path, value, Place(f"--set {path}")) for path, value in assigned]
    own = {k: v for k, v in document.data.items() if k != _SETTINGS and k not in SWEEP_KEYS}
    file = check(ScenarioFile, Document(own, document.places), "scenario")
    for setting in settings:
        root_of(setting)
    return Source(path, file, document, tuple(settings), assigned)


def _assignment(item: str | tuple[str, Any]) -> Iterator[tuple[str, Any]]:
    """Parameters, and their values, that one assignment sets."""
    dotted, value = parse_assignment(item) if isinstance(item, str) else item
    value = plain_at(Place(f"--set {dotted}"), value)
    return ((path, part) for _, path, part in flattened(str(dotted), value))


def _combine(base: Document, over: Document) -> Document:
    """Settings follow one another; other keys are replaced; a description is of its file alone."""
    if any(key in base.data for key in SWEEP_KEYS):
        raise InputError(f"{over.place(('extends',))}: a sweep cannot be extended, only a scenario")
    settings = [*_settings_of(base), *_settings_of(over)]
    result = merged(base, over)
    result.data[_SETTINGS] = settings
    if "description" not in over.data:
        result.data.pop("description", None)
    return result


def _settings_of(document: Document) -> list[tuple[str, Any, Place]]:
    """``set`` as a list of path, value and place; already a list where documents were combined."""
    given = document.data.get(_SETTINGS, {})
    if isinstance(given, list) and all(isinstance(item, tuple) for item in given):
        return list(given)
    if not isinstance(given, dict):
        place = document.place((_SETTINGS,))
        raise InputError(f"{place}: 'set' must be a mapping of parameters to values")
    return [
        (path, item, document.place((_SETTINGS, *key)))
        for written, value in given.items()
        for key, path, item in flattened(written, value)
    ]


def parts_of(source: Source) -> tuple[dict[str, Document], Path]:
    """The rule sets and the population that a scenario names, and the folder of its roster."""
    found = {}
    for key, shelf in (("rules", RULE_SETS), ("population", POPULATIONS), ("mips", RULE_SETS)):
        name = str(getattr(source.file, key)).removesuffix(".yaml")
        place = source.document.place((key,))
        if not is_name(name):
            raise InputError(
                f"{place}: {key} must be the name of a {shelf.kind}, not a path; "
                "put the file beside the scenario"
            )
        found[key] = load_with_bases(shelf.path_of(name, source.beside, place), shelf)
    folder = found["population"][1].parent
    if folder == POPULATIONS.folder and source.beside:
        folder = source.beside
    return {key: document for key, (document, _) in found.items()}, folder


def members_of(source: Source, names: list[Any]) -> list[Source]:
    """The scenario files that a sweep names, each with the sweep's own settings on top."""
    own = source.document.place(("title",)).file
    given = [(key, source.document.place((key,))) for key in ROOTS]
    given = [(key, place) for key, place in given if place.file != f"{DEFAULT}.yaml"]
    given += [(dotted, at) for dotted, _, at in source.settings if at.line and at.file != own]
    if given:
        key, place = given[0]
        raise InputError(
            f"{place}: {key!r}: the scenarios of this sweep have bases of their own; "
            "what is to hold in all of them stands under 'set' of the sweep"
        )
    members: dict[str, Source] = {}
    for number, given_name in enumerate(names):
        place = source.document.place(("sweep", "scenarios", number))
        if not isinstance(given_name, str):
            raise InputError(f"{place}: {given_name!r} must be the name of a scenario file")
        name = given_name.removesuffix(".yaml")
        if name in members:
            raise InputError(f"{place}: the scenario {name!r} is named twice")
        member = read_source(SHELF.path_of(name, source.beside, place))
        if any(key in member.document.data for key in SWEEP_KEYS):
            raise InputError(f"{place}: {name!r} is a sweep itself; name scenarios only")
        if member.file.layers != source.file.layers:
            raise InputError(f"{place}: {name!r} has other layers than the sweep")
        members[name] = replace(member, settings=(*member.settings, *source.settings))
    return list(members.values())


def bases_of(members: list[Source]) -> list[Base]:
    """The documents of each, with its settings made; those that nothing changes are shared."""
    shared: dict[tuple[Path, str, str, str], tuple[dict[str, Document], Path]] = {}
    bases = []
    for member in members:
        file = member.file
        key = (member.path.parent, file.rules, file.population, file.mips)
        if key not in shared:
            shared[key] = parts_of(member)
        parts, folder = shared[key]
        laid: dict[str, Any] = {
            root: laid_on(document, root, member.settings) for root, document in parts.items()
        }
        bases.append(Base(**laid, folder=folder, settings=pairs(member.settings), file=file))
    return bases


_PARAMETER = re.compile(r"\b(?:rules|population)(?:\.\w+)+")


def _placed(problem: str, documents: Mapping[str, Document]) -> str:
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
        return tuple(_placed(problem, documents) for problem in problems)


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


class Shipped(NamedTuple):
    """A scenario or a sweep that the package ships."""

    name: str
    verb: str  # run or sweep: what runs it
    title: str
    description: str


def shipped() -> list[Shipped]:
    """What can be run by name."""
    found = []
    for name in SHELF.names():
        source = read_source(name)
        verb = "sweep" if "sweep" in source.document.data else "run"
        found.append(Shipped(name, verb, source.file.title, source.file.description))
    return found
