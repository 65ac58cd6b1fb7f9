"""A step as a piece of a page: figures, numbers and who loses, everything with its error."""

from __future__ import annotations

import json
from pathlib import Path

import xarray as xr
from markupsafe import Markup

from asm_sim import __version__
from asm_sim.errors import counted
from asm_sim.explorer import answers, figures
from asm_sim.explorer.curve import ExchangeCurve, exchange_curve
from asm_sim.explorer.levers import Lever, in_words
from asm_sim.explorer.steps import Step, Steps
from asm_sim.pages.render import rendered
from asm_sim.results.describe import source_line
from asm_sim.results.registry import SEED, SETTINGS
from asm_sim.results.statistics import round_to_error

TEMPLATE = Path(__file__).with_name("shown.html.jinja")
_SAID = 4  # numbers that are read aloud in place of the first figure


def shown(
    steps: Steps, levers: list[Lever], now: Step, pinned: Step, cohort: str, year: int, peers: int
) -> str:
    """The HTML of a step against a pinned one, of a cohort in a performance year (a position).

    ``peers`` are those whose curve is drawn, a position among the groups of the cohort.
    """
    rules = now.scenario.rules
    numbers = answers.numbers(now, pinned, cohort, year)
    ours, theirs = (exchange_curve(step, cohort, year, peers) for step in (now, pinned))
    of_year = rules.years[year]
    where = f"{rules.cohorts[cohort].title}, {of_year}, paid in {rules.payment_year(of_year)}"
    named = steps.peers_of(cohort)
    drawn = {
        "adjustments": figures.adjustments(now, pinned, cohort, year),
        "curves": figures.curves(ours, theirs),
        "retained": figures.retained(now, pinned, rules.years),
    }
    return rendered(
        TEMPLATE,
        {},
        title=now.scenario.title,
        now=in_words(levers, now.settings),
        pinned=in_words(levers, pinned.settings),
        draws=_draws_in_words(steps, now),
        where=where,
        where_peers=f"{where}, {named[peers]}" if named else where,
        everybody=" and ".join(rules.cohorts[name].title for name in now.cohorts),
        figures={name: Markup(svg) for name, svg in drawn.items()},
        spoken="; ".join(answers.in_words(row) for row in numbers[:_SAID]),
        even=_even(ours),
        pinned_even=_even(theirs),
        numbers=numbers,
        totals=answers.totals(now, pinned),
        losers=None
        if now is pinned
        else answers.losers(now, pinned, steps.plan.groups, cohort, year),
        source=source_line(origin_of(now, steps.plan.roster.sha256)),
        seconds=f"{now.seconds:.3f}",
    )


def _draws_in_words(steps: Steps, now: Step) -> str:
    if now is steps.base:
        return f"{counted(steps.draws, 'draw')}."
    how = (
        "lived anew from the same random numbers"
        if now.drawn_anew
        else "the same clinicians with the same results, scored anew"
    )
    return f"{counted(steps.draws, 'draw')}, {how}, in {1000 * now.seconds:.0f} ms."


def _even(curve: ExchangeCurve) -> str:
    if not curve.breaks_even:
        return "at no score"
    return f"at {round_to_error(*curve.break_even)} points"


def origin_of(step: Step, roster_sha256: str) -> xr.Dataset:
    """A Dataset without data whose attributes say where the numbers of a step come from."""
    scenario = step.scenario
    return xr.Dataset(
        attrs={
            "asm_sim_version": __version__,
            "rule_year": scenario.rules.rule_year,
            "scenario": scenario.name,
            "scenario_hash": scenario.hash(roster_sha256),
            SETTINGS: json.dumps([*scenario.assigned, *step.settings.items()]),
            "draws": scenario.draws,
            SEED: str(scenario.seed),
        }
    )
