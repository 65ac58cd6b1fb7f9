"""Strict YAML documents that remember on which line every value stands.

Rule sets, populations and scenarios are YAML. Reading is safe (nothing is constructed but plain
values) and strict: tags, anchors, duplicate keys, several documents, control characters and numbers
that are not finite are refused, and so is what no file of this kind needs: deep nesting, numbers of
forty digits and more, more than 5 MB, what is not an ordinary file. A document may extend another
one by its name.
"""

from __future__ import annotations

import json
import math
import stat
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from asm_sim.errors import InputError, printable, reason_of

Key = tuple[str | int, ...]
MAXIMUM_BYTES = 5_000_000
MAXIMUM_DEPTH = 30
MAXIMUM_NODES = 410_000  # keys and values: four for each of 100,000 scenarios, and some
LARGEST_NUMBER = 10**40  # of a whole number, exclusive
LONGEST_NUMBER = 100  # characters of a whole number
YAML_VERSION = (1, 2)
_DOUBLE = 8  # bytes


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


def quoted(text: str) -> str:
    """A text in quotation marks, cut where it is long."""
    return printable(repr(text))


def plain(value: Any, depth: int = 0) -> Any:
    """What Python code sets, as YAML would have it: a number of numpy's is a number, a path a text.

    A number of less than double precision is the shortest decimal that is that number there.
    Whatever else is no plain data is returned as it is, for the check of its parameter to refuse.
    Nesting and digits have the bounds that they have in a file; :class:`InputError` beyond.
    """
    if depth > MAXIMUM_DEPTH:
        raise InputError(f"nested deeper than {MAXIMUM_DEPTH} levels")
    if isinstance(value, int) and abs(value) >= LARGEST_NUMBER:
        raise InputError("too large a number")
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # numpy's, which is not imported here
        if value.ndim:
            return [plain(item, depth + 1) for item in value]
        is_short = value.dtype.kind == "f" and value.dtype.itemsize < _DOUBLE
        return float(str(value)) if is_short else value.tolist()
    if isinstance(value, Mapping):
        return {plain(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    return str(value) if isinstance(value, PurePath) else value


def whole_number(name: str, given: Any, least: int) -> int | None:
    """A number that Python code gives, or None; :class:`InputError` for anything else."""
    number = plain(given)
    if number is None or (type(number) is int and number >= least):
        return number
    raise InputError(f"{name} is {given!r}; give a whole number, {least} or more")


def plain_at(place: Place, value: Any) -> Any:
    """A value set at ``place`` as plain data (:func:`plain`); messages name the place."""
    try:
        return plain(value)
    except InputError as error:
        raise InputError(f"{place}: {error.title}") from error


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
    data = _bytes_of(path, name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{Place(name, line)}: not a text file in UTF-8") from error
    return parse_document(text, name)


def _bytes_of(path: Path, name: str) -> bytes:
    """What an ordinary file holds; no other is opened, since reading it might never end."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{name}: this is a folder, not a YAML file")
        if not stat.S_ISREG(mode):
            raise InputError(f"{name}: not an ordinary file; give a YAML file")
        with path.open("rb") as file:
            data = file.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{name}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({reason_of(error)})") from error
    if len(data) > MAXIMUM_BYTES:
        raise InputError(f"{name}: larger than {MAXIMUM_BYTES:,} bytes; not a file of this kind")
    return data


def is_ordinary_file(path: Path) -> bool:
    """Whether there is a file to read, also for a name that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False


def parse_document(text: str, name: str) -> Document:
    """A YAML text as a document, as strictly read as a file; messages call it ``name``."""
    return _parsed(text, name).copy()


@lru_cache(maxsize=64)
def _parsed(text: str, name: str) -> Document:
    """Parsing is most of the time that reading a scenario takes, and bases come again and again."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        return _Reader(text, name).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1) if mark else Place(name)
        raise InputError(f"{place}: not valid YAML: {error.problem or error.context}") from error
    except ReaderError as error:
        place = Place(name, text.count("\n", 0, error.position) + 1)
        raise InputError(f"{place}: not valid YAML: {str(error).splitlines()[0]}") from error
    except (YAMLError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{name}: not valid YAML: {(str(error).splitlines() or ['?'])[0]}"
        ) from error


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
        self._document = Document({}, {(): Place(name, 1)})

    def document(self) -> Document:
        from ruamel.yaml.events import DocumentStartEvent, MappingStartEvent, StreamEndEvent

        next(self._events)  # the stream's beginning
        start = next(self._events)
        if not isinstance(start, DocumentStartEvent):
            raise InputError(f"{self._name}: the file is empty")
        if start.version is not None and tuple(start.version) != YAML_VERSION:
            stated = ".".join(map(str, start.version))
            line = self._text[: self._text.index("%YAML")].count("\n") + 1
            raise InputError(
                f"{Place(self._name, line)}: this file says that it is YAML {stated}, in which "
                "yes, no and 010 mean something else; write YAML 1.2 (true, false) and no such line"
            )
        root = next(self._events)
        if not isinstance(root, MappingStartEvent):
            raise InputError(f"{self._at(root)}: expected a mapping (key: value) at the top level")
        self._document.data = self._value(root, ())
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, StreamEndEvent):
            raise InputError(f"{self._at(after)}: not valid YAML: more than one document in a file")
        return self._document

    def _at(self, event: Any) -> Place:
        return Place(self._name, event.start_mark.line + 1)

    def _value(self, event: Any, key: Key) -> Any:
        """What begins with ``event``, which stands at ``key``."""
        from ruamel.yaml.events import MappingStartEvent, ScalarEvent, SequenceEndEvent

        here = self._at(event)
        self._refuse_more_than_data(event, here)
        if len(key) > MAXIMUM_DEPTH:
            raise InputError(f"{here}: nested deeper than {MAXIMUM_DEPTH} levels")
        self._document.places.setdefault(key, here)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, here)
        if isinstance(event, MappingStartEvent):
            return self._mapping(key)
        items: list[Any] = []
        for item in self._events:
            if isinstance(item, SequenceEndEvent):
                break
            items.append(self._value(item, (*key, len(items))))
        return items

    def _mapping(self, key: Key) -> dict[Any, Any]:
        from ruamel.yaml.events import MappingEndEvent, ScalarEvent

        result: dict[Any, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            place = self._at(event)
            self._refuse_more_than_data(event, place)
            if not isinstance(event, ScalarEvent):
                raise InputError(f"{place}: a key must be a name or a year")
            entry = self._scalar(event, place)
            if isinstance(entry, bool):  # an alternative of a switch
                entry = event.value.lower()
            if not isinstance(entry, str | int):
                raise InputError(f"{place}: the key {event.value!r} must be a name or a year")
            if entry in result:
                raise InputError(f"{place}: the key {entry!r} is given twice")
            self._document.places[(*key, entry)] = place
            result[entry] = self._value(next(self._events), (*key, entry))
        return result

    def _refuse_more_than_data(self, event: Any, place: Place) -> None:
        from ruamel.yaml.events import AliasEvent

        if isinstance(event, AliasEvent) or event.anchor is not None:
            raise InputError(f"{place}: YAML anchors and aliases are not allowed")
        if event.tag is not None:
            raise InputError(f"{place}: YAML tags (!...) are not allowed")
        self._nodes += 1
        if self._nodes > MAXIMUM_NODES:
            raise InputError(f"{place}: more than {MAXIMUM_NODES:,} keys and values in one file")

    def _scalar(self, event: Any, place: Place) -> Any:
        from ruamel.yaml.nodes import ScalarNode

        tag = self._resolve(ScalarNode, event.value, event.implicit)
        return _scalar(event.value, str(tag).rsplit(":", 1)[-1], place)


def _scalar(written: str, kind: str, place: Place) -> Any:
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
        raise InputError(f"{place}: {quoted(written)} is not a number") from error
    except OverflowError as error:
        raise InputError(f"{place}: {quoted(written)} is too large a number") from error
    if not math.isfinite(number):
        raise InputError(f"{place}: {quoted(written)} is not a finite number")
    return number


def _whole(text: str) -> int:
    """Python writes no number of thousands of digits, and nothing here has forty digits."""
    base = 0 if text.lstrip("+-")[:2] in {"0x", "0o"} else 10
    number = int(text, base) if len(text) <= LONGEST_NUMBER else LARGEST_NUMBER
    if abs(number) >= LARGEST_NUMBER:
        raise OverflowError
    return number


def _without_controls(text: str, place: Place) -> str:
    """Titles, names and sources end up on terminals and in pictures."""
    if not text.isprintable():
        for character in text:
            if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t":
                raise InputError(
                    f"{place}: a control character ({character!r}) in {quoted(text)}; take it out"
                )
    return text


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

    def shown(self, path: Path) -> str:
        """What messages call a file; of a shipped one the folder says nothing."""
        return path.name if path.parent == self.folder else str(path)

    def path_of(self, name: str, beside: Path | None, place: Place) -> Path:
        """The file of a name: one beside the file that names it comes before a shipped one."""
        if not is_name(name):
            raise InputError(
                f"{place}: the {self.kind} {quoted(name)} must be a name (such as "
                f"{self.names()[0]!r}), not a path; put the file beside this one"
            )
        folders = [self.folder] if beside is None else [beside, self.folder]
        for folder in folders:
            path = folder / f"{name}.yaml"
            if is_ordinary_file(path):
                return path
        raise InputError(
            f"{place}: no {self.kind} is called {quoted(name)}{did_you_mean(name, self.names())}; "
            f"shipped: {', '.join(self.names())}"
        )


def is_name(text: str) -> bool:
    """Whether a text can be a document's name: letters, digits, ``-``, ``_`` and ``.`` inside."""
    return bool(text) and text[0].isalnum() and all(c.isalnum() or c in "-_." for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
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
        document = read_document(here, shown_as=shelf.shown(here))
        if here.resolve() in seen:
            raise InputError(
                f"{chain[-1].place(('extends',))}: circular: {here.stem!r} ends up extending itself"
            )
        seen.append(here.resolve())
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
    if printable(path.stem, len(path.stem)) != path.stem:
        raise InputError(
            f"{text}: a name with characters that cannot be shown; give the file another name"
        )
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1 or _is_there(path):
        return path
    raise InputError(
        f"no {shelf.kind} is called {quoted(text)}{did_you_mean(text, shelf.names())}; "
        f"give a YAML file, or one of: {', '.join(shelf.names())}"
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # no file can have such a name
        return False
