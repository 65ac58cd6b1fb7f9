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
# # What a very large sweep would cost
#
# A million draws of a thousand scenarios: how many core-hours, how many files, how many bytes, and
# what would break first? Nothing that large is run here. A few things are **measured** on this
# machine, everything else is multiplied out from them, and each number says which of the two it is.

# %%
import math
import os
import tempfile
import time
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import asm_sim as asm

store = asm.store
in_bytes, work_of = store.forecast.in_bytes, store.work.work_of

DRAWS = int(os.environ.get("ASM_SIM_NOTEBOOK_DRAWS", "400"))
plt.style.use(asm.plots.STYLE)

# %% [markdown]
# ## Measured
#
# First the draws: a few of the shipped baseline, both cohorts with all five years, on all threads
# of this machine. Then what it takes to prepare another scenario, and the size of a block, which
# follows from the shapes of the results.

# %%
sweep = asm.load_sweep("steepness-by-redistribution").with_draws(DRAWS, None)
work = work_of(sweep, block_draws=min(100, max(1, DRAWS // 3)))
trial = store.forecast.forecast(None, work)
core_seconds = trial.seconds_a_draw * trial.threads
block_bytes = store.forecast.size_of(work_of(sweep, block_draws=100)).block
print(f"a draw        {1000 * core_seconds:.1f} ms of one core ({trial.threads} threads)")
print(f"a scenario    {1000 * trial.seconds_a_scenario:.0f} ms to prepare")
print(f"a block       {in_bytes(block_bytes)} for 100 draws, without a panel")

# %% [markdown]
# Then the store: a small sweep, run, put together, and how long the second takes for each block.
# The ledger is the names of the blocks; to know what is missing they are held in memory.

# %%
with tempfile.TemporaryDirectory() as place:
    folder = store.files.open_folder(place + "/store")
    store.blocks.claim(folder, work)
    jobs = store.blocks.missing_jobs(folder, work)
    blocks = sum(1 for _ in store.here.run_here(folder, work, jobs))
    begun = time.perf_counter()
    store.consolidate.consolidate(folder, work)
    seconds_a_block = (time.perf_counter() - begun) / blocks
    written = sum(path.stat().st_size for path in Path(place).rglob("results.zarr/**/*"))
    bytes_a_draw = written / (len(work) * work.draws)
    ds = asm.open_results(place + "/store")[["retained_by_medicare_payment_year", "share_negative"]]
    ds = ds.load()

many = work_of(sweep.with_draws(200_000, None), block_draws=100)
tracemalloc.start()
ledger = [(job, many.block_name(job)) for job in many.jobs()]
bytes_a_name = tracemalloc.get_traced_memory()[0] / len(ledger)
tracemalloc.stop()
print(f"results       {in_bytes(bytes_a_draw)} a draw, compressed")
print(f"a block       {1000 * seconds_a_block:.1f} ms to put into the results, by one process")
print(f"an entry      {bytes_a_name:.0f} bytes of memory in the ledger")

# %% [markdown]
# ## Multiplied out


# %%
def cost(draws, scenarios, block_draws):
    """What a sweep takes; everything is linear in draws and in scenarios."""
    blocks = scenarios * math.ceil(draws / block_draws)
    per_draw = block_bytes / 100  # blocks of more draws hold a little less for each
    return {
        "core-hours": (draws * core_seconds + trial.seconds_a_scenario) * scenarios / 3600,
        "files of blocks": blocks,
        "bytes of blocks": draws * scenarios * per_draw,
        "bytes of results": draws * scenarios * bytes_a_draw,
        "bytes of ledger in memory": blocks * bytes_a_name,
        "hours to put together": draws * scenarios / 100 * seconds_a_block / 3600,
    }


LARGE = (10**6, 1000)
plans = {
    "2,000 draws": cost(2_000, 1000, 100),
    "a million draws": cost(*LARGE, 100),
    "a million draws, blocks of 10,000": cost(*LARGE, 10_000),
}
table = pd.DataFrame(plans)
table.style.format(lambda value: f"{value:,.3g}" if value < 1000 else f"{value:,.0f}")

# %% [markdown]
# ## What would break first
#
# Against what a university cluster usually grants one user. These limits are rough and yours will
# differ; put your own in.

# %%
LIMITS = {
    "core-hours": 100_000,
    "files of blocks": 1_000_000,
    "bytes of blocks": 10e12,
    "bytes of results": 10e12,
    "bytes of ledger in memory": 16e9,
    "hours to put together": 48,
}
shares = table.div(pd.Series(LIMITS), axis=0)
fig, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
for offset, (name, marker) in enumerate(zip(shares, "osD", strict=True)):
    axes.plot(
        shares[name],
        [i + 0.18 * (1 - offset) for i in range(len(shares))],
        marker,
        label=name,
        markersize=7,
    )
axes.axvline(1, color="black", linewidth=1)
axes.set(
    xscale="log",
    yticks=range(len(shares)),
    yticklabels=shares.index,
    xlabel="share of the limit (log scale); right of the line it does not fit",
)
axes.invert_yaxis()
_ = axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.2), ncols=3)
# %%
worst = shares["a million draws"].sort_values(ascending=False)
for name, share in worst.items():
    fits = "does not fit" if share > 1 else "fits"
    print(f"{name:<28}{share:>10.2g} of the limit: {fits}")

# %% [markdown]
# Computing is not what breaks: a million draws of a thousand scenarios are a few thousand
# core-hours, an afternoon of a thousand cores, because blocks are independent and workers exchange
# nothing but names. What breaks is keeping it: the number of files at 100 draws to a block (cured
# by `--block-draws 10000`), then the bytes, since every block keeps some forty variables for each
# draw, and then the single process that puts the results together.
#
# ## And what it would buy
#
# Hardly anything. The error of a mean falls with the square root of the draws, and differences
# between scenarios are paired. From the draws above:

# %%
reference = ds.sel(scenario=work.compare_to)
rows = []
for name, unit in (("share_negative", "fraction"), ("retained_by_medicare_payment_year", "USD")):
    for what, values in (("level", reference[name]), ("difference", ds[name] - reference[name])):
        _, error = asm.results.estimate(values.to_dataset(name=name), name)
        one = float(error.max()) * math.sqrt(ds.sizes["draw"])
        rows.append((name, what, unit, *(one / math.sqrt(n) for n in (2_000, 10**6))))
pd.DataFrame(
    rows, columns=["variable", "of", "unit", "largest error, 2,000 draws", "a million draws"]
).set_index(["variable", "of"])

# %% [markdown]
# With 2,000 draws the share of clinicians with a penalty is known to a few hundredths of a
# percentage point. What is *not* known, above all the steepness of the curve, moves it by several
# points (notebook 10). Draws are spent better on more scenarios, such as a design over what is
# uncertain, or left to a stop rule: `asm-sim sweep FILE --until 'share_negative<0.0005'`.
#
# The measured figures are of one machine at the time of running. The rest is multiplication: it
# knows nothing of file systems that slow down under a million files, of queues, or of shared disks.
