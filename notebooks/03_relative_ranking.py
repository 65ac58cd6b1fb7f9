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
# # Doing well and losing: the relative ranking
#
# In the Ambulatory Specialty Model (ASM) nobody is told in advance which score earns a bonus. The
# measures are scored against what others did in the *same* year, the curve from scores to payments
# is laid through the *median* of all scores, and its height follows from a pool that is fixed. So a
# result depends on the competitors as well as on oneself. How much?
#
# 1. Does the same score bring the same result?
# 2. What is a point worth, and what is true improvement worth?
# 3. How much must one improve to stand still, if the others improve?
# 4. What would a standard fixed in advance change?
# 5. Who pays whom?
# 6. What do the adjustments for small practices and complex patients move?

# %%
import os

import numpy as np
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
ds = results.latest_run("../runs", variables=["panel_group", "probe_adjustment"])
if ds is None:
    ds = asm.simulate("baseline", draws=DRAWS, seed=1)
print(f"{ds.attrs['draws']} draws, seed {ds.attrs['seed']}, asm_sim {ds.attrs['asm_sim_version']}")


# %% [markdown]
# A **draw** is one complete synthetic history of all clinicians. Numbers are means over draws;
# behind `±` stands the Monte Carlo standard error, by how much the mean would typically move if
# the draws were made anew. Differences are taken within draws.
#
# ## 1. The same score, another result
#
# Six final scores, in each year, over all draws. A draw is another cohort that could have been: the
# same list of clinicians with other performance, other luck and other patients.

# %%
asm.plots.same_score.plot(ds)

# %% [markdown]
# How far one history is from another at the same score, as a standard deviation over draws, in
# percentage points of Part B payments; and how far the best year is from the worst within one
# history, as it is and at the first year's risk level in all years, so that only the competitors
# change:

# %%
SCORES = [50, 60, 70, 75, 80, 90]
same = studies.relative_ranking.same_score(ds).sel(score=SCORES)
first = int(ds["performance_year"][0])
table = {
    f"between histories, {first}": same.sel(performance_year=first)[
        ["adjustment_sd", "adjustment_sd_mcse"]
    ].rename(adjustment_sd="x", adjustment_sd_mcse="x_mcse"),
    "between years": same[["adjustment_over_years", "adjustment_over_years_mcse"]].rename(
        adjustment_over_years="x", adjustment_over_years_mcse="x_mcse"
    ),
    "between years, same risk level": same[
        ["adjustment_over_years_same_risk", "adjustment_over_years_same_risk_mcse"]
    ].rename(adjustment_over_years_same_risk="x", adjustment_over_years_same_risk_mcse="x_mcse"),
}
pd.concat({k: results.written(v, "x", "percentage_points").to_pandas() for k, v in table.items()})

# %% [markdown]
# - **With thousands of competitors the luck of the cohort is small.** Which cohort one happens to
#   meet moves the result of a given score by a fraction of a percentage point, no more than one
#   point of score does (next section). Ranks are uncertain because one's *own* score is.
# - **From year to year the result of a score changes by more**, for low and high scores mostly
#   because the risk level rises from 9 % to 12 %: low scores lose more each year, high ones gain
#   more. Near the score that breaks even, what changes are the competitors.
# - **At zero points nothing depends on the others**: the penalty is the maximum.
#
# All this is as long as the cohort as a whole stays as it is. If it gets better, the result of a
# score falls: below you can try it.
#
# ## 2. What a point is worth, and what improvement is worth
#
# A point of final score is worth the slope of the curve. It is steepest at the median; the second
# pair of numbers is the mean of all clinicians with a score above zero. Percentage points of Part B
# for a point, and USD for one with the mean Part B payments of the cohort.

# %%
point = studies.relative_ranking.value_of_a_point(ds)
everyone = point.sel(group="all")
pd.concat(
    {
        "at the median, percentage points": results.written(
            point, "at_median", "percentage_points"
        ).to_pandas(),
        "at the median, USD": results.written(point, "dollars_at_median").to_pandas(),
        "mean of clinicians, percentage points": results.written(
            everyone, "average", "percentage_points"
        ).to_pandas(),
        "mean of clinicians, USD": results.written(everyone, "dollars_average").to_pandas(),
    }
)

# %% [markdown]
# A point is worth that to one clinician. If *all* gain a point, nobody gains a dollar.
#
# True performance is another currency than points. Probe clinicians, whom nobody is compared with,
# are given a true performance above or below the average, in every measure and in cost, and are
# measured over and over. What being better is worth, against an average one:

# %%
worth = studies.improvement.value_of_improvement(ds).sel(performance_year=first)
pd.concat(
    {
        "points of score": results.written(worth, "final_score").to_pandas(),
        "percentage points": results.written(worth, "adjustment", "percentage_points").to_pandas(),
        "USD": results.written(worth, "dollars").to_pandas(),
    },
    axis="columns",
)

# %% [markdown]
# One standard deviation is much: who is that far above the average is better than five in six.
# Half a standard deviation either way is worth more than the mean loss of all. Gains and losses are
# not mirror images, because the curve is bent and because measures that most do perfectly leave no
# room above.
#
# ## 3. Running to stand still
#
# In the sweep `peers-improve` a share of the clinicians improves every year by so many standard
# deviations. The average probe clinician holds still, improves, or gets worse.

# %%
peers = asm.sweep("peers-improve", "../runs/notebook-peers", draws=min(DRAWS, 100))
asm.plots.standing_still.plot(peers)

# %% [markdown]
# What becomes of one who was truly average and holds still, by how much *all* others improve: the
# difference from a world in which nobody does, in percentage points.

# %%
still = studies.improvement.standing_still(peers)
of_all = still.sel(share_improving=1.0)
holding = of_all.sel(own_improvement=0.0, cohort=ds["cohort"].values)
pd.concat(
    {
        str(cohort): results.written(holding.sel(cohort=cohort), "difference", "percentage_points")
        .to_pandas()
        .rename_axis("peers, SD a year")
        for cohort in ds["cohort"].values
    }
)

# %% [markdown]
# And how much one must improve every year, in standard deviations, for the adjustment of a world
# that stands still (last year):

# %%
last = int(ds["performance_year"][-1])
keeping = still.sel(performance_year=last).transpose("cohort", "share_improving", ...)
pd.concat(
    {
        str(cohort): results.written(keeping.sel(cohort=cohort), "keeping_up").to_pandas()
        for cohort in ds["cohort"].values
    }
)

# %% [markdown]
# Across are standard deviations a year of the peers who improve, down the share of them.
#
# - **Standing still is expensive.** If all others improve by a tenth of a standard deviation a
#   year, holding still for four years costs more than the model takes from the mean clinician
#   anyway, though nothing about one's care has become worse.
# - **Keeping up takes about what the peers gain on average**, the share who improve times by how
#   much. That is nearly arithmetic: only the distance to the others counts. Where many measures are
#   close to their ceiling, as for low back pain in the last years, it takes less, because the
#   points for them are no straight line.
# - **Nobody gets richer by it.** When all improve alike, each pays for the improvement and the sum
#   of all adjustments is what it was: Medicare keeps 15 % of the amount at risk.
#
# The results between the simulated improvements are interpolated; that error is not in the `±`.
#
# ### My score against my peers
#
# Suppose all the others gain some points of final score, and I do not. The table shows my result
# for a few scores in the first year; with a live kernel you can move the sliders.

# %%
table = studies.relative_ranking.against_peers(ds, [65, 75, 85], [0, 2, 5, 10])
table = table.sel(performance_year=first)
pd.concat(
    {
        str(cohort): results.written(table.sel(cohort=cohort), "adjustment", "percent")
        .to_pandas()
        .rename_axis(index="my score", columns="points that the others gain")
        for cohort in ds["cohort"].values
    }
)

# %%
curve = ds[["adjustment_at_score", "scaling_factor", "median_final_score"]].load()


def my_result(my_score=75, others_gain=0):
    """My adjustment in each year, with Monte Carlo standard errors."""
    result = studies.relative_ranking.against_peers(curve, my_score, others_gain).squeeze()
    print(results.written(result, "adjustment", "percent").to_pandas().to_string())


try:
    from ipywidgets import interact

    interact(my_result, my_score=(40, 100), others_gain=(-10, 15))
except ImportError:
    my_result()

# %% [markdown]
# ## 4. A standard fixed in advance
#
# The same clinicians, the same luck, but the first year's benchmarks, median and scaling hold in
# all years: everybody knows in advance what a score will bring. Trends that all share are taken
# out. First the baseline, in which nobody improves relative to the trend; then a world in which all
# improve by a tenth of a standard deviation a year.

# %%
improving = {studies.improvement.PER_YEAR: 0.1, studies.improvement.SHARE: 1.0}
worlds = {"baseline": ds, "all improve": results.scenario_of(peers, improving)}
standards = {name: studies.relative_ranking.fixed_standard(world) for name, world in worlds.items()}


def of_world(result):
    """The last year, both standards and their difference."""
    at = result.sel(performance_year=last)
    everyone = at.sel(group="all")
    rows = {
        ("mean adjustment", "the rule"): results.written(
            everyone, "adjustment_mean_rule", "percent"
        ),
        ("mean adjustment", "fixed"): results.written(everyone, "adjustment_mean", "percent"),
        ("with a penalty", "the rule"): results.written(everyone, "share_negative_rule", "percent"),
        ("with a penalty", "fixed"): results.written(everyone, "share_negative", "percent"),
        ("with a penalty", "only one of both"): results.written(
            everyone, "sign_differs_share", "percent"
        ),
        ("kept of what is at risk", "the rule"): results.written(at, "kept_share_rule", "percent"),
        ("kept of what is at risk", "fixed"): results.written(at, "kept_share", "percent"),
        ("kept of what is at risk", "fixed, SD between histories"): results.written(
            at, "kept_share_sd", "percentage_points"
        ),
    }
    return pd.DataFrame(rows, index=at["cohort"].values).transpose()


pd.concat({name: of_world(result) for name, result in standards.items()})

# %% [markdown]
# - **In the baseline the two are alike on average**, as they should be: nobody has improved. A few
#   in a hundred have a penalty under one of the standards only, because of who the competitors are.
# - **The rule insures Medicare.** It keeps 15 % of the amount at risk whatever happens. Under a
#   fixed standard what it keeps differs from history to history (the last line), and if all improve
#   it pays out more than it takes in: a share below zero.
# - **The rule does not pay for improvement of all; a fixed standard does.** That is the choice
#   between them: who bears the risk that the whole field gets better or worse.
#
# ## 5. Who pays whom
#
# Penalties go into one pot per cohort, and bonuses come out of it. Sharing each dollar of penalty
# over the bonuses and over what Medicare keeps, in proportion:

# %%
asm.plots.transfer_matrix.plot(ds)

# %% [markdown]
# Net gain of each group over all years: USD per clinician, and percent of the group's Part B
# payments. With what Medicare keeps, the amounts add up to zero.


# %%
def net_of(grouping):
    """Both cohorts, the groups that have clinicians."""
    result = studies.transfers.net(ds, grouping)
    parts = {
        "million USD": results.written(result, "net_all_years", "millions"),
        "USD per clinician": results.written(result, "net_per_clinician_all_years"),
        "of Part B": results.written(result, "net_share_all_years", "percent"),
    }
    frame = pd.DataFrame({key: part.to_series() for key, part in parts.items()})
    return frame[np.isfinite(result["net_share_all_years"].to_series())]


pd.concat({name: net_of(name) for name in ("practice_size", "dual_share", "specialty", "place")})

# %% [markdown]
# Everybody's Part B together loses 15 % of the risk level, so almost every group is below zero. The
# question is who is above or below that mean:
#
# - practices of up to 15 clinicians lose a smaller share of their payments than larger ones,
# - clinicians with many dual-eligible patients a much smaller one than those with few,
# - rural or not makes little difference.
#
# Both of the first two are due to points that the rule adds to the score.
#
# ## 6. What the two adjustments move
#
# The same draws without the points for small practices, without those for complex patients, and
# without either. What each moves, the rule minus the rule without it, over all years:

# %%
without = asm.sweep("without-group-adjustments", "../runs/notebook-groups", draws=DRAWS)


def moved(grouping, left_out):
    """What the adjustments that are left out move between the groups."""
    result = studies.transfers.moved_by_adjustments(without, grouping).sel(scenario=left_out)
    parts = {
        "million USD": results.written(result, "net_moved_all_years", "millions"),
        "USD per clinician": results.written(result, "net_moved_per_clinician_all_years"),
        "mean adjustment, percentage points": results.written(
            result, "adjustment_mean_moved_all_years", "percentage_points"
        ),
        "with a penalty, percentage points": results.written(
            result, "share_negative_moved_all_years", "percentage_points"
        ),
    }
    return pd.DataFrame(
        {key: part.drop_vars("scenario").to_series() for key, part in parts.items()}
    )


pd.concat(
    {
        "small practices": moved("practice_size", "no small-practice adjustment"),
        "complex patients": moved("dual_share", "no complex-patient adjustment"),
    }
)

# %% [markdown]
# - **The money comes from the other clinicians, not from Medicare**, which keeps the same share:
#   the amounts of a cohort add up to zero.
# - **The points for small practices move more** than those for complex patients: 10 or 15 points
#   are not far from what a whole standard deviation of true performance brings (section 2).
# - The complex-patient points go from clinicians with few dual-eligible patients to those with
#   many. Their formula is an assumption, MIPS's.
# - Whether small practices need the points is another question. Here they fail to report more
#   often, as in MIPS; that their care is as good as that of others is assumed.
#
# ## What this rests on
#
# | | |
# |---|---|
# | compared within condition, in the same year | 42 CFR 512.745 and 512.750 |
# | the steepness of the curve | an assumption: the worth of a point is in proportion to it |
# | true performance: how far clinicians are apart | fits to published MIPS and cost data |
# | peers improve in every measure and in cost alike | a lever of the sweep, not a forecast |
# | how often small practices report | by practice size, from MIPS participation |
# | a penalty dollar is shared in proportion | a convention; the rule has only one pot |
# | nobody changes behaviour because of the model | assumed in the baseline |
#
# Of the parameters that nobody knows, these move the share with a penalty most:

# %%
pd.set_option("display.max_colwidth", None)  # no path is cut off
results.effects_table(ds)

# %% [markdown]
# Next: `04_medicare_savings` shows what Medicare keeps and why it is arithmetic;
# `asm-sim sweep peers-improve` runs the sweep above with 100 draws.
