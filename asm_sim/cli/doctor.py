"""``asm-sim doctor``: is the installation sound, and is the synthetic cohort like the real one?"""

from __future__ import annotations

import json
import math
import platform
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from asm_sim.cli.options import AsJson, Draws
from asm_sim.cli.terminal import Terminal, say
from asm_sim.cli.theory import published_command, theory_command
from asm_sim.errors import InputError, counted, printable, reason_of

# Philox4x32-10: counter, key and words, from the Random123 distribution (kat_vectors).
KNOWN_ANSWERS = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
_FAILED = 1


def doctor(
    store: Annotated[
        str | None,
        typer.Argument(help="Results to read in full: a run's or sweep's folder or URL."),
    ] = None,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="Compare with the published figures.")
    ] = False,
    published: Annotated[
        bool,
        typer.Option("--published", help="Reproduce published results under their own conditions."),
    ] = False,
    theory: Annotated[
        bool,
        typer.Option("--theory", help="Set closed forms beside the results, or a small run."),
    ] = False,
    draws: Draws = None,
    as_json: AsJson = False,
) -> None:
    """Check the installation, the model against what is published, or results for damage."""
    wanted = {"--calibration": calibration, "--published": published, "--theory": theory}
    chosen = [option for option, is_chosen in wanted.items() if is_chosen]
    alone = [*([store] if store is not None and not theory else []), *chosen]
    if len(alone) > 1:
        raise InputError(f"{' and '.join(alone)}: choose one")
    if theory:
        if store is not None and draws is not None:
            raise InputError(f"{store} and --draws: the draws are those of the run; leave one out")
        theory_command(store, draws, as_json)
        return
    if published:
        published_command(draws, as_json)
        return
    if store is not None:
        _results(store, as_json)
        return
    if calibration:
        _calibration(draws, as_json)
        return
    report = installation()
    if as_json:
        typer.echo(json.dumps(report, indent=1))
    else:
        width = max(len(name) for name in report)
        for name, value in report.items():
            say(f"{name:<{width}}  {value}")
    if report["random number generator"] != "known answers right":
        raise typer.Exit(_FAILED)


def _results(store: str, as_json: bool) -> None:
    """Read every file of results; one that is not as it was written is an error."""
    from asm_sim.results.open import files_listed, open_results

    ds = open_results(store, verify=True)
    report = {"store": store, "variables": len(ds.data_vars), "files": files_listed(store)}
    if as_json:
        typer.echo(json.dumps(report, indent=1))
    elif report["files"]:
        say(f"{store}: all {report['files']:,} files hold what was written")
    else:
        say(f"{store}: opens; it has no checksums, so that no more can be said")


def installation() -> dict[str, Any]:
    """Versions, threads, where compiled kernels are kept, and the generator's known answers."""
    from importlib.metadata import version

    from asm_sim import __version__
    from asm_sim.engine.threads import thread_count

    packages = ("numpy", "numba", "llvmlite", "scipy", "pandas", "xarray", "zarr", "pydantic")
    return {
        "asm_sim": __version__,
        "Python": platform.python_version(),
        **{name: version(name) for name in packages},
        "machine": f"{platform.machine()}, {platform.system()}",
        "threads": thread_count(),
        "compiled kernels": _compiled(),
        "random number generator": _generator(),
    }


def _compiled() -> str:
    """Where compiled kernels are kept, and how many; or why they are not."""
    from asm_sim.kept import cache_folder, reason_not_used

    folder = cache_folder()
    reason = reason_not_used(folder)
    if folder is None or reason:
        return f"in memory: {reason}"
    try:
        sizes = [path.stat().st_size for path in folder.glob("*.nbc")]
    except OSError as error:
        return f"in memory: {printable(str(folder))}: {reason_of(error)}"
    shown = printable(str(folder))
    return f"{shown} ({counted(len(sizes), 'file')}, {sum(sizes) / 2**20:.1f} MiB)"


def _generator() -> str:
    import numpy as np

    from asm_sim.kernels.numeric.rng import philox_words

    for counter, key, expected in KNOWN_ANSWERS:
        words = philox_words(np.array(counter, np.uint64), np.array(key, np.uint64))
        if tuple(int(word) for word in words) != expected:
            return (
                "WRONG: results cannot be trusted; reinstall numba and clear the compiled kernels"
            )
    return "known answers right"


def _calibration(draws: int | None, as_json: bool) -> None:
    note = Terminal(stderr=True)
    note.print("Comparing simulated draws of the baseline with published figures ...")
    from asm_sim.engine.face_validity import DEFAULT_DRAWS, face_validity

    rows = face_validity(draws)
    if as_json:
        plain = [{k: _plain(v) for k, v in row.as_dict().items()} for row in rows]
        typer.echo(json.dumps(plain, indent=1))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("quantity", overflow="fold")
    table.add_column("cohort")
    for name in ("simulated", "published", "gap"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("in range")
    table.add_column("source of the published figure", overflow="fold")
    for row in rows:
        table.add_row(
            Text(row.what),
            row.cohort,
            _with_error(row.simulated, row.mcse),
            f"{row.published:,.4g}" if row.published < 1000 else f"{row.published:,.0f}",
            f"{row.simulated - row.published:+,.2g}",
            "-" if row.inside is None else "yes" if row.inside else "no",
            Text(row.source),
        )
    Terminal(highlight=False).print(table)
    asked = [row.inside for row in rows if row.inside is not None]
    say(
        f"\n{sum(asked)} of {len(asked)} figures lie in the range that their source leaves "
        f"({draws or DEFAULT_DRAWS} draws, first performance year; ± is the Monte Carlo standard "
        "error)."
    )


def _with_error(value: float, error: float) -> str:
    from asm_sim.results.statistics import round_to_error

    if math.isfinite(error):
        return round_to_error(value, error)
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return bool(value) if isinstance(value, bool) or type(value).__name__ == "bool_" else value
