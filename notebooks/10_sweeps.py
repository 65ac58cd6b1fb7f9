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
# # Many scenarios at once
#
# One run answers for one set of rules. Policy questions are about differences: what if less of the
# pool were paid out, what if the curve were steeper, and does the answer to the one depend on the
# other? A **sweep** runs all combinations, with the same random numbers in each, into one store.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import asm_sim as asm

results, studies = asm.results, asm.studies

DRAWS = int(os.environ.get("ASM_SIM_NOTEBOOK_DRAWS", "200"))
plt.style.use(asm.plots.STYLE)

# %% [markdown]
# ## A sweep is a small file
#
# `steepness-by-redistribution` comes with the package. A file of your own looks the same.

# %%
sweep = asm.load_sweep("steepness-by-redistribution")
print(sweep.file.title)
for case in sweep.cases:
    print("  ", case.name)
print("compared with:", sweep.cases[sweep.compare_to].name)

# %% [markdown]
# ## Run it
#
# Every block of 100 draws becomes one file. A kernel that is restarted, a laptop that is closed:
# the same call goes on where it was. Asking for more draws later runs only those.

# %%
STORE = "../runs/notebook-sweep"
ds = asm.sweep("steepness-by-redistribution", STORE, draws=DRAWS, progress=True)
dict(ds.sizes)

# %% [markdown]
# The results have one more dim, `scenario`, and a coordinate along it for each parameter that
# varies. Nothing has been read from disk yet. For a grid, `by_axis` gives each parameter a dim of
# its own; the errors below are Monte Carlo standard errors over draws.

# %%
grid = results.by_axis(ds[["share_negative", "adjustment_sd"]].sel(performance_year=2027))
grid = grid.rename({axis: axis.split(".")[-1] for axis in sweep.axes})
share, error = results.estimate(grid, "share_negative")

fig, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for panel, cohort in zip(panels, share["cohort"].values, strict=True):
    for steepness in share["steepness"].values:
        one = {"cohort": cohort, "steepness": steepness}
        panel.errorbar(
            share["redistribution_share"],
            100 * share.sel(one),
            yerr=200 * error.sel(one),
            marker="o",
            capsize=3,
            label=f"{steepness:g} per point",
        )
    panel.axhline(50, color="0.7", linewidth=0.8, zorder=0)
    panel.set(title=cohort, xlabel="share of the amount at risk that is paid out")
panels[0].set_ylabel("clinicians with a penalty, 2027 (%)")
panels[1].legend(title="steepness", frameon=False)
_ = fig.suptitle(
    f"Bars: two standard errors either way, {ds.sizes['draw']} draws", fontsize="small"
)
# %% [markdown]
# Where the bars cannot be seen they are smaller than the dots. The more is paid out, the fewer
# lose: with everything paid out it is about half, whatever the curve. With a flatter curve a small
# pool makes many more losers, because the break-even score moves further from the median.

# %% [markdown]
# ## Two scenarios, paired
#
# Draw by draw the clinicians, their luck and their patients are the same in both, so the
# difference is known much better than the two numbers that it is a difference of.

# %%
reference = ds.attrs["compare_to"]
steeper = {sweep.axes[0]: 0.2, sweep.axes[1]: 0.85}
table = results.comparison_table(asm.compare(ds, steeper, reference))
first = table[table["performance_year"] == 2027].set_index(["cohort", "variable", "units"])
pd.DataFrame(
    {
        title: [
            results.with_error(*pair) for pair in zip(first[of], first[f"{of}_mcse"], strict=True)
        ]
        for title, of in {
            "steepness 0.2": "a",
            "steepness 0.1": "b",
            "0.2 - 0.1": "difference",
        }.items()
    },
    index=first.index,
)

# %% [markdown]
# All scenarios against the reference at once: what Medicare keeps over the five payment years, as
# a difference from what it keeps in the reference.

# %%
rows = results.sweep_table(ds)
kept = rows[rows["outcome"] == "retained_by_medicare_all_years"]
pd.Series(
    [
        results.with_error(*pair, "million_usd")
        for pair in zip(kept["difference"], kept["difference_mcse"], strict=True)
    ],
    index=pd.MultiIndex.from_frame(kept[["scenario", "cohort"]]),
).unstack()

# %% [markdown]
# Steepness moves what Medicare keeps by no more than the change of Part B payments between the
# two years (zero within the error); the redistribution share decides it.
#
# ## One scenario of it
#
# `scenario_of` gives one scenario as if it had been run alone, for every plot and study.

# %%
asm.plots.score_to_adjustment.plot(
    results.scenario_of(ds, {sweep.axes[0]: 0.2, sweep.axes[1]: 1.0})
)

# %% [markdown]
# In JupyterLab, two sliders go through all of them.


# %%
def losers(steepness, redistribution_share):
    """How many lose in one scenario of the sweep, 2027."""
    one = {"steepness": steepness, "redistribution_share": redistribution_share}
    for cohort in share["cohort"].values:
        at = one | {"cohort": cohort}
        print(
            cohort,
            results.round_to_error(100 * float(share.sel(at)), 100 * float(error.sel(at))),
            "%",
        )


try:
    from ipywidgets import SelectionSlider, interact

    values = {name: grid[name].values.tolist() for name in ("steepness", "redistribution_share")}
    interact(losers, **{name: SelectionSlider(options=options) for name, options in values.items()})
except ImportError:
    pass

# %% [markdown]
# ## A question of one's own
#
# How do solo practices in Texas fare against everybody else under three steepnesses? A sweep that
# keeps some draws clinician by clinician answers it: `members` says who they are, `statistics` how
# they fare, with the error of the difference within draws.

# %%
few = min(DRAWS, 20)
grid = "sweep: {grid: {rules.payment.exchange.steepness: [0.05, 0.1, 0.2]}}"
Path("../runs/three-steepnesses.yaml").write_text(f"title: Three steepnesses\n{grid}")
own = asm.sweep("../runs/three-steepnesses.yaml", "../runs/own", draws=few, panel_draws=few)
solo = studies.subsets.members(own, practice_size="solo", state="TX")
groups = {"solo in Texas": solo, "the rest": ~solo}
found = studies.subsets.statistics(own, "adjustment", groups, against="the rest")
asm.plots.subsets.plot(found, years=2027)

# %%
results.written(found.sel(performance_year=2027), "adjustment_mean", "percent").to_pandas()

# %% [markdown]
# ## More of it
#
# | | in Python | on the command line |
# |---|---|---|
# | what will it take? | | `asm-sim sweep FILE --plan` |
# | go on, or add draws | `asm.sweep(..., draws=5000)` | `--resume --draws 5000` |
# | as many as it takes | `until="share_negative<0.1%"` | `--until 'share_negative<0.1%'` |
# | worker processes, a cluster | `client=Client(...)` | `--workers 2`, `--scheduler tcp://...` |
# | a job array | | `--shard 3/16`, `--write-sbatch job.sbatch` |
# | an object store | `"s3://bucket/sweep"` | `--out s3://bucket/sweep` |
# | other programs | | `asm-sim export STORE --to parquet` |
#
# Whoever computes it, the store is the same to the byte.
