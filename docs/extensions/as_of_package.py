"""Pages are made again where the package changed: what notebooks and docstrings say is of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).parents[2]


def outdated(
    _app: Sphinx, env: BuildEnvironment, _added: set[str], _changed: set[str], _removed: set[str]
) -> list[str]:
    """All pages where the package is not the one that they were made with, else none."""
    now, before = digest(), getattr(env, "made_with", None)
    env.made_with = now  # type: ignore[attr-defined]
    return [] if before in {None, now} else sorted(env.found_docs)


def digest() -> str:
    """SHA-256 of the files of the package and of the scenarios."""
    files = sorted(
        path
        for folder in ("asm_sim", "scenarios")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    found = hashlib.sha256()
    for path in files:
        found.update(str(path.relative_to(ROOT)).encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("env-get-outdated", outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
