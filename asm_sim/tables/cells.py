"""What the cells of one column mean, whatever the column's type: blank, number, flag, name, or odd.

A cell is **blank** when it is missing or holds nothing but blanks of any kind, ``NA``, ``NaN`` or
``Null`` (any case). Every other spelling of "no value" (``N/A``, ``.``) is text where a number
belongs, so that it is reported and not guessed. Numbers in text are plain decimal, with or without
exponent; thousands separators, percent signs and currency signs are text. A **flag** is 1 or 0, or
a word for it. **Names** and identifiers are taken without the blanks around them and compared
without regard to capitals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

BLANK_WORDS = frozenset({"", "na", "nan", "null"})
FLAGS = dict.fromkeys(("1", "y", "yes", "t", "true"), 1.0) | dict.fromkeys(
    ("0", "n", "no", "f", "false"), 0.0
)
INFINITE_WORDS = frozenset({"inf", "infinity"})
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
SHOWN_CHARACTERS = 40
LONGEST_IDENTIFIER = 200

SHORTENED = (
    "is a long number in scientific notation, as Excel shows it: its last digits are lost, and "
    "different identifiers become one; format the column as text and save it anew"
)
# All that str.strip() takes, and the blanks without a width that web pages leave behind.
_BLANKS = "".join(chr(i) for i in range(0x3001) if chr(i).isspace()) + "\u200b\u2060\ufeff"
_JOINS = re.compile(r"[\W_]+")
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+")
# With blanks and signs alone, what programs write that know no blank cell.
_NO_VALUE = frozenset({"n/a", "#n/a", "n.a.", "none", "<na>", "#ref!", "#name?", "#value!", "\\n"})
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # categories of Unicode

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
ObjectArray = npt.NDArray[np.object_]

# Floats that hold fewer digits than a number of the rule: 0.9 in float32 is 0.89999998 in float64.
NARROW: tuple[type[Any], ...] = (np.float16, np.float32)


def numbers_of(series: pd.Series[Any]) -> tuple[FloatArray, BoolArray, BoolArray]:
    """The numbers of a column, where it is blank, and where it holds something else.

    Values are float64[n], NaN where blank or not a number; a number too large to hold is infinite.
    A number in a narrower type is the one that it was written as: the shortest decimal that it
    stands for, so that 0.9 meets a minimum of 0.9.
    """
    import pandas as pd

    series = _widened(series)
    dtype = series.dtype
    if pd.api.types.is_numeric_dtype(dtype) and not (
        pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype)
    ):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return values, np.isnan(values), np.zeros(len(values), dtype=np.bool_)
    return _each(series, number_of)


def flags_of(series: pd.Series[Any]) -> tuple[FloatArray, BoolArray, BoolArray]:
    """The flags of a column of yes and no, where it is blank, and where it holds something else.

    Flags are float64[n]: 1.0 and 0.0, also for words such as yes and no; NaN where there is none.
    A number is given as it is, whatever it is.
    """
    return _each(series, flag_of)


def _each(
    series: pd.Series[Any], read: Callable[[Any], tuple[float, bool]]
) -> tuple[FloatArray, BoolArray, BoolArray]:
    known: dict[str, tuple[float, bool]] = {}  # most columns say few things many times

    def again(cell: Any) -> tuple[float, bool]:
        if not isinstance(cell, str):
            return read(cell)
        found = known.get(cell)
        return known.setdefault(cell, read(cell)) if found is None else found

    pairs = [again(cell) for cell in objects_of(series)]
    values = np.array([number for number, _ in pairs], dtype=np.float64)
    odd = np.array([is_odd for _, is_odd in pairs], dtype=np.bool_)
    return values, np.isnan(values) & ~odd, odd


def names_of(series: pd.Series[Any]) -> ObjectArray:
    """The words of a column without surrounding blanks (object[n] of str), None where blank."""
    return _object_array([text_of(cell) or None for cell in objects_of(series)])


def objects_of(series: pd.Series[Any]) -> ObjectArray:
    """The cells of a column as Python objects, numbers as they were written."""
    return _widened(series).to_numpy(dtype=object)


def _widened(series: pd.Series[Any]) -> pd.Series[Any]:
    """The column itself, or one of float64 where its floats are narrower."""
    dtype = getattr(series.dtype, "numpy_dtype", series.dtype)
    narrow = next((kind for kind in NARROW if dtype == kind), None)
    if narrow is None:
        return series
    import pandas as pd

    values = series.to_numpy(dtype=narrow, na_value=np.nan)
    return pd.Series(values.astype(str).astype(np.float64), index=series.index)


def stripped(text: str) -> str:
    """A text without the blanks around it, ordinary, non-breaking and without width."""
    return text.strip(_BLANKS)


def column_of(header: str) -> str:
    """The name of a column as the package writes it: ``Part B Payments`` is ``part_b_payments``.

    Whatever joins words is an underscore, and ``%`` is ``percent``.
    """
    words = stripped(header).lower()
    return _JOINS.sub("_", words.replace("%", " percent ")).strip("_") or words


def text_of(cell: Any) -> str:
    """A cell as text without surrounding blanks, "" where it is blank."""
    return "" if is_blank(cell) else stripped(str(cell))


def same(text: str) -> str:
    """What two texts have in common that differ by capitals alone."""
    return text.casefold()


def is_shortened(text: str) -> bool:
    """Whether a text is a long number in scientific notation, as Excel shows it."""
    return _SCIENTIFIC.fullmatch(text) is not None


def identifier_fault(text: str) -> str | None:
    """Why a text can be no identifier, as the end of a sentence that begins with it."""
    if is_shortened(text):
        return SHORTENED
    if len(text) > LONGEST_IDENTIFIER:
        return f"is longer than {LONGEST_IDENTIFIER} characters"
    if text.lower() in _NO_VALUE or not any(map(str.isalnum, text)):
        return "stands for no value"
    if not text.isprintable() and _UNSHOWABLE & set(map(unicodedata.category, text)):
        return "has characters in it that cannot be shown"
    return None


def is_blank(cell: Any) -> bool:
    if isinstance(cell, str):
        return stripped(cell).lower() in BLANK_WORDS
    if isinstance(cell, Decimal):
        return cell.is_qnan()
    if isinstance(cell, float | np.floating):
        return bool(cell != cell)
    if cell is None:
        return True
    import pandas as pd

    return cell is pd.NA or cell is pd.NaT


def is_none(cells: ObjectArray) -> BoolArray:
    """Where an array of objects holds None (bool[n])."""
    return np.array([cell is None for cell in cells], dtype=np.bool_)


def flag_of(cell: Any) -> tuple[float, bool]:
    """A cell's 1.0 or 0.0 (NaN where it has none) and whether it holds something else instead.

    A number is given as it is, whatever it is.
    """
    if isinstance(cell, bool | np.bool_):
        return float(cell), False
    if isinstance(cell, str) and stripped(cell).lower() in FLAGS:
        return FLAGS[stripped(cell).lower()], False
    return number_of(cell)


def number_of(cell: Any) -> tuple[float, bool]:
    """A cell's number (NaN where it has none) and whether it holds something else instead."""
    if isinstance(cell, str):
        text = stripped(cell)
        if NUMBER.fullmatch(text):
            return float(text), False
        if text.lower().lstrip("+-") in INFINITE_WORDS:
            return np.inf, False
        return np.nan, text.lower() not in BLANK_WORDS
    if is_blank(cell):
        return np.nan, False
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, Real | Decimal):
        return np.nan, True
    if isinstance(cell, NARROW):
        return float(str(cell)), False
    try:
        return float(cell), False
    except OverflowError:
        return np.inf, False
    except ValueError:
        return np.nan, True


def shown(cell: Any) -> str:
    """A cell for a message: quoted if text, never with control characters, never long."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    try:
        text = repr(cell[: SHOWN_CHARACTERS + 1] if isinstance(cell, str | bytes) else cell)
    except ValueError:  # an integer of more digits than Python is willing to write
        text = f"a very large {type(cell).__name__}"
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def _object_array(items: list[Any]) -> ObjectArray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array
