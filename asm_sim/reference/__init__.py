"""The rule in plain Python, written from the rule text: slow, obvious, and what tests trust.

It imports the rule set and the standard library, never the compiled kernels.
"""

from asm_sim.reference.cohort import Earlier, Fit, fit, score, score_cohort, score_years

__all__ = ["Earlier", "Fit", "fit", "score", "score_cohort", "score_years"]
