# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What matters of what nobody knows
#
# A simulation of the Ambulatory Specialty Model (ASM) rests on things that nobody knows: how the
# rule is to be read where its text could not be, and numbers of the population that no source
# states. Which of them matters, and for what?
#
# 1. What does each unknown do alone?
# 2. How much would an answer narrow if one of them were known?
# 3. What can more draws reduce, and what only better data?
#
# Four answers are looked at: the share of clinicians with a penalty; what one clinician is paid, by
# how far one adjustment typically lies from another (their SD); chance, by the share of clinicians
# with another sign than without noise; and what Medicare keeps.

# %%
import os

import numpy as np
import pandas as pd

import asm_sim as asm

results = asm.results

OUTCOMES = {
    "share_negative": "share of penalties",
    "adjustment_sd": "what one clinician is paid",
    "misclassified_share": "chance",
    "retained_by_medicare": "what Medicare keeps",
}
DRAWS = int(os.environ.get("ASM_SIM_NOTEBOOK_DRAWS", "200"))
# With few draws it is a quick look at a few unknowns.
QUICK = DRAWS < 100
ONLY = ["rules.payment", "population.cost.reliability_at_20"] if QUICK else []
ROWS = 4 if QUICK else 128
STORE = "../runs/sensitivity-baseline"
asked = {"seed": 1, "store": STORE}

# %% [markdown]
# The runs are kept in `runs/sensitivity-baseline` beside this folder, where `asm-sim sensitivity`
# keeps its own; what is there is not run again. The first time all of it takes some ten minutes.
#
# ## 1. One unknown at a time
#
# Each unknown is moved to its low and its high, or to each other reading, while everything else
# stays at its central value. All runs have the same few draws, so that differences are paired:
# behind `±` stands the standard error of a difference.

# %%
effects = asm.sensitivity("baseline", list(OUTCOMES), draws=min(DRAWS, 8), only=ONLY, **asked)
print(
    f"{len(set(effects['parameter'].values))} unknowns, {effects.attrs['draws']} draws of each run"
)
asm.plots.tornado.plot(effects)

# %% [markdown]
# The longest bars are the unknowns that move the share of penalties most. For each answer and
# cohort, the unknown that does most alone:


# %%
def strongest(outcome, cohort):
    """The largest change of an outcome, in words."""
    here = effects.sel(outcome=outcome, cohort=cohort)
    one = here.isel(alternative=int(abs(here["change"].values).argmax()))
    unit = results.unit_of(str(here["units"].item()))
    change = results.with_error(
        unit.factor * one["change"].item(), unit.factor * one["change_mcse"].item()
    )
    return {
        "answer": OUTCOMES[outcome],
        "cohort": cohort,
        "unknown": one["parameter"].item(),
        "at": f"{one['value'].item()} (central {one['central_value'].item()})",
        "change": change,
        "in": unit.change,
    }


pd.DataFrame(
    [strongest(outcome, cohort) for outcome in OUTCOMES for cohort in effects["cohort"].values]
)

# %% [markdown]
# ## 2. If one of them were known
#
# Moved alone an unknown says nothing of what it does where the others are not at their centres. The
# eight with the largest effects are therefore drawn together over all that they may be, and the
# variance of each answer is split: the *first-order* share is what would go, on average, if the
# unknown were known; the *total* share is what would be left if all the others were. Where the two
# differ the unknown works through others. The luck of draws is taken out of both.

# %%
indices = asm.sensitivity(
    "baseline", list(OUTCOMES), "sobol", draws=min(DRAWS, 8), rows=ROWS, only=ONLY, **asked
)
asm.plots.sensitivity_indices.plot(indices)

# %% [markdown]
# From the first-order share follows how far each answer would narrow: the SD over what the unknowns
# may be, as it is, and if the unknown with the largest share were known (the root of what is left).


# %%
def narrowed(outcome, cohort):
    """The SD of an outcome over the unknowns, and with the most important of them known."""
    here = indices.sel(outcome=outcome, cohort=cohort)
    unit = results.unit_of(str(here["units"].item()))
    spread, error = unit.factor * here["sd"].item(), unit.factor * here["sd_mcse"].item()
    if not here["first"].notnull().any():
        return {"answer": OUTCOMES[outcome], "cohort": cohort, "in": "fixed by the rule"}
    one = here.isel(parameter=int(here["first"].fillna(-1.0).values.argmax()))
    share = float(np.clip(one["first"], 0.0, 1.0))
    return {
        "answer": OUTCOMES[outcome],
        "cohort": cohort,
        "SD": results.with_error(spread, error),
        "in": unit.change,
        "most important": one["parameter"].item(),
        "its share (%)": results.with_error(100 * share, 100 * one["first_mcse"].item()),
        "SD if it were known": spread * (1.0 - share) ** 0.5,
    }


pd.DataFrame(
    [narrowed(outcome, cohort) for outcome in OUTCOMES for cohort in indices["cohort"].values]
)

# %% [markdown]
# The errors of the shares are those of samples drawn by chance. These were spread more evenly than
# chance would, so that the shares are nearer to the truth than the errors say. For each answer, the
# unknowns in the order of their total shares:

# %%
for outcome, words in OUTCOMES.items():
    print(f"{words}: {', '.join(results.leading(indices, outcome)[:3])}")

# %% [markdown]
# ## 3. Luck and ignorance
#
# A range has two kinds of cause. One is luck: who the clinicians of the model turn out to be, and
# how few episodes and cases each is measured on. It would be there if everything were known, for
# the real cohort is one draw. The other is ignorance: the numbers of the population that no source
# states, and how the rule is read. With everything drawn at once, four sets of draws that share
# fewer and fewer layers tell how much each makes.

# %%
variance = asm.sensitivity("baseline", list(OUTCOMES), "variance", draws=DRAWS, **asked)


def shares(outcome, cohort):
    """The share of each layer in percent; below zero by luck is zero."""
    here = variance.sel(outcome=outcome, cohort=cohort)
    if not here["share"].notnull().all():
        return dict.fromkeys(results.LAYER_WORDS.values(), "fixed by the rule")
    return {
        words: results.with_error(
            100 * max(0.0, here["share"].sel(layer=layer).item()),
            100 * here["share_mcse"].sel(layer=layer).item(),
        )
        for layer, words in results.LAYER_WORDS.items()
    }


cohorts = [str(cohort) for cohort in variance["cohort"].values]
cells = [(outcome, cohort) for outcome in OUTCOMES for cohort in cohorts]
columns = {f"{OUTCOMES[outcome]}, {cohort}": shares(outcome, cohort) for outcome, cohort in cells}
pd.DataFrame(columns)

# %% [markdown]
# More draws reduce neither. They reduce the Monte Carlo error of a mean, which falls with the root
# of the number of draws; the spread over draws stays what it is.


# %%
def reduced(outcome, cohort):
    """What so many draws, and a hundred times as many, leave of the error and of the spread."""
    here = variance.sel(outcome=outcome, cohort=cohort)
    unit = results.unit_of(str(here["units"].item()))
    spread = unit.factor * here["sd"].item()
    return {
        "answer": f"{OUTCOMES[outcome]}, {cohort} ({unit.change})",
        "SD over draws": spread,
        f"error of the mean, {DRAWS:,} draws": spread / DRAWS**0.5,
        f"with {100 * DRAWS:,} draws": spread / (100 * DRAWS) ** 0.5,
    }


pd.DataFrame([reduced(outcome, cohort) for outcome, cohort in cells]).style.format(precision=3)

# %% [markdown]
# So three things stand behind a range, and three remedies. The error of the simulation goes with
# more draws. What is ignorance goes with better data, or with the text of the rule: section 2 says
# which first. What is luck of the real cohort does not go: an honest answer keeps it.
#
# On the command line: `asm-sim sensitivity baseline --method effects`, `morris`, `sobol` or
# `variance`, with `--outcome` and a name for any number that a run has by draw, cohort and year.
