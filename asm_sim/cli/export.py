"""``asm-sim export``: results as NetCDF, Parquet, CSV or Stata."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asm_sim.cli.compare import names_of
from asm_sim.cli.options import Variables
from asm_sim.cli.terminal import say


def export(
    store: Annotated[str, typer.Argument(help="The folder or URL (s3://...) of a run or a sweep.")],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="netcdf, parquet, csv or stata.")
    ],
    variables: Variables = None,
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", help="Only this scenario of a sweep: name or position."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="NAME=VALUE",
            help="Only these rows, such as state=TX or performance_year=2029. Of several names all "
            "must hold, of one name one of its values.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; else into the run's folder."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace old output.")] = False,
) -> None:
    """Write results for R, Stata, Excel and others: NetCDF, Parquet, CSV or Stata.

    Tables are long: a row per draw, cohort and performance year, a column per variable. Beside
    each, NAME.answers has the means over draws, with Monte Carlo errors and 90 % ranges, and
    NAME.columns (NAME.dta.columns of Stata) says what the columns are. With --where about
    clinicians (state=TX, small_practice=1, practice_size=solo) the rows are clinicians in draws and
    years.
    NetCDF follows the CF conventions: names have underscores in place of dots, and lists and tables
    of the metadata are texts in JSON, such as parameters.
    """
    from asm_sim.results.export import EXCEL_ROWS, plan_export
    from asm_sim.results.open import folder_of, open_results
    from asm_sim.results.where import conditions

    ds = open_results(store)
    chosen = names_of(variables)
    export = plan_export(
        ds, to, output, chosen, scenario, overwrite, folder_of(store), conditions(where or ())
    )
    count = len(export.ds.data_vars)
    say(f"Writing {count} {'variable' if count == 1 else 'variables'}: {export.size}", err=True)
    if export.beyond_excel:
        say(
            f"Warning: {', '.join(export.beyond_excel)}: Excel opens {EXCEL_ROWS:,} rows and drops "
            "the rest; choose rows by --where, fewer --variables, one --scenario, or --to parquet",
            err=True,
        )
    written = export.write()
    for path in export.files:
        say(f"{path.stat().st_size / 1e6:,.1f} MB in {path}", err=True)
    say(str(written))
