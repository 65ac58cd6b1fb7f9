"""The lowest versions that are promised are the ones that ``make test-lowest`` installs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = DECLARED["project"]["optional-dependencies"]
NO_PART = {"asm_sim", "import-linter", "mypy", "nbconvert", "pandas-stubs", "ruff", "scipy-stubs"}
PROMISED = [
    *DECLARED["build-system"]["requires"],
    *DECLARED["project"]["dependencies"],
    *EXTRAS["cluster"],
    *EXTRAS["lab"],
    *(text for text in EXTRAS["dev"] if Requirement(text).name not in NO_PART),
]


def installed() -> dict[str, Version]:
    lines = (ROOT / "requirements-lowest.lock").read_text(encoding="utf-8").split()
    pairs = [line.split("==") for line in lines]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


@pytest.mark.parametrize("promised", PROMISED)
def test_a_promise_is_exactly_what_is_tested(promised: str) -> None:
    requirement = Requirement(promised)
    (bound,) = requirement.specifier
    assert bound.operator == ">="
    assert installed()[canonicalize_name(requirement.name)] == Version(bound.version)
