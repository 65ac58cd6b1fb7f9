"""A rule set with a condition that the package has never heard of, invented in YAML alone."""


def leaf(value: str, unit: str, more: str = "") -> str:
    """An entry with its unit and what every entry says besides."""
    tags = "status: assumption, source: invented for this test"
    return f"{{value: {value}, unit: {unit}, {tags}{more}}}"


def measure(title: str, inverse: str, scoring: str, submission: str, types: str) -> str:
    """The entries of a measure, each value as YAML has it."""
    scorings, submissions = "[decile, standard_deviation]", "[reported, administrative_claims]"
    return f"""
    title: {title}
    inverse: {leaf(inverse, "flag")}
    scoring: {leaf(scoring, "method", f", choices: {scorings}")}
    submission: {leaf(submission, "method", f", choices: {submissions}")}
    collection_types: {leaf(types, "collection type")}
    rate_unit: {leaf("percent", "text")}
    suspended: {leaf("0", "flag")}"""


RULES = f"""
extends: asm-2026-final
id: with-diabetes
title: The 2026 rule with an invented third condition
cohorts:
  DM:
    title: Diabetes
    specialties: {leaf("[endocrinology]", "specialty")}
    quality_measures: {leaf("[X001, X002, X003, X900]", "measure")}
    cost_measure: {leaf("COST_DM_1", "measure")}
measures:
  X001: {measure("Poor control", "true", "decile", "reported", "[ecqm, cqm]")}
  X002: {measure("Eye examination", "false", "decile", "reported", "[cqm]")}
  X003: {measure("Mean improvement", "false", "standard_deviation", "reported", "[ecqm]")}
  X900: {
    measure(
        "Admissions",
        "true",
        "standard_deviation",
        "administrative_claims",
        "[administrative_claims]",
    )
}
quality:
  case_minimum: {{value: 10}}
"""
