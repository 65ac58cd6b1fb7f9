"""Whatever comes in is used or refused by an :class:`InputError`, and nothing else happens.

Scenarios, settings, tables, rosters and marks that hypothesis makes: of texts, of data that YAML
and JSON can write, and of whole ones with something changed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asm_sim.documents import parse_document
from asm_sim.errors import InputError, escaped
from asm_sim.population.load import load_population
from asm_sim.population.roster import read_roster
from asm_sim.population.schema import Population
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.schema import Scenario
from asm_sim.scenario.sweep import load_sweep
from asm_sim.score.check import check_table
from asm_sim.store.blocks import differing, read_mark
from asm_sim.store.files import open_folder
from asm_sim.store.work import work_of
from asm_sim.tables.read import read_table
from tests.hostile.tables import EXAMPLE, ROSTER, text_of

MOST_LINES = 60
MOST_CHARACTERS = 70_000


def few(examples: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def used_or_refused() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        message = str(error)
        assert escaped(message, keep="\n") == message
        assert len(message.splitlines()) <= MOST_LINES
        assert len(message) <= MOST_CHARACTERS


ODD = ["", " ", "\0", "\x1b[31m", "\u202e", "²", "٣", "[", "[key]", "int", "a" * 300, "9" * 5_000]
ODD += ["..", "../x", "~", "/", "-1", "nan", "1e999", "0x1F", "yes", "null", "2027", "HF", "\ufeff"]
ODD_TEXTS = st.sampled_from(ODD)
SHOWN = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
TEXTS = st.one_of(SHOWN, ODD_TEXTS, st.sampled_from(["HF", "LBP", "cardiology", "Q492", "solo"]))
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([0, 1, -1, 2027, 2**31, 2**63, 10**39, 10**4_000]),
    st.floats(allow_nan=False, allow_infinity=False),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
TOP_KEYS = ["extends", "set", "sweep", "compare_to", "rules", "population", "mips", "draws", "seed"]
TOP_KEYS += ["layers", "panel_draws", "lens_draws", "description", "[key]", "²"]
KNOWN_KEYS = ["title", "extends", "set", "sweep", "grid", "list", "design", "scenarios", "method"]
KNOWN_KEYS += ["n", "over", "low", "high", "compare_to", "rules", "population", "draws", "seed"]
KNOWN_KEYS += ["layers", "value", "status", "unit", "performance_years", "payment", "exchange"]


def written(value: Any) -> str:
    """Plain data as YAML, in which whole numbers have as many digits as they like."""
    match value:
        case dict():
            return "{" + ", ".join(f"? {written(k)} : {written(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case int() if not isinstance(value, bool) and abs(value) > 10**100:
            return hex(value)
    return json.dumps(value, ensure_ascii=False)


def data(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)
        ),
        max_leaves=12,
    )


ANY_DATA = data(st.one_of(st.sampled_from(KNOWN_KEYS), TEXTS, st.integers(2026, 2032)))

BY_YEAR = st.dictionaries(st.integers(2026, 2032), SCALARS, max_size=3)


@pytest.fixture(scope="module")
def paths() -> list[str]:
    """Every parameter of the baseline, and the groups that they are in."""
    leaves = list(load_scenario().leaves())
    return leaves + sorted({leaf.rpartition(".")[0] for leaf in leaves})


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_rules()


@pytest.fixture(scope="module")
def population() -> Population:
    return load_population()[0]


@pytest.fixture(scope="module")
def mark(small_scenario: Scenario) -> dict[str, Any]:
    """Of a run of the small roster."""
    return work_of(small_scenario).mark()


@few(300)
@given(st.text(alphabet=st.sampled_from(list("ab01 \n\t:-?,[]{}#&*!|>'\"%@`.~_\\\x07\x85é²"))))
@example("? ? ? ?")
@example("- - - -\n- - ")
def test_any_text_is_a_document_or_refused(text: str) -> None:
    with used_or_refused():
        parse_document(text, "mine.yaml")


@few(80)
@given(st.dictionaries(st.sampled_from(TOP_KEYS), ANY_DATA, max_size=4))
def test_any_data_are_a_scenario_or_refused(content: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.yaml")
        path.write_text(f"title: x\n{mapping(content)}")
        for load in (load_scenario, load_sweep):
            with used_or_refused():
                load(path)


def mapping(content: dict[Any, Any]) -> str:
    return "".join(f"? {written(key)}\n: {written(value)}\n" for key, value in content.items())


@few(120)
@given(st.data())
def test_any_value_of_a_parameter_is_used_or_refused(paths: list[str], draw: st.DataObject) -> None:
    path = draw.draw(st.sampled_from(paths))
    value = draw.draw(st.one_of(SCALARS, BY_YEAR, st.lists(NUMBERS, max_size=6), ANY_DATA))
    with used_or_refused():
        load_scenario("baseline", [f"{path}={written(value)}"])


@few(80)
@given(st.data())
def test_any_axis_of_a_grid_is_used_or_refused(paths: list[str], draw: st.DataObject) -> None:
    axes = st.one_of(st.sampled_from(paths), TEXTS)
    grid = draw.draw(st.dictionaries(axes, st.lists(ANY_DATA, max_size=3), max_size=2))
    kind = draw.draw(st.sampled_from(["grid", "list"]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.yaml")
        path.write_text(f"title: x\nsweep:\n  {kind}: {written(grid)}\n")
        with used_or_refused():
            load_sweep(path)


CELLS = st.one_of(TEXTS, NUMBERS.map(lambda n: f"{n:x}" if isinstance(n, int) else repr(n)))


def changed(rows: list[dict[str, str]], draw: st.DataObject) -> bytes:
    """A table with other cells, or with something put in or taken out."""
    rows = [dict(row) for row in rows]
    for _ in range(draw.draw(st.integers(1, 3))):
        row = draw.draw(st.sampled_from(rows))
        row[draw.draw(st.sampled_from(list(row)))] = draw.draw(CELLS)
    content = text_of(rows).encode("utf-8", "surrogatepass")
    if draw.draw(st.booleans()):
        at = draw.draw(st.integers(0, len(content)))
        content = content[:at] + draw.draw(st.binary(max_size=6)) + content[at + 2 :]
    return content


@few(100)
@given(st.data())
def test_any_table_can_be_scored_or_is_refused(rules: RuleSet, draw: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(changed(EXAMPLE, draw))
        with used_or_refused():
            check_table(read_table(path), rules)


@few(150)
@given(st.data())
def test_any_roster_is_read_or_refused(
    rules: RuleSet, population: Population, draw: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.csv")
        path.write_bytes(changed(ROSTER, draw))
        with used_or_refused():
            read_roster(path, rules, population)


MARKED = ["format", "draws", "parameters", "scenarios", "version", "layers", "seed", "asm_sim run"]


@few(150)
@given(st.dictionaries(st.sampled_from(MARKED), data(TEXTS), max_size=8), st.booleans())
def test_any_mark_is_ours_or_not(mark: dict[str, Any], content: dict[str, Any], ours: bool) -> None:
    if ours:
        content = mark | content | {"format": "asm_sim run"}
    with tempfile.TemporaryDirectory() as folder:
        with suppress(ValueError):  # of a number that Python does not write
            Path(folder, "run.json").write_text(json.dumps(content))
        with used_or_refused():
            known = read_mark(open_folder(folder))
            if known is not None:
                assert all(isinstance(line, str) for line in differing(known, mark))
