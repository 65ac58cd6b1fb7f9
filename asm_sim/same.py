"""What is made of objects that come again as they are, as the key of a cache."""

from __future__ import annotations

from typing import Any


class Same:
    """Objects that equal nothing but the very same objects; they are kept as long as this is."""

    def __init__(self, *objects: Any) -> None:
        self.objects = objects
        self._ids = tuple(map(id, objects))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._ids == other._ids

    def __hash__(self) -> int:
        return hash(self._ids)
