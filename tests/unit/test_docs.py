"""The pages of docs/ say what is so: commands there are, scenarios that load, every public name."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

import asm_sim as asm
from asm_sim.cli.examples import EXAMPLES
from asm_sim.cli.verbs import VERBS, Modules, UsageError
from asm_sim.population.agreement import check_complete
from asm_sim.population.roster import read_roster
from asm_sim.scenario.load import load_scenario
from asm_sim.scenario.sweep import load_sweep

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "how-to").glob("*.md"))]
KNOWN = Modules()
ENDS = {"|", ">", "&&", ";", "<"}  # of what is asm-sim's in a line of a shell

of_a_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of code of a page in a language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """What a page says to type, as words."""
    found = []
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            end = next((n for n, word in enumerate(words) if word in ENDS), len(words))
            if words:
                found.append(words[:end])
    return found


def check(words: list[str]) -> None:
    """Raise unless asm-sim takes this command; nothing is run."""
    _, verb, *arguments = words
    if verb == "--version":
        return
    assert verb in VERBS, words
    KNOWN[verb].make_context(verb, list(arguments))


@of_a_page
def test_commands_are_there(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for words in commands(page):
        if words[0] == "asm-sim":
            check(words)
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), words
        else:
            assert words[0] in {"export", "sbatch", "git"}, words


def test_a_command_that_is_not_there_is_found() -> None:
    for wrong in ("sweep x --plam", "run --draws few", "report"):
        with pytest.raises(UsageError):
            check(["asm-sim", *wrong.split()])


def test_examples_of_help_texts_are_there() -> None:
    for verb, examples in EXAMPLES.items():
        for line, _ in examples:
            words = shlex.split(line)
            assert words[1] == verb
            check(words[: next((n for n, word in enumerate(words) if word in ENDS), len(words))])


def test_the_commands_of_pages_are_many() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 40


def test_the_sweep_of_the_tutorial_is_one(tmp_path: Path) -> None:
    (written,) = blocks(DOCS / "tutorial.md", "yaml")
    (tmp_path / "steepness.yaml").write_text(written)
    assert len(load_sweep(tmp_path / "steepness.yaml")) == 3


@pytest.mark.parametrize("number", range(6))
def test_the_scenarios_of_the_how_to_are_some(number: int, tmp_path: Path) -> None:
    written = blocks(DOCS / "how-to" / "scenario.md", "yaml")
    assert len(written) == 6
    (tmp_path / "mine.yaml").write_text(written[number])
    assert len(load_sweep(tmp_path / "mine.yaml")) == [1, 1, 9, 2, 3, 12][number]


def test_the_condition_of_the_how_to_is_whole(tmp_path: Path) -> None:
    page = DOCS / "how-to" / "condition.md"
    names = re.findall(r"^## .*`(neck[\w-]*\.\w+)`$", page.read_text(), re.MULTILINE)
    files = [name for name in names if name.endswith(".yaml")]
    for name, written in zip(files, blocks(page, "yaml"), strict=True):
        (tmp_path / name).write_text(written)
    roster = tmp_path / "neck-roster.csv"
    rows = [f"{n},NECK,TX,P{n // 3},0" for n in range(9)]
    roster.write_text("\n".join(["clinician_id,cohort,state,practice_id,small_practice", *rows]))
    scenario = load_scenario(tmp_path / "neck.yaml")
    everyone = read_roster(roster, scenario.rules, scenario.population)
    check_complete(scenario.population, scenario.rules, everyone)
    assert list(scenario.rules.cohorts) == ["HF", "LBP", "NECK"]


def test_parameters_that_pages_name_are_there() -> None:
    known = load_scenario("baseline").leaves()
    for page in PAGES:
        for path in re.findall(r"\{value\}`([^`]+)`", page.read_text()):
            assert path in known, f"{page.name}: {path}"


def test_functions_of_results_are_functions_however_often_they_are_asked_for() -> None:
    """Also where a module of the name was imported meanwhile."""
    for name in asm.results.__all__:
        kinds = {callable(getattr(asm.results, name)) for _ in range(2)}
        assert kinds == {name.islower()}, name


def test_every_public_name_has_its_place() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    for name in set(asm.__all__) - {"__version__"}:
        if type(getattr(asm, name)) is ModuleType:
            assert f"`asm.{name}`" in text, name
            continue
        assert re.search(rf"^\.\. auto\w+:: (?:[\w.]+\.)?{name}$", text, re.MULTILINE), name
