"""The report of a run or a sweep: it says what the results say, and is the same each time."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import xarray as xr
from typer.testing import CliRunner

import asm_sim as asm
from asm_sim.cli.main import app
from asm_sim.errors import InputError
from asm_sim.reports import asked, origin
from asm_sim.results.describe import source_line
from asm_sim.results.in_words import sentences
from asm_sim.results.summary import STATISTICS
from asm_sim.results.sweep_summary import sweep_sentences, sweep_table
from tests.unit.synthetic_run import opened, synthetic_dataset, synthetic_sweep, write_run
from tests.unit.test_explain import Page

HOSTILE = '<script>alert("1")</script> & </title> \u202eשלום'
SHOWN = HOSTILE.replace("\u202e", "\\u202e")


@pytest.fixture(scope="module")
def run() -> xr.Dataset:
    return opened(synthetic_dataset(draws=24), 24).assign_attrs(title=HOSTILE)


@pytest.fixture(scope="module")
def sweep() -> xr.Dataset:
    """What Medicare keeps is more in each than in the one before; the rest is the same in all."""
    ds = synthetic_sweep().assign_attrs(title=HOSTILE)
    kept = ds["retained_by_medicare_payment_year"]
    more = xr.DataArray(range(ds.sizes["scenario"]), dims="scenario")
    with xr.set_options(keep_attrs=True):
        return ds.assign(retained_by_medicare_payment_year=kept * (1 + more))


@pytest.fixture(scope="module")
def page(run: xr.Dataset) -> Page:
    return Page(asm.report(run, ["score_to_adjustment"]).replace("<br>", ""))


def text_of(page: Page) -> str:
    return " ".join(" ".join(page.texts).split())


def test_a_run_is_told_whole(page: Page, run: xr.Dataset) -> None:
    text = text_of(page)
    for sentence in sentences(run)[:4]:
        assert " ".join(sentence.split()) in text
    for statistic in STATISTICS:
        assert page.texts.count(statistic.label) >= 2  # a table per cohort
    assert source_line(run) in text
    for name in ("scenario_hash", "rules_hash", "population_hash"):
        assert str(run.attrs[name]) in page.texts
    assert origin.command(run) in page.texts


def test_everyone_can_read_it(page: Page, sweep: xr.Dataset) -> None:
    for one in (page, Page(asm.report(sweep, ["scenarios_side_by_side"]))):
        assert not one.open
        assert one.of("html") == [("html", {"lang": "en"})]
        levels = [int(tag[1]) for tag, _ in one.of("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        ids = [attrs["id"] for _, attrs in one.elements if "id" in attrs]
        assert len(ids) == len(set(ids))
        named = [
            str(attrs[key])
            for _, attrs in one.elements
            for key in ("aria-labelledby", "aria-describedby")
            if key in attrs
        ]
        links = [str(attrs["href"]).removeprefix("#") for _, attrs in one.of("a")]
        assert {*named, *links} <= set(ids)
        assert len(one.of("caption")) == len(one.of("table")) > 2
        assert all("scope" in attrs for _, attrs in one.of("th"))
        assert len(one.of("svg")) == len(one.of("figcaption")) == 1
        assert not one.of("script", "img", "link", "iframe", "image")


def test_a_hostile_title_is_text(page: Page) -> None:
    assert page.texts.count(SHOWN) == 1
    assert not page.of("script")


def test_the_same_store_is_the_same_page(run: xr.Dataset) -> None:
    first, again = (asm.report(run, ["savings_steps", "score_to_adjustment"]) for _ in range(2))
    assert first == again
    assert str(Path.cwd()) not in first


def test_a_sweep_has_its_scenarios_side_by_side(sweep: xr.Dataset) -> None:
    page = Page(asm.report(sweep, []))
    names = [str(name) for name in sweep["scenario"].values]
    for name in names:
        assert sum(text.removesuffix(" (reference)") == name for text in page.texts) >= 2
    table = sweep_table(sweep)
    first, penalties, *_, kept = sweep_sentences(sweep, table)
    assert first.startswith(f"{len(names)} scenarios")
    here = table[table["outcome"] == "retained_by_medicare_all_years"].set_index("scenario")
    of_cohort = here.loc[here["cohort"] == "HF", "mean"]
    for end in (of_cohort.idxmin(), of_cohort.idxmax()):
        assert f"({end})" in kept.partition("; LBP")[0]
    assert penalties.count("% in every scenario") == 2
    assert all(sentence in text_of(page) for sentence in (penalties, kept))


def test_a_sweep_names_no_command_that_cannot_be_run(sweep: xr.Dataset) -> None:
    text = text_of(Page(asm.report(sweep, [])))
    assert "asm-sim sensitivity" not in text
    assert "write open_draws: 200 in the sweep's file" in text
    assert "--open-draws 200" not in text


def test_the_scenarios_of_a_figure_are_told_apart(sweep: xr.Dataset) -> None:
    figure = asm.plots.scenarios_side_by_side.plot(sweep)
    for ax in figure.axes[::2]:
        labels = [label.get_text() for label in ax.get_yticklabels()]
        assert labels[0] == "0.05, 0.7"
        assert len(set(labels)) == len(labels) == sweep.sizes["scenario"]
    table = sweep_table(sweep)
    for panel in figure.plotted["panels"]:
        chosen = (table["cohort"] == panel["cohort"]) & (table["outcome"] == panel["outcome"])
        factor = 1e-6 if panel["outcome"].startswith("retained") else 100.0
        assert panel["mean"] == (factor * table.loc[chosen, "mean"]).tolist()
    with pytest.raises(InputError, match=r"these results hold 1 scenario$"):
        asm.plots.scenarios_side_by_side.plot(sweep.isel(scenario=[0]))


def test_what_differs_from_the_baseline_is_named() -> None:
    parameters = {path: leaf.value for path, leaf in asm.load_scenario("baseline").leaves().items()}
    run = synthetic_dataset(draws=2)
    same = run.assign_attrs(parameters=json.dumps({"rules.payment.redistribution_share": 0.85}))
    assert asked.differences(same) is None
    assert parameters["rules.payment.redistribution_share"] == 0.85
    other = run.assign_attrs(parameters=json.dumps({"rules.payment.redistribution_share": 1.0}))
    found = asked.differences(other)
    assert found is not None
    ((row,),) = (group.rows for group in found.groups)
    assert row.label == "rules.payment.redistribution_share"
    assert row.cells[:3] == ("0.85", "1.0", "secondary")


def test_a_figure_that_there_is_not_is_named(run: xr.Dataset, sweep: xr.Dataset) -> None:
    with pytest.raises(InputError, match="did you mean 'savings_steps'"):
        asm.report(run, ["savings_step"])
    with pytest.raises(InputError, match="report of a sweep"):
        asm.report(sweep, ["savings_steps"])
    page = Page(asm.report(sweep, ["savings_levers"]))
    assert any(text.startswith("Not drawn: savings levers: ") for text in page.texts)


def test_the_verb(run: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = write_run(run, tmp_path / "one")
    ask = ["report", "one", "--figures", "none"]
    done = CliRunner().invoke(app, [*ask, "-o", "a.html"])
    assert done.exit_code == 0
    assert Path("a.html").read_text(encoding="utf-8") == asm.report("one", [])
    assert "MB in a.html" in done.stderr
    assert CliRunner().invoke(app, ask).exit_code == 0
    assert (
        (store.parent if store.name == "results.zarr" else store).joinpath("report.html").is_file()
    )
    refused = {
        ("-o", "a.html"): "a.html: this exists; add --overwrite to replace it",
        ("-o", "."): "the output is a folder; name a file",
        ("-o", "a.pdf"): "a report is a page of HTML, and its name ends in .html",
        ("-o", "nowhere/a.html"): "the folder nowhere does not exist",
        ("-o", f"{'a' * 300}.html"): "too long",
    }
    for more, said in refused.items():
        result = CliRunner().invoke(app, [*ask, *more])
        assert result.exit_code == 2
        assert said in result.stderr
    assert CliRunner().invoke(app, [*ask, "-o", "a.html", "--overwrite"]).exit_code == 0
    for given, said in (("nowhere", "there is no such folder"), ("a.html", "is a file")):
        result = CliRunner().invoke(app, ["report", given])
        assert result.exit_code == 2
        assert said in result.stderr
    (tmp_path / "half" / "blocks").mkdir(parents=True)
    result = CliRunner().invoke(app, ["report", "half"])
    assert result.exit_code == 2
    assert "not finished" in result.stderr


def test_what_holds_no_results_is_refused() -> None:
    with pytest.raises(InputError, match="a int holds no results: give the folder of a run"):
        asm.report(5)  # type: ignore[arg-type]
