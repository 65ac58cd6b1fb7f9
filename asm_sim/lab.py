"""JupyterLab as ``make lab`` starts it: notebooks are saved as they are kept, without outputs."""

from __future__ import annotations

from typing import Any


def without_outputs(model: dict[str, Any], **_given: Any) -> None:
    """Take the outputs out of a notebook that is about to be saved; the page keeps them."""
    if model["type"] != "notebook":
        return
    for cell in model["content"]["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
