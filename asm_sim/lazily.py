"""Packages whose modules are there by name and are imported when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any


def modules_of(package: str, names: Iterable[str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package that imports these of its modules."""
    known = frozenset(names)

    def of_package(name: str) -> Any:
        if name not in known:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(f"{package}.{name}")

    return of_package
