"""Documents that remember on which line every value stands.

Rule sets, populations and scenarios are YAML, strictly read (:mod:`asm_sim.yaml_reader`). What is
more than 5 MB, or not an ordinary file, is refused. A document may extend another one by its name.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from asm_sim.errors import InputError, printable, reason_of
from asm_sim.kept_yaml import WORTH_KEEPING, kept_yaml
from asm_sim.yaml_reader import LARGEST_NUMBER, MAXIMUM_DEPTH, read_yaml

Key = tuple[str | int, ...]
MAXIMUM_BYTES = 5_000_000
NEAREST = 3  # names that a message offers in place of one on a shelf
FEW = 12  # names that a message lists
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
    data, lines = read_yaml(text, name) if len(text) < WORTH_KEEPING else kept_yaml(text, name)
    places = {line: Place(name, line) for line in set(lines)}
    keys = keys_of(data, ())
    return Document(data, {key: places[line] for key, line in zip(keys, lines, strict=True)})


def keys_of(value: Any, key: Key) -> Iterator[Key]:
    """The key of a value and of everything in it, as it is written from top to bottom."""
    yield key
    if isinstance(value, dict | list):
        for part, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from keys_of(item, (*key, part))


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
        raise InputError(f"{place}: {self.unknown(name)}; shipped: {self.listed}")

    def unknown(self, name: str) -> str:
        """That nothing on the shelf is called so, with what is nearest."""
        hint = did_you_mean(name, self.names(), NEAREST)
        return f"no {self.kind} is called {quoted(name)}{hint}"

    @property
    def listed(self) -> str:
        """What there is, by name; of many, who lists them."""
        names = self.names()
        return ", ".join(names) if len(names) <= FEW else f"see `asm-sim {self.kind}s`"


def is_name(text: str) -> bool:
    """Whether a text can be a document's name: letters, digits, ``-``, ``_`` and ``.`` inside."""
    return bool(text) and text[0].isalnum() and all(c.isalnum() or c in "-_." for c in text)


def did_you_mean(word: str, known: Iterable[str], most: int = 1) -> str:
    """A hint for a mistyped name with at most so many that are near, or nothing."""
    import difflib

    close = difflib.get_close_matches(str(word), [str(name) for name in known], n=most, cutoff=0.6)
    first, last = ", ".join(map(repr, close[:-1])), repr(close[-1]) if close else ""
    return f" (did you mean {first}{' or ' if first else ''}{last}?)" if close else ""


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
        f"{shelf.unknown(text)}; give a YAML file, or one that is shipped: {shelf.listed}"
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # no file can have such a name
        return False
