"""The command line: one verb per module, each imported when it is called.

Exit codes: 0 done, 1 a run that failed, 2 bad input. What goes wrong is one message on standard
error, never a traceback.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from asm_sim.cli.verbs import INTERRUPTED, Verbs, complain, open_streams

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Give a parameter another value, such as rules.payment.exchange.steepness=0.2. "
        "May be repeated.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Variables = Annotated[
    str | None, typer.Option("--variables", metavar="NAMES", help="Which variables: a,b,c.")
]
Draws = Annotated[int | None, typer.Option("--draws", min=1, help="Number of draws.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of the draws.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace old results.")]


app = typer.Typer(
    name="asm-sim",
    cls=Verbs,
    help="Monte Carlo policy research toolkit for Medicare's Ambulatory Specialty Model.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"asm-sim {version_of('asm_sim')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or a YAML file.")] = (
        "baseline"
    ),
    draws: Draws = None,
    seed: Seed = None,
    out: Annotated[str | None, typer.Option("--out", help="Folder of the results.")] = None,
    settings: Settings = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario."""
    from asm_sim.cli.run import run_command

    run_command(scenario, draws, seed, out, settings or [], overwrite, as_json)


@app.command()
def sweep(
    scenario: Annotated[str, typer.Argument(help="A sweep's name, or a YAML file.")],
    out: Annotated[
        str | None, typer.Option("--out", help="Folder or URL (s3://...) of the store.")
    ] = None,
    draws: Draws = None,
    seed: Seed = None,
    settings: Settings = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Run what is missing: after a stop, or to add to it.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print scenarios, memory, disk and time; run nothing.")
    ] = False,
    until: Annotated[
        list[str] | None,
        typer.Option(
            "--until",
            metavar="LIMIT",
            help="Stop when this Monte Carlo error holds: 'retained_by_medicare<0.5%' (of the "
            "mean) or 'share_negative<0.001'; --draws is the most. May be repeated.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Worker processes on this machine.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a dask scheduler: tcp://...")
    ] = None,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="K/N", help="Run only this part: 3/16.")
    ] = None,
    write_sbatch: Annotated[
        Path | None,
        typer.Option("--write-sbatch", help="Write a Slurm script for a job array, and stop."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read all blocks again; repair damaged ones.")
    ] = False,
    panel: Annotated[
        int | None,
        typer.Option("--panel", min=0, help="Draws kept clinician by clinician (none)."),
    ] = None,
    lens: Annotated[
        int | None,
        typer.Option("--lens", min=0, help="Draws looked at closely (none)."),
    ] = None,
    block_draws: Annotated[
        int | None, typer.Option("--block-draws", min=1, help="Draws to a block (100).")
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Run many scenarios into one store: grids, lists and designs, here or on a cluster."""
    from asm_sim.cli.sweep import Request, sweep_command

    sweep_command(
        Request(
            scenario=scenario,
            out=out,
            draws=draws,
            seed=seed,
            settings=settings or [],
            resume=resume,
            plan=plan,
            until=until or [],
            workers=workers,
            scheduler=scheduler,
            shard=shard,
            write_sbatch=write_sbatch,
            verify=verify,
            panel=panel,
            lens=lens,
            block_draws=block_draws,
            overwrite=overwrite,
            as_json=as_json,
        )
    )


@app.command()
def solve(
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or a YAML file.")],
    lever: Annotated[
        str,
        typer.Option(
            "--lever",
            metavar="PATH",
            help="The parameter to move, such as rules.payment.redistribution_share; with a year "
            "at its end, in that year alone.",
        ),
    ],
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="NAME=VALUE",
            help="What is to be met: share_negative=50%, retained_by_medicare=150e6, "
            "'share_above(5%)=10%'.",
        ),
    ],
    between: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--between", metavar="LOW HIGH", help="Where to look; else the parameter's own span."
        ),
    ] = None,
    cohort: Annotated[str | None, typer.Option("--cohort", help="Of this cohort alone.")] = None,
    year: Annotated[
        int | None, typer.Option("--year", help="Of this performance year alone.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", help="Of this group alone, such as 'practice_size: solo'."),
    ] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", min=1, help="Draws at each value of the lever (200).")
    ] = None,
    seed: Seed = None,
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", help="How near is near enough, in units of the lever."),
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Find the value of a parameter at which a target is met, with its error.

    Amounts are summed over cohorts and years, shares of clinicians pooled, unless one is named.
    Exit code 1 where the target is not met at one value.
    """
    from asm_sim.cli.solve import Question, solve_command

    solve_command(
        Question(
            scenario=scenario,
            lever=lever,
            target=target,
            between=between,
            cohort=cohort,
            year=year,
            group=group,
            draws=draws,
            seed=seed,
            tolerance=tolerance,
            settings=settings or [],
            as_json=as_json,
        )
    )


@app.command()
def score(
    clinicians: Annotated[
        Path | None, typer.Argument(help="The clinician table, CSV or Parquet.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where to write, .csv or .parquet; else standard output."
        ),
    ] = None,
    rules: Annotated[
        str, typer.Option("--rules", help="A rule set's name, or a YAML file.")
    ] = "asm-2026-final",
    settings: Settings = None,
    example: Annotated[
        bool, typer.Option("--example", help="Write an example table, clinicians.csv, here.")
    ] = False,
) -> None:
    """Score a table of observed performance: no simulation, adjustments out.

    A table with a column final_score (0 to 100) needs no measures: only the payment step is done.
    """
    from asm_sim.cli.score import score_command

    score_command(clinicians, output, rules, settings or [], example)


@app.command()
def roster(
    file: Annotated[
        Path | None,
        typer.Argument(help="A roster, or CMS's participant file; else the scenario's own."),
    ] = None,
    scenario: Annotated[
        str, typer.Option("--scenario", help="Whose rules and population it is read for.")
    ] = "baseline",
    as_json: AsJson = False,
) -> None:
    """Show what is understood of a roster: clinicians, practices, states, what is left out."""
    from asm_sim.cli.roster import roster_command

    roster_command(file, scenario, as_json)


@app.command()
def rules(
    rule_set: Annotated[
        str, typer.Argument(help="A rule set's name, or a YAML file.")
    ] = "asm-2026-final",
    status: Annotated[
        str | None, typer.Option("--status", help="Only parameters of these: assumption,precedent")
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """List every parameter of a rule set: values by year, unit, status, citation."""
    from asm_sim.cli.rules import rules_command

    rules_command(rule_set, status, settings or [], as_json)


@app.command()
def scenarios(
    name: Annotated[
        str | None, typer.Argument(help="One of them, to be told in full.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the scenarios that can be run, or say all about one."""
    from asm_sim.cli.scenarios import scenarios_command

    scenarios_command(name, as_json)


@app.command()
def compare(
    store: Annotated[
        str, typer.Argument(help="A sweep's folder or URL (s3://...), or that of a run.")
    ],
    a: Annotated[
        str, typer.Argument(help="A scenario's name or position (from 0); for a run, another run.")
    ],
    b: Annotated[
        str | None,
        typer.Argument(help="The scenario to subtract; by default the sweep's compare_to."),
    ] = None,
    variables: Variables = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the numbers here too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a scenario changes: A minus B of a sweep, or one run minus another.

    Both have the same random numbers, so that differences are paired draw by draw:
    `asm-sim compare sweeps/steepness "steepness=0.2"`, `asm-sim compare runs/a runs/b`.
    """
    from asm_sim.cli.compare import compare_command

    compare_command(store, a, b, variables, csv, as_json)


@app.command()
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

    Tables are long: a row per draw, cohort and performance year, a column per variable.
    """
    from asm_sim.cli.export import export_command

    export_command(store, to, variables, scenario, output, overwrite)


@app.command()
def figures(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which figures; all of figures.yaml if none.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--folder", help="Folder with figures.yaml, and of the pictures.")
    ] = Path("figures"),
    make: Annotated[
        bool, typer.Option("--make", help="Make the runs that are not there yet.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Draw nothing; fail where a figure is out of date.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Draw the figures that figures.yaml names, each from its stored run."""
    from asm_sim.cli.figures import figures_command

    figures_command(names or [], folder, make, check, overwrite)


@app.command()
def doctor(
    store: Annotated[
        str | None,
        typer.Argument(help="Results to read in full: a run's or sweep's folder or URL."),
    ] = None,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="Compare with the published figures.")
    ] = False,
    draws: Draws = None,
    as_json: AsJson = False,
) -> None:
    """Check the installation, the model against what is published, or results for damage."""
    from asm_sim.cli.doctor import doctor_command

    doctor_command(store, calibration, draws, as_json)


def main() -> None:
    """The entry point ``asm-sim``."""
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal cannot write is not an error
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        complain("Interrupted.")
        raise SystemExit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the answer is there: Python only ends


if __name__ == "__main__":
    main()
