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
# # The rule, moved by hand
#
# What would other stakes, another curve or other weights do? Below are sliders for the numbers of
# the rule that a policy could move. Beside them stands what comes of it: how adjustments lie, what
# a final score is worth, what Medicare keeps, and who loses against what is **pinned**.
#
# A few dozen draws are made once, and all of them are scored again for each position of the
# sliders: the same clinicians with the same results and the same luck. So what moves is the policy.
# Only the least number of episodes lets the draws be lived anew, from the same random numbers.
# Every number has the Monte Carlo standard error of so many draws; a run of the **scenario file**
# that the page gives, with more draws, has smaller ones.
#
# Without a notebook: `asm-sim explore`, in a browser on this machine.

# %%
import os

import matplotlib.pyplot as plt

import asm_sim as asm

DRAWS = int(os.environ.get("ASM_SIM_NOTEBOOK_DRAWS", "24"))

# %%
asm.explore("baseline", draws=DRAWS)

# %% [markdown]
# ## The same without sliders
#
# What the sliders do are a few functions. Three steepnesses, and what a score is worth under each:

# %%
steps = asm.explorer.page.steps_of("baseline", draws=DRAWS)
cohort = "HF"
figure, ax = plt.subplots(figsize=(6, 3.5))
for steepness in (0.05, 0.1, 0.2):
    step = steps.step({"rules.payment.exchange.steepness": steepness})
    curve = asm.explorer.curve.exchange_curve(step, cohort, year=0)
    ax.plot(curve.scores, 100 * curve.adjustment, label=f"{steepness:g} per point")
ax.axhline(0, color="black", linewidth=0.8)
ax.set_xlabel("Final score (points)")
ax.set_ylabel("Adjustment (% of Part B payments)")
ax.legend(title=f"Steepness, {cohort} {steps.years[0]}")
figure.tight_layout()
