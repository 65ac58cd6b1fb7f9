"""From a table and the name of a clinician to the explanation."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from asm_sim.documents import whole_number
from asm_sim.errors import InputError, counted, listed, printable
from asm_sim.explain.adjustments import adjustments_section
from asm_sim.explain.case import Case, Citations
from asm_sim.explain.cost import cost_section
from asm_sim.explain.final_score import final_score_section
from asm_sim.explain.fitted import Group, fitted_groups, key_of
from asm_sim.explain.payment import payment_section
from asm_sim.explain.peers import peers_section
from asm_sim.explain.quality import quality_section
from asm_sim.explain.steps import ClinicianYear, Explanation
from asm_sim.explain.what_if import what_if
from asm_sim.explain.written import percent, points, signed_usd
from asm_sim.reference.cohort import (
    adjustments_of,
    pay_clinician,
    performance_of,
    score_clinician,
)
from asm_sim.reference.final_score import final_score
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from asm_sim.score.check import CheckedTable
from asm_sim.score.scoring import checked_table
from asm_sim.tables.cells import shown, text_of
from asm_sim.tables.read import Source

NEAREST = 3


def explain_table(
    table: Source,
    clinician: str | int,
    rules: str | Path | RuleSet = "asm-2026-final",
    settings: dict[str, Any] | None = None,
    year: int | None = None,
) -> tuple[Explanation, list[str]]:
    """The explanation, and warnings about the table; raises as ``explain`` does."""
    written = rules if isinstance(rules, RuleSet) else load_rules(rules)
    checked, of, _ = checked_table(table, rules, settings)
    citations = Citations(of, [load_rules(), written])
    explained = explain_checked(checked, of, citations, clinician, year)
    return explained, checked.warnings


def explain_checked(
    checked: CheckedTable,
    rules: RuleSet,
    citations: Citations,
    clinician: str | int,
    year: int | None = None,
) -> Explanation:
    """The explanation of one clinician of a table that has been checked."""
    year = whole_number("year", year, 1)
    keys = [key_of(cell) for cell in checked.frame["clinician_id"]]
    key = key_of(str(clinician))
    rows = [place for place, other in enumerate(keys) if other == key and key is not None]
    if not rows:
        raise InputError(_unknown(checked, str(clinician)))
    mine = checked.frame.iloc[rows]
    by_cohort = {
        cohort: {int(one) for one in mine["performance_year"][mine["cohort"] == cohort]}
        for cohort in rules.cohorts
    }
    known = sorted(set().union(*by_cohort.values()))
    if year is not None and year not in known:
        whom = f"clinician {shown(text_of(str(clinician)))}"
        only = listed(map(str, known))
        raise InputError(f"{checked.title}: {whom} has no row in {year}, only in {only}")
    explained = []
    for cohort, years in by_cohort.items():
        asked = years if year is None else years & {year}
        for group in fitted_groups(checked.frame, rules, cohort, asked) if asked else ():
            explained += [
                explain_case(case_of(group, place, rules, citations))
                for place, row in enumerate(group.rows)
                if row in rows
            ]
    name = text_of(mine["clinician_id"].iloc[0])
    return Explanation(
        name, checked.title, rules.id, rules.title, rules.rule_year, tuple(explained)
    )


def _unknown(checked: CheckedTable, clinician: str) -> str:
    """What to say where nobody in the table is called so."""
    names = list(dict.fromkeys(text_of(cell) for cell in checked.frame["clinician_id"]))
    lower = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(clinician.casefold(), list(lower), n=NEAREST, cutoff=0.5)
    told = [repr(lower[name]) for name in close]
    if told:
        hint = f"the nearest: {', '.join(told)}"
    else:
        hint = f"there are {counted(len(names), 'clinician')}, the first is {names[0]!r}"
    return f"{checked.title}: no clinician is called {printable(repr(clinician))}; {hint}"


def case_of(group: Group, place: int, rules: RuleSet, citations: Citations) -> Case:
    """One clinician of a group, scored against its fit."""
    clinician, fitted, year = group.clinicians[place], group.fitted, group.performance_year
    if group.given is not None:
        own = group.given[clinician.clinician_id]
        paid = dict(pay_clinician(clinician, own, fitted, rules, year, group.earlier))
        return Case(clinician, group, rules, citations, None, {}, own, paid)
    achieved = performance_of(
        clinician, fitted.quality_benchmarks, fitted.cost_benchmark, rules, year
    )
    adjustments = adjustments_of(clinician, fitted.hcc_risk_score, fitted.dual_share, rules, year)
    own = final_score(clinician, achieved.combined, sum(adjustments.values()), rules, year)
    scored = score_clinician(clinician, fitted, rules, year, group.earlier)
    del scored["clinician_id"]
    return Case(clinician, group, rules, citations, achieved, adjustments, own, scored)


def explain_case(case: Case) -> ClinicianYear:
    """All steps of one clinician in one cohort and performance year, in the rule's order."""
    sections = [peers_section(case)]
    if case.achieved is not None:
        sections += [quality_section(case), cost_section(case), adjustments_section(case)]
    sections += [final_score_section(case), payment_section(case)]
    changes, left_out = what_if(case)
    group = case.group
    return ClinicianYear(
        cohort=group.cohort,
        cohort_title=case.rules.cohorts[group.cohort].title,
        performance_year=case.year,
        payment_year=case.rules.payment_year(case.year),
        answer=_answer(case),
        notes=tuple(_notes(case)),
        sections=tuple(sections),
        what_if=changes,
        left_out=left_out,
        scored=case.scored,
    )


def _answer(case: Case) -> str:
    score, median = case.scored["final_score"], case.group.fitted.median_final_score
    paid = (
        f"a payment adjustment of {percent(case.scored['payment_adjustment_factor'])}, "
        f"{signed_usd(case.scored['payment_change_usd'])} in {case.rules.payment_year(case.year)}"
    )
    if score is None:
        return f"No final score: {paid}."
    among = "" if median is None else f", where the peers' median is {points(median)}"
    return f"A final score of {points(score)}{among}: {paid}."


def _notes(case: Case) -> Iterator[str]:
    """What to keep in mind of the numbers of a year."""
    rules, group = case.rules, case.group
    minimum = rules.quality.benchmark_minimum_clinicians.at(case.year)
    own = rules.quality.benchmark_reference.value != "national"
    clinicians: Sequence[Any] = group.clinicians
    if case.achieved is not None and own and len(clinicians) < minimum:
        yield (
            f"The table has {counted(len(clinicians), 'clinician')} of {group.called} in "
            f"{case.year}, and {minimum:g} with a valid result make a benchmark of a quality "
            "measure: the table is too small for benchmarks of its own, and what is told here is "
            "the rule among these few alone, not what CMS would pay. asm-sim score --against "
            "baseline sets them among simulated clinicians."
        )
    elif len(clinicians) < minimum and rules.payment.exchange.form.value != "threshold":
        yield (
            f"The table has {counted(len(clinicians), 'clinician')} of {group.called} in "
            f"{case.year}: what is told here is the rule among these few alone, not what CMS "
            "would pay."
        )
