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
# # Around the model: five more questions
#
# The Ambulatory Specialty Model (ASM) does not stand alone. Its participants could have been
# others, they change practices, they may invest, they may be in accountable care organizations,
# and they leave the pool of the Merit-based Incentive Payment System (MIPS). Each of these is a
# question of its own:
#
# 1. How different would the model be had other areas been drawn?
# 2. What does a practice inherit when it hires?
# 3. Does it pay to invest: for the first who does, and if everybody does?
# 4. What is paid twice for the same savings?
# 5. What becomes of MIPS bonuses when the participants of ASM leave its pool?
#
# `asm-sim studies` lists these and all other studies, with what each needs; what is printed below
# comes from `asm-sim studies geography RUN` as well.

# %%
import os

import pandas as pd

import asm_sim as asm

results, studies = asm.results, asm.studies

DRAWS = int(os.environ.get("ASM_SIM_NOTEBOOK_DRAWS", "200"))
SEED = 1

# %% [markdown]
# The runs are made here, all with the same seed, so that what is compared is paired within draws.
# Every number is a mean over draws with its Monte Carlo standard error.
#
# ## 1. Had other areas been drawn
#
# CMS drew about a quarter of the areas once. In `areas-redrawn` the clinicians and their true
# performance are held, nothing is measured with noise, and each draw takes other areas: who is in
# the model differs, and so does whom each is compared with. The frame of areas is made up; the size
# of such a spread is what it can tell, not what it was in CMS's draw.

# %%
areas = asm.simulate("areas-redrawn", draws=DRAWS, seed=SEED)
redrawn = studies.geography.redrawn(areas)
last = redrawn.isel(performance_year=-1)
for name, how, units in (
    ("participants_sd", "round_to_error", "clinicians"),
    ("break_even_score_sd", "round_to_error", "points"),
    ("share_negative_sd", "percentage_points", "percentage points"),
    ("own_adjustment_sd", "percentage_points", "percentage points"),
):
    print(f"{last[name].attrs['long_name']} ({units}):")
    for cohort in last["cohort"].values:
        of = results.written(last, name, how).sel(cohort=cohort).item()
        print(f"    {results.cohort_title(areas, cohort)}: {of}")

# %%
asm.plots.areas_redrawn.plot(areas)

# %% [markdown]
# The upper panels say how far one clinician's adjustment moves by nothing but who else was drawn,
# in percent of Part B; the lower ones how far the share with a penalty does.
#
# ## 2. What a practice inherits
#
# The adjustment follows the clinician. Who moves brings along what is still to be paid for the
# years in the old practice. In `movers-and-entrants` some move every year.

# %%
moving = asm.simulate("movers-and-entrants", draws=DRAWS, seed=SEED)
inherited = studies.hires.inherited(moving)
for name, how in (
    ("hires", "round_to_error"),
    ("dollars", "round_to_error"),
    ("share_losing", "percent"),
    ("largest_loss", "round_to_error"),
):
    print(f"{inherited[name].attrs['long_name']} ({inherited[name].attrs['units']})")
    print(results.written(inherited, name, how).to_pandas().to_string(), "\n")

# %%
asm.plots.inherited_adjustments.plot(moving)

# %% [markdown]
# In the first performance year nobody has anything to bring. `share_losing` is what a practice that
# hires without asking is up against; `largest_loss` the worst that one of them brings.
#
# ## 3. Does it pay to invest?
#
# Scores are relative. Who gets better alone is compared with others who did not. Where all get
# better alike, the pool that they share is what it was before. In `care-redesign-by-all` every
# clinician runs the same programme at the same cost; the first who does it alone is a probe
# clinician of the baseline who is as much better.

# %%
baseline = asm.simulate("baseline", draws=DRAWS, seed=SEED)
everybody = asm.simulate("care-redesign-by-all", draws=DRAWS, seed=SEED)
programme = studies.redesign.programme_of_all(everybody)
print(f"{programme.effect:g} SD better for {programme.usd_per_year:,.0f} USD a year")
alone = studies.redesign.first_mover(baseline, programme.effect, programme.usd_per_year, "all")
together = studies.redesign.if_all_invest(everybody, baseline, "all")
for who, result in (("the first", alone), ("if all do", together)):
    at = result.isel(performance_year=-1, group=0)
    for cohort in at["cohort"].values:
        paid, net = (
            results.written(at, name).sel(cohort=cohort).item() for name in ("dollars", "net")
        )
        print(
            f"{results.cohort_title(baseline, cohort)}, {who}: paid {paid} USD more; net {net} USD"
        )

# %%
asm.plots.who_invests.plot(everybody, baseline)

# %% [markdown]
# "Paid more" of the first is the most that the investment may cost. Of all together it is zero as
# long as the same clinicians have a final score: the pool is a share of what is at risk, whoever
# performs how. What is left of the investment is better care, which the model does not pay for.
#
# ## 4. Paid twice
#
# An accountable care organization of the Shared Savings Program gets a share of what it saves.
# Where it saves on the episodes of the model, its clinicians have lower costs there, too.
# `aco-overlap` puts some practices into organizations that save; it is set against the same
# clinicians in organizations that change nothing.

# %%
NO_EFFECT = {"population.aco.quality_effect": 0, "population.aco.cost_effect": 0}
saving = asm.simulate("aco-overlap", draws=DRAWS, seed=SEED)
idle = asm.simulate("aco-overlap", draws=DRAWS, seed=SEED, settings=NO_EFFECT)
twice = studies.overlap.double_incentive(saving, idle)
for name in ("savings", "shared_savings", "adjustments", "others"):
    print(f"{twice[name].attrs['long_name']}, million USD")
    print(results.written(twice, name, "millions").to_pandas().to_string(), "\n")
results.written(twice, "paid_per_dollar").to_pandas()

# %%
asm.plots.paid_twice.plot(saving, idle)

# %% [markdown]
# Within a cohort the pool does not grow with what is saved: what is paid more to clinicians in
# organizations is paid less to others, up to what payments differ between performance and payment
# year. The last table has what both incentives pay together for a dollar saved.
#
# ## 5. The pool of MIPS without the participants
#
# MIPS pays its bonuses out of its penalties. The participants of ASM leave: their penalties pay
# nobody's bonus any more, and their bonuses need not be paid. Whether those who stay gain or lose
# depends on which of the two was larger, and on figures of the national pool of which some are
# assumed. So each of these is also put at its ends.

# %%
pool = studies.mips_pool.without_participants(baseline, "traditional").isel(mips_form=0)
of_last = pool.isel(performance_year=-1).swap_dims(case="case_title")
changes = {
    "largest bonus, percentage points": ("largest_bonus_change", "percentage_points"),
    "mean bonus of who stays, USD a year": ("mean_bonus_change", "round_to_error"),
}
pd.DataFrame(
    {
        words: results.written(of_last, name, how).to_pandas()
        for words, (name, how) in changes.items()
    }
).rename_axis("change without the participants")

# %%
asm.plots.mips_pool_cases.plot(baseline)

# %% [markdown]
# Bonuses have one scale, so that all change in the proportion of the largest. Where cases lie on
# both sides of zero, the sign is not known.
#
# ## What this rests on
#
# | | |
# |---|---|
# | the frame of areas | made up, with copies of the practices of the list in it |
# | who moves, and how often | published for physicians of all kinds, not for these |
# | what a programme costs and does | ours; the question is what relative scores do with it |
# | practices in organizations, and what these save | ours: nothing was found on the overlap |
# | the national pool of MIPS | published scores; mean payments and low scores assumed |
#
# The numbers depend on these; that the pool of a cohort is shared whoever performs how, that a
# gain of some is a loss of others, and that an adjustment follows the clinician are the rule.
