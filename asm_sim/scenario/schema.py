"""What a scenario is once it is resolved: a rule set, a population, and how many draws of what.

And what a sweep is: many scenarios, each of them settings on top of a base.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from asm_sim.documents import Document, Key, Place, did_you_mean, plain
from asm_sim.drawn import Drawable, set_by
from asm_sim.errors import InputError
from asm_sim.parameters import (
    Count,
    Number,
    Parameter,
    Strict,
    YearlyNumber,
    check,
    fingerprint,
    leaves,
    set_value,
)
from asm_sim.population.agreement import disagreements
from asm_sim.population.load import check_population
from asm_sim.population.probes import ProbeGrid
from asm_sim.population.ranges import ranges_of
from asm_sim.population.schema import Population
from asm_sim.rules.leaves import Cap
from asm_sim.rules.load import check_mips, check_rules
from asm_sim.rules.mips import MipsRules
from asm_sim.rules.readings import ReadingsLayer, open_leaves, readings_of
from asm_sim.rules.schema import RuleSet

LARGEST_DRAW = 10_000_000  # fixed-point sums over draws hold twice as many
LARGEST_SEED = 2**64
ROOTS = ("rules", "population", "mips")
OPEN_LAYERS = ("parameters", "readings")  # those that draw what nobody knows
_DRAWN = ("ranges", "readings")  # what a scenario knows of what they draw
EXAMPLE = "rules.payment.exchange.steepness"
CHECKS: dict[str, Callable[[Document], RuleSet | Population | MipsRules]] = {
    "rules": check_rules,
    "population": check_population,
    "mips": check_mips,
}
Setting = tuple[str, Any, Place]  # path, value, and where it is written


class Layers(Strict):
    """Which layers vary from draw to draw.

    ``population`` off holds one population, so that draws repeat the measurement of the same
    clinicians. ``measurement`` off shows true rates and costs, without sampling. ``parameters`` on
    draws the numbers of the population that have low and high and that the scenario does not set
    (see population/parameter_layer.py); off has them at their central values. ``selection`` off
    holds the areas that are drawn of a synthetic frame, the same in all draws; without a frame
    there is nothing to select. ``readings`` on draws what is open of the rule set and not set by
    the scenario (see rules/readings.py); off has it as the rule set reads the rule.
    """

    population: str = Field("on", pattern="^(on|off)$")
    measurement: str = Field("on", pattern="^(on|off)$")
    parameters: str = Field("off", pattern="^(on|off)$")
    selection: str = Field("on", pattern="^(on|off)$")
    readings: str = Field("off", pattern="^(on|off)$")

    @property
    def all_open(self) -> bool:
        """Whether everything is drawn that nobody knows."""
        return all(getattr(self, name) == "on" for name in OPEN_LAYERS)


class ScenarioFile(Strict):
    """The keys of a scenario file after its bases are laid under it."""

    title: str = Field(min_length=1)
    description: str = ""
    rules: str
    population: str
    mips: str  # the comparator
    draws: int = Field(ge=1, le=LARGEST_DRAW)
    seed: int = Field(ge=0, lt=LARGEST_SEED)
    layers: Layers = Layers()
    panel_draws: int | None = Field(None, ge=0, le=LARGEST_DRAW)  # None: as the verb that runs it
    lens_draws: int | None = Field(None, ge=0, le=LARGEST_DRAW)  # the same
    open_draws: int | None = Field(None, ge=0, le=LARGEST_DRAW)  # the same
    probes: ProbeGrid | None = None  # beside those of every run, of draws looked at closely

    def with_draws(self, draws: int | None, seed: int | None) -> ScenarioFile:
        """This scenario file with another number of draws or another seed."""
        data = self.model_dump()
        data |= {} if draws is None else {"draws": plain(draws)}
        data |= {} if seed is None else {"seed": plain(seed)}
        return check(ScenarioFile, Document(data, {(): Place("--draws and --seed")}), "scenario")

    def plain(self) -> dict[str, Any]:
        """The file as plain data, without what it leaves open."""
        return self.model_dump(exclude_none=True)


class Span(Strict):
    """Between which values a design varies a parameter; neither: between the parameter's own."""

    low: float | None = None
    high: float | None = None

    def of(self, axis: str, leaf: Parameter) -> list[float]:
        """Both ends for a parameter, checked."""
        if not isinstance(leaf, Number | Count | YearlyNumber | Cap):
            raise InputError(f"axis {axis!r} is not a number; a design varies numbers only")
        low, high = self.low, self.high
        if low is None and high is None:
            low, high = leaf.low, leaf.high
            if low is None or high is None:
                raise InputError(f"axis {axis!r} has no low and high of its own; give both")
        if low is None or high is None:
            raise InputError(f"axis {axis!r}: give both low and high, or neither")
        if low >= high:
            raise InputError(f"axis {axis!r}: low {low:g} is not below high {high:g}")
        for bound in (low, high):
            if leaf.range is not None and not leaf.range[0] <= bound <= leaf.range[1]:
                limits = f"{leaf.range[0]:g} to {leaf.range[1]:g}"
                raise InputError(f"axis {axis!r}: {bound:g} is out of range: {limits}")
        return [low, high]


class Design(Strict):
    """Scenarios spread over spans of parameters, for a sensitivity analysis (by SALib)."""

    method: Literal["sobol", "morris", "latin_hypercube"]
    n: int = Field(ge=1)
    seed: int = Field(0, ge=0, lt=LARGEST_SEED)
    second_order: bool = False
    levels: int = Field(4, ge=2, le=1000)
    over: dict[str, Span] = Field(min_length=1)

    @field_validator("n", "second_order", "levels")
    @classmethod
    def _fits_method(cls, value: int, info: ValidationInfo) -> int:
        name, method = info.field_name, info.data.get("method")
        belongs = {"second_order": "sobol", "levels": "morris"}.get(str(name), method)
        if method and method != belongs:
            raise ValueError(f"{name} belongs to {belongs}, not to {method}")
        if name == "n" and method == "sobol" and value & (value - 1):
            below = 2 ** (value.bit_length() - 1)
            nearest = f"the nearest are {below} and {2 * below}"
            raise ValueError(f"n must be a power of two for sobol, got {value} ({nearest})")
        if name == "levels" and value % 2:
            raise ValueError(f"levels must be an even number, got {value}")
        return value

    def count(self) -> int:
        """The number of scenarios."""
        axes = len(self.over)
        if self.method == "sobol":
            return self.n * ((2 * axes + 2) if self.second_order else (axes + 2))
        return self.n * (axes + 1) if self.method == "morris" else self.n

    def options(self) -> dict[str, Any]:
        """What belongs to the method alone."""
        options = {"sobol": ["second_order"], "morris": ["levels"]}.get(self.method, [])
        return {key: getattr(self, key) for key in options}

    def sample(self, problem: dict[str, Any]) -> list[list[float]]:
        """One row for each scenario, one column for each axis of a SALib ``problem``."""
        module = {"latin_hypercube": "latin"}.get(self.method, self.method)
        salib = import_module(f"SALib.sample.{module}")
        names = {"second_order": "calc_second_order", "levels": "num_levels"}
        options = {names[key]: value for key, value in self.options().items()}
        rows: list[list[float]] = salib.sample(
            dict(problem), self.n, seed=self.seed, **options
        ).tolist()
        spans = problem["bounds"]  # rounding may carry a value past its end
        return [
            [min(max(value, low), high) for value, (low, high) in zip(row, spans, strict=True)]
            for row in rows
        ]


@dataclass(frozen=True)
class Scenario:
    """A scenario that is ready to run; everything in it has been checked."""

    name: str
    file: ScenarioFile
    settings: tuple[tuple[str, Any], ...]  # parameters set, in order: dotted path and value
    rules: RuleSet
    population: Population
    mips: MipsRules
    folder: Path  # where the population's files may lie
    assigned: tuple[tuple[str, Any], ...] = ()  # of the settings, those that are not of its file

    def __post_init__(self) -> None:
        problems = disagreements(self.population, self.rules)
        if problems:
            raise InputError("the population does not fit the rule set:", problems)

    @property
    def title(self) -> str:
        return self.file.title

    @property
    def draws(self) -> int:
        return self.file.draws

    @property
    def seed(self) -> int:
        return self.file.seed

    @property
    def layers(self) -> Layers:
        return self.file.layers

    @cached_property
    def ranges(self) -> tuple[Drawable, ...]:
        """What the parameter layer draws or could draw; nothing where it is off.

        Raises :class:`InputError` where that cannot be drawn.
        """
        if self.layers.parameters == "off":
            return ()
        return ranges_of(self.population, self.settings)

    @cached_property
    def readings(self) -> tuple[Drawable, ...]:
        """What the readings layer draws or could draw; nothing where it is off.

        Raises :class:`InputError` where that cannot be drawn.
        """
        if self.layers.readings == "off":
            return ()
        found = readings_of(self.rules, self.settings)
        for rules in ReadingsLayer(found, self.rules).alternatives():
            problems = disagreements(self.population, rules)
            if problems:
                raise InputError(
                    "layers.readings is on, and the population does not fit everything that is "
                    "drawn of the rule set:",
                    problems,
                )
        return found

    @property
    def possible_rules(self) -> Iterator[RuleSet]:
        """The rule set, and with it what each reading that is drawn would make of it."""
        yield self.rules
        yield from ReadingsLayer(self.readings, self.rules).alternatives()

    @cached_property
    def _opened(self) -> Scenario:
        ranged = any(
            isinstance(leaf, Number) and leaf.low is not None and leaf.high is not None
            for _, leaf in leaves(self.population)
        )
        has = dict(zip(OPEN_LAYERS, (ranged, bool(open_leaves(self.rules))), strict=True))
        on = {layer: "on" for layer, something in has.items() if something}
        layers = self.layers.model_copy(update=on)
        return replace(self, file=self.file.model_copy(update={"layers": layers}))

    def opened(self) -> Scenario:
        """The same scenario with everything drawn that nobody knows.

        Draws of both are pairs. A layer that has nothing to draw stays as it is.
        """
        return self._opened

    def leaves(self) -> dict[str, Parameter]:
        """Every parameter by its path, of the rules, the population and MIPS."""
        return {path: leaf for root in ROOTS for path, leaf in leaves(getattr(self, root), root)}

    @property
    def rules_hash(self) -> str:
        return fingerprint(self.rules)

    @property
    def population_hash(self) -> str:
        return fingerprint(self.population)

    @property
    def mips_hash(self) -> str:
        return fingerprint(self.mips)

    def with_draws(self, draws: int | None, seed: int | None) -> Scenario:
        """This scenario with other draws or another seed; None leaves either as it is."""
        other = replace(self, file=self.file.with_draws(draws, seed))
        # What is drawn depends on neither, and takes some time to be checked.
        known = {name: found for name, found in vars(self).items() if name in _DRAWN}
        if "_opened" in vars(self):
            known["_opened"] = self._opened.with_draws(draws, seed)
        vars(other).update(known)
        return other

    def resolved(self) -> dict[str, Any]:
        """The scenario as plain data: what was named and what was set.

        A parameter that was set more than once is given the value that it has in the end.
        """
        given = dict(self.settings)
        paths = [path for path, _ in self.settings]
        for path in dict.fromkeys(path for path in paths if paths.count(path) > 1):
            del given[path]
            root = path.partition(".")[0]
            known = dict(leaves(getattr(self, root), root))
            chosen = set_by(self.settings, known)
            for leaf, parameter in known.items():
                if leaf in chosen and (leaf == path or leaf.startswith(f"{path}.")):
                    given[leaf] = parameter.value  # type: ignore[attr-defined]
        return {**self.file.plain(), "set": given}

    def hash(self, roster_sha256: str) -> str:
        """SHA-256 of everything that decides what a draw is, but for the seed."""
        parts = [
            self.rules_hash,
            self.population_hash,
            self.mips_hash,
            roster_sha256,
            self.layers.model_dump_json(exclude={"parameters", "readings"}),
            *[[item.path, item.low, item.high, not item.held] for item in self.ranges],
            *[[item.path, item.span, not item.held] for item in self.readings],
            *([self.file.probes.model_dump_json()] if self.file.probes else []),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Case:
    """One scenario of a sweep: what it sets on top of its base."""

    name: str
    base: int
    settings: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Base:
    """What scenarios start from: documents in which ``settings`` are made already."""

    rules: Document
    population: Document
    mips: Document
    folder: Path
    settings: tuple[tuple[str, Any], ...]
    file: ScenarioFile

    def without_places(self) -> Base:
        """This base without the places of its values, which only messages of checks need."""
        bare: dict[str, Any] = {root: Document(getattr(self, root).data) for root in ROOTS}
        return replace(self, **bare)


@dataclass(frozen=True)
class Sweep:
    """Scenarios that are ready to run; each has been checked and is resolved when it is needed."""

    name: str
    file: ScenarioFile
    kind: str  # grid, list, scenarios or design; "one" without any of them
    bases: tuple[Base, ...]
    cases: tuple[Case, ...]
    axes: tuple[str, ...]  # parameters that the scenarios set to different values
    compare_to: int | None
    design: dict[str, Any] | None  # method, n, seed and SALib's problem, for an analysis later
    settings: tuple[tuple[str, Any], ...]  # what the sweep itself sets in every scenario
    given: dict[str, Any] = field(repr=False)  # ``sweep`` and ``compare_to`` as they were written
    assigned: tuple[tuple[str, Any], ...]  # set in every scenario, and not by the file
    hashes: tuple[tuple[str, ...], ...] = field(repr=False)  # of rules, population and MIPS

    def __len__(self) -> int:
        return len(self.cases)

    def scenario(self, index: int) -> Scenario:
        """A scenario, resolved and checked anew."""
        case = self.cases[index]
        base = self.bases[case.base]
        place = Place(f"scenario {case.name!r}")
        settings = [(path, value, place) for path, value in case.settings]
        shared = ("draws", "seed", "layers", "panel_draws", "lens_draws", "open_draws", "probes")
        common = {key: getattr(self.file, key) for key in shared}
        return Scenario(
            name=case.name,
            file=base.file.model_copy(update=common),
            settings=(*base.settings, *case.settings),
            rules=check_rules(laid_on(base.rules, "rules", settings)),
            population=check_population(laid_on(base.population, "population", settings)),
            mips=check_mips(laid_on(base.mips, "mips", settings)),
            folder=base.folder,
            assigned=self.assigned,
        )

    def value(self, index: int, axis: str) -> Any:
        """What a scenario, or else its base, sets ``axis`` to; None where it is not set."""
        case = self.cases[index]
        settings = (*self.bases[case.base].settings, *case.settings)
        return next((value for path, value in reversed(settings) if path == axis), None)

    def with_draws(self, draws: int | None, seed: int | None) -> Sweep:
        """This sweep with other draws or another seed; None leaves either as it is."""
        return replace(self, file=self.file.with_draws(draws, seed))

    def resolved(self) -> dict[str, Any]:
        """The sweep as plain data: what was named, what was set and what varies."""
        file = self.file.plain()
        if self.kind == "scenarios":  # which name their own
            for root in ROOTS:
                del file[root]
        return {**file, "set": dict(self.settings), **self.given}


def pairs(settings: Iterable[Setting]) -> tuple[tuple[str, Any], ...]:
    """Settings without their places."""
    return tuple((path, value) for path, value, _ in settings)


def flattened(path: Any, value: Any) -> Iterator[tuple[Key, str, Any]]:
    """What a setting sets: keys in the document, the parameter's path, its value.

    One setting as a rule, but several where ``rules`` (or another root) holds parameters as a tree.
    Values by year stay together; they are of one parameter.
    """
    if path in ROOTS:
        yield from _leaves_of((path,), value)
    else:
        yield (path,), str(path), value


def _leaves_of(key: Key, value: Any) -> Iterator[tuple[Key, str, Any]]:
    if isinstance(value, dict) and value and not any(str(part).isdecimal() for part in value):
        for part, item in value.items():
            yield from _leaves_of((*key, part), item)
    else:
        yield key, ".".join(map(str, key)), value


def root_of(setting: Setting) -> str:
    """``rules``, ``population`` or ``mips``: which of them a setting changes."""
    dotted, value, place = setting
    root, _, rest = dotted.partition(".")
    if dotted == "population.uncertainty":
        raise InputError(
            f"{place}: {dotted!r} is no parameter but a layer of the draws: write "
            "layers: {parameters: \"on\"} beside 'set', in a scenario file"
        )
    if root not in ROOTS or not rest:
        raise InputError(
            f"{place}: {dotted!r} is no parameter; "
            "it must begin with 'rules.', 'population.' or 'mips.'"
            + (f" and name one, such as {EXAMPLE}" if root in ROOTS else did_you_mean(root, ROOTS))
        )
    if dotted == "mips.form":
        raise InputError(f"{place}: both forms of MIPS are always scored; {dotted!r} sets nothing")
    if isinstance(value, list | dict) and not value:
        raise InputError(f"{place}: {dotted!r}: nothing is set")
    return root


def laid_on(document: Document, root: str, settings: Iterable[Setting]) -> Document:
    """The rules or the population with the settings of its root; a copy if there are any."""
    mine = [setting for setting in settings if root_of(setting) == root]
    if mine:
        document = document.copy()
    for dotted, value, place in mine:
        set_value(document, dotted.partition(".")[2], value, place)
    return document
