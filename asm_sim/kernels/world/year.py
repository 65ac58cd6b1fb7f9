"""One year of the clinicians of a cohort: true performance, what CMS observes of it, what is paid.

With measurement off the observed rates and costs are the true ones; who reports what stays as
realised.
"""

from __future__ import annotations

import numpy as np

from asm_sim.kernels._jit import kernel
from asm_sim.kernels.numeric.elementary import exp
from asm_sim.kernels.numeric.variates import (
    fill_first_normals,
    fill_normal_pair,
    fill_normals_and_uniforms,
)
from asm_sim.kernels.world.behaviour import act, steer
from asm_sim.kernels.world.effects import set_group_effects
from asm_sim.kernels.world.participation import (
    determine_participants,
    place_clinicians,
)
from asm_sim.kernels.world.patients import patients_change, select_patients
from asm_sim.kernels.world.performance import (
    common_quality,
    cost_at,
    latent_cost,
    latent_rate,
    processes_used,
    rate_at,
    sample_cost,
    sample_count,
    sample_rate,
    shared_quality,
)
from asm_sim.kernels.world.shocks import (
    attributed_cost,
    attributed_rate,
    draw_circumstances,
    draw_foreign_patients,
    shift_performance,
)
from asm_sim.kernels.world.streams import (
    COST,
    EPISODES,
    MEASURE,
    PERFORMANCE,
)
from asm_sim.kernels.world.volume import fill_counts


@kernel
def draw_paid(model, y, clinicians):
    """Part B of the payment year of performance year y; whoever has left by then is paid none.

    One leaves on the way in any calendar year after the performance year, up to the payment year.
    Nothing of one who takes no part in the year is paid under the model.
    """
    paid = clinicians.paid
    paid[:] = clinicians.part_b[y + model.payment_lag]
    for c in range(y + 1, y + model.payment_lag + 1):
        leaves = clinicians.leaves[c]
        for i in range(len(paid)):
            paid[i] = 0.0 if leaves[i] else paid[i]
    if model.participation.absences:
        for i in range(len(paid)):
            paid[i] = paid[i] if clinicians.present[i] else 0.0


@kernel
def _advance(model, seed, population, y, clinicians):
    """The changing part of every latent process, a stationary AR(1)."""
    rows, used = clinicians.rows, processes_used(model)
    of_cost, of_quality = model.cost.persistence, model.quality.persistence
    for block in range(len(clinicians.changing) // 4):
        fill_first_normals(
            used - 4 * block, seed, model.address, population, PERFORMANCE, y + 1, block,
            rows[0], rows[1], rows[2], rows[3],
        )  # fmt: skip
        for lane in range(min(4, used - 4 * block)):
            process = 4 * block + lane
            phi = of_cost if process == COST else of_quality
            phi = phi if y > 0 else 0.0
            step = np.sqrt(1.0 - phi * phi)
            state = clinicians.changing[process]
            shock = rows[lane]
            for i in range(len(state)):
                state[i] = phi * state[i] + step * shock[i]


@kernel
def draw_year(model, seed, population, measurement, measured, y, practices, clinicians, observed):
    """True performance of year y and what CMS observes of it.

    ``measured`` false: the true rates and costs are observed, without sampling.
    """
    if model.participation.places_change and y > 0:
        place_clinicians(model, seed, population, y, practices, clinicians, observed)
    if model.shocks.circumstances:
        met = observed.extreme_circumstances
        draw_circumstances(model, seed, measurement, y, clinicians.rows, met)
    if model.shocks.shifted:
        shift_performance(model, practices, clinicians, observed)
    if measured and model.shocks.misattributed_share > 0.0:
        draw_foreign_patients(model, seed, measurement, y, clinicians)
    _advance(model, seed, population, y, clinicians)
    if y > 0 and patients_change(model):
        select_patients(model, clinicians, observed)
    set_group_effects(model, practices, clinicians, observed)
    act(model, y, clinicians)
    common_quality(model, y, practices, clinicians)
    shared_quality(model, y, clinicians)
    latent_cost(model, y, clinicians)
    _attested(y, practices, clinicians, observed)
    observed.part_b_payments[:] = clinicians.part_b[y]
    if y == 0 or model.participation.places_change or model.behaviour.choice_share > 0.0:
        _collection(model, practices, clinicians, observed)
    _observe_cost(model, seed, measurement, measured, y, clinicians, observed)
    for m in range(len(model.quality.slot)):
        latent_rate(model, m, clinicians, clinicians.rows[0])
        rate_at(
            model,
            m,
            y,
            observed.collection[m],
            clinicians.rows[0],
            clinicians.segment,
            clinicians.true_rate[m],
        )
        _observe_rate(model, seed, measurement, measured, m, y, clinicians, observed)
    if model.participation.absences:
        determine_participants(model, seed, measurement, y, clinicians, observed)


@kernel
def _observe_cost(model, seed, measurement, measured, y, clinicians, observed):
    """Episodes about the drifting mean; cost, the lognormal mean of that many episodes."""
    rows = clinicians.rows
    fill_normal_pair(seed, model.address, measurement, EPISODES, y + 1, 0, rows[0], rows[1])
    mean, first_mean, drift = rows[2], clinicians.episodes_mean, clinicians.volume_drift[y]
    for i in range(len(mean)):
        mean[i] = first_mean[i] * exp(drift[i])
    if model.behaviour.remembers:
        steer(model, y, clinicians, mean)
    fill_counts(model.volume.episodes_exact, rows[0], mean, observed.episodes)
    cost_at(model, y, clinicians.latent_cost, clinicians.true_cost)
    if measured:
        true = clinicians.true_cost
        if model.shocks.misattributed_share > 0.0:
            true = attributed_cost(model, y, true, clinicians)
        sample_cost(model, rows[1], observed.episodes, true, observed.episode_cost)
    else:
        observed.episode_cost[:] = clinicians.true_cost


@kernel
def _attested(y, practices, clinicians, observed):
    """What a clinician's practice attests in year y, and whether it reports no measure."""
    activities, score, silent = (
        practices.activities[y], practices.interoperability[y], practices.silent[y]
    )  # fmt: skip
    for i in range(len(clinicians.practice)):
        p = np.uint64(clinicians.practice[i])
        observed.improvement_activities[i] = activities[p]
        observed.pi_score[i] = score[p]
        clinicians.silent[i] = silent[p]


@kernel
def _collection(model, practices, clinicians, observed):
    """The collection types that a clinician's practice uses."""
    for m in range(len(observed.collection)):
        collection, of_type = observed.collection[m], model.quality.collection_of[m]
        for i in range(len(collection)):
            collection[i] = of_type[np.int64(practices.collection[clinicians.practice[i]])]


@kernel
def _observe_rate(model, seed, measurement, measured, m, y, clinicians, observed):
    """Cases, completeness and the observed rate of measure m."""
    rows = clinicians.rows
    quality = model.quality
    result, cases_normal, fails, extent = rows[2], rows[3], rows[4], rows[5]
    fill_normals_and_uniforms(
        seed,
        model.address,
        measurement,
        MEASURE,
        y + 1,
        quality.slot[m],
        result,
        cases_normal,
        fails,
        extent,
    )
    cases = observed.cases[m]
    rate = observed.rate[m]
    true = clinicians.true_rate[m]
    completeness = observed.completeness[m]
    fill_counts(model.volume.cases_exact, cases_normal, clinicians.cases_mean[m], cases)
    counts = measured and quality.proportion[m]
    if measured:
        shown = true
        if model.shocks.misattributed_share > 0.0 and not quality.reported[m]:
            shown = attributed_rate(model, m, y, observed.collection[m], true, clinicians)
        if counts:
            sample_count(result, cases, shown, rows[6:11], rate)
        else:
            sample_rate(model, m, result, cases, shown, rows[6:11], rate)
    else:
        rate[:] = true
    lowest, low = model.completeness.lowest, model.completeness.low
    low_share = model.completeness.low_share
    silent, reported = clinicians.silent, quality.reported[m]
    for i in range(len(rate)):
        nothing = reported & silent[i]
        complete = lowest + (1.0 - lowest) * extent[i]
        complete = low if fails[i] < low_share else complete
        completeness[i] = np.nan if nothing else complete
        shown_rate = 100.0 * rate[i] / cases[i] if counts else rate[i]
        rate[i] = np.nan if nothing | (cases[i] < 1.0) else shown_rate
