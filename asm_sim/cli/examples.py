"""An example or two of every verb, which its ``--help`` ends with: a command, and what it does."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "run": (
        ("asm-sim run baseline --draws 200", "the model as it is, in 200 draws"),
        ("asm-sim run baseline --set rules.payment.risk_level=0.05", "with 5 % at risk"),
    ),
    "sweep": (
        ("asm-sim sweep redistribution-by-risk --draws 100", "15 scenarios, side by side"),
        ("asm-sim sweep redistribution-by-risk --resume", "go on with one that was stopped"),
    ),
    "solve": (
        (
            "asm-sim solve baseline --lever rules.payment.redistribution_share "
            "--target retained_by_medicare=0",
            "the share paid out at which Medicare keeps nothing",
        ),
    ),
    "sensitivity": (
        ("asm-sim sensitivity baseline", "each unknown by itself"),
        ("asm-sim sensitivity baseline --method morris --plan", "what a screening would run"),
    ),
    "explore": (
        ("asm-sim explore", "the baseline, in a browser on this machine"),
        ("asm-sim explore runs/mine --draws 48", "the first draws of a run, with smaller errors"),
    ),
    "score": (
        ("asm-sim score --example", "write clinicians.csv, a table to fill in"),
        ("asm-sim score clinicians.csv", "score it by itself"),
        ("asm-sim score clinicians.csv --against baseline --draws 100", "among simulated peers"),
    ),
    "explain": (
        ("asm-sim explain clinicians.csv --clinician A1", "step by step, from measures to dollars"),
    ),
    "roster": (
        ("asm-sim roster", "the shipped list"),
        ("asm-sim roster mine.csv", "what is understood of one of your own"),
    ),
    "rules": (
        ("asm-sim rules --status precedent,assumption", "what is open of the rule"),
        ("asm-sim rules book -o book.html", "every parameter, where it acts and what it does"),
    ),
    "parameters": (
        ("asm-sim parameters steepness", "those that are about it"),
        ("asm-sim parameters | grep payment", "a line each where the output is piped"),
    ),
    "scenarios": (
        ("asm-sim scenarios", "all, by theme"),
        ("asm-sim scenarios risk", "those that are about it"),
        ("asm-sim scenarios --schema > scenario.schema.json", "for your editor"),
    ),
    "variables": (
        ("asm-sim variables penalties", "those that are about it"),
        ("asm-sim variables | grep panel_", "a line each"),
    ),
    "runs": (
        ("asm-sim runs", "all in the folder runs, with their sizes"),
        ("asm-sim runs --remove baseline-500-draws-seed-1-1fa1b179", "asks, and removes it"),
    ),
    "compare": (
        ('asm-sim compare runs/sweep "steepness=0.2"', "a member of a sweep with its reference"),
        ("asm-sim compare runs/a runs/b", "one run minus another"),
    ),
    "report": (
        ("asm-sim report runs/mine -o report.html", "one page to read, print and send"),
        ("asm-sim report sweeps/mine --figures none", "without figures, in its folder"),
    ),
    "export": (
        ("asm-sim export runs/a --to netcdf", "everything but the panel, in one file"),
        ("asm-sim export runs/a --to csv --variables share_negative,bonuses", "a table"),
        (
            "asm-sim export runs/a --to stata --where state=TX --where small_practice=1",
            "clinicians",
        ),
    ),
    "studies": (
        ("asm-sim studies", "which there are"),
        ("asm-sim studies volatility runs/a", "what one finds in a run"),
    ),
    "figures": (("asm-sim figures --make", "all figures, and the runs that they need"),),
    "doctor": (
        ("asm-sim doctor", "is the installation sound?"),
        ("asm-sim doctor runs/a", "do all files hold what was written?"),
    ),
}


def epilog_of(verb: str) -> str:
    """The examples as a help text ends with them: a paragraph each."""
    return "\n\n".join(f"{command}  ({words})" for command, words in EXAMPLES.get(verb, ()))
