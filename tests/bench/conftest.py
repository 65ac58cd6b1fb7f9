"""Timings say little on a busy machine: they run only where they are asked for, ``-m bench``."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "bench" in config.option.markexpr:
        return
    timed = [item for item in items if item.get_closest_marker("bench")]
    config.hook.pytest_deselected(items=timed)
    items[:] = [item for item in items if item not in timed]
