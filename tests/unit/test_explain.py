"""``asm-sim explain`` and ``asm.explain`` as a user meets them."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner, Result

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.errors import InputError
from asm_sim.explain.steps import ClinicianYear, Explanation, Step
from asm_sim.parameters import leaves
from asm_sim.rules.load import load_rules
from asm_sim.score.example import example_rows, write_example

RULES = load_rules()


def asm_sim_explain(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


def explained(clinician: str, settings: dict[str, Any] | None = None, **given: Any) -> Explanation:
    return asm.explain(pd.DataFrame(example_rows()), clinician, settings=settings, **given)


def one_year(clinician: str, settings: dict[str, Any] | None = None) -> ClinicianYear:
    return explained(clinician, settings, year=2027).years[0]


def step_of(year: ClinicianYear, name: str) -> Step:
    return next(step for step in year.steps if step.name == name)


def said(year: ClinicianYear, name: str) -> str:
    return "\n".join(f"{line.label}: {line.text}" for line in step_of(year, name).lines)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_example(tmp_path)


# What is said of the odd clinicians of the example


@pytest.mark.parametrize(
    ("clinician", "step", "result", "words"),
    [
        ("00101", "quality.Q008", "excluded", "12 cases are fewer than 20"),
        ("00102", "quality.Q005", "0 of 10 points", "data completeness is 0.6, 0.75 is needed"),
        ("00103", "quality.Q008", "0 of 10 points", "its rate is blank"),
        ("00104", "cost", "not scored", "8 episodes are fewer than 20"),
        ("00104", "own_score", "", "quality carries all of the weight"),
        ("00105", "own_score", "0 points", "none was reported with enough data completeness"),
        ("00105", "adjustment", "-9.00%", "a final score of zero: -1 x 0.09 = -0.09"),
        ("00106", "quality.score", "not scored", "no measure counts"),
        ("00106", "own_score", "none", "neither quality nor cost could be scored"),
        ("00106", "complex_patients", "none", "without a final score"),
        ("00106", "adjustment", "+0.00%", "there is no final score"),
        ("00107", "improvement_activities", "-20 points", "0 completed"),
        ("00107", "promoting_interoperability", "-10 points", "counts as 0 of 100"),
        ("00108", "complex_patients", "0 points", "Risk score: blank, which adds nothing"),
        ("00109", "improvement_activities", "-20 points", "not stated, which counts as 0"),
        ("00110", "cost", "", "standard deviations from the median"),
        ("00111", "payment", "+0.00 USD", "x 0.00 USD of Part B payments"),
        ("00132", "quality.Q008", "excluded", "6 clinicians have a valid result reported as cqm"),
    ],
)
def test_what_is_odd_is_said(clinician: str, step: str, result: str, words: str) -> None:
    year = one_year(clinician)
    assert result in step_of(year, step).result
    assert words in said(year, step)


@pytest.mark.parametrize(
    ("settings", "step", "words"),
    [
        ({"payment.exchange.form": "linear"}, "exchange", "the score over the greatest one"),
        ({"payment.exchange.form": "rank"}, "exchange", "ties by half"),
        ({"payment.exchange.form": "threshold"}, "exchange", "a standard set in advance"),
        ({"payment.exchange.midpoint": "fixed"}, "exchange", "one half is at 50, fixed points"),
        ({"payment.exchange.midpoint": "mean"}, "exchange", "the peers' mean"),
        ({"payment.neutral_band": 100}, "exchange", "inside the neutral band of 100 points"),
        ({"payment.cap": 0.1}, "adjustment", "no more than 0.1 of the risk level: 0.009"),
        ({"payment.rounding": "tenth_percent"}, "adjustment", "to the nearest tenth of a percent"),
        ({"final_score.rounding": "whole"}, "exchanged_score", "to the nearest whole"),
        ({"scoring_level.quality": "practice"}, "peers", "the measures of the practice of 1 as a"),
        ({"peers.basis": "practice_size"}, "peers", "same practice size (practices up to 1)"),
        ({"quality.shrinkage": "known"}, "quality.Q005", "with 193 cases, 96.02% of the distance"),
        ({"cost.shrinkage": "estimated"}, "cost", "of the distance from the mean is left"),
        ({"quality.benchmark_reference": "national"}, "quality.Q005", "national one of MIPS for"),
        ({"cost.benchmark_reference": "national"}, "cost", "the national one of MIPS for 2025"),
        ({"quality.pool_collection_types": True}, "quality.Q005", "who reported it in any way"),
        ({"measures.Q005.suspended": 1}, "quality.Q005", "is suspended in 2027"),
        ({"quality.topped_out.median_at_least": 60, "quality.topped_out.treatment": "capped"},
         "quality.Q005", "earns 7 points at most"),
        ({"quality.topped_out.median_at_least": 60, "quality.topped_out.treatment": "dropped"},
         "quality.Q005", "so the measure does not count"),
        ({"promoting_interoperability.small_practice_scale": 0.5}, "promoting_interoperability",
         "the practice is small, so 0.5 of the adjustment applies"),
        ({"complex_patient.component_maximum": 5}, "complex_patients", "never above 5: 5"),
        ({"payment.zero_scorers_in_pool_base": False}, "pool", "without those who scored zero"),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_rule_changes_is_said_with_what_it_was(
    settings: dict[str, Any], step: str, words: str
) -> None:
    year = one_year("00101", settings)
    assert words in said(year, step)
    changed = {basis.name: basis for basis in step_of(year, step).rests_on if basis.is_set}
    assert set(changed) == set(settings)
    written = dict(leaves(RULES))
    for name, basis in changed.items():
        assert basis.cited == written[name].model_dump()["value"]


def test_a_second_year_rests_on_the_first() -> None:
    settings = {"final_score.averaging_years": 2, "quality.benchmark_reference": "previous_year"}
    year = explained("00101", settings, year=2028).years[0]
    assert "clinicians of HF in 2027" in said(year, "quality.Q005")
    scores = step_of(year, "exchanged_score").numbers["own_scores"]
    assert set(scores) == {"2027", "2028"}
    assert year.scored["final_score"] == pytest.approx(sum(scores.values()) / 2)


def test_every_step_is_cited_as_the_rule_set_cites() -> None:
    written = {f"rules.{path}": leaf for path, leaf in leaves(RULES)}
    for year in explained("00042").years:
        for step in year.steps:
            if step.name not in {"quality.score"} or step.result != "not scored":
                assert step.rests_on, step.name
            for basis in step.rests_on:
                leaf = written[basis.path]
                assert (basis.status, basis.source) == (leaf.status, leaf.source)
                assert not basis.is_set


def test_a_table_too_small_for_benchmarks_is_explained_all_the_same() -> None:
    rows = [row for row in example_rows() if row["cohort"] == "HF"][:7]
    (year,) = asm.explain(pd.DataFrame(rows), "00101").years
    assert "The table has 7 clinicians of HF in 2027, and 20" in year.notes[0]
    assert "not what CMS would pay. asm-sim score --against baseline" in year.notes[0]
    assert "have a valid result in HF in 2027, and 20 make a benchmark" in said(
        year, "quality.Q492"
    )
    assert not one_year("00101").notes


# The command line


def test_text_is_80_columns_wide_and_says_what_was_asked(table: Path) -> None:
    result = asm_sim_explain(table, "--clinician", "00101", "--year", "2028")
    assert result.exit_code == 0, result.stderr
    assert max(cell_len(line.rstrip()) for line in result.stdout.splitlines()) <= 80
    assert "performance year 2028, paid in 2030" in result.stdout
    assert "performance year 2027" not in result.stdout
    assert "[secondary: 90 FR 49634" in result.stdout
    assert "The peers are held still" in " ".join(result.stdout.split())


def test_every_cohort_and_year_of_the_clinician(table: Path) -> None:
    data = json.loads(asm_sim_explain(table, "--clinician", "00042", "--json").stdout)
    found = [(year["cohort"], year["performance_year"]) for year in data["years"]]
    assert found == [("HF", 2027), ("HF", 2028), ("LBP", 2027), ("LBP", 2028)]
    scored = asm.score(table).set_index(["clinician_id", "cohort", "performance_year"])
    for year in data["years"]:
        row = scored.loc[("00042", year["cohort"], year["performance_year"])]
        assert year["scored"]["payment_change_usd"] == pytest.approx(
            row["payment_change_usd"], rel=1e-9
        )


def test_json_says_what_the_text_says(table: Path) -> None:
    text = " ".join(asm_sim_explain(table, "--clinician", "00102").stdout.split())
    data = json.loads(asm_sim_explain(table, "--clinician", "00102", "--json").stdout)
    assert data == explained("00102").as_data() | {"table": data["table"]}
    for year in data["years"]:
        assert year["answer"] in text
        for section in year["sections"]:
            assert section["title"].upper() in text
            for step in section["steps"]:
                assert step["result"] in text
                for line in step["lines"]:
                    assert f"{line['label']} {line['text']}" in text
        for sentence in year["left_out"]:
            assert sentence in text
        for change in year["what_if"]:
            assert f"{change['gain_usd']:+,.2f} USD" in text


def test_the_format_is_asked_for_or_is_that_of_the_name(table: Path, tmp_path: Path) -> None:
    whole = explained("00101")
    told = Explanation(**{**vars(whole), "table": str(table)})
    written = {"text": str(told), "markdown": told.to_markdown(), "html": told.to_html()}
    for name, form in (("a.md", "markdown"), ("a.HTML", "html"), ("a.txt", "text"), ("a", "text")):
        result = asm_sim_explain(table, "--clinician", "00101", "-o", tmp_path / name)
        assert (result.exit_code, result.stdout) == (0, ""), result.stderr
        assert (tmp_path / name).read_text() == written[form]
    for form in ("markdown", "html"):
        result = asm_sim_explain(table, "--clinician", "00101", "--format", form)
        assert result.stdout == written[form]
    result = asm_sim_explain(table, "--clinician", "00101", "-o", tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == told.as_data()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--format", "htm"], "--format 'htm': one of text, markdown, html (did you mean 'html'?)"),
        (["--format", "html", "--json"], "give --json or --format, not both"),
        (["-o", "clinicians.csv"], "would replace the table"),
        (["-o", "nowhere/a.html"], "the folder nowhere does not exist"),
        (["-o", "."], "the output is a folder"),
        (["-o", "a.docx"], "nothing is written as .docx; name a file that ends in one of .txt"),
        (["-o", f"{'a' * 300}.html"], "too long"),
    ],
)
def test_an_output_that_cannot_be_written_touches_nothing(
    table: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    monkeypatch.chdir(table.parent)
    before = table.read_bytes()
    result = asm_sim_explain("clinicians.csv", "--clinician", "00101", *arguments)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert table.read_bytes() == before
    assert list(Path().iterdir()) == [Path("clinicians.csv")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--clinician", "0101"], "no clinician is called '0101'; the nearest: '00101', "),
        (["--clinician", "[red]x[/red]"], "no clinician is called '[red]x[/red]'; there are 63"),
        (["--clinician", ""], "no clinician is called ''"),
        (["--clinician", "00101", "--year", "2030"], "has no row in 2030, only in 2027 and 2028"),
        (["--clinician", "00101", "--rules", "asm-2026"], "no rule set is called 'asm-2026'"),
        (["--clinician", "00101", "--set", "payment.risk=1"], "no 'risk' in 'payment'"),
        ([], "--clinician"),
    ],
)
def test_bad_arguments(table: Path, arguments: list[str], expected: str) -> None:
    result = asm_sim_explain(table, *arguments)
    assert result.exit_code == 2
    assert expected in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_no_table_and_a_bad_one(tmp_path: Path) -> None:
    result = asm_sim_explain(tmp_path / "none.csv", "--clinician", "1")
    assert result.exit_code == 2
    assert "none.csv: there is no such file" in result.stderr
    with pytest.raises(InputError, match="column cohort is missing"):
        asm.explain(pd.DataFrame(example_rows()).drop(columns="cohort"), "00101")


def test_what_a_user_calls_something_is_only_text(tmp_path: Path) -> None:
    name = "[bold red]A & <b>B</b>[/] `x` *y*"
    rows = [row | {"practice_id": "[/red]"} for row in example_rows()]
    rows[0]["clinician_id"] = name
    path = tmp_path / "[red].csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    result = asm_sim_explain(path, "--clinician", name.upper(), "--year", "2027")
    assert result.exit_code == 0, result.stderr
    assert f"Clinician {name}" in result.stdout
    assert "[red].csv" in result.stdout.replace("\n", "")  # a long path is wrapped


def test_identifiers_that_are_numbers_and_warnings() -> None:
    rows = [row | {"clinician_id": i, "color": 1} for i, row in enumerate(example_rows())]
    with pytest.warns(UserWarning, match="'color' is not known"):
        explanation = asm.explain(pd.DataFrame(rows), 0)
    assert explanation.clinician_id == "0"
    assert str(explanation).startswith("Clinician 0\n")


# Markdown and HTML

NASTY = "[x](y) <script>alert(1)</script> & | `c` *d* _e_ #f"


def nasty() -> Explanation:
    rows = example_rows()
    rows[0]["clinician_id"] = NASTY
    return asm.explain(pd.DataFrame(rows), NASTY)


class Page(HTMLParser):
    """What a browser makes of a page: elements in order, and that all of them are closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, *tags: str) -> list[tuple[str, dict[str, str | None]]]:
        return [element for element in self.elements if element[0] in tags]


def test_html_can_be_read_by_everyone_and_needs_nothing() -> None:
    page = Page(explained("00042").to_html())
    assert not page.open
    assert page.of("html") == [("html", {"lang": "en"})]
    levels = [int(tag[1]) for tag, _ in page.of("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = [attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs]
    links = [attrs["href"] for _, attrs in page.of("a")]
    assert {*named, *(str(link).removeprefix("#") for link in links)} <= set(ids)
    assert len(links) == 5
    assert links[0] == "#content"  # past the list of years
    assert all(attrs["scope"] in {"col", "row"} for _, attrs in page.of("th"))
    assert len(page.of("caption")) == len(page.of("table")) > 20
    assert not page.of("script", "img", "link", "iframe")


def test_colours_of_the_page_are_far_enough_apart() -> None:
    page = explained("00101").to_html()
    style = page[page.index("<style>") : page.index("</style>")]
    colours = set(re.findall(r"[^-]color: (#[0-9a-f]+)", style))
    assert len(colours) > 3
    for colour in colours:
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [
            ((part + 0.055) / 1.055) ** 2.4 if part > 0.04 else part / 12.92 for part in parts
        ]
        brightness = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (brightness + 0.05) >= 4.5  # against white, by WCAG


def test_html_and_markdown_say_what_the_steps_say() -> None:
    explanation = explained("00102")
    page = Page(explanation.to_html())
    texts, written = set(page.texts), explanation.to_markdown()
    plain = re.sub(r"\\([^\w\s])|\\(_)", r"\1\2", written)
    for year in explanation.years:
        assert {year.title, year.answer, *year.left_out} <= texts
        for step in year.steps:
            assert f"#### {step.title}: {step.result}\n" in plain
            assert {f"{step.title}:", step.result} <= texts
            for line in step.lines:
                assert f"- **{line.label}:** {line.text}\n" in plain
                assert {line.label, line.text} <= texts
            for basis in step.rests_on:
                assert f"({basis.status}: {basis.source})" in plain
                assert {f"{basis.name}: ", basis.status, basis.source} <= texts
        for change in year.what_if:
            assert f"| {change.title} | " in plain
            assert change.title in texts


def test_a_hostile_name_is_text_in_html_and_markdown() -> None:
    explanation = nasty()
    assert explanation.clinician_id == NASTY
    page = Page(explanation.to_html())
    assert f"Clinician {NASTY}" in page.texts
    assert not page.of("script")
    heading = explanation.to_markdown().splitlines()[0]
    assert heading.startswith(r"# Clinician \[x\](y) \<script\>alert(1)\</script\> \& \| \`c\`")
    assert explanation._repr_markdown_() == explanation.to_markdown()


def test_a_year_is_a_number() -> None:
    with pytest.raises(InputError, match="year is '2027'; give a whole number, 1 or more"):
        asm.explain(pd.DataFrame(example_rows()), "00101", year="2027")  # type: ignore[arg-type]
