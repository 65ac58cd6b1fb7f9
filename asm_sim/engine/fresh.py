"""Writing a Zarr store of which every file is accounted for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from zarr.abc.store import Store
from zarr.storage import WrapperStore

from asm_sim.results.open import CONSOLIDATED
from asm_sim.results.whole import Files, Held, sealed


class Fresh(WrapperStore[Store]):
    """A store as if nothing were in it, and an account of what is written to it.

    What is there already is neither read nor removed. Consolidated metadata are held back.
    ``write`` puts a file where the store has it, which a store of Zarr does in its own time.
    """

    def __init__(self, store: Store, write: Callable[[str, bytes], None]) -> None:
        super().__init__(store)
        self.written: Files = {}
        self._write = write
        self._metadata: dict[str, bytes] = {}

    def with_read_only(self, read_only: bool = False) -> Fresh:
        if read_only:
            raise ValueError("this store is to be written")
        return self

    def put(self, key: str, content: bytes) -> None:
        """Write a file at once."""
        self._write(key, content)
        self._note(key, content)

    def _note(self, key: str, content: bytes) -> None:
        self.written[key] = Held.of(content)
        if _is_metadata(key):
            self._metadata[key] = content

    def consolidate(self) -> bytes:
        """The consolidated metadata of what was written, with the list of all its numbers' files.

        They are returned and not written: they come last.
        """
        there = {name: json.loads(content) for name, content in self._metadata.items()}
        document = {"metadata": there, "zarr_consolidated_format": 1}
        numbers = {name: held for name, held in self.written.items() if not _is_metadata(name)}
        return sealed(json.dumps(document).encode(), numbers)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        return await self._store.get(key, prototype, byte_range) if key in self.written else None

    async def exists(self, key: str) -> bool:
        return key in self.written

    async def is_empty(self, prefix: str) -> bool:
        return not self._below(prefix)

    async def set(self, key: str, value: Any) -> None:
        if key != CONSOLIDATED:
            await self._store.set(key, value)
            self._note(key, value.to_bytes())

    async def set_if_not_exists(self, key: str, value: Any) -> None:
        if key not in self.written:
            await self.set(key, value)

    async def _set_many(self, values: Iterable[tuple[str, Any]]) -> None:
        for key, value in values:
            await self.set(key, value)

    async def delete(self, key: str) -> None:
        self._metadata.pop(key, None)
        if self.written.pop(key, None) is not None:
            await self._store.delete(key)

    async def delete_dir(self, prefix: str) -> None:
        for key in self._below(prefix):
            await self.delete(key)

    async def clear(self) -> None:
        await self.delete_dir("")

    def _below(self, prefix: str) -> Sequence[str]:
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        return [key for key in self.written if key.startswith(start)]

    async def list(self) -> AsyncIterator[str]:
        for key in list(self.written):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in [key for key in self.written if key.startswith(prefix)]:
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        start = len(prefix.rstrip("/")) + 1 if prefix else 0
        for name in {key[start:].partition("/")[0] for key in self._below(prefix)}:
            yield name


def _is_metadata(key: str) -> bool:
    return key.rpartition("/")[2].startswith(".")
