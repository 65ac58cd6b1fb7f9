"""A parameter: one value of the rule or of the population, with unit, range, status and source.

Rule sets and populations are trees whose leaves are parameters. This module holds what both share:
the kinds of leaf, checking a document against its schema with a message that names file, line and
key, setting leaves by their dotted path, and listing them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from asm_sim.documents import Document, Key, Place, did_you_mean, keys_of, quoted
from asm_sim.errors import InputError, printable
from asm_sim.statuses import OPEN, Status

YEAR_DIGITS = 4


class Strict(BaseModel):
    """Frozen, strictly typed, unknown keys forbidden."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Parameter(Strict):
    """What every leaf carries besides its value.

    ``range`` holds the values that make sense at all (inclusive); ``low`` and ``high`` the values
    that the evidence leaves plausible, or ``readings`` the alternatives that it does, each with its
    weight: how often it is drawn, relative to the others. ``held`` says why something open has
    neither.
    """

    unit: str
    status: Status
    source: str
    description: str = ""
    range: tuple[float, float] | None = None
    low: float | None = None
    high: float | None = None
    readings: dict[str, float] | None = None
    held: str = ""

    def numbers(self) -> list[float]:
        """The numbers in the value, each of which must lie in ``range``."""
        return []

    def reading(self, name: str) -> Any:
        """The value that an alternative of ``readings`` names; ``ValueError`` for none such."""
        raise ValueError(f"{name!r} on a number, which has low and high in place of readings")

    @property
    def is_open(self) -> bool:
        """Whether nobody knows it and results rest on it."""
        return self.status in OPEN

    @model_validator(mode="before")
    @classmethod
    def _range_from_list(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("range"), list):
            return {**data, "range": tuple(data["range"])}
        return data

    @model_validator(mode="after")
    def _inside_range(self) -> Self:
        if self.range is not None:
            lowest, highest = self.range
            for number in self.numbers():
                if not lowest <= number <= highest:
                    raise ValueError(f"{number:g} is out of range: {lowest:g} to {highest:g}")
        return self

    @field_validator("readings", mode="before")
    @classmethod
    def _names_of_readings(cls, data: Any) -> Any:
        """A cap's alternative may be written as a number."""
        return {str(key): item for key, item in data.items()} if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _readings_and_weights(self) -> Self:
        if self.readings is None:
            return self
        if self.low is not None or self.high is not None:
            raise ValueError("has readings, and low or high; give one of both")
        if len(self.readings) < 2:
            raise ValueError("readings: needs two alternatives or more")
        for name, weight in self.readings.items():
            try:
                self.reading(name)
            except ValueError as error:
                raise ValueError(f"readings: {error}") from error
            if weight <= 0:
                raise ValueError(
                    f"readings: {name}: the weight must be above 0, got {weight:g}; "
                    "leave the alternative out"
                )
        return self


class Number(Parameter):
    """One number that holds in every year."""

    value: float

    def numbers(self) -> list[float]:
        return [self.value]


class Count(Parameter):
    """One whole number."""

    value: int

    def numbers(self) -> list[float]:
        return [float(self.value)]


class YearlyNumber(Parameter):
    """A number, or one for each performance year."""

    value: float | dict[int, float]

    def numbers(self) -> list[float]:
        return list(self.value.values()) if isinstance(self.value, dict) else [self.value]

    def at(self, performance_year: int) -> float:
        return self.value[performance_year] if isinstance(self.value, dict) else self.value


class Shifts(Parameter):
    """What is added in the performance years that are named; nothing in the others."""

    value: dict[int, float]

    def numbers(self) -> list[float]:
        return list(self.value.values())

    def at(self, performance_year: int) -> float:
        return self.value.get(performance_year, 0.0)


class NamesByYear(Parameter):
    """A list of names in the performance years that have one."""

    value: dict[int, list[str]]

    def at(self, performance_year: int) -> list[str]:
        return self.value.get(performance_year, [])


class Numbers(Parameter):
    """A list of numbers."""

    value: list[float]

    def numbers(self) -> list[float]:
        return self.value


class Switch(Parameter):
    """On or off."""

    value: bool

    def reading(self, name: str) -> bool:
        if name not in {"true", "false"}:
            raise ValueError(f"{name!r} is neither true nor false")
        return name == "true"


class Choice(Parameter):
    """One of a few named alternatives.

    One that is ``neutral`` changes nothing, and is no part of a fingerprint: a parameter that comes
    later leaves what was computed before it as it was called.
    """

    value: str
    choices: list[str]
    neutral: str = ""

    def reading(self, name: str) -> str:
        if name not in self.choices:
            hint = did_you_mean(name, self.choices)
            raise ValueError(f"{name!r} is not one of: {', '.join(self.choices)}{hint}")
        return name

    @model_validator(mode="after")
    def _one_of_choices(self) -> Self:
        self.reading(self.value)
        if self.neutral:
            self.reading(self.neutral)
        return self


class Names(Parameter):
    """A list of names."""

    value: list[str]


class Text(Parameter):
    """A free text, such as the name of a file."""

    value: str


Model = TypeVar("Model", bound=BaseModel)


def check(model: type[Model], document: Document, what: str) -> Model:
    """The document as a ``model``, or an :class:`InputError` with file, line and key."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems: dict[Key, str] = {}
        for item in error.errors(include_url=False):
            if _is_other_branch(item):
                continue
            key = _key_of(item, document.data)
            problems.setdefault(key, _explain(item, key, document, model))
        raise InputError(f"this {what} cannot be used:", list(problems.values())) from error


def _key_of(item: Any, data: Any) -> Key:
    """Where in the document a problem is, without the names that alternatives of a type have."""
    key: Key = ()
    node = data
    for part in item["loc"]:
        known = range(len(node)) if isinstance(node, list) else node
        if isinstance(node, dict | list) and part in known:
            key, node = (*key, part), node[part]
    return (*key, item["loc"][-1]) if item["type"] == "missing" else key


def _is_other_branch(item: Any) -> bool:
    """Whether it only says that values by year are no number, where values by year may be."""
    given, at = item.get("input"), list(item["loc"])
    by_year = isinstance(given, dict) and item["type"] != "dict_type"
    branch = at[-2:-1] == ["value"] and isinstance(at[-1], str)  # and no place in a list
    return by_year and branch and at[-1] not in given


def _explain(item: Any, key: Key, document: Document, model: type[BaseModel]) -> str:
    dotted = ".".join(str(part) for part in key)
    place = document.place(key)
    kind = item["type"]
    given = item.get("input")
    if kind == "extra_forbidden":
        known = _known_names(model, document.data, key[:-1])
        return f"{place}: unknown key {dotted!r}{did_you_mean(str(key[-1]), known)}"
    if kind == "missing":
        return f"{place}: {dotted!r} is missing"
    if kind == "value_error":
        reason = str(item["ctx"]["error"])
        if dotted:
            return f"{place}: {dotted}: {reason}"
        named = reason.partition(":")[0].split(".")  # a check across keys begins with the key
        return f"{document.place(tuple(named))}: {reason}"
    if key[-1:] == ("value",):
        parameter = dotted.removesuffix(".value")
        if isinstance(given, dict):
            return f"{place}: {parameter!r} has no values by year; give one for all years"
        if kind == "dict_type":
            return f"{place}: {parameter!r} has values by year; write a mapping of years to values"
    message = item["msg"][0].lower() + item["msg"][1:]
    return f"{place}: {dotted!r}: {message}, got {_brief(given)}"


def _brief(value: Any) -> str:
    return printable(repr(value), 60)


def _known_names(model: type[BaseModel], data: Any, key: Key) -> list[str]:
    """The names that would have been allowed where an unknown one stands."""
    current: Any = model
    for part in key:
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            return []
        field = current.model_fields.get(str(part))
        if field is None:
            return []
        current = field.annotation
        arguments = getattr(current, "__args__", ())
        models = [a for a in arguments if isinstance(a, type) and issubclass(a, BaseModel)]
        if models:
            current = models[-1]
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return list(data) if isinstance(data, dict) else []


def leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
    """Every parameter below ``model`` with its dotted path, in document order."""
    for name in type(model).model_fields:
        yield from _leaves_of(getattr(model, name), f"{prefix}.{name}" if prefix else name)


def _leaves_of(value: Any, path: str) -> Iterator[tuple[str, Parameter]]:
    if isinstance(value, Parameter):
        yield path, value
    elif isinstance(value, BaseModel):
        yield from leaves(value, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves_of(item, f"{path}.{key}")


def set_value(document: Document, dotted: str, value: Any, place: Place) -> None:
    """Give the parameter at ``dotted`` another value (in place; only plain data is touched).

    A mapping of years changes the named years of a yearly parameter; a value given for a group of
    parameters goes to each of them; a mapping for a group goes to those that it names. Types and
    ranges are checked afterwards by :func:`check`.
    """
    key, node = find_node(document, dotted, place)
    _set_below(document, node, key, value, place, dotted)


def find_node(document: Document, dotted: str, place: Place) -> tuple[Key, dict[Any, Any]]:
    """The parameter, or the group of parameters, at ``dotted``: its key and its data."""
    node: Any = document.data
    key: Key = ()
    for part in dotted.split("."):
        if not isinstance(node, dict) or _is_leaf(node):
            node = None
            break
        actual = _matching_key(node, part)
        if actual is None:
            hint = did_you_mean(part, [str(k) for k in node])
            inside = ".".join(str(k) for k in key)
            where = f" in {inside!r}" if inside else ""
            raise InputError(f"{place}: unknown parameter {dotted!r}: no {part!r}{where}{hint}")
        key = (*key, actual)
        node = node[actual]
    if not isinstance(node, dict):
        raise InputError(f"{place}: {dotted!r} is not a parameter")
    return key, node


def _set_below(
    document: Document, node: dict[Any, Any], key: Key, value: Any, place: Place, dotted: str
) -> None:
    if _is_leaf(node):
        old, inside = node["value"], (*key, "value")
        node["value"] = _new_value(document, old, value, place, dotted)
        above = [key[:length] for length in range(1, len(key) + 1)]
        below = [*keys_of(old, inside), *keys_of(node["value"], inside)]
        document.places.update(dict.fromkeys([*above, *below], place))
        return
    children = {k: child for k, child in node.items() if isinstance(child, dict)}
    if not children:
        raise InputError(f"{place}: {dotted!r} is not a parameter")
    if isinstance(value, dict):
        for part, item in value.items():
            actual = _matching_key(children, str(part))
            if actual is None:
                hint = did_you_mean(str(part), [str(k) for k in children])
                raise InputError(f"{place}: unknown parameter {dotted}.{part!s}{hint}")
            child_path = f"{dotted}.{part}"
            _set_below(document, children[actual], (*key, actual), item, place, child_path)
        return
    alike = {child.get("unit") for child in children.values() if _is_leaf(child)}
    if len(children) != len(node) or len(alike) != 1 or not all(map(_is_leaf, children.values())):
        names = ", ".join(str(k) for k in children)
        raise InputError(f"{place}: {dotted!r} is a group, not a parameter; name one of: {names}")
    for actual, child in children.items():
        _set_below(document, child, (*key, actual), value, place, f"{dotted}.{actual}")


def _new_value(document: Document, old: Any, value: Any, place: Place, dotted: str) -> Any:
    if not isinstance(value, dict):
        return value
    years = document.data.get("performance_years", {})
    known = years.get("value", []) if isinstance(years, dict) else None
    if not isinstance(known, list) or not all(isinstance(year, int) for year in known):
        return value  # the years themselves are what is wrong, and told by the check
    # JSON, in which a run records its scenario, writes a year as a text.
    value = {_year(key): item for key, item in value.items()}
    if not known and isinstance(old, dict):  # a population has no performance years of its own
        return {**old, **value}
    if not known:
        raise InputError(f"{place}: {dotted!r} has no values by year; give one for all years")
    for year in value:
        if year not in known:
            listed = f"; the years are {known[0]} to {known[-1]}" if known else ""
            raise InputError(f"{place}: {dotted!r}: {year!r} is not a performance year{listed}")
    if not isinstance(old, dict):
        old = dict.fromkeys(known, old)
    return {**old, **value}


def _year(key: Any) -> Any:
    is_year = isinstance(key, str) and key.isdecimal() and len(key) == YEAR_DIGITS
    return int(key) if is_year else key


def _is_leaf(node: Any) -> bool:
    return isinstance(node, dict) and "value" in node and "status" in node


def _matching_key(node: Mapping[Any, Any], part: str) -> str | int | None:
    return part if part in node else {str(key): key for key in node}.get(part)


def parse_assignment(text: str) -> tuple[str, Any]:
    """``path=value`` from the command line; the value is read as YAML."""
    from asm_sim.documents import parse_document

    path, sign, value = text.partition("=")
    if not sign or not path.strip():
        raise InputError(f"--set {quoted(text)}: write it as path=value")
    document = parse_document(f"value: {value.strip()}", f"--set {printable(text)}")
    if len(document.data) > 1:
        raise InputError(f"--set {quoted(text)}: more than one value")
    return path.strip(), document.data["value"]


def plain_value(leaf: Parameter) -> Any:
    """The value of a parameter as JSON has it: keys are texts."""
    value: Any = leaf.value  # type: ignore[attr-defined]
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value


def fingerprint(model: BaseModel) -> str:
    """SHA-256 over the values of all parameters: equal where the models compute the same."""
    values: dict[str, Any] = {
        path: _value_of(leaf)
        for path, leaf in leaves(model)
        if not (isinstance(leaf, Choice) and leaf.value == leaf.neutral)
    }
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _value_of(leaf: Parameter) -> Any:
    value: Any = leaf.value  # type: ignore[attr-defined]
    if isinstance(value, float) and value == math.floor(value) and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {str(year): number for year, number in sorted(value.items())}
    return value


def with_values(model: Model, values: Mapping[str, Any]) -> Model:
    """The model with other values of the parameters at these dotted paths; nothing is checked."""
    other: Model = _with_values(model, _tree(tuple(values)), values)
    return other


def _with_values(part: Any, tree: dict[str, Any] | str, values: Mapping[str, Any]) -> Any:
    """A model is copied as ``model_copy`` does it, in a tenth of the time."""
    is_mapping = type(part) is dict
    content = dict(part if is_mapping else part.__dict__)
    if isinstance(tree, str):
        content["value"] = values[tree]
    else:
        for name, below in tree.items():
            content[name] = _with_values(content[name], below, values)
    if is_mapping:
        return content
    other = _new(type(part))
    _set(other, "__dict__", content)
    _set(other, "__pydantic_fields_set__", part.__pydantic_fields_set__)
    _set(other, "__pydantic_extra__", None)  # a strict model has nothing else
    _set(other, "__pydantic_private__", None)
    return other


_new, _set = object.__new__, object.__setattr__


@lru_cache(maxsize=256)
def _tree(paths: tuple[str, ...]) -> dict[str, Any]:
    """Dotted paths, each where it leads to: by its first name, then by the next, and so on."""
    root: dict[str, Any] = {}
    for path in paths:
        *names, last = path.split(".")
        node = root
        for name in names:
            node = node.setdefault(name, {})
        node[last] = path
    return root
