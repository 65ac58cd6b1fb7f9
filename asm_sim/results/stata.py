"""A table as Stata reads it: names of 32 characters without dots, labels, texts as labels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

LONGEST_NAME, LONGEST_LABEL = 32, 80
MOST_LABELS = 1000  # a text with more values stays a text
RESERVED = {
    "byte", "double", "float", "if", "in", "int", "long", "str", "strl", "using", "with",
}  # fmt: skip


def stata_names(columns: Iterable[str]) -> list[str]:
    """The name of each column in Stata, each once: a long path keeps its end, a long name its
    beginning."""
    names: list[str] = []
    for column in columns:
        parts = column.split(".")
        while len("_".join(parts)) > LONGEST_NAME and len(parts) > 1:
            del parts[0]
        name = re.sub(r"\W", "_", "_".join(parts), flags=re.ASCII)
        name = f"_{name}" if name[:1].isdigit() or name.lower() in RESERVED else name
        name, number = name[:LONGEST_NAME], 1
        while name in names:
            number += 1
            end = f"_{number}"
            name = name[: LONGEST_NAME - len(end)] + end
        names.append(name)
    return names


def write_stata(table: Any, path: Path, ds: xr.Dataset) -> None:
    """Write an Arrow table, whose fields say what they are, as a Stata file at ``path``.

    Texts with few values become numbers with value labels, but for ids; infinities are missing.
    """
    columns = table.column_names
    names = stata_names(columns)
    frame = pd.DataFrame({name: _column(name, table[k]) for k, name in enumerate(names)})
    labels = {
        name: _label(column, table.schema.field(k).metadata or {}, name)
        for k, (name, column) in enumerate(zip(names, columns, strict=True))
    }
    about = (str(ds.attrs.get(name, "")) for name in ("created_by", "title"))
    frame.to_stata(
        path,
        write_index=False,
        version=118,  # Stata 14 and later, UTF-8
        data_label=": ".join(filter(None, about))[:LONGEST_LABEL],
        variable_labels=labels,
    )


def _column(name: str, values: Any) -> Any:
    column = values.to_pandas()
    if column.dtype == bool:
        return column.astype(np.int8)
    if column.dtype.kind == "f":
        return column.where(np.isfinite(column))
    if column.dtype.kind == "u":
        small = column.max() <= np.iinfo(np.int32).max
        return column.astype(np.int32 if small else str)
    if column.dtype.kind in "OTU":
        text = column.fillna("").astype(str)
        few = not name.endswith("_id") and text.nunique() <= MOST_LABELS
        return pd.Categorical(text, list(dict.fromkeys(text))) if few else text
    return column


def _label(column: str, words: dict[bytes, bytes], name: str) -> str:
    """What a column is, with its unit, and its whole name where that was cut."""
    known = {key.decode(): value.decode() for key, value in words.items()}
    title = known.get("long_name") or column.replace("_", " ")
    unit = known.get("units", "")
    label = f"{title} ({unit})" if unit not in {"", "1"} else title
    return (label if name == column else f"{column}: {label}")[:LONGEST_LABEL]
