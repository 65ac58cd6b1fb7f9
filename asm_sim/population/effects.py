"""How the true performance of a group differs from that of the others."""

from __future__ import annotations

import numpy as np

from asm_sim.kernels.world.effects import EffectModel
from asm_sim.parameters import Number, Strict


class Effects(Strict):
    """How the true performance of a group differs from that of the others; added, not centred."""

    solo: Number
    small: Number
    rural: Number
    dual_share: Number
    hcc: Number
    specialty: dict[str, Number]

    def values(self) -> list[float]:
        own = [self.solo, self.small, self.rural, self.dual_share, self.hcc]
        return [leaf.value for leaf in [*own, *self.specialty.values()]]


class GroupEffects(Strict):
    quality: Effects
    cost: Effects
    trait_limit: Number


def compile_effects(
    effects: GroupEffects, specialties: list[str], cost_sigma: float
) -> EffectModel:
    """Those of a cohort with these specialties; ``cost_sigma`` is the log SD of its true cost.

    In the order of the columns in kernels/world/effects.py; without any effect no columns.
    """
    table = np.zeros((2, 0))
    if any(effects.quality.values() + effects.cost.values()):
        rows = ((effects.quality, 1.0), (effects.cost, cost_sigma))
        table = np.array([_row(effect, specialties, unit) for effect, unit in rows])
    return EffectModel(table=table, trait_limit=effects.trait_limit.value)


def _row(effect: Effects, specialties: list[str], unit: float) -> list[float]:
    """SDs by size class, rural, dual share, HCC score and specialty."""
    of_specialty = [effect.specialty.get(name) for name in specialties]
    row = [effect.solo.value, effect.small.value, 0.0, 0.0, effect.rural.value]
    row += [effect.dual_share.value, effect.hcc.value]
    row += [0.0 if leaf is None else leaf.value for leaf in of_specialty]
    return [value / unit if value else 0.0 for value in row]
