"""Scenarios by name or file: bases, settings, and everything checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from asm_sim.documents import (
    Document,
    Place,
    Shelf,
    is_name,
    load_with_bases,
    merged,
    plain_at,
    read_document,
)
from asm_sim.errors import InputError
from asm_sim.parameters import check, parse_assignment
from asm_sim.population.agreement import disagreements
from asm_sim.population.load import SHELF as POPULATIONS
from asm_sim.rules.load import SHELF as RULE_SETS
from asm_sim.scenario.checks import placed
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
        told = [placed(problem, documents) for problem in problems]
        raise InputError("the rules and the population of this scenario do not fit:", told)
    scenario = Scenario(
        name=_name(source.path),
        file=source.file,
        settings=pairs(source.settings),
        folder=folder,
        assigned=source.assigned,
        **checked_parts,
    )
    for layer, drawn in (("parameters", "ranges"), ("readings", "readings")):
        try:
            getattr(scenario, drawn)  # what a layer draws is checked too
        except InputError as error:
            place = source.document.place(("layers", layer))
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
