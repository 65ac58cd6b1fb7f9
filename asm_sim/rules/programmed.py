"""What a rule may choose is programmed: which list a parameter of a rule set chooses from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from pydantic import BaseModel

from asm_sim.kernels.choices import RuleChoice
from asm_sim.parameters import Choice, Parameter


class Programmed(NamedTuple):
    """The list that a parameter chooses from, in its annotation in the schema.

    ``basis: Annotated[Choice, Programmed(Peers, "peers")]``: ``field`` is where the compiled rule
    holds the number of what is chosen, if it does.
    """

    choices: type[RuleChoice]
    field: str = ""


def programmed(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Choice, Programmed]]:
    """Every choice below ``model``: its dotted path, the parameter, and from what it is chosen."""
    for name, field in type(model).model_fields.items():
        path = f"{prefix}.{name}" if prefix else name
        value = getattr(model, name)
        known = [item for item in field.metadata if isinstance(item, Programmed)]
        if known:
            yield path, value, known[0]
        elif isinstance(value, BaseModel) and not isinstance(value, Parameter):
            yield from programmed(value, path)
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, BaseModel) and not isinstance(item, Parameter):
                    yield from programmed(item, f"{path}.{key}")


def check_choices(model: BaseModel) -> None:
    """``ValueError`` for an alternative that is not programmed: a rule set may offer fewer."""
    for path, choice, of in programmed(model):
        unknown = set(choice.choices) - _names(of.choices)
        if unknown:
            raise ValueError(f"{path}.choices: {min(unknown)!r} is not programmed")


@cache
def _names(choices: type[RuleChoice]) -> frozenset[str]:
    return frozenset(choices.names())


def numbers(model: BaseModel) -> dict[str, Any]:
    """What is chosen, as the compiled rule holds it: the number of the alternative by field."""
    return {
        of.field: of.choices.number(leaf(model).value) for leaf, of in _compiled(type(model), "")
    }


@cache
def _compiled(model: type[BaseModel], prefix: str) -> list[tuple[Callable[[Any], Any], Programmed]]:
    """How to find each choice that the compiled rule holds: none of them stands in a mapping."""
    found: list[tuple[Callable[[Any], Any], Programmed]] = []
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        known = [item for item in field.metadata if isinstance(item, Programmed)]
        if known:
            found += [(attrgetter(path), of) for of in known if of.field]
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _compiled(field.annotation, f"{path}.")
    return found
