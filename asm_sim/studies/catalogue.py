"""Which studies there are: what each asks, what it is run on, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

PANEL = "draws kept clinician by clinician"
LENS = "draws looked at closely"

BASELINE = "asm-sim run baseline"
_NOTHING: Mapping[str, Any] = {}
_ON_BASELINE: Mapping[str, str] = {"ds": BASELINE}


class Part(NamedTuple):
    """A function of a study: Datasets of results in, a Dataset out.

    ``reads`` names, by argument, a command that makes what it reads; a run of another scenario
    does as well where the study is not about that one. ``keeps`` is what such a run must keep,
    :data:`PANEL` or :data:`LENS`. ``given`` are further arguments, and ``shown`` the values along
    a dim that a terminal shows of many. ``table`` names a function that lays the result out for
    reading, where it is no table of numbers.
    """

    name: str
    title: str
    reads: Mapping[str, str] = _ON_BASELINE
    keeps: tuple[str, ...] = ()
    given: Mapping[str, Any] = _NOTHING
    shown: Mapping[str, tuple[Any, ...]] = _NOTHING
    table: str = ""


class Study(NamedTuple):
    """A module of studies. ``how`` says how one is run that takes no stored results."""

    name: str
    question: str
    parts: tuple[Part, ...] = ()
    how: str = ""


def _sweep(name: str) -> Mapping[str, str]:
    return {"ds": f"asm-sim sweep {name}"}


_OUTCOME = {"outcome": "share_negative"}
_UNCERTAIN = {"on": "asm-sim run parameter-uncertainty", "off": BASELINE}
_INVESTED = {"ds": "asm-sim run care-redesign-by-all", "without": BASELINE}
_OVERLAP = {
    "ds": "asm-sim run aco-overlap",
    "without": "asm-sim run aco-overlap --set population.aco.quality_effect=0 "
    "--set population.aco.cost_effect=0",
}
_SCORES = {"score": (50.0, 60.0, 70.0, 80.0, 90.0)}

STUDIES = (
    Study(
        "volatility",
        "How does a clinician's adjustment move over the years, and what is that in dollars?",
        (
            Part("over_the_years", "One clinician over the years", keeps=(PANEL,)),
            Part("year_to_year", "From one year to the next"),
            Part("transitions", "From one quintile of the adjustment to the next year's"),
            Part("penalty_years", "How many years with a penalty"),
            Part("dollars", "In dollars, by clinician", keeps=(PANEL,)),
            Part("practice_dollars", "In dollars, by practice", keeps=(PANEL,)),
        ),
    ),
    Study(
        "decomposition",
        "Which of five factors makes how much of that?",
        (Part("shares", "Shapley shares of the factors in both variances", keeps=(LENS,)),),
    ),
    Study(
        "chance",
        "How far does measurement move an adjustment from what true performance would earn?",
        (
            Part("average_clinician", "A truly average clinician", keeps=(LENS,)),
            Part("misclassification", "Who is moved by chance", keeps=(PANEL,)),
            Part("tiers", "Who is found in the right quarter of the final score", keeps=(PANEL,)),
        ),
    ),
    Study(
        "relative_ranking",
        "What is a score worth, given the scores of everybody else?",
        (
            Part("same_score", "One score, other results", shown=_SCORES),
            Part("value_of_a_point", "What one more point is worth", keeps=(PANEL,)),
            Part("fixed_standard", "Against a standard fixed in advance", keeps=(LENS,)),
        ),
    ),
    Study(
        "improvement",
        "What is true improvement worth, and what does standing still cost?",
        (
            Part("standing_still", "While the peers improve", _sweep("peers-improve"), (LENS,)),
            Part("by_improvement", "Who improves so much every year", keeps=(LENS,)),
            Part("value_of_improvement", "Being truly better than average", keeps=(LENS,)),
        ),
    ),
    Study(
        "redesign",
        "Does it pay to invest: for the first who does, and if everybody does?",
        (
            Part(
                "first_mover",
                "The first who invests as all do in care-redesign-by-all",
                keeps=(LENS,),
                given={"effect": 0.25, "usd_per_year": 20_000.0},
            ),
            Part("if_all_invest", "If all invest", _INVESTED),
        ),
    ),
    Study(
        "hires",
        "What does a practice inherit when it hires?",
        (
            Part(
                "inherited",
                "What hires bring along",
                {"ds": "asm-sim run movers-and-entrants"},
                (PANEL,),
            ),
        ),
    ),
    Study(
        "overlap",
        "What is paid twice for the same savings, in accountable care organizations?",
        (Part("double_incentive", "Paid for what organizations save", _OVERLAP),),
    ),
    Study(
        "geography",
        "How different would the model be had other areas been drawn?",
        (Part("redrawn", "Over draws of areas", {"ds": "asm-sim run areas-redrawn"}, (PANEL,)),),
    ),
    Study(
        "transfers",
        "Whose penalties become whose bonuses?",
        (
            Part("matrix", "From the penalties of each group to the bonuses of each"),
            Part("net", "What each group gains or loses"),
            Part(
                "moved_by_adjustments",
                "What the adjustments for small practices and complex patients move",
                _sweep("without-group-adjustments"),
            ),
        ),
    ),
    Study(
        "savings",
        "What does Medicare keep: the 15 % savings, step by step and by lever?",
        (
            Part("steps", "From the nominal savings to the actual ones"),
            Part("scaled_to", "Scaled to the published number of participants"),
            Part("payment_weighted_mean", "The mean adjustment weighted by payments"),
            Part("average_clinician", "What an exactly average clinician is left with"),
            Part("by_lever", "By the two levers", _sweep("redistribution-by-risk")),
        ),
    ),
    Study(
        "uncertainty",
        "What does parameter uncertainty add to an interval, and which parameters matter?",
        (
            Part("intervals", "With and without it", _UNCERTAIN, given=_OUTCOME),
            Part("effects", "By parameter", _UNCERTAIN, given=_OUTCOME),
        ),
    ),
    Study(
        "sensitivity",
        "Which unknown matters: effects, screening, indices, shares of the variance?",
        how="asm-sim sensitivity, or with asm.sensitivity in Python",
    ),
    Study(
        "subsets",
        "How do any clinicians fare: means, shares, quantiles, histograms, with errors?",
        how="asm.studies.subsets.statistics in Python, for those whom members chooses",
    ),
    Study(
        "mips",
        "What do ASM and MIPS pay the same clinicians, and how steady is each?",
        (
            Part("difference", "ASM minus MIPS", keeps=(PANEL,)),
            Part("quadrants", "Penalties under both, one or neither", keeps=(PANEL,)),
            Part("volatility", "One clinician over the years", keeps=(PANEL,)),
            Part("money", "Bonuses, penalties and what Medicare keeps", keeps=(PANEL,)),
        ),
    ),
    Study(
        "mips_levels",
        "How far do simulated scores of MIPS meet the published ones?",
        (
            Part("levels", "Levels of the scores", keeps=(PANEL,)),
            Part("calibration", "Beside the published figures", keeps=(PANEL,)),
        ),
    ),
    Study(
        "mips_pool",
        "What becomes of MIPS bonuses when the participants of ASM leave its pool?",
        (Part("without_participants", "The pool with and without them", keeps=(PANEL,)),),
    ),
    Study(
        "mips_designs",
        "How do the rules of ASM and MIPS differ, each with a simulated number?",
        (Part("designs", "Rule by rule", keeps=(PANEL,), table="designs_table"),),
    ),
    Study(
        "theory",
        "Do closed forms give what a run shows, and how many episodes does the right sign take?",
        (
            Part("beside", "Closed forms beside the run"),
            Part("power", "Episodes until the sign is right, by closed forms"),
        ),
    ),
)
