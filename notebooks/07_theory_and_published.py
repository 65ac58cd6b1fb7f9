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
# # Somebody else's numbers, and pencil and paper
#
# A simulation can be wrong in ways that no test of its own finds. Two kinds of answers come from
# outside: results that others **published**, which must come out under their conditions, and
# **closed forms**, which follow from the rule and the normal distribution without any simulation.
# Both are set here beside what this package computes, and so is what does *not* come out.
#
# 1. An official payment file: 10,533 skilled nursing facilities
# 2. Published results, closed form and simulation in one table
# 3. Closed forms beside a run of the Ambulatory Specialty Model (ASM)
# 4. How many episodes does the right sign take?
# 5. Whom does a quarter find?

# %%
import os

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

import asm_sim as asm

results, studies, reproductions = asm.results, asm.studies, asm.reproductions
published = reproductions.published.published()

DRAWS = int(os.environ.get("ASM_SIM_NOTEBOOK_DRAWS", "200"))
SIZE = reproductions.bench.SMALL if DRAWS < 100 else reproductions.bench.FULL
plt.style.use(asm.plots.STYLE)

# %% [markdown]
# ## 1. An official payment file
#
# The value-based purchasing programme of skilled nursing facilities pays by a logistic of a
# performance score too, around 50 points and with a steepness of 0.1. CMS publishes score and
# payment multiplier of every facility. The scores go through the payment step of `asm.score` as
# they are: a table of clinicians with a column `final_score` needs no measures.

# %%
pairs = reproductions.published.multipliers()
result = next(result for result in published if result.id == "snf-multiplier")
tournaments = reproductions.tournaments
facilities = tournaments.facilities(result)
paid = tournaments.pay(pairs["performance_score"], pairs["facilities"], facilities)
difference = paid["payment_multiplier"] - pairs["incentive_payment_multiplier"]
print(f"{len(pairs):,} pairs of score and multiplier, {pairs['facilities'].sum():,} facilities")
print(f"largest difference from the published multiplier: {difference.abs().max():.1e}")
print(f"scaling factor: {paid['scaling_factor'][0]:.6f}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.2), layout="constrained")
score = pairs["performance_score"]
axes[0].plot(score, pairs["incentive_payment_multiplier"], color="0.4", linewidth=5, alpha=0.5)
axes[0].plot(score, paid["payment_multiplier"], color="C4", linewidth=1.2)
axes[0].axhline(1.0, color="0.1", linewidth=0.8)
axes[0].set(xlabel="Performance score (points)", ylabel="Payment multiplier")
axes[0].set_title("published (broad) and computed (thin)", fontsize=9)
axes[1].plot(score, 1e9 * difference, ".", color="C4", markersize=2)
axes[1].set(xlabel="Performance score (points)", ylabel="Computed minus published (1e-9)")
axes[1].set_title("what is left is their rounding", fontsize=9)
plt.show()

# %% [markdown]
# **One number is fitted**, and it is the only one: the share paid out, which stands for the scaling
# factor. CMS pays back 60 % of what it withholds, weighted by payments of the facilities that it
# does not publish; with every facility weighing the same the share below reproduces the file. That
# 4,308 pairs then agree is no longer a matter of fitting: one number cannot bend a curve.

# %%
print(f"share paid out: {result.number('share_paid_out'):.6f}")

# %% [markdown]
# ## 2. Published results in one table
#
# Each result is simulated under the condition of its source, by shipped parameters alone: a roster
# on which the reliability of the final score is known, ranks or a threshold in place of the
# logistic, probe clinicians of a stated true level. `asm-sim doctor --published` prints the same
# table with sources and conditions. *Closed form* is what the source's own formula, or ours, gives;
# behind `±` stands the Monte Carlo standard error of the simulation.

# %%
found = list(reproductions.table.rows(SIZE))


def as_published(value):
    """A published number, or the bounds of one (which sort by the first), as they are written."""
    bounds = [bound for bound in (value.at_least, value.at_most) if bound is not None]
    if value.published is not None:
        number, said = value.published, f"{value.published:g}"
    elif len(bounds) == 2:
        number, said = bounds[0], f"{bounds[0]:g} to {bounds[1]:g}"
    else:
        number, said = (bounds[0], f"below {bounds[0]:g}") if bounds else (float("nan"), "none")
    return results.with_error(number, 0.0, lambda *_: said)


def as_cells(row):
    def plainly(number, _):
        return f"{number:.{row.result.decimals}f}"

    return {
        "row": row.result.row,
        "result": row.result.title,
        "of": row.value.of,
        "published": as_published(row.value),
        "closed form": results.with_error(row.closed_form, 0.0, plainly),
        "simulated": results.with_error(
            row.simulated, row.error, "round_to_error" if row.error > 0 else plainly
        ),
        "agrees": row.agrees,
    }


with pd.option_context("display.max_rows", None, "display.max_colwidth", None):
    display(pd.DataFrame([as_cells(row) for row in found]).set_index(["row", "result", "of"]))
print(f"{SIZE.clinicians:,} clinicians, {SIZE.draws} draws")

# %% [markdown]
# Where nothing was published the simulation is held to the closed form. These are known not to
# agree, and stay in the table: a table in which everything agrees convinces nobody. Their notes say
# why.

# %%
for row in found:
    if not row.value.reproduced:
        print(f"{row.result.row} {row.result.title}, {row.value.of}: {row.value.note}.\n")

# %% [markdown]
# And of these not all of the condition could be read in the source; what is missing was recalled,
# or inferred from the numbers that were published:

# %%
for result in published:
    if result.certainty == "part":
        print(f"{result.row} {result.title}: {result.note}.")

# %% [markdown]
# ## 3. Closed forms beside a run
#
# With normal final scores almost everything about the payment step can be written down: the scaling
# factor, the break-even score, how many lose, what chance does to the sign. The formulas are in
# `asm_sim.studies.closed_forms`, each with its derivation. Into them goes what the run itself shows
# of the spread of scores, of zero scorers and of the reliability; nothing is fitted.

# %%
ds = results.latest_run("../runs", variables=["panel_group"])
if ds is None:
    ds = asm.simulate("baseline", draws=DRAWS, seed=1)
print(f"{ds.attrs['draws']} draws, seed {ds.attrs['seed']}, asm_sim {ds.attrs['asm_sim_version']}")

# %%
beside = studies.theory.beside(ds).isel(performance_year=1)


def in_words(name, one):
    """A number with its error; fractions in percent."""
    how = "percent" if str(one["form_units"].values) == "fraction" else "round_to_error"
    return results.with_error(one[name], one[f"{name}_mcse"], how)


table = {
    (results.cohort_title(ds, cohort), str(one["form_words"].values)): {
        name: in_words(name, one) for name in ("simulated", "closed_form", "difference")
    }
    for cohort in beside["cohort"].values
    for one in (beside.sel(cohort=cohort, form=form) for form in beside["form"].values)
}
pd.DataFrame.from_dict(table, orient="index")

# %% [markdown]
# - **The mean adjustment owes nothing to scores.** Its closed form is the risk level times the
#   share paid out less one; payments that go with scores are all that can move it.
# - **Penalties exceed bonuses by the share that is kept**, in the closed form as in the simulation,
#   whatever the distribution of the scores.
# - **Chance makes another share of the variance than one minus the reliability.** The noise-free
#   adjustment is scaled by its own scores, so that the two differ by 2 (1 - √reliability).
# - **What differs by more than its error** comes from what the closed forms leave out: scores that
#   are not normal, and payments that go with scores. It is no error of either.
#
# ## 4. How many episodes does the right sign take?
#
# Were the sign of an adjustment decided by cost alone: how many episodes a year until a clinician
# so far from the break-even score gets the right sign nine times in ten? It is
# kappa (1.28 / distance)², kappa being the number of episodes at which noise and signal are equally
# large. The rule scores cost from a case minimum on; below it there is no score at all.

# %%
power = studies.theory.power(ds)
needed = power["episodes"].to_pandas()
needed.columns = [f"{distance:g} SD" for distance in power["distance"].values]
needed["nine in ten of all"] = power["episodes_for_all"].values
needed.rename_axis("episodes for").style.format("{:.0f}")

# %%
asm.plots.episodes_needed.plot(ds)

# %% [markdown]
# The reliability of the cost measures is the assumption that this rests on; it was not published.
# A reliability "at 20 episodes" is at exactly 20: where the number of episodes varies about 20 from
# year to year, the reliability that results is a little lower.
#
# ## 5. Whom does a quarter find?
#
# League tables are judged by who is found in a tier and truly belongs there. Of the quarters of the
# final score, against the quarters of the noise-free one, in the first performance year:

# %%
tiers = studies.chance.tiers(ds).isel(performance_year=0).sel(group="all")
names = {
    "sensitivity": "truly there, and found",
    "predictive_value": "found there, and truly",
    "false_discovery_rate": "found there, and not truly",
}
pd.concat(
    {words: results.written(tiers, name, "percent").to_pandas() for name, words in names.items()},
    axis=1,
)

# %% [markdown]
# Tier 1 has the lowest scores. What is found there wrongly and rightly adds up to all that is found
# there; the sensitivity of a tier is the same number seen from the truth, and equal to the
# predictive value but for ties, as both tiers hold a quarter.
