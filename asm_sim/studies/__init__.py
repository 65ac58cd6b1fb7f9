"""Studies: a run's or a sweep's Dataset in, the Dataset that answers one question out.

``volatility``        how a clinician's adjustment moves over the years, and what that is in dollars
``decomposition``     which of five factors makes how much of that
``chance``            how far measurement moves an adjustment from what true performance would earn
``relative_ranking``  what a score is worth, given the scores of everybody else
``improvement``       what true improvement is worth, and what standing still costs
``redesign``          whether it pays to invest: for the first who does, and if everybody does
``hires``             what a practice inherits when it hires
``overlap``           what is paid twice for the same savings, in accountable care organizations
``geography``         how different the model would be had other areas been drawn
``transfers``         whose penalties become whose bonuses
``savings``           what Medicare keeps: the 15 % savings, step by step and by lever
``uncertainty``       what parameter uncertainty adds to an interval, and which parameters matter
``sensitivity``       which unknown matters: effects, screening, indices, shares of the variance
``mips``              what ASM and MIPS pay the same clinicians, and how steady each is
``mips_pool``         what becomes of MIPS bonuses when the participants of ASM leave its pool
``mips_designs``      the rules of both side by side, each with a simulated number
``theory``            closed forms beside a run, and the episodes that the right sign takes

Published figures that they compare with are in ``published`` (``data/published.yaml``).
What they share is in ``estimates`` (what is read of a run, and estimates over draws with errors)
and ``panel`` (clinicians one by one; ``mips_panel`` says which of its variables are of MIPS).
Closed forms are functions of numbers: ``closed_forms`` has those of the payment rule, ``normal``
those of normal measurements.
"""

from asm_sim.studies import (
    chance,
    decomposition,
    geography,
    hires,
    improvement,
    mips,
    mips_designs,
    mips_pool,
    overlap,
    redesign,
    relative_ranking,
    savings,
    sensitivity,
    theory,
    transfers,
    uncertainty,
    volatility,
)

__all__ = [
    "chance",
    "decomposition",
    "geography",
    "hires",
    "improvement",
    "mips",
    "mips_designs",
    "mips_pool",
    "overlap",
    "redesign",
    "relative_ranking",
    "savings",
    "sensitivity",
    "theory",
    "transfers",
    "uncertainty",
    "volatility",
]
