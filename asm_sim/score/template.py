"""An empty clinician table to fill in, Excel or CSV, whose header says what each column is in."""

from __future__ import annotations

from pathlib import Path

from asm_sim.durable import write_whole
from asm_sim.errors import InputError, printable
from asm_sim.rules.load import load_rules
from asm_sim.rules.schema import RuleSet
from asm_sim.score.columns import Column, cohorts_with, input_columns
from asm_sim.score.write import CSV_SUFFIX, WORKBOOK_SUFFIX, check_output
from asm_sim.tables.notation import IN_PERCENT, SHARES
from asm_sim.tables.workbook import workbook_bytes

FILE_NAME = "clinicians.xlsx"
HEADER = ("column", "what belongs there", "measure", "blank: (with --against: not known)")
BLANK = {
    "improvement_activities": "counts as none",
    "pi_score": "counts as none",
    "episodes": "counts as none: cost is not scored",
    "episode_cost": "needed from the minimum of episodes on",
    "hcc_risk_score": "nothing is added for complex patients",
    "dual_share": "nothing is added for complex patients",
    "payment_year_part_b": "part_b_payments stands for it",
}


def write_template(output: Path, rules: str | Path = "asm-2026-final") -> Path:
    """Write an empty table for a rule set, .xlsx or .csv, and return its path.

    The workbook has a second sheet that says what belongs in each column. Shares and rates are
    asked for in percent, and their headers say so. Raises :class:`InputError` where the file is
    there already, or cannot be written under that name.
    """
    title = printable(str(output))
    check_output(output, None)
    if output.suffix.lower() not in {WORKBOOK_SUFFIX, CSV_SUFFIX}:
        raise InputError(f"{title}: a template is a table to fill in: name a .xlsx or .csv file")
    if output.exists():
        raise InputError(f"{title}: this is there already; it is not replaced")
    chosen = load_rules(rules)
    columns = [column for column in input_columns(chosen).values() if _is_asked(column)]
    header = [_in_percent(column).title for column in columns]
    if output.suffix.lower() == WORKBOOK_SUFFIX:
        about = [HEADER, *(_about(column, chosen) for column in columns)]
        write_whole(output, workbook_bytes({"clinicians": [header], "columns": about}))
    else:
        write_whole(output, ",".join(header) + "\n")
    return output


def _is_asked(column: Column) -> bool:
    return not column.may_be_absent or column.name == "payment_year_part_b"


def _in_percent(column: Column) -> Column:
    is_share = column.is_numeric and column.quantity.unit in SHARES
    return column.under(f"{column.name}{IN_PERCENT}") if is_share else column


def _about(column: Column, rules: RuleSet) -> tuple[str, str, str, str]:
    of = ""
    if column.measure is not None:
        cohorts = " and ".join(cohorts_with(rules, column.measure))
        of = f"{rules.measures[column.measure].title} ({cohorts})"
    asked = _in_percent(column)
    return asked.title, _belongs(asked, rules), of, BLANK.get(column.name, "")


def _belongs(column: Column, rules: RuleSet) -> str:
    if column.name == "cohort":
        return "one of: " + ", ".join(rules.cohorts)
    if column.part == "collection_type":
        return "one of: " + ", ".join(rules.measures[column.measure or ""].collection_types.value)
    if column.kind == "identifier":
        return "a text or number that names no person"
    return column.expected
