"""What numbers say of themselves: the scenario and what was set in it, draws and seeds."""

from __future__ import annotations

import io
import json
import re
from functools import partial

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from asm_sim.errors import InputError
from asm_sim.plots import adjustment_distribution, score_to_adjustment
from asm_sim.plots.figure import SOURCE_LINE
from asm_sim.plots.save import numbers
from asm_sim.results.compare import compare_runs, comparison_json, print_comparison, reference_of
from asm_sim.results.describe import one_scenario, parameters_of, provenance, source_line
from asm_sim.results.in_words import sentences
from asm_sim.results.pairs import on_shared_draws
from asm_sim.results.statistics import paired_difference
from asm_sim.results.summary import print_summary, summary_json, summary_table
from asm_sim.results.sweep_summary import print_sweep, sweep_table
from asm_sim.studies.estimates import about, looked_at_closely
from tests.unit.synthetic_run import AXES, synthetic_dataset, synthetic_sweep

PATH = "rules.payment.redistribution_share"
SET = f"{PATH}=0.7"


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=6)


@pytest.fixture(scope="module")
def changed(ds: xr.Dataset) -> xr.Dataset:
    return ds.assign_attrs(settings=json.dumps([[PATH, 0.7]]))


def printed(show: object, *arguments: object) -> str:
    stream = io.StringIO()
    show(*arguments, Console(file=stream, width=200))  # type: ignore[operator]
    return stream.getvalue()


def test_what_was_set_is_told_everywhere(ds: xr.Dataset, changed: xr.Dataset) -> None:
    assert f"scenario baseline with {SET} (" in source_line(changed)
    text = printed(partial(print_summary, full=True), changed)
    assert text.splitlines()[0].startswith("Baseline: asm_sim")
    assert f"Heart failure (HF) with {SET}\n" in text
    assert f"Low back pain (LBP) with {SET}\n" in text
    assert text.count(SET) == 6  # the title, a table for each cohort, the sentences, commands
    assert sentences(changed)[0].startswith(f"With {SET}: in performance year 2027, ")
    assert set(summary_table(changed)["scenario"]) == {f"baseline with {SET}"}
    assert summary_json(changed)["run"]["settings"] == [{"path": PATH, "value": 0.7}]
    for module in (adjustment_distribution, score_to_adjustment):
        figure = module.plot(changed)
        source = next(text for text in figure.texts if text.get_gid() == SOURCE_LINE)
        assert SET in source.get_text().replace("\n", " ")
        assert SET in numbers(figure, "name", changed)["source"]
    assert SET not in printed(print_summary, ds) + source_line(ds)
    assert "settings" in about(changed)


def test_a_comparison_says_what_was_set(ds: xr.Dataset, changed: xr.Dataset) -> None:
    result = compare_runs(changed, ds)
    text = printed(print_comparison, result)
    assert text.startswith(f"A  baseline with {SET} (01234567)\nB  baseline (01234567)\n")
    told = comparison_json(result)["comparison"]
    assert told["settings"] == [[PATH, 0.7]]
    assert told["reference_settings"] == []


def test_many_settings_are_counted(ds: xr.Dataset) -> None:
    many = ds.assign_attrs(settings=json.dumps([[f"rules.a{n}", n] for n in range(30)]))
    assert source_line(many).count("rules.a") == 8
    assert "and 22 more" in source_line(many)


@pytest.mark.parametrize("part", [slice(3), slice(3, 6), [0, 2, 4]])
def test_part_of_the_draws_says_how_many_they_are(ds: xr.Dataset, part: slice | list[int]) -> None:
    some = ds.isel(draw=part)
    assert ", 3 draws, seed 1" in source_line(some)
    assert "standard error over 3 draws:" in sentences(some)[2]
    assert summary_json(some)["run"]["draws"] == 3 == about(some)["draws"]
    assert provenance(some)["draws"] == 3
    assert ", 1 draw, seed 1" in source_line(ds.isel(draw=4))


def test_draws_of_two_seeds_say_so() -> None:
    names = ["share_negative", "adjustment_mean", "retained_by_medicare"]
    one, other = (synthetic_dataset(draws=4, seed=seed)[names] for seed in (1, 2))
    both = xr.concat([one, other], "draw")
    assert ", 8 draws, seeds 1, 2" in source_line(both)
    assert provenance(both)["seed"] == "1, 2"
    assert about(both)["draws"] == 8
    assert ", 4 draws, seed 2" in source_line(both.isel(draw=slice(4, None)))
    many = xr.concat([one.assign_coords(seed=one["seed"] + n) for n in range(7)], "draw")
    assert ", 28 draws, 7 seeds" in source_line(many)


def test_pairs_are_of_the_same_seed_and_number() -> None:
    names = ["share_negative", "adjustment_mean"]
    one, other = (synthetic_dataset(draws=4, seed=seed)[names] for seed in (1, 2))
    both = xr.concat([one, other], "draw")
    pair = on_shared_draws(both.isel(draw=[5, 1, 6]), other)
    assert all(part["draw"].values.tolist() == [1, 2] for part in pair)
    assert (paired_difference(both, other, "share_negative").mean == 0).all()
    assert compare_runs(both, other, names).attrs["draws"] == 4
    with pytest.raises(InputError, match=r"different seeds \(1 and 2\)"):
        on_shared_draws(one, other)
    with pytest.raises(InputError, match="the same draw of the same seed twice"):
        on_shared_draws(xr.concat([one, one], "draw"), one)
    with pytest.raises(InputError, match="share no draw"):
        on_shared_draws(one.isel(draw=[0]), one.isel(draw=[1]))


def test_results_without_seeds_of_draws_have_that_of_the_attributes(ds: xr.Dataset) -> None:
    old = ds.drop_vars("seed").drop_attrs(deep=False).assign_attrs(ds.attrs)
    assert ", 6 draws, seed 1" in source_line(old)
    assert (paired_difference(old, ds, "share_negative").mean == 0).all()
    del old.attrs["seed"]
    assert source_line(old).endswith("seed ?")


def test_what_is_averaged_over_draws_keeps_its_attributes(ds: xr.Dataset) -> None:
    assert ", 6 draws, seed 1" in source_line(ds.mean("draw", keep_attrs=True))


def test_a_scenario_of_a_sweep_says_which_it_is() -> None:
    sweep = synthetic_sweep(draws=4)
    name = str(sweep["scenario"].values[-1])
    one = sweep.sel(scenario=name)
    assert f"scenario {name} (" in source_line(one)
    assert "4 draws" in source_line(one)
    assert provenance(one)["scenario"] == name
    assert parameters_of(one_scenario(one))["rules.payment.exchange.steepness"] == 0.2
    assert f"with {SET}" in source_line(one.assign_attrs(settings=json.dumps([[PATH, 0.7]])))
    two = sweep.isel(scenario=[0, 1], draw=slice(2))
    assert "scenario steepness, 2 of its 6 scenarios (" in source_line(two)
    assert "2 draws" in source_line(two)
    assert "scenarios" not in source_line(sweep)


def test_a_reference_that_is_not_there_is_none() -> None:
    rest = synthetic_sweep(draws=3).isel(scenario=[0, 1])
    with pytest.raises(InputError, match="names no scenario of these"):
        reference_of(rest)
    table = sweep_table(rest)
    assert "difference" not in table
    assert "reference" not in printed(print_sweep, table, rest)


def test_a_sweep_says_what_it_is_and_what_was_set() -> None:
    sweep = synthetic_sweep(draws=3).assign_attrs(settings=json.dumps([["rules.x", 1]]))
    text = printed(print_sweep, sweep_table(sweep), sweep)
    assert text.startswith("Baseline: asm_sim 0.1.0, scenario steepness with rules.x=1 (ffffffff)")
    assert "Heart failure (HF) with rules.x=1\n" in text


def listed(names: list[str], kind: str = "list") -> xr.Dataset:
    """A sweep of two scenarios, the first of which sets nothing."""
    sweep = synthetic_sweep(draws=3).isel(scenario=[0, 1])
    given = {key: {} for key in names}
    return sweep.assign_coords(
        scenario=names,
        **{AXES[0]: ("scenario", [np.nan, 0.2]), AXES[1]: ("scenario", [np.nan, np.nan])},
    ).assign_attrs(scenario_yaml=json.dumps({"sweep": {kind: given}}), compare_to=names[0])


@pytest.mark.parametrize("kind", ["list", "scenarios"])
def test_scenarios_keep_the_names_that_they_were_given(kind: str) -> None:
    names = ["As it is", "[red]Steep[/red] :smile:"]
    sweep = listed(names, kind)
    text = printed(print_sweep, sweep_table(sweep), sweep)
    assert "nan" not in text
    for name in names:
        assert name in text
    values = sweep.assign_coords({axis: ("scenario", [0.1, 0.2]) for axis in AXES})
    assert names[1] in printed(print_sweep, sweep_table(values), values)


def test_a_grid_is_told_by_its_values() -> None:
    sweep = synthetic_sweep(draws=3)
    text = printed(print_sweep, sweep_table(sweep), sweep)
    assert "steepness=" not in text.partition("The first line is")[0]
    assert re.search(r"redistribution_ .*\n *steepness +share ", text)
    assert re.search(r"0\.05 +0\.7 ", text)


def test_closely_observed_draws_must_be_among_the_draws(ds: xr.Dataset) -> None:
    lens = ds.assign_coords(lens_draw=np.arange(2)).assign(
        probe_adjustment=("lens_draw", np.zeros(2))
    )
    assert looked_at_closely(lens, ["probe_adjustment", "share_negative"]).sizes["lens_draw"] == 2
    with pytest.raises(InputError, match="select the same draws along both"):
        looked_at_closely(lens.isel(draw=[0, 2]), ["probe_adjustment", "share_negative"])


@pytest.mark.parametrize(
    "name", ["[red]x[/red]", "a_b^c $x$", "\u202edlo", "a\nb\x1b[31m", "中" * 200]
)
def test_any_name_is_shown_on_one_line_without_controls(ds: xr.Dataset, name: str) -> None:
    named = ds.assign_attrs(scenario=name, title=name)
    text = printed(print_summary, named).splitlines()[0]
    assert text.isprintable()
    assert source_line(named).isprintable()
    assert ("[red]x[/red]" in source_line(named)) == (name == "[red]x[/red]")
    assert source_line(named).endswith("6 draws, seed 1")


def test_a_sweep_on_a_terminal_that_cannot_write_the_sign() -> None:
    sweep = synthetic_sweep(draws=3)
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding="ascii") as stream:
        print_sweep(sweep_table(sweep), sweep, Console(file=stream, width=100))
        stream.flush()
        text = written.getvalue().decode("ascii")
    assert "+/- is the Monte Carlo standard error" in " ".join(text.split())
    assert re.search(r"\d \+/-\d", text)
