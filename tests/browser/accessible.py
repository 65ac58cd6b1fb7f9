"""What axe finds on a page."""

from __future__ import annotations

from typing import Any


def serious_faults(tab: Any) -> list[str]:
    """What keeps some people from reading a page, each with the place where it is."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab).response
    assert len(found["passes"]) > 10  # it has looked
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
