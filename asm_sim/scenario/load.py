"""Scenarios by name or file: bases, settings, and everything checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from asm_sim.documents import (
    Document,
    Place,
    Shelf,
    did_you_mean,
    is_name,
    load_with_bases,
    merged,
    read_document,
)
from asm_sim.errors import InputError
from asm_sim.parameters import check, parse_assignment, set_value
from asm_sim.population.load import SHELF as POPULATIONS
from asm_sim.population.load import check_population
from asm_sim.rules.load import SHELF as RULE_SETS
from asm_sim.rules.load import check_rules
from asm_sim.scenario.schema import Scenario, ScenarioFile

DEFAULT = "baseline"
_PACKAGED = Path(__file__).parent / "shipped"  # in an installed wheel
_SOURCE = Path(__file__).parents[2] / "scenarios"  # in a checkout
SHELF = Shelf("scenario", _PACKAGED if _PACKAGED.is_dir() else _SOURCE)

_SETTINGS = "set"
_SWEEP_KEYS = ("sweep", "compare_to")


def load_scenario(
    name_or_path: str | Path = DEFAULT, assignments: Iterable[str | tuple[str, Any]] = ()
) -> Scenario:
    """A scenario by its name or from a YAML file, with further settings laid on top.

    ``assignments`` are texts ``path=value`` as on the command line, or pairs of path and value.
    A file that names no base extends ``baseline``. Raises :class:`asm_sim.errors.InputError`
    naming file, line and key.
    """
    document, path = load_with_bases(name_or_path, SHELF, _combine, DEFAULT)
    if "title" not in read_document(path, shown_as=str(name_or_path)).data:
        raise InputError(f"{name_or_path}: the scenario has no 'title'")
    settings = _settings_of(document)
    for item in assignments:
        dotted, value = parse_assignment(item) if isinstance(item, str) else item
        settings.append((dotted, value, Place(f"--set {dotted}")))
    data = {key: value for key, value in document.data.items() if key != _SETTINGS}
    for key in _SWEEP_KEYS:
        if key in data:
            raise InputError(
                f"{document.place((key,))}: {key!r} describes a sweep; this runs one scenario"
            )
    file = check(ScenarioFile, Document(data, document.places), "scenario")
    rules, population, folder = _parts(file, document, path)
    for dotted, value, place in settings:
        _apply(dotted, value, place, rules, population)
    return Scenario(
        name=path.stem,
        file=file,
        settings=tuple((dotted, value) for dotted, value, _ in settings),
        rules=check_rules(rules),
        population=check_population(population),
        folder=folder,
    )


def _combine(base: Document, over: Document) -> Document:
    """Settings follow one another; all other keys are replaced."""
    settings = [*_settings_of(base), *_settings_of(over)]
    result = merged(base, over)
    result.data[_SETTINGS] = settings
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


def _parts(file: ScenarioFile, document: Document, path: Path) -> tuple[Document, Document, Path]:
    """The documents of the rule set and the population that a scenario names."""
    beside = None if path.parent == SHELF.folder else path.parent
    found = {}
    for key, shelf in (("rules", RULE_SETS), ("population", POPULATIONS)):
        name = str(getattr(file, key)).removesuffix(".yaml")
        place = document.place((key,))
        if not is_name(name):
            raise InputError(
                f"{place}: {key} must be the name of a {shelf.kind}, not a path; "
                "put the file beside the scenario"
            )
        found[key] = load_with_bases(shelf.path_of(name, beside, place), shelf)
    rules, _ = found["rules"]
    population, where = found["population"]
    folder = where.parent
    return rules, population, beside if folder == POPULATIONS.folder and beside else folder


def _apply(dotted: str, value: Any, place: Place, rules: Document, population: Document) -> None:
    root, _, rest = dotted.partition(".")
    target = {"rules": rules, "population": population}.get(root)
    if target is None or not rest:
        hint = did_you_mean(root, ["rules", "population"])
        raise InputError(
            f"{place}: {dotted!r} is no parameter; "
            f"it must begin with 'rules.' or 'population.'{hint}"
        )
    if isinstance(value, list | dict) and not value:
        raise InputError(f"{place}: {dotted!r}: nothing is set")
    set_value(target, rest, value, place)


def shipped() -> list[tuple[str, str, str]]:
    """Name, title and description of the scenarios that the package ships."""
    files = [load_scenario(name).file for name in SHELF.names()]
    pairs = zip(SHELF.names(), files, strict=True)
    return [(name, file.title, file.description) for name, file in pairs]
