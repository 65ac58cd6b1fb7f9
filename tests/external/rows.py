"""The numbers of published results, computed once, small for every day or whole."""

from __future__ import annotations

from functools import cache

import pytest

from asm_sim.reproductions.bench import FULL, SMALL
from asm_sim.reproductions.published import published
from asm_sim.reproductions.table import Row, rows

Key = tuple[str, str]  # the id of a result and which of its numbers


def numbers_of(*results: str) -> list[Key]:
    """Every number of these results, for tests to be made of."""
    wanted = [result for result in published() if result.id in results]
    assert len(wanted) == len(results)
    return [(result.id, value.of) for result in wanted for value in result.values]


@cache
def _computed(full: bool, results: frozenset[str]) -> dict[Key, Row]:
    return {(row.result.id, row.value.of): row for row in rows(FULL if full else SMALL, results)}


def every_number(*results: str) -> pytest.MarkDecorator:
    """A test of every number of these results: small in ``make test``, whole in ``make stress``."""
    wanted = frozenset(results)
    cases = [
        pytest.param(
            lambda key=key, full=full: _computed(full, wanted)[key],
            id=f"{key[0]}: {key[1]}{', whole' if full else ''}",
            marks=[pytest.mark.stress] if full else [],
        )
        for full in (False, True)
        for key in numbers_of(*results)
    ]
    return pytest.mark.parametrize("compute", cases)


def check(row: Row) -> None:
    """It agrees with what was published as well as it should, or is known not to and does not."""
    assert row.as_it_should, (
        f"{row.result.row} {row.value.of}: published {row.value.published}, closed form "
        f"{row.closed_form:.6g}, simulated {row.simulated:.6g} ± {row.error:.2g}, tolerance "
        f"{row.tolerance:.2g}"
    )
    if row.error > 0 and not row.result.note:  # a note says why the two must differ
        assert abs(row.simulated - row.closed_form) < max(5 * row.error, row.tolerance / 2)
