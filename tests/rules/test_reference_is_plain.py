"""The reference is an independent oracle: only the standard library and the rule set."""

import ast
from pathlib import Path

import pytest

import asm_sim.reference

FILES = sorted(Path(asm_sim.reference.__file__).parent.glob("*.py"))
ALLOWED = {
    *("__future__", "collections", "dataclasses", "functools", "itertools", "math", "statistics"),
    "typing",
}


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or ".")
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports(path: Path) -> None:
    for name in imported(ast.parse(path.read_text())):
        own = name == "asm_sim.reference" or name.startswith(
            ("asm_sim.reference.", "asm_sim.rules")
        )
        assert own or name.partition(".")[0] in ALLOWED, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_there_is_no_rule_number_in_the_code(path: Path) -> None:
    """Only 0, 1, 2 (a group of two has a spread) and 100 (percent) may stand there."""
    numbers = {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    }
    assert numbers <= {0, 1, 2, 100}
