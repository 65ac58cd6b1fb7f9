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
# # How steady is a clinician's payment?
#
# Under the Ambulatory Specialty Model (ASM) a specialist's Part B payments are adjusted up or down
# in each of five payment years, by a final score from two years before. A practice that plans, and
# a policy that means to reward quality, both need to know: how much does *one* clinician's
# adjustment move from year to year? How many penalties are there in five years, and what do they
# add up to? Where does the movement come from, and how much of it is chance?

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
ds = results.latest_run("../runs", variables=["panel_group", "probe_adjustment"])
if ds is None:
    ds = asm.simulate("baseline", draws=DRAWS, seed=1)
print(f"{ds.attrs['draws']} draws, seed {ds.attrs['seed']}, asm_sim {ds.attrs['asm_sim_version']}")
print(f"kept clinician by clinician: the first {ds.sizes['draw_sample']}")
print(f"looked at closely: the first {ds.sizes['lens_draw']}")


def in_groups(result, *groupings):
    """All clinicians and the groups of these groupings."""
    inside = result["grouping"].isin(["all", *groupings])
    return result.isel(group=inside.values)


# %% [markdown]
# A **draw** is one complete synthetic history of all clinicians over the five years. All numbers
# are means over draws; behind `±` stands the Monte Carlo standard error, by how much the mean would
# typically move if the draws were made anew. How far the assumptions may be off it does not say:
# see the end.
#
# ## Over the five years
#
# For each clinician we take the standard deviation (SD) of the five adjustments, and then the mean
# over clinicians. The risk level rises from 9 % to 12 % meanwhile, which by itself moves payments.

# %%
years = studies.volatility.over_the_years(ds)
for cohort in ds["cohort"].values:
    at = years.sel(cohort=cohort, group="all")
    sd = results.percentage_points(
        float(at["within_clinician_sd"]), float(at["within_clinician_sd_mcse"])
    )
    signs = results.percent(float(at["sign_change_share"]), float(at["sign_change_share_mcse"]))
    print(
        f"{results.cohort_title(ds, cohort)}: a clinician's adjustment typically lies {sd} "
        "percentage points from its own five-year mean;\n"
        f"  from one year to the next, {signs} change from a penalty to a bonus or back."
    )

# %%
results.written(
    in_groups(years, "practice_size", "episodes"), "within_clinician_sd", "percentage_points"
).to_pandas().transpose()

# %% [markdown]
# In percentage points of Part B payments, for clinicians by practice size and by episodes a year.
# Set it against what is at stake, 9 to 12 %: an adjustment that goes up and down by this much is
# not a stable price on a clinician's quality.
#
# Is at least the *order* of clinicians the same a year later? The rank correlation of an adjustment
# with the one before would be 1 if the order stayed, and 0 if it were drawn anew:

# %%
results.written(studies.volatility.year_to_year(ds), "rank_correlation").to_pandas()

# %% [markdown]
# ## Where does each quintile go?

# %%
asm.plots.quintile_transitions.plot(ds)

# %% [markdown]
# Both ends hold on to their clinicians more than the middle does. At the lower end are also those
# who report nothing, and practices that once do not report are assumed to be likely not to report
# the next year. In the middle, a clinician's quintile says little about the next year's: the
# shares along those rows are not far from the 20 % of a lottery.
#
# ## How many penalties in five years?

# %%
penalties = studies.volatility.penalty_years(ds)
results.written(penalties.sel(group="all"), "probability", "percent").to_pandas()

# %%
results.written(
    in_groups(penalties, "practice_size", "episodes", "dual_share"), "expected_years"
).to_pandas().transpose()

# %% [markdown]
# The first table says how likely 0, 1, ... 5 years with a penalty are. If every year were an
# independent lottery, both ends would be rare: the probability to be penalised five times would
# be the fifth power of that of one penalty. It is far above that, so there *is* persistence; but
# most clinicians see years of both kinds. The second table is the expected number by group.
#
# ## What it is in dollars
#
# Payments in the five payment years added up, per clinician. Those who stop practising in between
# get and lose nothing more, but still count.

# %%
money = studies.volatility.dollars(ds)
last = money.isel(performance_year=-1)


def in_dollars(result, *groupings):
    """Cumulated dollars: mean, SD and quantiles over who is in the group."""
    of = in_groups(result, *groupings)
    table = {"mean": results.written(of, "cumulated"), "SD": results.written(of, "cumulated_sd")}
    for q in of["quantile"].values:
        table[f"{100 * q:.0f} % quantile"] = results.written(
            of.sel(quantile=q), "cumulated_quantile"
        )
    return pd.DataFrame({name: column.to_series() for name, column in table.items()})


def losing(result, *groupings):
    """Probability of having lost more than each limit."""
    shares = results.written(in_groups(result, *groupings), "loss_probability", "percent")
    shares = shares.assign_coords(loss=[f"over {loss:,.0f} USD" for loss in shares["loss"].values])
    return shares.to_series().unstack("loss")[list(shares["loss"].values)]


print(f"USD, payment years {int(ds['payment_year'][0])} to {int(ds['payment_year'][-1])}")
in_dollars(last, "episodes")

# %% [markdown]
# The mean is negative because Medicare keeps 15 % of what is put at risk, and not by chance (see
# `04_medicare_savings`). It is the spread that counts here: much larger than the mean. Beside the
# adjustments it holds how different clinicians' Part B payments are. How likely is it to have lost
# more than a given amount by the last payment year?

# %%
losing(last, "episodes")

# %% [markdown]
# **Practices** add up what their clinicians of both cohorts gain and lose. A practice is who is
# listed together at the start.

# %%
practices = studies.volatility.practice_dollars(ds).isel(performance_year=-1)
in_dollars(practices, "practice_size")

# %%
losing(practices, "practice_size")

# %% [markdown]
# A larger practice averages over more clinicians, but in dollars it has more at stake: its sums
# spread further, and large losses are likelier than in a solo practice.
#
# You can try other limits (the tables above do not need it):

# %%
LIMITS = [float(limit) for limit in range(5_000, 105_000, 5_000)]
at_limits = studies.volatility.dollars(ds, LIMITS).isel(performance_year=-1).sel(group="all")


def lose_more_than(limit=20_000):
    """Share of clinicians who in five payment years lose more than this."""
    at = at_limits.sel(loss=float(limit))
    for cohort in ds["cohort"].values:
        of = at.sel(cohort=cohort)
        share = results.percent(float(of["loss_probability"]), float(of["loss_probability_mcse"]))
        print(f"{results.cohort_title(ds, cohort)}: {share} lose more than {limit:,.0f} USD")


try:
    from ipywidgets import interact

    interact(lose_more_than, limit=(5_000, 100_000, 5_000))
except ImportError:
    lose_more_than()

# %% [markdown]
# ## Where it comes from
#
# Five things make an adjustment of one year differ from that of another:
#
# | | |
# |---|---|
# | chance in measurement | which episodes and cases happen to come |
# | what is reported and attested | reporting at all, activities, and how many cases there are |
# | own true performance | true quality and cost relative to the common trend |
# | peers and benchmarks | what others make of benchmarks, median and scaling |
# | the rising risk level | 9 % to 12 % |
#
# The simulation lets each of the 32 sets of them move while the others stay as in the first year,
# with the same random numbers. The **Shapley share** of a factor is what adding it does to the
# variance, averaged over all orders of adding. Shares sum to one.

# %%
asm.plots.variance_shares.plot(ds)

# %%
shares = studies.decomposition.shares(ds)
of_all = shares.sel(group="all", variance="within_clinician")
pd.concat(
    {
        cohort: pd.DataFrame(
            {
                "Shapley share": results.written(of_all, "share", "percent")
                .sel(cohort=cohort)
                .to_series(),
                "alone": results.written(of_all, "share_alone", "percent")
                .sel(cohort=cohort)
                .to_series(),
                "last": results.written(of_all, "share_last", "percent")
                .sel(cohort=cohort)
                .to_series(),
            }
        )
        for cohort in ds["cohort"].values
    }
)

# %% [markdown]
# *Alone* is the share of the variance that is there when nothing but this factor moves, *last* the
# share that goes away when it alone is held still. Where the two lie close to the Shapley share,
# the answer does not hang on the convention. The risk level does: by itself it moves little, but it
# makes everything else count for more.
#
# - **What is reported and attested is the largest part**, in both cohorts. Missing an activity or
#   interoperability costs ten points or more, and reporting nothing the whole score. How often that
#   happens is drawn from what is published or assumed by practice size. *How long it lasts* is
#   assumed throughout: whether a practice reports has a memory, and 70 % of the practices attest as
#   in the year before. If fewer do, this part is larger, and so is volatility as a whole.
# - **Chance and true performance come behind it**; the share of chance falls steeply with the
#   number of episodes. It is chance against the benchmarks, median and scaling that were observed.
#   The variance of chance that a run's summary tells is another number, by design: within one year,
#   and against a cohort of which nobody is measured with noise, so that benchmarks, median and
#   scaling are other ones too.
# - **Peers move the individual little.** Benchmarks and median are made of a large cohort. That
#   they move *together* with everybody's performance is another matter.
#
# ### If attesting lasts
#
# The largest part rests on the weakest ground, so here it is varied: the share of practices that
# attest in a year as they did in the year before, whatever that was. 0.7 is the baseline. The same
# sweep is `asm-sim sweep attestation-persistence`.

# %%
lasting = asm.sweep("attestation-persistence", "../runs/notebook-attestation", draws=min(DRAWS, 50))


def of_persistence(name):
    """SD over the years and the shares of three factors, of one scenario of the sweep."""
    result = studies.decomposition.shares(results.scenario_of(lasting, name)).sel(
        group="all", variance="within_clinician"
    )
    parts = {
        factor: results.written(result, "share", "percent").sel(factor=factor).to_series()
        for factor in ("participation", "measurement", "performance")
    }
    return pd.DataFrame(
        {"SD, points": results.written(result, "sd", "percentage_points").to_series(), **parts}
    )


pd.concat({name: of_persistence(name) for name in lasting["scenario"].values})

# %% [markdown]
# The SD is the one that the mean variance means (zero scores weigh heavily in it). The longer
# attesting lasts, the steadier are payments and the larger is the share of chance in what is left:
# whoever cites a share of chance should cite this table with it.
#
# ## Chance, for a truly average clinician
#
# The clinicians of the cohort differ in many ways. To see chance by itself, the simulation scores
# **probe clinicians**: of exactly average true performance in all measures and in cost, reporting
# everything, again and again with new patients. What is shown is the adjustment *minus* the one
# without measurement noise, since the average clinician loses something without any chance.

# %%
asm.plots.chance_band.plot(ds)

# %%
average = studies.chance.average_clinician(ds)
first_year = average.isel(performance_year=0)
pd.concat(
    {
        f"moved by over {points:g} points": results.written(
            first_year.sel(points=points), "moved_share", "percent"
        ).to_pandas()
        for points in average["points"].values
    },
    axis="index",
)

# %% [markdown]
# For the first performance year, by episodes a year; `0 ±0` is "not once in this run". Even with
# many episodes chance does not disappear. What is left then comes from the quality measures, whose
# numbers of patients are the same for every probe, and from the benchmarks that others make.
#
# The band is not centred on zero. Observed benchmarks, median and scaling are made from noisy
# results of others, and differ from those that true performance would make:

# %%
results.written(average, "chance_mean", "percentage_points").sel(episodes=50).to_pandas()

# %% [markdown]
# Percentage points at 50 episodes. In low back pain the first year differs from the others. The
# likely reason: every true rate is assumed to get better by a point a year, and measures that are
# all but perfect at the start (Q238, a rate near zero is good) are at their limit from the second
# year on, where they no longer tell clinicians apart, rightly or wrongly.
#
# ## Who gets the wrong sign?
#
# Among all clinicians of the cohort: a penalty where the noise-free score would have earned none,
# or the other way round.

# %%
asm.plots.misclassification_by_volume.plot(ds)

# %%
wrong = in_groups(studies.chance.misclassification(ds), "episodes").isel(performance_year=0)
pd.concat(
    {
        among: results.written(wrong.sel(among=among), "misclassified_share", "percent")
        .to_pandas()
        .transpose()
        for among in wrong["among"].values
    },
    axis="columns",
)

# %% [markdown]
# For the first performance year. Clinicians far from the middle seldom cross the line by chance;
# among those whose noise-free score is in the middle fifth, wrong signs are far more frequent (a
# coin would give 50 %). How many are moved by more than 1, 3 and 5 percentage points:

# %%
moved = wrong.sel(group="all")
pd.concat(
    {
        among: results.written(moved.sel(among=among), "moved_share", "percent").to_pandas()
        for among in wrong["among"].values
    },
    axis="columns",
)

# %% [markdown]
# ## What this rests on
#
# | | |
# |---|---|
# | true performance changes slowly | half permanent, the rest fades; persistence assumed |
# | reporting comes and goes | shares published by practice size; how long it lasts assumed |
# | attestation comes and goes | shares by practice size and how long it lasts, both assumed |
# | noise of cost | a reliability at 20 episodes; the most important unknown of the model |
# | noise of quality | cases per measure, assumed medians; sampling exactly binomial |
# | no response | clinicians do not change what they do because of the last adjustment |
# | Part B | lognormal, fitted to the largest payments; SD of the yearly change from a panel |
# | practices | listed together at the start; who moves is not followed |
#
# Errors behind `±` are those of the simulation and do not hold these. Of all that nobody knows,
# these move the share with a penalty most:

# %%
pd.set_option("display.max_colwidth", None)  # no path is cut off
results.effects_table(ds)
