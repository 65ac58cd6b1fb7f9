"""The parameter book: whole, where each parameter acts, and nothing of a user's is a sign in it."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from asm_sim.book.book import book_of
from asm_sim.book.chapters import CHAPTERS, chapter_of
from asm_sim.book.html import html
from asm_sim.book.markdown import markdown
from asm_sim.book.written import effect_written, points_written, value_written
from asm_sim.cli.main import app
from asm_sim.parameters import Number
from asm_sim.results.effects import Effect, shipped_effects
from asm_sim.scenario.load import load_scenario

PACKAGE = Path(__file__).parents[2] / "asm_sim"
BASELINE = load_scenario("baseline")
BOOK = book_of(BASELINE, shipped_effects())
STEEPNESS = "rules.payment.exchange.steepness"


def asm_sim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rules", "book", *arguments])


class Read(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.ids: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", ["baseline", "third-condition", "synthetic-frame"])
def test_every_parameter_acts_somewhere(name: str) -> None:
    scenario = load_scenario(name)
    book = book_of(scenario, None)
    assert sorted(entry.path for entry in book.entries) == sorted(scenario.leaves())


def test_every_chapter_has_parameters_and_code() -> None:
    paths = list(BASELINE.leaves())
    for chapter in CHAPTERS:
        for beginning in chapter.paths:
            assert any(chapter_of(path) is chapter for path in paths if path.startswith(beginning))
        for name in chapter.code:
            assert (PACKAGE / name).is_file(), name
    beginnings = [beginning for chapter in CHAPTERS for beginning in chapter.paths]
    assert len(set(beginnings)) == len(beginnings)


def test_the_longest_beginning_decides() -> None:
    assert chapter_of("population.cost.mean.HF").name == "performance"
    assert chapter_of("population.cost.reliability_at_20.HF").name == "observed"
    assert chapter_of("rules.scoring_level.cost").name == "cost"
    with pytest.raises(LookupError, match=r"rules\.costs"):
        chapter_of("rules.costs")


def test_all_that_is_known_stands_in_both_forms() -> None:
    page, text = Read(html(BOOK)), markdown(BOOK)
    plain = text.replace("\\", "")
    assert len(page.ids) == len(set(page.ids))
    for path, leaf in BASELINE.leaves().items():
        assert path in page.ids
        assert f"### `{path}`\n" in text
        for told in (leaf.unit, leaf.source, leaf.description, leaf.held):
            assert told in page.text
            assert told.replace("\\", "") in plain
    assert text.count("\n- **Value:** ") == text.count("\n- **Effect:** ") == len(BASELINE.leaves())


def test_the_largest_effect_comes_first_with_its_error() -> None:
    assert BOOK.largest[0].path == STEEPNESS
    low = next(row for row in shipped_effects().of(STEEPNESS) if row.end == "low")
    assert BOOK.largest[0].effect.startswith(f"HF {points_written(low)} at 0.05, ")
    assert "±" in points_written(low)


@pytest.mark.parametrize(
    ("change", "mcse", "expected"),
    [
        (0.05603, 0.00253, "+5.60 ±0.25"),
        (-0.0001, 0.031, "+0.0 ±3.1"),
        (0.002, 0.0, "+0.20 ±0.00"),
        (-0.000042, 0.000011, "-0.004 ±0.001"),
    ],
)
def test_an_effect_has_the_digits_of_its_error(change: float, mcse: float, expected: str) -> None:
    effect = Effect("x", "low", "1", "2", "", "HF", change, mcse)
    assert points_written(effect) == expected


def test_why_there_is_no_effect() -> None:
    known = Number(value=1, unit="1", status="regulation", source="s")
    open_one = Number(value=1, unit="1", status="assumption", source="s", held="for a reason")
    none = Effect("x", "low", "1", "2", "", "HF", 0.0, 0.0)
    assert effect_written(known, ()) == "not computed: of status regulation, so it is not moved"
    assert effect_written(open_one, ()) == "not computed: it is not drawn"
    assert effect_written(open_one, None) == "not computed for this scenario"
    assert effect_written(open_one, (none,)) == "HF none"


def test_values_are_written_as_people_write_them() -> None:
    assert value_written({2027: 0.09, 2028: 0.09, 2029: 0.1}) == "2027-2028: 0.09, 2029: 0.1"
    assert value_written([True, 2, "x"]) == "yes, 2, x"


def test_other_scenarios_have_no_effects_of_the_baseline() -> None:
    text = asm_sim("--set", "rules.payment.redistribution_share=1").stdout
    assert "not computed for this scenario" in text
    assert "What moves the share of penalties most" not in text
    command = "asm-sim sensitivity baseline --set rules.payment.redistribution_share=1"
    assert f"`{command}`" in text


def test_a_hostile_source_is_text(tmp_path: Path) -> None:
    hostile = "</dd><script>x</script> | [a](javascript:b) {x}`y` $z$ \u202eturned"
    (tmp_path / "own.yaml").write_text(
        "extends: asm-2026-final\nid: own\n"
        f"payment: {{cap: {{source: {json.dumps(hostile)}, description: '# - x'}}}}\n"
    )
    scenario = tmp_path / "s.yaml"
    scenario.write_text("title: '<b>x'\nrules: own.yaml\n")
    loaded = load_scenario(scenario)
    page = Read(html(book_of(loaded, None)))
    assert page.elements["script"] == page.elements["b"] == 0
    assert "\\u202eturned" in page.text
    assert hostile.partition("\u202e")[0] in page.text
    text = markdown(book_of(loaded, None))
    assert r"\</dd\>\<script\>x\</script\> \| \[a\](javascript:b) \{x\}\`y\` \$z\$" in text


def test_it_is_written_where_it_shall_be(tmp_path: Path) -> None:
    for suffix, beginning in ((".md", "# Parameter book"), (".html", "<!DOCTYPE"), (".json", "{")):
        path = tmp_path / f"book{suffix}"
        assert asm_sim("-o", str(path)).exit_code == 0
        assert path.read_text().startswith(beginning)
        again = asm_sim("-o", str(path))
        assert again.exit_code == 2
        assert "--overwrite" in again.stderr
        assert asm_sim("-o", str(path), "--overwrite").exit_code == 0
    listed = json.loads((tmp_path / "book.json").read_text())["parameters"]
    assert {entry["acts_in"] for entry in listed} == {chapter.name for chapter in CHAPTERS}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-o", "book.txt"], "book.txt: its name must end in .md, .html"),
        (["-o", "nowhere/book.md"], "the folder nowhere does not exist"),
        (["--json", "-o", "book.md"], "book.md: with --json its name must end in .json"),
        (["--scenario", "basline"], "did you mean 'baseline'?"),
        (["--status", "open"], "no status is called 'open'"),
    ],
)
def test_mistakes_are_one_message(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = asm_sim(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr
    assert not list(tmp_path.iterdir())


def test_options_of_the_book_belong_to_it() -> None:
    result = CliRunner().invoke(app, ["rules", "--scenario", "baseline"])
    assert result.exit_code == 2
    assert "options of `asm-sim rules book`" in result.stderr
