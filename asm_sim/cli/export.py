"""``asm-sim export``: results as NetCDF, Parquet or CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asm_sim.cli.compare import names_of
from asm_sim.cli.options import Variables
from asm_sim.cli.terminal import say


def export(
    store: Annotated[str, typer.Argument(help="The folder or URL (s3://...) of a run or a sweep.")],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="netcdf, parquet or csv.")],
    variables: Variables = None,
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", help="Only this scenario of a sweep: name or position."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; else into the run's folder."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace old output.")] = False,
) -> None:
    """Write results for R, Stata, Excel and others: NetCDF, Parquet or CSV.

    Tables are long: a row per draw, cohort and performance year, a column per variable. Beside
    each, NAME.answers has the means over draws, with Monte Carlo errors and 90 % ranges.
    """
    from asm_sim.results.export import EXCEL_ROWS, plan_export
    from asm_sim.results.open import folder_of, open_results

    ds = open_results(store)
    chosen = names_of(variables)
    export = plan_export(ds, to, output, chosen, scenario, overwrite, folder_of(store))
    count = len(export.ds.data_vars)
    say(f"Writing {count} {'variable' if count == 1 else 'variables'}: {export.size}", err=True)
    if export.beyond_excel:
        say(
            f"Warning: {', '.join(export.beyond_excel)}: Excel opens {EXCEL_ROWS:,} rows and drops "
            "the rest; choose fewer --variables or one --scenario, or --to parquet",
            err=True,
        )
    written = export.write()
    for path in export.files:
        say(f"{path.stat().st_size / 1e6:,.1f} MB in {path}", err=True)
    say(str(written))
