"""Sweeps: one file that describes many scenarios, all of them checked before anything runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from asm_sim.documents import Document, Key, Place, canonical, compact, did_you_mean
from asm_sim.errors import InputError
from asm_sim.parameters import Count, Parameter, Strict, check, find_node, leaves
from asm_sim.scenario.checks import UNUSABLE, Planned, checked
from asm_sim.scenario.load import (
    SWEEP_KEYS,
    Source,
    bases_of,
    members_of,
    read_source,
)
from asm_sim.scenario.schema import (
    CHECKS,
    OPEN_LAYERS,
    ROOTS,
    Base,
    Case,
    Design,
    Scenario,
    Setting,
    Span,
    Sweep,
    flattened,
    pairs,
    root_of,
)

__all__ = ["Base", "Case", "Sweep", "duplicates", "load_sweep", "sweep_of_points"]

LARGEST_SWEEP = 100_000
LONGEST_NAME = 120
_Form = type[dict[Any, Any]] | type[list[Any]]
KINDS = ("grid", "list", "scenarios", "design")


class _Key(Strict):
    design: Design


class _DesignFile(Strict):
    """Where a design stands in the file, so that messages name its keys in full."""

    sweep: _Key


def load_sweep(
    name_or_path: str | Path, assignments: Iterable[str | tuple[str, Any]] = ()
) -> Sweep:
    """A sweep by its name or from a YAML file; a file without ``sweep`` is a sweep of one scenario.

    ``assignments`` are set in every scenario, as for :func:`asm_sim.scenario.load.load_scenario`.
    Every scenario is resolved and checked. Raises :class:`asm_sim.errors.InputError` with all
    problems of all scenarios, each with file, line and parameter.
    """
    source = read_source(name_or_path, assignments)
    document = source.document
    kind = _kind(document)
    members = [source]
    if kind == "scenarios":
        expected = "a list of names of scenario files"
        members = members_of(source, _entries(document, kind, list, expected))
    bases = bases_of(members)
    design = None
    if kind == "scenarios":
        planned = [Planned(member.path.stem, base=i) for i, member in enumerate(members)]
    elif kind == "grid":
        planned = _grid(document, bases[0])
    elif kind == "list":
        planned = _list(document)
    elif kind == "design":
        planned, design = _design(document, bases[0])
    else:
        planned = [Planned(source.path.stem)]
    _refuse_same_names(planned)
    _refuse_lost_assignments(source, planned)
    compare_to = _compare_to(document, planned)
    hashes = checked(planned, bases)
    return Sweep(
        name=source.path.stem,
        file=source.file,
        kind=kind,
        bases=tuple(base.without_places() for base in bases),
        cases=tuple(Case(plan.name, plan.base, pairs(plan.settings)) for plan in planned),
        axes=_axes(planned, members, source),
        compare_to=compare_to,
        design=design,
        settings=pairs(source.settings),
        given={key: document.data[key] for key in SWEEP_KEYS if key in document.data},
        assigned=source.assigned,
        hashes=tuple(hashes),
    )


def sweep_of_points(
    scenario: Scenario, points: Mapping[str, Mapping[str, Any]], drawn: bool = False
) -> Sweep:
    """A sweep whose scenarios each set more parameters of one scenario: name, path, value.

    What is open in all of them is held, at what is set or central, or else ``drawn``. Raises
    :class:`asm_sim.errors.InputError` as :func:`load_sweep`.
    """
    held = scenario.layers.model_copy(update=dict.fromkeys(OPEN_LAYERS, "off"))
    layers = scenario.opened().layers if drawn else held
    file = scenario.file.model_copy(update={"layers": layers})
    documents = {root: Document(getattr(scenario, root).model_dump()) for root in ROOTS}
    base = Base(**documents, folder=scenario.folder, settings=scenario.settings, file=file)
    planned = [
        Planned(name, tuple((path, value, Place(name)) for path, value in settings.items()))
        for name, settings in points.items()
    ]
    _refuse_too_many(len(planned), Place(scenario.name))
    return Sweep(
        name=scenario.name,
        file=file,
        kind="list",
        bases=(base,),
        cases=tuple(Case(plan.name, 0, pairs(plan.settings)) for plan in planned),
        axes=tuple(dict.fromkeys(path for plan in planned for path, _, _ in plan.settings)),
        compare_to=None,
        design=None,
        settings=scenario.settings,
        given={"sweep": {"list": points}},
        assigned=scenario.assigned,
        hashes=tuple(checked(planned, [base])),
    )


def duplicates(sweep: Sweep) -> list[tuple[str, str]]:
    """Scenarios that resolve to the same parameters as an earlier one: its name and that one's."""
    layers = sweep.file.layers
    if "on" in {layers.parameters, layers.readings}:  # where what a scenario sets is not drawn
        return []
    first: dict[tuple[str, ...], str] = {}
    cases = zip(sweep.cases, sweep.hashes, strict=True)
    names = [(case.name, first.setdefault(hashes, case.name)) for case, hashes in cases]
    return [(name, earlier) for name, earlier in names if name != earlier]


def _kind(document: Document) -> str:
    """Which kind of sweep a file describes."""
    if "sweep" not in document.data:
        if "compare_to" in document.data:
            place = document.place(("compare_to",))
            raise InputError(f"{place}: 'compare_to' needs a 'sweep' with scenarios to compare")
        return "one"
    given, place = document.data["sweep"], document.place(("sweep",))
    listed = ", ".join(KINDS)
    if not isinstance(given, dict):
        raise InputError(f"{place}: 'sweep' must be a mapping with one of: {listed}")
    for key in given:
        if key not in KINDS:
            hint = did_you_mean(str(key), list(KINDS))
            where = document.place(("sweep", key))
            raise InputError(f"{where}: unknown key 'sweep.{key}'{hint}; it has one of: {listed}")
    if len(given) != 1:
        raise InputError(f"{place}: 'sweep' must have exactly one of: {listed}; got {len(given)}")
    return str(next(iter(given)))


def _entries(document: Document, kind: str, form: _Form, expected: str) -> Any:
    """What a sweep lists, which must not be empty."""
    given: Any = document.data["sweep"][kind]
    place = document.place(("sweep", kind))
    if not given or not isinstance(given, form):
        raise InputError(f"{place}: 'sweep.{kind}' must be {expected}, at least one")
    _refuse_too_many(len(given), place)
    return given


def _refuse_too_many(count: int, place: Place) -> None:
    if count > LARGEST_SWEEP:
        raise InputError(f"{place}: {count:,} scenarios are too many; at most {LARGEST_SWEEP:,}")


def _grid(document: Document, base: Base) -> list[Planned]:
    """All combinations of the axes' values; the first axis varies slowest."""
    axes: dict[str, list[Setting]] = {}
    problems = []
    given = _entries(document, "grid", dict, "a mapping of parameters to lists of values")
    for axis, values in given.items():
        key: Key = ("sweep", "grid", axis)
        place = document.place(key)
        if not isinstance(values, list) or not values:
            _, path, _ = next(flattened(axis, values))
            hint = f"; write {path}: [...]" if path != str(axis) else ""
            problems.append(f"{place}: axis {axis!r} must be a list of values, at least one{hint}")
            continue
        axes[str(axis)] = [(str(axis), v, document.place((*key, i))) for i, v in enumerate(values)]
        try:
            _node(base, (str(axis), None, place))
        except InputError as error:
            problems.append(str(error))
        seen: set[str] = set()
        for _, value, where in axes[str(axis)]:
            if canonical(value) in seen:
                problems.append(f"{where}: axis {axis!r}: {compact(value)} is given twice")
            seen.add(canonical(value))
    if problems:
        raise InputError(UNUSABLE, problems)
    _refuse_too_many(math.prod(map(len, axes.values())), document.place(("sweep", "grid")))
    labels = _labels(list(axes))
    named = [[(f"{labels[s[0]]}={compact(s[1])}", s) for s in axis] for axis in axes.values()]
    return [
        Planned(", ".join(name for name, _ in row), tuple(setting for _, setting in row))
        for row in itertools.product(*named)
    ]


def _node(base: Base, setting: Setting) -> None:
    """Complain where a base has nothing to set."""
    document: Document = getattr(base, root_of(setting))
    find_node(document, setting[0].partition(".")[2], setting[2])


def _labels(paths: list[str]) -> dict[str, str]:
    """The shortest trailing part of each path that no other ends with."""

    def tail(path: str, length: int) -> str:
        return ".".join(path.split(".")[-length:])

    return {
        path: next(
            tail(path, length)
            for length in itertools.count(1)
            if all(tail(other, length) != tail(path, length) for other in paths if other != path)
        )
        for path in paths
    }


def _list(document: Document) -> list[Planned]:
    """Scenarios by name, each with its settings."""
    given = _entries(document, "list", dict, "a mapping of names to settings")
    planned, problems = [], []
    seen: set[str] = set()
    for key, settings in given.items():
        name, place = str(key), document.place(("sweep", "list", key))
        if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
            problems.append(
                f"{place}: the name {name[:LONGEST_NAME]!r} must be one line of 1 to "
                f"{LONGEST_NAME} characters"
            )
        if name in seen:
            problems.append(f"{place}: two scenarios are called {name!r}")
        seen.add(name)
        if not isinstance(settings, dict):
            problems.append(
                f"{place}: scenario {name!r} must be a mapping of parameters to values "
                "({} to set nothing)"
            )
            continue
        rows = [
            (path, value, document.place(("sweep", "list", key, *inside)))
            for written, given_value in settings.items()
            for inside, path, value in flattened(written, given_value)
        ]
        for row in rows:
            try:
                root_of(row)
            except InputError as error:
                problems.append(str(error))
        planned.append(Planned(name, tuple(rows)))
    if problems:
        raise InputError(UNUSABLE, problems)
    return planned


def _design(document: Document, base: Base) -> tuple[list[Planned], dict[str, Any]]:
    """Scenarios that SALib spreads over the spans of some parameters."""
    only = Document({"sweep": document.data["sweep"]}, document.places)
    design = check(_DesignFile, only, "sweep").sweep.design
    _refuse_too_many(design.count(), document.place(("sweep", "design", "n")))
    models = {root: CHECKS[root](getattr(base, root)) for root in ROOTS}
    known = {path: leaf for root, model in models.items() for path, leaf in leaves(model, root)}
    bounds, problems = [], []
    found: dict[str, list[Parameter]] = {}
    for axis, span in design.over.items():
        place = document.place(("sweep", "design", "over", axis))
        try:
            _node(base, (axis, None, place))
            found[axis] = _leaves(axis, span, known)
            bounds.append(next(span.of(axis, leaf) for leaf in found[axis]))
        except InputError as error:
            text = str(error)
            problems.append(text if text.startswith(str(place)) else f"{place}: {text}")
    if problems:
        raise InputError(UNUSABLE, problems)
    axes = list(design.over)
    problem = {"num_vars": len(axes), "names": axes, "bounds": bounds}
    places = [document.place(("sweep", "design", "over", axis)) for axis in axes]
    whole = [isinstance(found[axis][0], Count) for axis in axes]
    rows = [
        tuple(
            (axis, round(value) if count else value, place)
            for axis, value, count, place in zip(axes, row, whole, places, strict=True)
        )
        for row in design.sample(problem)
    ]
    width = max(4, len(str(len(rows) - 1)))
    about = {"method": design.method, "n": design.n, "seed": design.seed, **design.options()}
    planned = [Planned(f"{number:0{width}d}", row) for number, row in enumerate(rows)]
    return planned, {**about, "problem": problem}


def _leaves(axis: str, span: Span, known: dict[str, Parameter]) -> list[Parameter]:
    """The parameter of an axis, or the parameters of a group that all get the same value."""
    if axis in known:
        return [known[axis]]
    below = {path: leaf for path, leaf in known.items() if path.startswith(f"{axis}.")}
    depth = axis.count(".") + 1
    alike = len({leaf.unit for leaf in below.values()}) == 1
    if not alike or any(path.count(".") != depth for path in below):
        shown = ", ".join(list(below)[:10]) + (", ..." if len(below) > 10 else "")
        raise InputError(f"axis {axis!r} is a group, not a parameter; name one of: {shown}")
    if span.low is None or span.high is None:
        raise InputError(f"axis {axis!r} is a group: give low and high for all of it")
    return list(below.values())


def _axes(planned: list[Planned], members: list[Source], source: Source) -> tuple[str, ...]:
    """The parameters that some scenario sets, in the order in which they appear."""
    common = {path for path, _, _ in source.settings}
    own = [path for plan in planned for path, _, _ in plan.settings]
    if len(members) > 1:
        own += [path for m in members for path, _, _ in m.settings if path not in common]
    return tuple(dict.fromkeys(own))


def _refuse_same_names(planned: list[Planned]) -> None:
    """Values that are written alike, such as 1 and '1', or a text with a comma in it."""
    seen: set[str] = set()
    for plan in planned:
        if plan.name in seen:
            raise InputError(f"two scenarios of this sweep are called {plan.name!r}")
        seen.add(plan.name)


def _refuse_lost_assignments(source: Source, planned: list[Planned]) -> None:
    """A setting of the command line that those of a scenario would cover."""
    given = [(path, place) for path, _, place in source.settings if place.line is None]
    if not given:
        return
    own = {p for plan in planned for p, value, _ in plan.settings if not isinstance(value, dict)}
    for path, place in given:
        for axis in own:
            if f"{path}.".startswith(f"{axis}."):
                raise InputError(f"{place}: the scenarios of this sweep set {axis!r} themselves")


def _compare_to(document: Document, planned: list[Planned]) -> int | None:
    """The position of the scenario that the others are compared with."""
    given, place = document.data.get("compare_to"), document.place(("compare_to",))
    if "compare_to" not in document.data:
        return None
    if isinstance(given, dict) and "grid" in document.data["sweep"]:
        return _matching(document, planned, given)
    if not isinstance(given, str | int):
        raise InputError(
            f"{place}: compare_to must be the name of a scenario; "
            "for a grid also a mapping of its axes to values"
        )
    names = [plan.name for plan in planned]
    if str(given) in names:
        return names.index(str(given))
    hint = did_you_mean(str(given), names)
    shown = ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")
    raise InputError(f"{place}: compare_to: no scenario is called {str(given)!r}{hint}: {shown}")


def _matching(document: Document, planned: list[Planned], wanted: dict[Any, Any]) -> int:
    """The one scenario of a grid that has the values wanted."""
    grid = document.data["sweep"]["grid"]
    for axis, value in wanted.items():
        place = document.place(("compare_to", axis))
        if axis not in grid:
            hint = did_you_mean(str(axis), [str(known) for known in grid])
            raise InputError(f"{place}: compare_to: the grid has no axis {axis!r}{hint}")
        if canonical(value) not in map(canonical, grid[axis]):
            has = ", ".join(map(compact, grid[axis]))
            raise InputError(
                f"{place}: compare_to: {axis!r} has no value {compact(value)}; it has {has}"
            )
    sought = {(axis, canonical(value)) for axis, value in wanted.items()}
    found = [
        index
        for index, plan in enumerate(planned)
        if sought <= {(path, canonical(value)) for path, value, _ in plan.settings}
    ]
    if len(found) > 1:
        missing = ", ".join(
            str(k) for k, values in grid.items() if k not in wanted and len(values) > 1
        )
        place = document.place(("compare_to",))
        raise InputError(
            f"{place}: compare_to: {len(found):,} scenarios match; give a value for {missing} too"
        )
    return found[0]
