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
# # What Medicare keeps
#
# Under the Ambulatory Specialty Model (ASM) a share of each specialist's Part B payments is put at
# risk: 9 % for the first two performance years, 12 % for the last. Of all that is put at risk,
# 85 % is paid out again to those who score well, and Medicare keeps 15 %. How much money is that,
# on which payments is it reckoned, and who is it taken from?
#
# Only these payment adjustments are counted here. Whether care becomes better or cheaper, which is
# the purpose of the model, is another question and is not in these numbers.

# %%
import os

import pandas as pd

import asm_sim as asm

results, studies = asm.results, asm.studies

# %% [markdown]
# ## The run
#
# The latest stored run of the baseline is read (`make run`, or `asm-sim run baseline`, in the
# folder above this one). If there is none, a smaller one is made here.

# %%
DRAWS = int(os.environ.get("ASM_SIM_NOTEBOOK_DRAWS", "200"))
ds = results.latest_run("../runs", variables=["retained_by_medicare_before_exits"])
if ds is None:
    ds = asm.simulate("baseline", draws=DRAWS, seed=1)
print(f"{ds.attrs['draws']} draws, seed {ds.attrs['seed']}, asm_sim {ds.attrs['asm_sim_version']}")


# %% [markdown]
# A **draw** is one complete synthetic history of all clinicians. All numbers are means over draws;
# behind `±` stands the Monte Carlo standard error, by how much the mean would typically move if
# the draws were made anew. No digit is printed that the error does not support.
#
# ## The arithmetic
#
# A specialist with 500,000 USD of Part B payments has 45,000 USD at stake at 9 %. If everybody's
# adjustments are added up, weighted with their payments, the sum is fixed in advance. It is minus
# 15 % of 9 %:

# %%
print(f"{studies.savings.nominal_savings(500_000, 0.09, 0):,.0f} USD at stake")
mean = studies.savings.payment_weighted_mean(ds)
results.written(mean, "payment_weighted_mean", "percent").to_pandas()

# %% [markdown]
# An error of zero is meant: **this is an identity and not a finding.** It holds in each draw,
# whatever the scores, the measures or the curve. If all specialists improved by the same amount,
# they would together still lose 1.35 % of their payments in 2029 and 2030, and 1.8 % in 2033.
#
# You can try the formula: what is kept of each 1,000 million USD of Part B in a year.


# %%
def kept(redistribution_share=0.85, risk_level=0.09):
    """What Medicare keeps, by the formula alone."""
    amount = studies.savings.nominal_savings(1_000, risk_level, redistribution_share)
    print(f"{amount:.4g} million USD kept of 1,000 million USD of Part B")


try:
    from ipywidgets import interact

    interact(kept, redistribution_share=(0.5, 1.0, 0.05), risk_level=(0.0, 0.12, 0.01))
except ImportError:
    kept()

# %% [markdown]
# ## From the nominal amount to the money
#
# The 15 % have to be taken of something, and two things lie between the number in the rule and the
# money that stays:
#
# 1. clinicians without a final score get no adjustment, so nothing is kept of their payments;
# 2. the pool is reckoned on the payments of the performance year, but the adjustment is applied to
#    those of the payment year, two years later.

# %%
steps = studies.savings.steps(ds)
asm.plots.savings_steps.plot(ds)

# %% [markdown]
# The same in numbers, both cohorts together, by performance year and over all five years, in
# **million USD** like all amounts below. R is the risk level, and rho the share paid out, 85 %.

# %%
by_year = results.written(steps, "savings_all_cohorts", "millions").to_pandas()
by_year["all years"] = results.written(steps, "savings_total", "millions").to_pandas()
by_year.set_axis(steps["step_title"].values, axis="index")

# %% [markdown]
# - **The first step hardly matters here.** Everybody on CMS's list is expected to have enough
#   episodes for a cost score, so that in the simulation next to nobody is without a final score.
#   That follows from how the list is drawn up, and from taking it that those on it in one year
#   have enough episodes in the next.
# - **The change of Part B is an input.** Mean payments per clinician are assumed to go on falling
#   by 2 % a year, as they did from 2019 to 2023; over two years that takes away about 4 % of the
#   savings. If they rose, it would add to them.
# - **Exits take a little more.** Of the payments of a clinician who stops practising before the
#   payment year nothing is kept or paid out. Here about 3 % leave every year, whatever their score,
#   so the savings shrink in proportion; if those with penalties leave first, they shrink by more.
#
# How far may one history be from another? Below are the 5 %, 50 % and 95 % quantiles over draws of
# the total. This spread is real variation (who happens to bill how much), not an error: it does
# not shrink with more draws.

# %%
spread = results.written(
    steps.sel(step=["nominal", "actual"]), "savings_total_quantile", "millions"
)
spread.to_pandas()

# %% [markdown]
# ## If 8,600 take part
#
# The preliminary list has fewer clinicians than the 8,600 that CMS expected when it proposed the
# model. Scaled up by a plain proportion, as if those who are missing were like those who are
# listed:

# %%
scaled = studies.savings.scaled_to(ds)
print(f"from {scaled.attrs['clinicians_listed']:,.0f} to {scaled.attrs['clinicians']:,.0f}")
results.written(scaled, "savings_total", "millions").to_pandas().to_frame("all years")

# %% [markdown]
# The error is that of the simulation only. Whether 8,600 or the list is nearer to the truth is an
# uncertainty of its own, and much the larger one.
#
# ## What is left for an exactly average clinician
#
# The payment-weighted mean is arithmetic. What the clinician *in the middle* gets is not: it
# depends on how the scores are spread. Below, for 500,000 USD of Part B, are a clinician exactly at
# the cohort's median of scores above zero, and one at the cohort's mean score.

# %%
average = studies.savings.average_clinician(ds)
pd.concat(
    {
        f"{at} score": pd.concat(
            {
                "score": results.written(average.sel(average=at), "score").to_pandas(),
                "adjustment": results.written(
                    average.sel(average=at), "adjustment", "percent"
                ).to_pandas(),
                "USD of 500,000": results.written(average.sel(average=at), "dollars").to_pandas(),
            }
        )
        for at in ("median", "mean")
    }
).transpose()

# %% [markdown]
# **This is a finding**, of the simulated scores and of the curve. A tail of very low scores,
# zeros among them, loses much and so pays for the others: the clinician at the median loses less
# than the payment-weighted mean of -1.35 %. The same tail pulls the mean score below the median,
# and a clinician at the *mean* score loses more than that. "Average" has to be said precisely.
# Nothing in the rule forces these numbers; with a heavier tail the clinician in the middle could
# even gain. They rest on the steepness of the curve and on how many report nothing.
#
# ## The two levers
#
# What if more were paid out, or less put at risk? The sweep `redistribution-by-risk` has 15
# scenarios with the same random numbers in each.

# %%
sweep = asm.sweep("redistribution-by-risk", "../runs/notebook-savings", draws=DRAWS)
asm.plots.savings_levers.plot(sweep)

# %%
levers = studies.savings.by_lever(sweep)
pd.concat(
    {
        "kept, both cohorts, million USD": results.written(
            levers, "kept_actual_total", "millions"
        ).to_pandas(),
        "minus the reference, million USD": results.written(
            levers, "kept_actual_total_difference", "millions"
        ).to_pandas(),
    },
    axis="columns",
)

# %% [markdown]
# The reference is a share of 0.85 at a risk level of 9 % in all years. What is kept is, but for
# the change of Part B, the product of the two levers: arithmetic again. With everything paid out
# nothing is kept by rule; what is left then is whose payments happened to grow, about zero.
#
# Who loses depends on one of them only:

# %%
at_nine = levers.sel(risk_level=0.09)
pd.concat(
    {
        "with a penalty": results.written(at_nine, "share_negative", "percent").to_pandas(),
        "minus the reference, percentage points": results.written(
            at_nine, "share_negative_difference", "percentage_points"
        ).to_pandas(),
        "break-even score": results.written(at_nine, "break_even_score").to_pandas(),
    },
    axis="columns",
)

# %% [markdown]
# - **The risk level does not change who loses.** It multiplies gains and losses alike, so the lines
#   in the lower half of the figure lie on each other, and the break-even score is the same. That is
#   arithmetic, as long as clinicians do not behave differently when more is at stake, which is
#   assumed throughout.
# - **The redistribution share does.** With everything paid out it is about half who lose; with less
#   paid out, the score that breaks even moves up into the bulk of the cohort. By how much is a
#   finding of this simulation; the differences are paired within draws and known to a small
#   fraction of a percentage point.
#
# So a budget-neutral model would need no other curve, only another share. And the same savings from
# a lower risk level and a lower share would come from *more* losers, each with less at stake.
#
# ## What this rests on
#
# | | |
# |---|---|
# | 85 %, and 9 % to 12 % | explainers of the rule; its text could not be read to the end |
# | all with a final score count in the pool, zeros too | inferred from the pool's definition |
# | Part B payments per clinician | a fit to the largest payments of those listed, 2022-2023 |
# | Part B falls by 2 % a year | the years 2019-2023 continued |
# | who takes part | the preliminary list for 2027, the same clinicians in all five years |
# | 3.1 % stop practising a year | published for 2014; that the score does not matter is assumed |
# | no change of behaviour | not modelled |
#
# What is kept does not rest on the measures, the scores or the curve. The share of losers does, and
# these move it most of all that nobody knows:

# %%
pd.set_option("display.max_colwidth", None)  # no path is cut off
results.effects_table(ds)

# %% [markdown]
# Next: `10_sweeps` shows how the steepness of the curve and the share work together;
# `asm-sim sweep redistribution-by-risk` runs the sweep above with 500 draws.
