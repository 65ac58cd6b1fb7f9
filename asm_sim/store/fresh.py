"""A Zarr store that is being written, of which every file is accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable

from asm_sim.results.whole import Files, Held, sealed


class Fresh:
    """Files of a new store, put there by ``write``; its consolidated metadata come last.

    ``take`` puts a file there that the folder has under another name.
    """

    def __init__(
        self, write: Callable[[str, bytes], None], take: Callable[[str, str], None]
    ) -> None:
        self.written: Files = {}
        self._write, self._take = write, take
        self._metadata: dict[str, bytes] = {}

    def put(self, key: str, content: bytes) -> None:
        """Write a file at once."""
        self._write(key, content)
        self.written[key] = Held.of(content)
        if _is_metadata(key):
            self._metadata[key] = content

    def take(self, key: str, name: str, held: Held) -> None:
        """Have the file of this name in the folder, which is no metadata, for one of the store."""
        self._take(key, name)
        self.written[key] = held

    def consolidate(self) -> bytes:
        """The consolidated metadata of what was written, with the list of all its numbers' files.

        They are returned and not written: they come last.
        """
        there = {name: json.loads(content) for name, content in self._metadata.items()}
        document = {"metadata": there, "zarr_consolidated_format": 1}
        numbers = {name: held for name, held in self.written.items() if not _is_metadata(name)}
        return sealed(json.dumps(document).encode(), numbers)


def _is_metadata(key: str) -> bool:
    return key.rpartition("/")[2].startswith(".")
