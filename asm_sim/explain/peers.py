"""The step that comes first: who is compared with whom, and whose results are scored."""

from __future__ import annotations

from asm_sim.errors import counted
from asm_sim.explain.case import Case, Telling
from asm_sim.explain.steps import Section, Step
from asm_sim.explain.written import given

LEVELS = {"quality": "measures", "cost": "episodes"}


def peers_section(case: Case) -> Section:
    """The peers, the level at which results are scored, and who is excused."""
    return Section("Who is compared with whom", (_peers(case),))


def _peers(case: Case) -> Step:
    group, rules, clinician = case.group, case.rules, case.clinician
    telling = Telling(case, "peers", "Peers")
    number = len(group.clinicians)
    kind = f" of the same {rules.peers.basis.value.replace('_', ' ')} ({group.peers})"
    telling.say(
        "Compared",
        f"{counted(number, 'clinician')} of {group.cohort} ({rules.cohorts[group.cohort].title}) "
        f"in the table in {case.year}{kind if group.peers else ''}, this one included",
        "peers.basis",
        clinicians=number,
    )
    if rules.peers.basis.value == "practice_size":
        telling.rest_on("peers.size_limits")
    if case.achieved is None:
        telling.rest_on(practice_id=clinician.practice_id)
        return telling.ends(counted(number, "clinician"))
    for category, what in LEVELS.items():
        _say_level(telling, category, what)
    if clinician.extreme_circumstances:
        treated = rules.final_score.extreme_circumstances.value
        does = "is scored on nothing that year" if treated == "neutral" else "is scored as anyone"
        text = f"met extreme and uncontrollable circumstances and {does}"
        telling.say("Excused", text, "final_score.extreme_circumstances")
    return telling.ends(counted(number, "clinician"))


def _say_level(telling: Telling, category: str, what: str) -> None:
    """Whose results are scored: only where the rule pools any is there more to say than one."""
    case = telling.case
    rule, clinician = case.rules.scoring_level, case.clinician
    level = (rule.quality if category == "quality" else rule.cost).value
    label, path = category.capitalize(), f"scoring_level.{category}"
    if not is_pooled(case, category):
        kind = "" if level == "clinician" else ": only small practices are scored as a whole"
        telling.say(label, f"the clinician's own {what}{kind}", path)
        return
    members = sum(one.practice_id == clinician.practice_id for one in case.group.clinicians)
    telling.say(
        label,
        f"the {what} of the practice of {given(clinician.practice_size)} as a whole, those of "
        f"its {counted(members, 'clinician')} in the cohort added up",
        path,
        **{f"{category}_of_clinicians": members},
    )


def is_pooled(case: Case, category: str) -> bool:
    """Whether the results of a category are the whole practice's."""
    rule = case.rules.scoring_level
    level = (rule.quality if category == "quality" else rule.cost).value
    largest = case.rules.small_practice.small_maximum_clinicians.value
    small = case.clinician.practice_size <= largest
    return level == "practice" or (level == "small_practices" and small)
