"""Whom a table is set against: a scenario by its name or file, or a run in its folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from asm_sim.documents import whole_number
from asm_sim.engine.frame import why_no_open_draws
from asm_sim.engine.plan import Plan, make_plan
from asm_sim.engine.simulate import resolve
from asm_sim.errors import InputError, printable
from asm_sim.places import place_of
from asm_sim.results.describe import one_scenario
from asm_sim.results.open import open_results
from asm_sim.scenario.schema import Scenario
from asm_sim.store.inputs import copy_inputs

USUAL_DRAWS = 100


def plan_against(
    against: str | Path | Scenario,
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    open_draws: int | None = None,
) -> Plan:
    """The draws of a scenario, or those of a run, made again from what it says of itself.

    Without a number there are 100 draws, of a run no more than it has, and as many open draws
    beside them where anything is open. Raises :class:`InputError` where there is no such scenario
    or run, and where a run cannot be made again from what lies in its folder.
    """
    draws, open_draws = whole_number("draws", draws, 1), whole_number("open_draws", open_draws, 0)
    settings = [settings] if isinstance(settings, str) else settings
    settings = settings if isinstance(settings, dict) else list(settings)
    if not isinstance(against, str | Path | Scenario):
        raise InputError(
            f"a {type(against).__name__} is neither a run nor a scenario: name the folder of a "
            "run, or a scenario or its file"
        )
    if isinstance(against, Scenario) or not _is_run(against):
        scenario = resolve(against, None, seed, settings)
        most = scenario.draws if isinstance(against, Scenario) else USUAL_DRAWS
        return _plan(scenario, most if draws is None else draws, open_draws)
    title = printable(str(against))
    if seed is not None or settings:
        raise InputError(
            f"{title} is a run, with a seed and settings of its own; name a scenario to choose "
            "others"
        )
    results = open_results(against)
    if (several := results.sizes.get("scenario", 1)) > 1:
        raise InputError(
            f"{title} is a sweep of {several:,} scenarios; name the one that is meant by its file, "
            "with --set for what the sweep sets"
        )
    about = one_scenario(results).attrs
    most = min(USUAL_DRAWS, int(about["draws"]))
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = _made_again(against, about, Path(folder))
            plan = _plan(scenario, most if draws is None else draws, open_draws)
        except InputError as error:
            raise InputError(
                f"{title}: the draws of this run cannot be made again from what it says of itself; "
                f"name its scenario's file instead: {error.title}",
                error.problems,
            ) from error
    if plan.scenario_hash() != about["scenario_hash"]:
        raise InputError(
            f"{title}: the rules or the population that its scenario names are no longer those of "
            "this run; name the scenario itself"
        )
    return plan


def _plan(scenario: Scenario, draws: int, open_draws: int | None) -> Plan:
    scenario = scenario.with_draws(draws, None)
    if open_draws is None:
        has_open = not scenario.layers.all_open and why_no_open_draws(scenario) is None
        open_draws = draws if has_open else 0
    return make_plan(scenario, panel=0, lens=0, open_draws=open_draws)


def _is_run(against: str | Path) -> bool:
    place = place_of(against)
    return isinstance(place, str) or place.is_dir()


def _made_again(run: str | Path, about: dict[str, Any], folder: Path) -> Scenario:
    """The scenario of a run by the run's attributes, and by what was kept of what it names."""
    copy_inputs(run, folder)
    file = folder / "_scenario.yaml"  # what is named beside it begins with a letter or digit
    file.write_text(str(about["scenario_yaml"]), encoding="utf-8")
    return replace(resolve(file, None, None), name=str(about["scenario"]))
