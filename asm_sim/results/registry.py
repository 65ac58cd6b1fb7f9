"""Every variable of a run's Dataset: its dims, units and what it means.

One place for names and metadata: the engine lays its arrays out by it, the Dataset takes its
attributes from it, and documentation reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

YEARLY_DIMS = ("draw", "cohort", "performance_year")
GROUP_DIMS = (*YEARLY_DIMS, "group")
COUNT_DIMS = ("cohort", "performance_year", "group")
PANEL_DIMS = ("draw_sample", "clinician", "performance_year")
SINGLE = "float32"
CLINICIAN_DIMS = ("clinician", "performance_year")

SINGLE_COMMENT = (
    "float32: -0.09 is -0.0900000036 here, below the double -0.09; asm.studies.subsets compares "
    "rightly"
)

PAYMENT = "42 CFR 512.750"
SCORE = "42 CFR 512.745"


@dataclass(frozen=True)
class Variable:
    """What a variable is: dims, units, a long name and, where one applies, the rule's citation."""

    name: str
    dims: tuple[str, ...]
    units: str
    long_name: str
    citation: str = ""
    dtype: str = "float64"
    field: str = ""  # what the kernels call it in its record, if not by its name

    @property
    def column(self) -> str:
        """The field of the kernels' record that holds it."""
        return self.field or self.name

    @property
    def is_share(self) -> bool:
        """Whether a draw's value is a share of clinicians to whom something happened."""
        return self.units in {"fraction", "share"} and self.long_name.startswith("Share")

    @property
    def attrs(self) -> dict[str, Any]:
        attributes = {"units": self.units, "long_name": self.long_name}
        if self.dtype == SINGLE:
            attributes["comment"] = SINGLE_COMMENT
        return {**attributes, "citation": self.citation} if self.citation else attributes


def _yearly(name: str, units: str, long_name: str, citation: str = "") -> Variable:
    return Variable(name, YEARLY_DIMS, units, long_name, citation)


def _by_group(name: str, units: str, long_name: str) -> Variable:
    return Variable(f"{name}_by_group", GROUP_DIMS, units, f"{long_name}, by group", field=name)


def _panel(name: str, units: str, long_name: str) -> Variable:
    return Variable(
        f"panel_{name}", PANEL_DIMS, units, f"{long_name}, first draws", "", SINGLE, name
    )


def _clinician(name: str, units: str, long_name: str) -> Variable:
    return Variable(
        f"clinician_{name}", CLINICIAN_DIMS, units, f"{long_name}, over draws of one population"
    )


def record(variables: Iterable[Variable]) -> list[tuple[str, str]]:
    """The fields of the record in which the kernels write such variables, as a dtype has them."""
    return [(variable.column, variable.dtype) for variable in variables]


# The kernels write the first two, and the fixed standard below, by the names of these fields.
YEARLY = (
    _yearly("final_score_mean", "points", "Mean final score of clinicians with one", SCORE),
    _yearly("final_score_sd", "points", "Standard deviation of the final score", SCORE),
    _yearly("final_score_median", "points", "Median final score, zero scores included", SCORE),
    _yearly("adjustment_mean", "fraction", "Mean payment adjustment factor", PAYMENT),
    _yearly("adjustment_sd", "fraction", "Standard deviation of the adjustment factor", PAYMENT),
    _yearly("share_negative", "fraction", "Share of scored clinicians with a penalty", PAYMENT),
    _yearly("share_maximum_penalty", "fraction", "Share at the maximum penalty", PAYMENT),
    _yearly("share_zero_score", "fraction", "Share of scored clinicians with a zero score", SCORE),
    _yearly("share_unscored", "fraction", "Share of clinicians without a final score", SCORE),
    _yearly("median_final_score", "points", "Median of the positive final scores", PAYMENT),
    _yearly("scaling_factor", "1", "Scaling factor S of the incentive pool", PAYMENT),
    _yearly("break_even_score", "points", "Final score with an adjustment of zero", PAYMENT),
    _yearly("amount_at_risk", "USD", "Risk level times Part B payments", PAYMENT),
    _yearly("incentive_pool", "USD", "Incentive pool", PAYMENT),
    _yearly("bonuses", "USD", "Positive adjustments on performance-year Part B", PAYMENT),
    _yearly("penalties", "USD", "Negative adjustments on performance-year Part B", PAYMENT),
    _yearly(
        "retained_by_medicare", "USD", "Penalties minus bonuses on performance-year Part B", PAYMENT
    ),
    _yearly(
        "bonuses_payment_year",
        "USD",
        "Positive adjustments, payment-year Part B of who stays",
        PAYMENT,
    ),
    _yearly(
        "penalties_payment_year",
        "USD",
        "Negative adjustments, payment-year Part B of who stays",
        PAYMENT,
    ),
    _yearly(
        "retained_by_medicare_payment_year",
        "USD",
        "Penalties minus bonuses on payment-year Part B of those who have not stopped practising",
        PAYMENT,
    ),
    _yearly(
        "rank_correlation",
        "1",
        "Rank correlation (Spearman's) of the adjustment with the year before, of those scored in "
        "both",
    ),
    _yearly("sign_change_share", "fraction", "Share with another sign than the year before"),
    _yearly("adjustment_change_sd", "fraction", "SD of the change from the year before"),
    _yearly(
        "rank_correlation_with_truth",
        "1",
        "Rank correlation (Spearman's) with the noise-free adjustment",
    ),
    _yearly("misclassified_share", "fraction", "Share with another sign than noise-free"),
    _yearly(
        "misclassified_quintile_share", "fraction", "Share in another quintile than without noise"
    ),
    _yearly("chance_sd", "fraction", "SD of the adjustment minus the noise-free adjustment"),
    _yearly(
        "chance_variance_share",
        "1",
        "Variance of chance (adjustment minus noise-free, each with a fit of its own) over that of "
        "the adjustment; not 1 - reliability",
    ),
    _yearly("reliability", "1", "Squared correlation of the adjustment with the noise-free one"),
    _yearly("part_b_payments", "USD", "Performance-year Part B of all clinicians, scored or not"),
    _yearly(
        "retained_by_medicare_before_exits",
        "USD",
        "Penalties minus bonuses on payment-year Part B, had nobody stopped practising by then",
        PAYMENT,
    ),
    _yearly("programme_spending", "USD", "Spent on programmes by the clinicians who take part"),
    _yearly(
        "aco_bonuses",
        "USD",
        "Positive adjustments of clinicians in organizations, on payment-year Part B",
        PAYMENT,
    ),
    _yearly(
        "aco_penalties",
        "USD",
        "Negative adjustments of clinicians in organizations, on payment-year Part B",
        PAYMENT,
    ),
    _yearly("aco_savings", "USD", "What organizations save on the episodes of the cohort"),
    _yearly(
        "aco_shared_savings",
        "USD",
        "What Medicare pays organizations of these savings",
        "42 CFR 425.605(d)",
    ),
)

BY_GROUP = (
    _by_group("clinicians", "clinicians", "Clinicians in the group"),
    _by_group("final_score_mean", "points", "Mean final score"),
    _by_group("final_score_sd", "points", "Standard deviation of the final score"),
    _by_group("final_score_median", "points", "Median final score"),
    _by_group("adjustment_mean", "fraction", "Mean payment adjustment factor"),
    _by_group("adjustment_sd", "fraction", "Standard deviation of the adjustment factor"),
    _by_group("share_negative", "fraction", "Share with a penalty"),
    _by_group("share_maximum_penalty", "fraction", "Share at the maximum penalty"),
    _by_group("share_unscored", "fraction", "Share without a final score"),
    _by_group("bonuses", "USD", "Positive adjustments on performance-year Part B"),
    _by_group("penalties", "USD", "Negative adjustments on performance-year Part B"),
    _by_group("part_b_payments", "USD", "Performance-year Part B of all clinicians, scored or not"),
)

PANEL = (
    _panel("final_score", "points", "Final score, nan of who has none"),
    _panel("adjustment", "fraction", "Payment adjustment factor, 0 as paid without a final score"),
    _panel("dollars", "USD", "Adjustment in dollars of payment-year Part B"),
    _panel("true_final_score", "points", "Noise-free final score"),
    _panel("true_adjustment", "fraction", "Noise-free payment adjustment factor"),
    _panel("part_b", "USD", "Part B of the payment year, 0 of one who has left"),
    _panel("mips_final_score", "points", "Final score in traditional MIPS"),
    _panel("mips_adjustment", "fraction", "Adjustment factor of traditional MIPS"),
    _panel("mips_pathway_final_score", "points", "Final score in a MIPS Value Pathway"),
    _panel("mips_pathway_adjustment", "fraction", "Adjustment factor of a MIPS Value Pathway"),
)

PANEL_GROUP = Variable(
    "panel_group",
    ("draw_sample", "clinician", "membership"),
    "position along group",
    "Group of each clinician in each grouping, first draws",
    dtype="int16",
    field="group",
)

PANEL_PRACTICE = Variable(
    "panel_practice",
    PANEL_DIMS,
    "position along practices of the roster",
    "Practice of each clinician in each year, first draws",
    dtype="int32",
    field="practice",
)

# Bit k of a set's position says whether factor k moves (see kernels/draws/decomposition.py).
FACTORS = ("measurement", "participation", "performance", "peers", "risk_level")


def factor_sets() -> list[str]:
    """The label of every set of factors: ``none``, ``measurement``, ``measurement+peers``, ..."""
    sets = [
        [name for k, name in enumerate(FACTORS) if position >> k & 1]
        for position in range(2 ** len(FACTORS))
    ]
    return ["+".join(names) or "none" for names in sets]


# What the first draws are looked at closely for; see kernels/draws/decomposition.py and probes.py.
VARIANCE = (
    Variable(
        "within_clinician_variance",
        ("lens_draw", "cohort", "group", "factors"),
        "fraction^2",
        "Mean over clinicians (without a final score: with what is paid) of the variance of the "
        "adjustment over the years, when only these factors move",
    ),
    Variable(
        "year_to_year_variance",
        ("lens_draw", "cohort", "group", "factors"),
        "fraction^2",
        "Variance over clinicians (without a final score: with what is paid) of the change of the "
        "adjustment from the year before, mean of years, when only these factors move",
    ),
)

FIXED_STANDARD = tuple(
    Variable(
        f"fixed_standard_{name}",
        ("lens_draw", "cohort", "performance_year", "group"),
        units,
        f"{long_name}, against the first year's rule and fit, carried on with the common trends",
        field=name,
    )
    for name, units, long_name in (
        ("adjustment_mean", "fraction", "Mean payment adjustment factor"),
        ("share_negative", "fraction", "Share with a penalty"),
        ("bonuses", "USD", "Positive adjustments on performance-year Part B"),
        ("penalties", "USD", "Negative adjustments on performance-year Part B"),
        (
            "sign_differs_share",
            "fraction",
            "Share with another sign than under the moving standard",
        ),
    )
)

PROBE = tuple(
    Variable(
        f"probe_{name}",
        ("lens_draw", "cohort", "performance_year", "probe", "replicate"),
        units,
        f"{long_name} of a probe clinician, who weighs nothing in the fit",
        dtype="float32",
        field=name,
    )
    for name, units, long_name in (
        ("final_score", "points", "Final score"),
        ("adjustment", "fraction", "Payment adjustment factor"),
        ("true_adjustment", "fraction", "Noise-free payment adjustment factor"),
    )
)

LENS = (*VARIANCE, *FIXED_STANDARD, *PROBE)

DRAW_LEVEL = (
    Variable(
        "adjustment_quantile",
        (*YEARLY_DIMS, "quantile"),
        "fraction",
        "Quantile over clinicians of the adjustment factor",
        PAYMENT,
    ),
    Variable(
        "adjustment_at_score",
        (*YEARLY_DIMS, "score"),
        "fraction",
        "Adjustment that a clinician with this final score would get",
        PAYMENT,
    ),
    Variable(
        "quintile_transition",
        ("draw", "cohort", "from_quintile", "to_quintile"),
        "share",
        "Share of a quintile of the adjustment that is in each quintile a year later",
    ),
    Variable(
        "penalty_years",
        ("draw", "cohort", "group", "n_years"),
        "share",
        "Share of clinicians with this number of years with a penalty",
    ),
)

# What is kept of the open draws, in which everything is drawn that nobody knows: a value a year.
OPEN_PREFIX, OPEN_DRAW = "open_", "open_draw"
OPEN = tuple(
    replace(
        variable,
        name=OPEN_PREFIX + variable.name,
        dims=(OPEN_DRAW, *variable.dims[1:]),
        long_name=f"{variable.long_name}, everything open drawn",
        field=variable.name,
    )
    for variable in (*YEARLY, *DRAW_LEVEL)
    if variable.dims[: len(YEARLY_DIMS)] == YEARLY_DIMS
)
# Attributes: the number of open draws; why there are none where there could have been; that the
# draws themselves are open draws; and (JSON) what the open draws draw, hold, and leave fixed.
OPEN_DRAWS, NO_OPEN_DRAWS, ALL_OPEN = "open_draws", "no_open_draws", "all_open"
OPEN_LAYER = "open_layer"
# The attribute that says what a scenario was called when it was run: a name, or its file.
CALLED = "called"
# The attribute (JSON) that counts parameters: by rules, population and MIPS, by status.
STATUSES = "statuses"

HISTOGRAMS = (
    Variable(
        "adjustment_histogram",
        (*COUNT_DIMS, "adjustment_bin"),
        "clinician-draws",
        "Clinicians with a final score by adjustment factor, over all draws",
        PAYMENT,
        "int64",
    ),
    Variable(
        "final_score_histogram",
        (*COUNT_DIMS, "score_bin"),
        "clinician-draws",
        "Clinicians with a final score by final score, over all draws",
        SCORE,
        "int64",
    ),
    Variable(
        "cumulative_dollars_histogram",
        (*COUNT_DIMS, "dollars_bin"),
        "clinician-draws",
        "Clinicians by dollars gained since the first payment year, over all draws",
        PAYMENT,
        "int64",
    ),
)

CLINICIAN = (
    _clinician("draws_scored", "draws", "Draws with a final score"),
    _clinician("adjustment_mean", "fraction", "Mean adjustment factor"),
    _clinician("adjustment_sd", "fraction", "SD of the adjustment factor"),
    _clinician("probability_negative", "fraction", "Probability of a penalty"),
    _clinician("final_score_mean", "points", "Mean final score"),
    _clinician("final_score_sd", "points", "SD of the final score"),
    _clinician("rank_mean", "rank", "Mean rank of the final score (1 = lowest) in the cohort"),
    _clinician("rank_sd", "rank", "SD of the rank"),
)


def attributes_of(variable: Variable, draws: int) -> dict[str, Any]:
    """The attributes of a run's variable; one over all draws says over how many."""
    over_draws = variable in (*HISTOGRAMS, *CLINICIAN)
    return {**variable.attrs, "draws": draws} if over_draws else variable.attrs


# The attribute (JSON) that says what the layers of parameters and readings draw, hold, and leave
# fixed.
PARAMETER_LAYER = "parameter_layer"
PARAMETER = Variable(
    "parameter_value",
    ("draw", "parameter"),
    "unit of the parameter",
    "Value that the draw has of a parameter, or the position of one of its readings; nan where the "
    "scenario holds it",
)
# Where readings are drawn, the value of a choice is the position of a reading among these names.
READINGS, READINGS_APART = "parameter_readings", "|"

VARIABLES = {
    variable.name: variable
    for variable in (
        *YEARLY,
        *DRAW_LEVEL,
        *OPEN,
        *BY_GROUP,
        *HISTOGRAMS,
        *PANEL,
        PANEL_GROUP,
        PANEL_PRACTICE,
        *LENS,
        *CLINICIAN,
        PARAMETER,
    )
}

# The attribute (JSON: pairs of path and value) that says what was set beside the scenario's file.
SETTINGS = "settings"
# The attribute (JSON) that says what the rule calls each cohort.
COHORT_TITLES = "cohort_titles"
# The coordinate along the draws that says which seed each is of, and the attribute of the same name
# that says it (as text) where there are no draws.
SEED = "seed"
CLINICIAN_PREFIX = "clinician_"
OWN = "clinician_own"  # a coordinate where a roster was set among the shipped one
# What a roster of one's own may state; a coordinate each, where it does.
STATED = (
    ("specialty", "Specialty", "1"),
    ("episodes", "Mean episodes a year", "episodes a year"),
    ("part_b_payments", "Part B payments in the first performance year", "USD"),
    ("hcc_risk_score", "Mean HCC risk score", "1"),
    ("dual_share", "Share of patients with both Medicare and Medicaid", "fraction"),
    ("special_status", "Special status", "1"),
    ("practice_size", "Clinicians of the practice", "clinicians"),
    ("rural", "Whether the practice is rural", "1"),
    ("collection_type", "Collection type of the practice", "1"),
)

# Metadata of the coordinates.
COORDINATES: dict[str, dict[str, str]] = {
    "draw": {"long_name": "Draw (one synthetic cohort over all years)", "units": "1"},
    SEED: {"long_name": "Seed of the draw", "units": "1"},
    OPEN_DRAW: {"long_name": "Draw of this number, everything open drawn", "units": "1"},
    "draw_sample": {"long_name": "Draw, of those kept clinician by clinician", "units": "1"},
    "lens_draw": {"long_name": "Draw, of those looked at closely", "units": "1"},
    "cohort": {"long_name": "Cohort of the model", "units": "1"},
    "performance_year": {"long_name": "Performance year", "units": "calendar year"},
    "payment_year": {"long_name": "Payment year", "units": "calendar year"},
    "group": {"long_name": "Group of clinicians", "units": "1"},
    "grouping": {"long_name": "What the group is a group by", "units": "1"},
    "quantile": {"long_name": "Quantile over clinicians", "units": "1"},
    "score": {"long_name": "Final score", "units": "points"},
    "from_quintile": {"long_name": "Quintile of the adjustment (1 = lowest)", "units": "1"},
    "to_quintile": {"long_name": "Quintile a year later (1 = lowest)", "units": "1"},
    "n_years": {"long_name": "Years with a penalty", "units": "years"},
    "clinician": {"long_name": "Clinician in cohort, a position in the roster", "units": "1"},
    "clinician_id": {"long_name": "Clinician's id in the roster", "units": "1"},
    "clinician_cohort": {"long_name": "Cohort of the clinician", "units": "1"},
    "clinician_practice": {"long_name": "Practice of the clinician, a number", "units": "1"},
    "clinician_practice_id": {"long_name": "Practice's id in the roster", "units": "1"},
    "clinician_small_practice": {"long_name": "Whether the practice is small", "units": "1"},
    "clinician_state": {"long_name": "State of the clinician", "units": "1"},
    **{
        f"clinician_stated_{name}": {"long_name": f"{title}, as the roster states", "units": units}
        for name, title, units in STATED
    },
    OWN: {"long_name": "Whether the clinician is of one's own roster, not of CMS's", "units": "1"},
    "membership": {"long_name": "What the group is a group by", "units": "1"},
    "factors": {
        "long_name": "Factors that move; the others stay as in the first year, chance is off",
        "units": "1",
    },
    "probe": {"long_name": "Probe clinician", "units": "1"},
    "probe_level": {
        "long_name": "True performance of the probe in the first year, against the average",
        "units": "SD",
    },
    "probe_gain": {"long_name": "Change of its true performance", "units": "SD a year"},
    "probe_episodes": {"long_name": "Episodes of the probe", "units": "episodes a year"},
    "replicate": {"long_name": "Repetition of the probe's measurement", "units": "1"},
    "parameter": {"long_name": "Parameter that could be drawn, its dotted path", "units": "1"},
    "parameter_unit": {"long_name": "Unit of the parameter", "units": "1"},
    READINGS: {
        "long_name": "Readings of the parameter, its value is the position of one (from 0)",
        "units": "1",
    },
    "adjustment_bin": {"long_name": "Lower edge of the adjustment bin", "units": "fraction"},
    "score_bin": {"long_name": "Lower edge of the final-score bin", "units": "points"},
    "dollars_bin": {"long_name": "Lower edge of the dollars bin", "units": "USD"},
}
