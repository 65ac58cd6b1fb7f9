"""``asm-sim export``: results as NetCDF, Parquet or CSV."""

from __future__ import annotations

from pathlib import Path

from asm_sim.cli.compare import names_of
from asm_sim.cli.terminal import say


def export_command(
    store: str,
    to: str,
    variables: str | None,
    scenario: str | None,
    output: Path | None,
    overwrite: bool,
) -> None:
    """Write the results of a run or a sweep for another program; the path goes to standard output.

    Everything is checked, and the size stated, before anything is written.
    """
    from asm_sim.results.export import plan_export
    from asm_sim.results.open import folder_of, open_results

    ds = open_results(store)
    chosen = names_of(variables)
    export = plan_export(ds, to, output, chosen, scenario, overwrite, folder_of(store))
    count = len(export.ds.data_vars)
    say(f"Writing {count} {'variable' if count == 1 else 'variables'}: {export.size}", err=True)
    written = export.write()
    for path in export.files:
        say(f"{path.stat().st_size / 1e6:,.1f} MB in {path}", err=True)
    say(str(written))
