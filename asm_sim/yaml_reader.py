"""YAML as plain data, with the line of every value.

Reading is safe (nothing is constructed but plain values) and strict: tags, anchors, duplicate keys,
several documents, control characters and numbers that are not finite are refused, and so is what no
file of this kind needs: deep nesting, numbers of forty digits and more.
"""

from __future__ import annotations

import math
import unicodedata
from typing import Any

from asm_sim.errors import InputError, printable

MAXIMUM_DEPTH = 30
MAXIMUM_NODES = 410_000  # keys and values: four for each of 100,000 scenarios, and some
LARGEST_NUMBER = 10**40  # of a whole number, exclusive
LONGEST_NUMBER = 100  # characters of a whole number
YAML_VERSION = (1, 2)


def read_yaml(text: str, name: str) -> tuple[dict[Any, Any], list[int]]:
    """The mapping that a YAML text holds, and the line of it and of everything in it.

    Lines stand in the order of the text: that of a mapping or a list before those of what is in it,
    of an entry the line of its key. Raises :class:`InputError` with ``name`` and line.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        return _Reader(text, name).read()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(name, mark.line + 1) if mark else name
        raise InputError(f"{place}: not valid YAML: {error.problem or error.context}") from error
    except ReaderError as error:
        place = _place(name, text.count("\n", 0, error.position) + 1)
        raise InputError(f"{place}: not valid YAML: {str(error).splitlines()[0]}") from error
    except (YAMLError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{name}: not valid YAML: {(str(error).splitlines() or ['?'])[0]}"
        ) from error


def _place(name: str, line: int) -> str:
    return f"{name}, line {line}"


class _Reader:
    """Makes plain data of the events of a YAML text, noting the line of every key.

    Events come one at a time, so that a text which is nested too deeply is refused where it gets
    too deep, before the rest is read.
    """

    def __init__(self, text: str, name: str) -> None:
        from ruamel.yaml import YAML

        yaml = YAML(typ="safe", pure=True)
        self._events = yaml.parse(text)
        self._resolve = yaml.resolver.resolve
        self._text, self._name = text, name
        self._nodes = 0
        self._lines = [1]

    def read(self) -> tuple[dict[Any, Any], list[int]]:
        from ruamel.yaml.events import DocumentStartEvent, MappingStartEvent, StreamEndEvent

        next(self._events)  # the stream's beginning
        start = next(self._events)
        if not isinstance(start, DocumentStartEvent):
            raise InputError(f"{self._name}: the file is empty")
        if start.version is not None and tuple(start.version) != YAML_VERSION:
            stated = ".".join(map(str, start.version))
            line = self._text[: self._text.index("%YAML")].count("\n") + 1
            raise InputError(
                f"{_place(self._name, line)}: this file says that it is YAML {stated}, in which "
                "yes, no and 010 mean something else; write YAML 1.2 (true, false) and no such line"
            )
        root = next(self._events)
        if not isinstance(root, MappingStartEvent):
            raise InputError(f"{self._at(root)}: expected a mapping (key: value) at the top level")
        data = self._value(root, 0)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, StreamEndEvent):
            raise InputError(f"{self._at(after)}: not valid YAML: more than one document in a file")
        return data, self._lines

    def _at(self, event: Any) -> str:
        return _place(self._name, event.start_mark.line + 1)

    def _value(self, event: Any, depth: int) -> Any:
        """What begins with ``event``, inside so many mappings and lists."""
        from ruamel.yaml.events import MappingStartEvent, ScalarEvent, SequenceEndEvent

        self._refuse_more_than_data(event)
        if depth > MAXIMUM_DEPTH:
            raise InputError(f"{self._at(event)}: nested deeper than {MAXIMUM_DEPTH} levels")
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(depth)
        items: list[Any] = []
        for item in self._events:
            if isinstance(item, SequenceEndEvent):
                break
            self._lines.append(item.start_mark.line + 1)
            items.append(self._value(item, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[Any, Any]:
        from ruamel.yaml.events import MappingEndEvent, ScalarEvent

        result: dict[Any, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            self._refuse_more_than_data(event)
            if not isinstance(event, ScalarEvent):
                raise InputError(f"{self._at(event)}: a key must be a name or a year")
            entry = self._scalar(event)
            if isinstance(entry, bool):  # an alternative of a switch
                entry = event.value.lower()
            if not isinstance(entry, str | int):
                raise InputError(
                    f"{self._at(event)}: the key {event.value!r} must be a name or a year"
                )
            if entry in result:
                raise InputError(f"{self._at(event)}: the key {entry!r} is given twice")
            self._lines.append(event.start_mark.line + 1)
            result[entry] = self._value(next(self._events), depth + 1)
        return result

    def _refuse_more_than_data(self, event: Any) -> None:
        from ruamel.yaml.events import AliasEvent

        if isinstance(event, AliasEvent) or event.anchor is not None:
            raise InputError(f"{self._at(event)}: YAML anchors and aliases are not allowed")
        if event.tag is not None:
            raise InputError(f"{self._at(event)}: YAML tags (!...) are not allowed")
        self._nodes += 1
        if self._nodes > MAXIMUM_NODES:
            raise InputError(
                f"{self._at(event)}: more than {MAXIMUM_NODES:,} keys and values in one file"
            )

    def _scalar(self, event: Any) -> Any:
        from ruamel.yaml.nodes import ScalarNode

        tag = self._resolve(ScalarNode, event.value, event.implicit)
        return _scalar(event.value, str(tag).rsplit(":", 1)[-1], self._at(event))


def _scalar(written: str, kind: str, place: str) -> Any:
    """A null, a flag, a number or a text as plain data."""
    text = written.replace("_", "")
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return _whole(text)
            case "float":
                number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            case _:
                return _without_controls(written, place)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{place}: {printable(repr(written))} is not a number") from error
    except OverflowError as error:
        raise InputError(f"{place}: {printable(repr(written))} is too large a number") from error
    if not math.isfinite(number):
        raise InputError(f"{place}: {printable(repr(written))} is not a finite number")
    return number


def _whole(text: str) -> int:
    """Python writes no number of thousands of digits, and nothing here has forty digits."""
    base = 0 if text.lstrip("+-")[:2] in {"0x", "0o"} else 10
    number = int(text, base) if len(text) <= LONGEST_NUMBER else LARGEST_NUMBER
    if abs(number) >= LARGEST_NUMBER:
        raise OverflowError
    return number


def _without_controls(text: str, place: str) -> str:
    """Titles, names and sources end up on terminals and in pictures."""
    if not text.isprintable():
        for character in text:
            if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t":
                shown = printable(repr(text))
                raise InputError(
                    f"{place}: a control character ({character!r}) in {shown}; take it out"
                )
    return text
