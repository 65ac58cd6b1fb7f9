"""Arguments and places that cannot be used: names, numbers, targets, folders."""

from __future__ import annotations

import os
from pathlib import Path

from tests.hostile.harness import Hostile

LONG_NAME = "a" * 300
DIGITS = "9" * 6_000
ESCAPE = "\x1b[31mx"
LEVER = "rules.payment.redistribution_share"
TARGET = "share_negative=50%"
GRID = "title: x\ndraws: 2\nsweep: {grid: {rules.payment.redistribution_share: [0.7, 1.0]}}\n"
SHOWN = r"\x1b[31mx"

# What is asked, and what is said.
ASKED: list[tuple[list[str], str]] = [
    ([ESCAPE], f"No such command '{SHOWN}'"),
    ([f"--{ESCAPE}"], f"No such option: --{SHOWN}"),
    (["x" * 50_000], "No such command 'xxx"),
    (["run", ESCAPE], "characters that cannot be shown"),
    (["run", f"{ESCAPE}.yaml"], rf"{SHOWN}.yaml: a name with characters that cannot be shown"),
    (["run", "a\nb.yaml"], r"a\nb.yaml: a name with characters"),
    (["run", "a\u202eb.yaml"], r"a\u202eb.yaml: a name with characters"),
    (["run", "caf\udce9.yaml"], "not text in UTF-8; give it another name"),
    (["run", LONG_NAME], "no scenario is called 'aaa"),
    (["run", f"{LONG_NAME}.yaml"], "cannot be read (File name too long)"),
    (["run", "a" * 50_000], "no scenario is called 'aaa"),
    (["run", ""], "this is a folder"),
    (["run", "/"], "/: this is a folder"),
    (["run", "nowhere/mine.yaml"], "nowhere/mine.yaml: there is no such file"),
    (["run", "/dev/null"], "/dev/null: not an ordinary file"),
    (["run", "/dev/null/x.yaml"], "cannot be read (Not a directory)"),
    (["run", "baseline", ESCAPE], SHOWN),
    (["run", "--draws", DIGITS], "Invalid value for '--draws'"),
    (["run", "--draws", ESCAPE], "Invalid value for '--draws'"),
    (["run", "--draws", "²"], "Invalid value for '--draws'"),
    (["run", "--draws", "-1"], "Invalid value for '--draws'"),
    (["run", "--draws", "9" * 40], "'draws': input should be less than or equal to 10000000"),
    (["run", "--seed", "9" * 40], "'seed': input should be less than"),
    (["run", "--seed", "-1"], "'seed': input should be greater than or equal to 0"),
    (["run", "--set"], "Option '--set' requires an argument"),
    (["sweep"], "Missing argument"),
    (["sweep", LONG_NAME], "no scenario is called 'aaa"),
    (["sweep", "baseline", "--shard", ESCAPE], f"--shard '{SHOWN}'"),
    (["sweep", "baseline", "--shard", f"{DIGITS}/{DIGITS}"], "--shard '999"),
    (["sweep", "baseline", "--shard", "²/³"], "--shard '²/³'"),
    (["sweep", "baseline", "--until", ESCAPE], f"--until '{SHOWN}'"),
    (["sweep", "baseline", "--until", "x" * 50_000], "--until 'xxx"),
    (["sweep", "baseline", "--until", "share_negative<nan"], "--until 'share_negative<nan'"),
    (["sweep", "baseline", "--workers", DIGITS], "Invalid value for '--workers'"),
    (["sweep", "baseline", "--panel", "-1"], "Invalid value for '--panel'"),
    (["sensitivity", "baseline", "--outcome", ESCAPE], f"outcome '{SHOWN}'"),
    (["sensitivity", "baseline", "--outcome", "x" * 50_000], "outcome 'xxx"),
    (["sensitivity", "baseline", "--outcome", f"adjustment_at_score({DIGITS})"], "outcome '"),
    (["sensitivity", "baseline", "--method", ESCAPE], f"no method is called '{SHOWN}'"),
    (["sensitivity", "baseline", "--lever", ESCAPE], f"lever '{SHOWN}'"),
    (["sensitivity", "baseline", "--lever", f"{LEVER}={'[' * 5_000}"], "lever 'rules.payment"),
    (["sensitivity", "baseline", "--lever", f"{LEVER}=1]\nx: [2"], "lever 'rules.payment"),
    (["sensitivity", "baseline", "--method", "morris", "--rows", "9" * 40], "at most 100,000"),
    (["sensitivity", "baseline", "--out", LONG_NAME], "too long"),
    (["sensitivity", "baseline", "--year", "-1"], "-1 is no performance year"),
    (["rules", ESCAPE], "characters that cannot be shown"),
    (["rules", LONG_NAME], "no rule set is called 'aaa"),
    (["rules", "."], ".: this is a folder"),
    (["rules", "--status", ESCAPE], f"no status is called '{SHOWN}'"),
    (["rules", "--status", "a" * 50_000], "no status is called 'aaa"),
    (["scenarios", ESCAPE], f"no scenario is called '{SHOWN}'"),
    (["scenarios", "a" * 50_000], "no scenario is called 'aaa"),
    (["compare", ESCAPE, "0"], f"{SHOWN}: there is no such folder"),
    (["compare", LONG_NAME, "0"], "too long"),
    (["compare", ".", "0"], "holds no run"),
    (["compare", "/dev/zero", "0"], "/dev/zero is a file"),
    (["compare", "~nosuchuser/x", "0"], "the home ~nosuchuser is not known"),
    (["compare", "x://y", "0"], "is no scheme that asm-sim reads"),
    (["compare", "a::s3://y", "0"], "chained URLs are not taken"),
    (["export", LONG_NAME, "--to", "csv"], "too long"),
    (["export", ESCAPE, "--to", "csv"], f"{SHOWN}: there is no such folder"),
    (["figures", "--folder", LONG_NAME], "too long"),
    (["figures", "--folder", "nowhere"], "there is no such file"),
    (["doctor", "--draws", DIGITS], "Invalid value for '--draws'"),
    (["score"], "name a clinician table"),
    (["score", ESCAPE], f"{SHOWN}: there is no such file"),
    (["score", LONG_NAME], "File name too long"),
    (["score", "."], "this is a folder"),
    (["score", "/dev/zero"], "/dev/zero"),
    (["score", "x.csv", "--rules", LONG_NAME], "no rule set is called 'aaa"),
    (["score", "x.csv", "-o", f"{LONG_NAME}.csv"], "too long"),
    (["score", "x.csv", "-o", "x.txt"], "must end in .csv"),
    (["score", "x.csv", "-o", "nowhere/x.csv"], "nowhere does not exist"),
    (["explain", ESCAPE, "--clinician", ESCAPE], f"{SHOWN}: there is no such file"),
    (["explain", "."], "Missing option '--clinician'"),
    (["roster", ESCAPE], f"{SHOWN}: there is no such file"),
]

# Of the target, with the lever that can be moved; and of the lever, with the target.
TARGETS: dict[str, str] = {
    "retained_by_medicare=1e300": "1e+300 is larger than any statistic of a run",
    ESCAPE: f"target '{SHOWN}'",
    DIGITS: "target '999",
    f"share_negative={DIGITS}": "is not a number",
    f"share_above({DIGITS})=0.1": "is not a number",
    f"share_negative={' ' * 50_000}x x": "is not a number",
    "share_negative=": "'=' and its value",
    "share_negative=nan": "is not a number",
}
LEVERS: dict[str, str] = {
    ESCAPE: f"lever '{SHOWN}': no parameter is called so",
    "a" * 50_000: "lever 'aaa",
    f"{LEVER}.{DIGITS}": "no parameter is called so",
    f"{LEVER}.²": "no parameter is called so",
    f"{LEVER}.2026": "2026 is not a performance year",
    "rules": "is a group of parameters",
    "int": "no parameter is called so",
    "rules.performance_years": "is a text or a list",
}
BETWEEN: dict[tuple[str, str], str] = {
    ("nan", "nan"): "nan is not below nan",
    ("inf", "-inf"): "inf is not below -inf",
    ("-1e308", "1e308"): "-1e+308 is out of range: 0 to 1",
    (DIGITS, DIGITS): "is not below",
    (ESCAPE, "1"): "Invalid value for '--between'",
}


def _solve(lever: str = LEVER, target: str = TARGET) -> list[str]:
    return ["solve", "baseline", "--lever", lever, "--target", target]


def _file(folder: Path) -> None:
    (folder / "store").write_text("precious")


def _loop(folder: Path) -> None:
    (folder / "store").symlink_to("store")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "store")


def _others(folder: Path) -> None:
    (folder / "store").mkdir()
    (folder / "store" / "precious").write_text("precious")


SWEEP = ["sweep", "mine.yaml", "--out"]
OF_A_SWEEP: dict[str, str | bytes] = {"mine.yaml": GRID}
PLACES = [
    Hostile("out is a file", [*SWEEP, "store"], "store", OF_A_SWEEP, prepare=_file),
    Hostile("out is a loop", [*SWEEP, "store"], "lead in a circle", OF_A_SWEEP, prepare=_loop),
    Hostile("out is a pipe", [*SWEEP, "store"], "store", OF_A_SWEEP, prepare=_pipe),
    Hostile("out has other files", [*SWEEP, "store", "--overwrite"], "holds no run of asm_sim",
            OF_A_SWEEP, prepare=_others),
    Hostile("out is below a file", [*SWEEP, "store/x"], "store/x", OF_A_SWEEP, prepare=_file),
    Hostile("out is too long", [*SWEEP, LONG_NAME], "too long", OF_A_SWEEP),
    Hostile("out of nobody", [*SWEEP, "~nosuchuser/x"], "~nosuchuser is not known", OF_A_SWEEP),
    Hostile("out is a chain", [*SWEEP, "simplecache::s3://x/y"], "chained URLs", OF_A_SWEEP),
    Hostile("out is no scheme", [*SWEEP, "nothing://x/y"], "is no scheme that", OF_A_SWEEP),
    Hostile("out is nothing", [*SWEEP, ""], "an empty text names no file or folder", OF_A_SWEEP),
    Hostile("out of a device", [*SWEEP, "/dev/null/x"], "/dev/null/x", OF_A_SWEEP),
    Hostile("run to a file", ["run", "--draws", "1", "--out", "store"], "store", prepare=_file),
    Hostile("run to others' files", ["run", "--draws", "1", "--out", "store", "--overwrite"],
            "holds no run of asm_sim", prepare=_others),
]  # fmt: skip

CASES = [
    *(
        Hostile(f"asked {number}: {' '.join(asked)[:30]!a}", asked, said)
        for number, (asked, said) in enumerate(ASKED)
    ),
    *(
        Hostile(f"target {text[:30]!a}", _solve(target=text), said)
        for text, said in TARGETS.items()
    ),
    *(Hostile(f"lever {text[-30:]!a}", _solve(lever=text), said) for text, said in LEVERS.items()),
    *(
        Hostile(f"between {low[:9]!a}", [*_solve(), "--between", low, high], said)
        for (low, high), said in BETWEEN.items()
    ),
    *PLACES,
]
