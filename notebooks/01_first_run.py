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
# # A first run, read from top to bottom
#
# The Ambulatory Specialty Model (ASM) changes what Medicare pays to certain specialists:
# cardiologists who treat heart failure, and six specialties that treat low back pain. From 2029
# on, each of their Part B payments is multiplied by a factor that depends on quality and cost two
# years before, compared with the other specialists of the same kind. Nobody has data from the
# model yet. This notebook reads a simulation of it and says what can be learned, and what cannot.

# %%
import os
import textwrap

import numpy as np
import pandas as pd

import asm_sim as asm

results = asm.results

# %% [markdown]
# ## The run
#
# If `make run` (or `asm-sim run baseline`) has been run in the folder above this one, its latest
# results are read. Otherwise a smaller run is made here.

# %%
DRAWS = int(os.environ.get("ASM_SIM_NOTEBOOK_DRAWS", "200"))
ds = results.latest_run("../runs")
if ds is None:
    ds = asm.simulate("baseline", draws=DRAWS, seed=1)
print(ds.attrs["title"])
print(f"{ds.attrs['draws']} draws, seed {ds.attrs['seed']}, asm_sim {ds.attrs['asm_sim_version']}")

# %% [markdown]
# A **draw** is one complete synthetic history: every clinician gets traits, a true performance
# and five years of measured results, and the rule turns them into payments. Another draw is
# another history that fits what is known equally well. All numbers below are means over draws.
# Behind `±` stands the **Monte Carlo standard error**: by how much the number would typically
# move if the draws were made anew. More draws make it smaller. It does *not* say whether the
# assumptions are right. That is what a **range** is for, in parentheses behind a number: the first
# draws are made again with everything drawn that nobody knows (`docs/uncertainty.md`), and nine in
# ten of these *open draws* lie in it. The last section says what matters most of it. The answer
# first:

# %%
for sentence in results.sentences(ds):
    print(textwrap.fill(sentence, 96), end="\n\n")

# %% [markdown]
# And now step by step. `written` gives means with their errors: numbers that print so, and that can
# be sorted; `.astype(float)` of a table of them can be plotted.


# %%
def written(run, name, how="round_to_error"):
    """Means over draws with their errors, as a table."""
    return asm.results.written(run, name, how).to_pandas()


# %% [markdown]
# ## Who is in it
#
# The clinicians are those of CMS's own preliminary list for 2027, without names: the two cohorts,
# heart failure (HF) and low back pain (LBP), are never compared with each other. State, practice
# and whether the practice is small come from the list. What the list does not say, such as the
# exact practice size or the specialty within LBP, is drawn, and so differs from draw to draw.

# %%
first_year = ds.isel(performance_year=0)


def by(grouping):
    """The first performance year, by one kind of group."""
    return first_year.isel(group=np.flatnonzero(ds["grouping"] == grouping))


pd.concat(
    [
        written(by(grouping), "clinicians_by_group").transpose()
        for grouping in ("all", "practice_size", "specialty")
    ]
)

# %% [markdown]
# ## What a final score is
#
# Once a year every clinician gets a **final score** from 0 to 100 points. Half of it is quality
# (four or five measures, each compared with the other clinicians' results of the same year), half
# is cost (what an episode of care costs Medicare, compared with the cohort's median). Points are
# taken off for missing improvement activities and electronic records, and added for small
# practices and for complex patients. Who had measures to report and reported none gets zero.

# %%
pd.concat(
    {
        "mean": written(ds, "final_score_mean"),
        "SD over clinicians": written(ds, "final_score_sd"),
        "score that breaks even": written(ds, "break_even_score"),
    }
)

# %% [markdown]
# The score has no price of its own. What a score is worth depends on the other scores of the
# cohort: a logistic curve around the cohort's median turns it into an adjustment, and the curve
# is scaled so that a fixed pool is paid out.

# %%
asm.plots.score_to_adjustment.plot(ds)

# %% [markdown]
# Read it from the dot. A clinician with that score gets exactly what Medicare would have paid
# anyway. The dotted line is the median of the scores above zero. Where it lies to the left of the
# dot, the clinician in the middle of the cohort *loses*: the pool is smaller than what is put at
# risk.

# %% [markdown]
# ## Who wins and who loses, and how sure we are
#
# The share of clinicians with a penalty and the mean adjustment, by the year whose performance
# counts. Payment follows two years later.

# %%
pd.concat(
    {
        "share with a penalty": written(ds, "share_negative", "percent"),
        "share at the maximum penalty": written(ds, "share_maximum_penalty", "percent"),
        "mean adjustment": written(ds, "adjustment_mean", "percent"),
    }
)

# %%
asm.plots.adjustment_distribution.plot(ds)

# %% [markdown]
# The black part is the clinicians at the maximum penalty, most of them with a score of zero. Does
# it matter how large the practice is? Small practices get 10 to 15 extra points, but are also
# assumed to report less often. Differences below are a result of the bonus *and* of such
# assumptions; true performance is taken to be the same in practices of all sizes.

# %%
written(by("practice_size"), "share_negative_by_group", "percent").transpose()

# %% [markdown]
# ## The 15 %
#
# Each year a share of Part B payments is put at risk: 9 % for the first two payment years, 12 %
# for the last. The rule pays 85 % of the amount at risk back as the incentive pool; Medicare
# keeps the rest. That is arithmetic and not a finding: the share is the same in every draw, only
# the amount varies, with the Part B payments that it is a share of.

# %%
over_all = ds[["amount_at_risk", "incentive_pool", "retained_by_medicare"]].sum(
    ["cohort", "performance_year"]
)
over_all["share_kept"] = over_all["retained_by_medicare"] / over_all["amount_at_risk"]
for name in ("amount_at_risk", "incentive_pool", "retained_by_medicare"):
    print(f"{name:<22}{results.million_usd(*map(float, results.estimate(over_all, name)))}")
print(f"{'share kept':<22}{results.percent(*map(float, results.estimate(over_all, 'share_kept')))}")

# %% [markdown]
# The rule fixes the pool on Part B payments of the performance year, but applies the adjustment
# to those of the payment year, two years later. What is actually kept differs a little:

# %%
written(ds, "retained_by_medicare_payment_year", "million_usd").transpose()

# %% [markdown]
# ## How much of it is chance
#
# A clinician with 25 episodes and one expensive patient looks expensive. The simulation knows
# everybody's true performance, so each draw can be scored a second time with true rates and true
# costs. The difference between the two adjustments is **chance**. Below: its share of the
# variance of the adjustment (which is not one minus the reliability: noise-free scores are scaled
# by themselves, so that it is near 2 (1 - √reliability)), the share of clinicians for whom it turns
# a bonus into a penalty or the other way round, and the share whose adjustment changes sign from
# one year to the next (chance and true change together).

# %%
pd.concat(
    {
        "share of variance": written(ds, "chance_variance_share", "percent"),
        "wrong sign": written(ds, "misclassified_share", "percent"),
        "sign changed in a year": written(ds, "sign_change_share", "percent"),
    }
)

# %% [markdown]
# Five years in a row are a better test than one. If the adjustment were a coin toss, most
# clinicians would have two or three years with a penalty and few would have none or five.

# %%
written(ds.sel(group="all"), "penalty_years", "percent")

# %% [markdown]
# ## What it rests on
#
# The errors above shrink with more draws. What follows does not: the text of the rule could not be
# read to its end, and much of what clinicians are like is not published. By so many percentage
# points the share with a penalty in 2027 moves where one unknown is not at its central value:

# %%
pd.set_option("display.max_colwidth", None)  # no path is cut off
results.effects_table(ds)

# %% [markdown]
# Take the steepness. The same draws are scored with a flatter and with a steeper curve. Both use
# the same random numbers, so the difference is known better than either number alone.

# %%
for steepness in (0.05, 0.20):
    other = asm.simulate(
        ds.attrs["scenario"],
        draws=min(DRAWS, ds.sizes["draw"]),
        seed=int(ds.attrs["seed"]),
        settings={"rules.payment.exchange.steepness": steepness},
    ).isel(performance_year=0)
    year = int(other["performance_year"])
    print(f"\nsteepness {steepness} per point instead, performance year {year}, change of")
    for name in ("share_negative", "adjustment_mean", "adjustment_sd"):
        mean, error = results.paired_difference(other, first_year, name)
        for cohort in ds["cohort"].values:
            points = [100 * float(part.sel(cohort=cohort)) for part in (mean, error)]
            print(f"  {name:<16} {cohort:<4} {results.round_to_error(*points)} percentage points")

# %% [markdown]
# How the money is *spread* depends on the steepness; how much Medicare keeps does not. So: trust
# the 15 % as far as clinicians with a final score of zero count in the pool, trust the direction of
# what is said about the clinician in the middle, and treat every statement about how *far* somebody
# falls or rises as conditional on the curve.
#
# Next: `asm-sim parameters --status assumption,precedent` lists every open parameter with its
# source, and `asm-sim run --set rules.payment.exchange.steepness=0.2` runs another answer.
