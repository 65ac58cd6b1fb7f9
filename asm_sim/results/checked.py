"""Zarr stores to be read, of which no file is given out but what was written (see whole.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zarr.abc.store import Store
from zarr.storage import FsspecStore, LocalStore, WrapperStore

from asm_sim.results.open import CONSOLIDATED
from asm_sim.results.whole import Files, Held, damaged, what_is_wrong


def store_at(place: Path | str) -> Store:
    """The Zarr store at a path or a URL, to be read."""
    if isinstance(place, Path):
        return LocalStore(place, read_only=True)
    return FsspecStore.from_url(place, read_only=True)


class Checked(WrapperStore[Store]):
    """A store that gives out no file but what was written; :class:`InputError` for another.

    ``consolidated`` are its metadata, which are not read again.
    """

    def __init__(self, store: Store, consolidated: bytes, files: Files, shown: str) -> None:
        super().__init__(store)
        self._consolidated, self._files, self._shown = consolidated, files, shown

    def _with_store(self, store: Store) -> Checked:
        return Checked(store, self._consolidated, self._files, self._shown)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        if key == CONSOLIDATED:
            return prototype.buffer.from_bytes(self._consolidated)
        value = await self._store.get(key, prototype, byte_range)
        held = self._files.get(key)
        if held is not None and byte_range is None:
            found = None if value is None else Held.of(value.to_bytes())
            if found != held:
                raise damaged(self._shown, [f"{key}: {what_is_wrong(held, found)}"])
        return value
