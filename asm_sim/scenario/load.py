"""Scenarios by name or file: bases, settings, and everything checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
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
    read_document,
)
from asm_sim.errors import InputError
from asm_sim.parameters import check, fingerprint, parse_assignment
from asm_sim.population.load import SHELF as POPULATIONS
from asm_sim.rules.load import SHELF as RULE_SETS
from asm_sim.scenario.schema import (
    CHECKS,
    ROOTS,
    Base,
    Scenario,
    ScenarioFile,
    Setting,
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
    settings: tuple[Setting, ...]

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
    naming file, line and key.
    """
    source = read_source(name_or_path, assignments)
    for key in SWEEP_KEYS:
        if key in source.document.data:
            raise InputError(
                f"{source.document.place((key,))}: {key!r}: this file describes a sweep; "
                f"run it with `asm-sim sweep {name_or_path}`"
            )
    parts, folder = parts_of(source)
    checked_parts: dict[str, Any] = {
        root: CHECKS[root](laid_on(document, root, source.settings))
        for root, document in parts.items()
    }
    scenario = Scenario(
        name=source.path.stem,
        file=source.file,
        settings=pairs(source.settings),
        folder=folder,
        **checked_parts,
    )
    try:
        scenario.ranges  # noqa: B018 - what the parameter layer draws is checked too
    except InputError as error:
        place = source.document.place(("layers", "parameters"))
        raise InputError(f"{place}: {error.title}", list(error.problems)) from error
    return scenario


def read_source(
    name_or_path: str | Path, assignments: Iterable[str | tuple[str, Any]] = ()
) -> Source:
    """A scenario file or a sweep with its bases, its keys checked but for those of the sweep."""
    document, path = load_with_bases(name_or_path, SHELF, _combine, DEFAULT)
    if "title" not in read_document(path, shown_as=str(name_or_path)).data:
        raise InputError(f"{name_or_path}: the scenario has no 'title'")
    settings = _settings_of(document)
    for item in assignments:
        dotted, value = parse_assignment(item) if isinstance(item, str) else item
        settings.append((dotted, value, Place(f"--set {dotted}")))
    own = {k: v for k, v in document.data.items() if k != _SETTINGS and k not in SWEEP_KEYS}
    file = check(ScenarioFile, Document(own, document.places), "scenario")
    for setting in settings:
        root_of(setting)
    return Source(path, file, document, tuple(settings))


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
    return [(str(path), value, document.place((_SETTINGS, path))) for path, value in given.items()]


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


_Outcome = tuple[str, tuple[str, ...]]  # hash; problems
_Seen = dict[tuple[int, str], _Outcome]


@dataclass(frozen=True)
class Planned:
    """A case before it is checked: its settings know where they are written."""

    name: str
    settings: tuple[Setting, ...] = ()
    base: int = 0


def checked(planned: list[Planned], bases: list[Base]) -> list[tuple[str, ...]]:
    """The hashes of every scenario's rules, population and MIPS, or all that is wrong with any."""
    seen: _Seen = {}
    hashes = []
    where: dict[str, list[Planned]] = {}  # by problem, the scenarios that have it
    for plan in planned:
        outcomes = [_outcome(bases[plan.base], root, plan.settings, seen) for root in ROOTS]
        hashes.append(tuple(own_hash for own_hash, _ in outcomes))
        for _, problems in outcomes:
            for problem in problems:
                where.setdefault(problem, []).append(plan)
        if len(where) > PROBLEMS_COLLECTED:
            break
    if where:
        told = [_told(problem, plans, bases, len(planned)) for problem, plans in where.items()]
        if len(hashes) < len(planned):
            told.append(f"checking stopped after {len(hashes):,} of {len(planned):,} scenarios")
        raise InputError(UNUSABLE, told)
    return hashes


def _outcome(base: Base, root: str, settings: Iterable[Setting], seen: _Seen) -> _Outcome:
    """Of a scenario's part ``root``; ``seen`` remembers it for the same settings."""
    document: Document = getattr(base, root)
    mine = [setting for setting in settings if setting[0].startswith(f"{root}.")]
    key = (id(document), repr(pairs(mine)))
    if key in seen and not seen[key][1]:
        return seen[key]
    here = (id(document), repr([(*setting[:2], str(setting[2])) for setting in mine]))
    if here not in seen:  # a problem says where the settings are written
        try:
            seen[key] = seen[here] = (fingerprint(CHECKS[root](laid_on(document, root, mine))), ())
        except InputError as error:
            seen[here] = ("", error.problems or (error.title,))
    return seen[here]


def _told(problem: str, plans: list[Planned], bases: list[Base], count: int) -> str:
    """A problem with whose it is: of all scenarios, of an axis' value, or of a scenario."""
    base, first = bases[plans[0].base], plans[0]
    if count == 1:
        return problem
    of_base = any(problem in _outcome(base, root, (), {})[1] for root in ROOTS)
    if of_base and len(plans) == count:
        return f"{problem} (in every scenario)"
    more = f" and {len(plans) - 1:,} more" if len(plans) > 1 else ""
    for path, value, place in () if of_base else first.settings:
        alone = _outcome(base, path.partition(".")[0], [(path, value, place)], {})[1]
        if problem in alone:
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
