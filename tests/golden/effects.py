"""The shipped effects of the baseline: ``python -m tests.golden.effects`` computes them anew.

A minute or two. Whoever changes what the baseline computes, or what of it is open and between what
it lies, makes them anew; ``tests/golden/test_effects.py`` says when that was forgotten.
"""

from __future__ import annotations

import tempfile

from asm_sim.results.effects import SHARE_OF_PENALTIES, Effects, effects_in, write_effects
from asm_sim.unknowns.question import Question, ask
from asm_sim.unknowns.sensitivity import answered


def question() -> Question:
    return ask("baseline", SHARE_OF_PENALTIES, "effects", draws=8, seed=1)


def computed(asked: Question) -> Effects:
    with tempfile.TemporaryDirectory() as folder:
        return effects_in(answered(asked, folder))


if __name__ == "__main__":
    write_effects(computed(question()))
