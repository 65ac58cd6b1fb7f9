"""Which values of a population are uncertain, and between what.

A number of the population that has low and high is drawn from there in every draw where a
scenario's parameter layer is on. What the scenario sets is not uncertain any more: the user has
decided it, so that it is held at what was set; another central value goes into a population file.
Numbers without low and high, lists and whole numbers stay as they are. What is open of the rule is
drawn in a layer of its own (:mod:`asm_sim.rules.readings`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from pydantic import BaseModel, ValidationError

from asm_sim.drawn import Drawable, drawable, senseless, set_by
from asm_sim.errors import InputError
from asm_sim.parameters import Number, Parameter, fingerprint, leaves, with_values
from asm_sim.population.schema import Population

ROOT = "population"
# Numbers of different parts that are checked together.
ACROSS = ("population.geography.cost_share", "population.cost.permanent_share")
NOTHING_TO_GIVE = "no other share of its mix is drawn"


def ranges_of(population: Population, settings: Iterable[tuple[str, Any]]) -> tuple[Drawable, ...]:
    """Every number with low and high, those that ``settings`` (path and value) give held.

    Raises :class:`InputError` where there is none, where an end of a range makes no sense, and
    where values that could be drawn together do not fit together.
    """
    numbers = {p: leaf for p, leaf in leaves(population, ROOT) if isinstance(leaf, Number)}
    chosen = set_by(settings, numbers)
    could = (drawable(path, leaf, path in chosen) for path, leaf in numbers.items())
    found = [item for item in could if item is not None]
    for mix in mixes(found):
        if len(mix) == 1:  # its sum with those that are held leaves it no freedom
            found[mix[0]] = found[mix[0]]._replace(held=NOTHING_TO_GIVE)
    if not found:
        raise InputError(
            "layers.parameters is on, but no number of the population has low and high to be "
            "drawn between; give some in a population file, or leave the layer off"
        )
    problems = [*senseless(found, numbers), *_unfit(population, tuple(found))]
    if problems:
        raise InputError(
            "layers.parameters is on, and these ranges cannot be drawn from:", problems
        )
    return tuple(found)


def mixes(ranges: Iterable[Drawable]) -> list[list[int]]:
    """Positions of the shares that are drawn, mix by mix: what must keep its sum."""
    by_mix: dict[str, list[int]] = {}
    for k, item in enumerate(ranges):
        mix = item.path.rpartition(".")[0]
        if mix.startswith(f"{ROOT}.specialty_mix.") and not item.held:
            by_mix.setdefault(mix, []).append(k)
    return list(by_mix.values())


# What was found to fit together: values of a population by their hash, and what is drawn of it.
_fitting: set[tuple[str, tuple[Drawable, ...]]] = set()


def _unfit(population: Population, ranges: tuple[Drawable, ...]) -> list[str]:
    """What a part of the population refuses at the ends of the ranges of its own numbers.

    Every check across numbers holds between two points at which it holds (each is linear in one
    number, or a variance below the concave m (1 - m)), so that the ends stand for what lies inside.
    """
    key = fingerprint(population), ranges
    if key in _fitting:
        return []
    drawn = {item.path: item for item in ranges if not item.held}
    problems = []
    for path, part in _checked_parts(population, ROOT):
        across = ACROSS if part is population else ()
        own = [
            item for item in drawn.values() if _is_own(item.path, path, part) or item.path in across
        ]
        for ends in product(*((item.low, item.high) for item in own)):
            values = {
                item.path.removeprefix(f"{path}."): end for item, end in zip(own, ends, strict=True)
            }
            try:
                type(part).model_validate(vars(with_values(part, values)))
            except ValidationError as error:
                at = ", ".join(f"{name} {end:g}" for name, end in values.items())
                reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
                problems.append(f"{path}: with {at}: {reason}")
                break
    if not problems:
        _fitting.add(key)
    return problems


def _checked_parts(model: BaseModel, path: str) -> Iterator[tuple[str, BaseModel]]:
    """The parts of the population that check several numbers together, with their paths."""
    if type(model).__pydantic_decorators__.model_validators:
        yield path, model
    for name in type(model).model_fields:
        value = getattr(model, name)
        inside = value if isinstance(value, Mapping) else {"": value}
        for key, item in inside.items():
            if isinstance(item, BaseModel) and not isinstance(item, Parameter):
                yield from _checked_parts(item, ".".join(filter(None, (path, name, key))))


def _is_own(leaf: str, path: str, part: BaseModel) -> bool:
    """Whether a number is a field of the part, or in a mapping that is, and not further below."""
    if not leaf.startswith(f"{path}."):
        return False
    name, *rest = leaf.removeprefix(f"{path}.").split(".")
    value = getattr(part, name)
    return isinstance(value, Number) or (
        isinstance(value, Mapping) and len(rest) == 1 and isinstance(value[rest[0]], Number)
    )
