"""Strict YAML documents that remember on which line every value stands.

Rule sets, populations and scenarios are YAML. Reading is safe (nothing is constructed but plain
values) and strict: tags, anchors, duplicate keys, several documents and numbers that are not finite
are refused. A document may extend another one by its name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from asm_sim.errors import InputError

Key = tuple[str | int, ...]
MAXIMUM_BYTES = 5_000_000
MAXIMUM_DEPTH = 30


@dataclass(frozen=True)
class Place:
    """Where a value was written: a file (or the command line) and a line."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}, line {self.line}"


@dataclass
class Document:
    """Plain data (mappings, lists, scalars) and the place of every key in it."""

    data: dict[str, Any]
    places: dict[Key, Place] = field(default_factory=dict)

    def place(self, key: Key) -> Place:
        """The place of ``key``, or of the nearest thing above it."""
        for length in range(len(key), -1, -1):
            if key[:length] in self.places:
                return self.places[key[:length]]
        return Place("input")

    def copy(self) -> Document:
        """A copy whose data and places can be changed without changing these."""
        return Document(_copied(self.data), dict(self.places))


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(item) for item in data] if isinstance(data, list) else data


def compact(value: Any) -> str:
    """Plain data on one line, written as one would write it in YAML."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {compact(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(compact, value)) + "]"
        case str() if value and value.isprintable():
            return value
        case bool() | str() | None:
            return json.dumps(value)
    return repr(value)


def canonical(value: Any) -> str:
    """A text that is the same where plain data says the same: 1 and 1.0, keys in any order."""
    match value:
        case dict():
            pairs = sorted((canonical(key), canonical(item)) for key, item in value.items())
            return repr(pairs)
        case list():
            return repr([canonical(item) for item in value])
        case int() if not isinstance(value, bool) and abs(value) < 2**53:
            return repr(float(value))
    return repr(value)


def read_document(path: Path, shown_as: str | None = None) -> Document:
    """Read one YAML file into a document; :class:`InputError` says what is wrong and where."""
    name = shown_as or str(path)
    if path.is_dir():
        raise InputError(f"{name}: this is a folder, not a YAML file")
    if not path.exists():
        raise InputError(f"{name}: there is no such file")
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise InputError(
                f"{name}: larger than {MAXIMUM_BYTES:,} bytes; not a file of this kind"
            )
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not a text file in UTF-8") from error
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from error
    return parse_document(text, name)


def parse_document(text: str, name: str) -> Document:
    """The same for a text that is already there; ``name`` is what messages call it."""
    return _parsed(text, name).copy()


@lru_cache(maxsize=64)
def _parsed(text: str, name: str) -> Document:
    """Parsing is most of the time that reading a scenario takes, and bases come again and again."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.nodes import MappingNode
    from ruamel.yaml.tokens import AliasToken, AnchorToken, TagToken

    def at(mark: Any) -> Place:
        return Place(name, mark.line + 1)

    try:
        for token in YAML(typ="safe", pure=True).scan(text):
            if isinstance(token, TagToken):
                raise InputError(f"{at(token.start_mark)}: YAML tags (!...) are not allowed")
            if isinstance(token, AnchorToken | AliasToken):
                raise InputError(
                    f"{at(token.start_mark)}: YAML anchors and aliases are not allowed"
                )
        node = YAML(typ="safe", pure=True).compose(text)
    except InputError:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = at(mark) if mark else Place(name)
        raise InputError(f"{place}: not valid YAML: {error.problem or error.context}") from error
    except (YAMLError, ValueError) as error:
        raise InputError(f"{name}: not valid YAML: {str(error).splitlines()[0]}") from error
    if node is None:
        raise InputError(f"{name}: the file is empty")
    if not isinstance(node, MappingNode):
        raise InputError(f"{at(node.start_mark)}: expected a mapping (key: value) at the top level")
    document = Document({}, {(): Place(name, 1)})
    document.data = _plain(node, (), document, name)
    return document


def _plain(node: Any, key: Key, document: Document, name: str) -> Any:
    """Turn a composed YAML node into plain data, noting the line of every key."""
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    here = Place(name, node.start_mark.line + 1)
    if len(key) > MAXIMUM_DEPTH:
        raise InputError(f"{here}: nested deeper than {MAXIMUM_DEPTH} levels")
    document.places.setdefault(key, here)
    if isinstance(node, MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            place = Place(name, key_node.start_mark.line + 1)
            if isinstance(key_node, MappingNode | SequenceNode):
                raise InputError(f"{place}: a key must be a name or a year")
            entry = _scalar(key_node, place)
            if not isinstance(entry, str | int) or isinstance(entry, bool):
                raise InputError(f"{place}: the key {key_node.value!r} must be a name or a year")
            if entry in result:
                raise InputError(f"{place}: the key {entry!r} is given twice")
            document.places[(*key, entry)] = place
            result[entry] = _plain(value_node, (*key, entry), document, name)
        return result
    if isinstance(node, SequenceNode):
        return [_plain(item, (*key, i), document, name) for i, item in enumerate(node.value)]
    return _scalar(node, here)


def _scalar(node: Any, place: Place) -> Any:
    text = node.value.replace("_", "")
    try:
        match str(node.tag).rsplit(":", 1)[-1]:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text, 0) if text.lstrip("+-")[:2] in {"0x", "0o"} else int(text)
            case "float":
                number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            case _:
                return str(node.value)
    except ValueError as error:
        raise InputError(f"{place}: {node.value!r} is not a number") from error
    if not math.isfinite(number):
        raise InputError(f"{place}: {node.value!r} is not a finite number")
    return number


def merged(base: Document, over: Document) -> Document:
    """``over`` laid on ``base``: mappings merge key by key, everything else is replaced."""
    data = _merge(base.data, over.data)
    replaced = {key for key in over.places if not isinstance(_value_at(over.data, key), dict)}
    places = {
        key: place
        for key, place in base.places.items()
        if key and not any(key[:length] in replaced for length in range(1, len(key)))
    }
    places.update(over.places)
    return Document(data, places)


def _value_at(data: Any, key: Key) -> Any:
    for part in key:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        result = dict(base)
        for key, value in over.items():
            result[key] = _merge(base[key], value) if key in base else value
        return result
    return over


@dataclass(frozen=True)
class Shelf:
    """The folder of documents of one kind that the package ships, each known by its file name."""

    kind: str
    folder: Path

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def path_of(self, name: str, beside: Path | None, place: Place) -> Path:
        """The file of a name: one beside the file that names it comes before a shipped one."""
        if not is_name(name):
            raise InputError(
                f"{place}: the {self.kind} {name!r} must be a name (such as {self.names()[0]!r}), "
                "not a path; put the file beside this one"
            )
        folders = [self.folder] if beside is None else [beside, self.folder]
        for folder in folders:
            path = folder / f"{name}.yaml"
            if path.is_file():
                return path
        raise InputError(
            f"{place}: no {self.kind} is called {name!r}{did_you_mean(name, self.names())}; "
            f"shipped: {', '.join(self.names())}"
        )


def is_name(text: str) -> bool:
    """Whether a text can be a document's name: letters, digits, ``-``, ``_`` and ``.`` inside."""
    return bool(text) and text[0].isalnum() and all(c.isalnum() or c in "-_." for c in text)


def did_you_mean(word: str, known: Iterator[str] | list[str] | set[str]) -> str:
    """A hint for a mistyped name, or nothing."""
    import difflib

    close = difflib.get_close_matches(str(word), [str(name) for name in known], n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def load_with_bases(
    name_or_path: str | Path,
    shelf: Shelf,
    combine: Callable[[Document, Document], Document] = merged,
    default: str | None = None,
) -> tuple[Document, Path]:
    """Read a document by name or path and lay it on the chain of those that it extends.

    One that names no base extends the shipped ``default``, if given. Returns the whole document
    (without ``extends``) and the path of the file that was named.
    """
    path = find_document(name_or_path, shelf)
    chain: list[Document] = []
    seen: list[Path] = []
    here = path
    while True:
        if here.resolve() in seen:
            raise InputError(
                f"{chain[-1].place(('extends',))}: circular: {here.stem!r} ends up extending itself"
            )
        seen.append(here.resolve())
        document = read_document(here, shown_as=_shown(here, shelf))
        base = document.data.pop("extends", None)
        chain.append(document)
        if base is None:
            last = shelf.folder / f"{default}.yaml"
            if default is None or here.resolve() == last.resolve():
                break
            here = last
            continue
        place = document.place(("extends",))
        if not isinstance(base, str):
            raise InputError(f"{place}: extends must be the name of a {shelf.kind}")
        beside = None if here.parent == shelf.folder else here.parent
        here = shelf.path_of(base, beside, place)
    whole = chain[-1]
    for document in reversed(chain[:-1]):
        whole = combine(whole, document)
    return whole, path


def find_document(name_or_path: str | Path, shelf: Shelf) -> Path:
    """A shipped document by its name, or a file of the user's own by its path."""
    text = str(name_or_path)
    if is_name(text) and text in shelf.names():
        return shelf.folder / f"{text}.yaml"
    path = Path(name_or_path)
    if path.exists() or path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        return path
    raise InputError(
        f"no {shelf.kind} is called {text!r}{did_you_mean(text, shelf.names())}; "
        f"give a YAML file, or one of: {', '.join(shelf.names())}"
    )


def _shown(path: Path, shelf: Shelf) -> str:
    return path.name if path.parent == shelf.folder else str(path)
