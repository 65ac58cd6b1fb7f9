"""Malformed scenario, sweep, rule and population files, and settings of the command line."""

from __future__ import annotations

import os
from pathlib import Path

from tests.hostile.harness import Hostile

STEEPNESS = "rules.payment.exchange.steepness"
YEARS = "rules.performance_years"
LONG_NAME = "a" * 300
DIGITS = "9" * 6_000
HEXADECIMAL = f"0x{'F' * 6_000}"
UNUSABLE = "this scenario cannot be used: - mine.yaml"
NO_SWEEP = "this sweep cannot be used: - mine.yaml"
TOO_LARGE = "is too large a number"

# By name: the file after its first line, which is the title; what is said of it.
SCENARIOS: dict[str, tuple[str, str]] = {
    "flow without end": (f"set: {'[' * 100_000}", "mine.yaml, line 2: nested deeper"),
    "mappings without end": (f"set: {'{a: ' * 30_000}", "mine.yaml, line 2: nested deeper"),
    "flow over lines": (f"set: {'[' + chr(10) + ' '} " * 100, "nested deeper than 30 levels"),
    "blocks without end": (
        "".join(" " * depth + "set:\n" for depth in range(2_000)),
        "mine.yaml, line 33: nested deeper",
    ),
    "items without end": (f"set:\n {'- ' * 5_000}", "mine.yaml, line 3: nested deeper"),
    "a tree without end": (f"set: {{rules: {'{a: ' * 40}1{'}' * 40}}}", "line 2: nested deeper"),
    "keys that are lists": ("? [a]\n: 1\n", "line 2: a key must be a name or a year"),
    "keys of keys": (f"set:\n {'? ' * 5_000}", "line 3: a key must be a name or a year"),
    "digits of a seed": (f"seed: {DIGITS}", TOO_LARGE),
    "hexadecimal draws": (f"draws: {HEXADECIMAL}", TOO_LARGE),
    "digits of a parameter": (f"set: {{{STEEPNESS}: {DIGITS}}}", TOO_LARGE),
    "hexadecimal in a list": (f"set: {{{YEARS}: [{HEXADECIMAL}]}}", TOO_LARGE),
    "digits before a point": (f"set: {{{STEEPNESS}: {DIGITS}.0}}", "is not a finite number"),
    "digits of a year": (f"set:\n  {STEEPNESS}:\n    ? {DIGITS}\n    : 1", TOO_LARGE),
    "digits of a quoted year": (
        f"set:\n  {STEEPNESS}:\n    ? '{DIGITS}'\n    : 1",
        "is not a performance year",
    ),
    "digits in a path": (f"set:\n  ? rules.cohorts.{DIGITS}\n  : 1", "unknown parameter"),
    "39 digits of draws": (f"draws: {'9' * 39}", f"{UNUSABLE}, line 2: 'draws'"),
    "39 digits of a year": (f"set: {{{YEARS}: [{'9' * 39}]}}", "line 2: performance_years"),
    "a superscript digit": ("set: {rules.cohorts.²: 1}", "line 2: unknown parameter 'cohorts.²'"),
    "a superscript year": (f"set: {{{STEEPNESS}: {{'²': 1}}}}", "'²' is not a performance year"),
    "a bracket in a key": ("draws[0]: 5", "line 2: unknown key 'draws[0]' (did you mean 'draws'?)"),
    "brackets as a key": ("'[]': 5", f"{UNUSABLE}, line 2: unknown key '[]'"),
    "a key called [key]": ("'[key]': 5", f"{UNUSABLE}, line 2: unknown key '[key]'"),
    "a key called int": ("int: 5", f"{UNUSABLE}, line 2: unknown key 'int'"),
    "a key called str": ("str: 5", f"{UNUSABLE}, line 2: unknown key 'str'"),
    "a type as a key": ("'dict[int,float]': 5", "line 2: unknown key 'dict[int,float]'"),
    "a layer called float": ("layers: {float: 1}", "line 2: unknown key 'layers.float'"),
    "an escape in a key": ('"\\e[31m": 5', r"line 2: a control character ('\x1b')"),
    "a turn in a key": ('"\u202ekey": 5', r"line 2: unknown key '\u202ekey'"),
    "a key that nobody can see": ('"\u200b": 5', r"line 2: unknown key '\u200b'"),
    "a key that is null": ("? \n: 1", "line 2: the key '' must be a name or a year"),
    "a key that is a number": ("1.5: 1", "line 2: the key '1.5' must be a name or a year"),
    "a key twice": ("draws: 5\ndraws: 5", "line 3: the key 'draws' is given twice"),
    "5,000 keys": ("".join(f"k{i}: 1\n" for i in range(5_000)), "... and 4,980 more"),
    "an escape in a description": ('description: "\\e]0;x\\a"', "line 2: a control character"),
    "a raw escape": ("description: \x1b[31m", "line 2: not valid YAML: unacceptable character"),
    "half a letter": ('description: "\\ud800"', "line 2: a control character"),
    "a zero byte": ('description: "\\0"', r"line 2: a control character ('\x00')"),
    "300 letters to extend": (f"extends: {LONG_NAME}", "line 2: no scenario is called 'aaa"),
    "300 letters of rules": (f"rules: {LONG_NAME}", "line 2: no rule set is called 'aaa"),
    "300 letters of a comparator": (f"mips: {LONG_NAME}", "line 2: no rule set is called 'aaa"),
    "300 letters of a population": (f"population: {LONG_NAME}", "line 2: no population is called"),
    "300 letters of a roster": (
        f"set: {{population.roster: {LONG_NAME}.csv}}",
        "population.roster: there is no file 'aaa",
    ),
    "a path to extend": ("extends: ../mine", "must be a name (such as"),
    "an absolute path to extend": ("extends: /etc/passwd", "not a path"),
    "itself to extend": ("extends: mine", "line 2: circular: 'mine' ends up extending itself"),
    "a number to extend": ("extends: 5", "line 2: extends must be the name of a scenario"),
    "a sweep to extend": ("extends: steepness-by-redistribution", "a sweep cannot be extended"),
    "a roster elsewhere": ("set: {population.roster: ../x.csv}", "must be the name of a file"),
    "a roster that is a number": ("set: {population.roster: 5}", "line 2: 'roster.value'"),
    "years as a mapping": (f"set: {{{YEARS}: {{2027: 1}}}}", "line 2: 'performance_years'"),
    "years as a mapping below others": (
        f"set: {{{YEARS}: {{2027: 1}}, rules.payment.risk_level: {{2027: 0.1}}}}",
        "line 2: 'performance_years'",
    ),
    "years of lists": (f"set: {{{YEARS}: [[2027]], {STEEPNESS}: {{2027: 1}}}}", "valid integer"),
    "a mapping in a list": ("set: {rules.quality.decile_percentiles: [{a: 1}]}", "got {'a': 1}"),
    "a list in a list": ("set: {rules.quality.decile_percentiles: [[1]]}", "got [1]"),
    "50,000 years": (f"set: {{{STEEPNESS}: {[1] * 20_000}}}", "should be a valid number"),
    "a text of 100,000 letters": (f"set: {{{STEEPNESS}: {'x' * 100_000}}}", "a valid number"),
    "settings as a text": ("set: rules", "line 2: 'set' must be a mapping"),
    "a setting of nothing": ("set: {'': 1}", "line 2: '' is no parameter"),
    "a setting of dots": ("set: {rules...: 1}", "line 2: unknown parameter '..'"),
    "a setting with a turn": ('set: {"rules.\u202epayment": 1}', r"no '\u202epayment'"),
    "a root without a parameter": ("set: {rules: 5}", "and name one, such as"),
    "a tree that is wrong": ("set: {rules: {payment: {exchange: 5}}}", "is a group"),
    "not a number": (f"set: {{{STEEPNESS}: .nan}}", "line 2: '.nan' is not a finite number"),
    "too large a number": (f"set: {{{STEEPNESS}: 1e999}}", "'1e999' is not a finite number"),
    "a tag that runs code": ("draws: !!python/object/apply:os.system ['x']", "tags (!...)"),
    "a bomb of aliases": ("a: &a [x]\nb: &b [*a, *a]", "anchors and aliases are not allowed"),
    "a merge": ("<<: {draws: 5}", f"{UNUSABLE}, line 2: unknown key '<<'"),
    "a second document": ("---\ntitle: y", "line 2: not valid YAML: more than one document"),
    "a tab": ("set:\n\tdraws: 1", "line 3: not valid YAML: found character"),
    "a quotation without end": ("set: 'x", "not valid YAML: found unexpected end of stream"),
    # sweeps
    "a grid of digits": (f"sweep: {{grid: {{{STEEPNESS}: [1, {DIGITS}]}}}}", TOO_LARGE),
    "a hexadecimal grid": (f"sweep: {{grid: {{{STEEPNESS}: [{HEXADECIMAL}]}}}}", TOO_LARGE),
    "a grid as a tree": (
        "sweep: {grid: {rules: {payment: {exchange: {steepness: [1]}}}}}",
        f"write {STEEPNESS}: [...]",
    ),
    "a grid of a root": ("sweep: {grid: {rules: [1]}}", "and name one, such as"),
    "a grid of a bracket": ("sweep: {grid: {'rules.cohorts[0]': [1]}}", "did you mean 'cohorts'?"),
    "a grid with a turn": ('sweep: {grid: {"\u202er": [1]}}', rf"{NO_SWEEP}, line 2: '\u202er'"),
    "a grid of 160,000": (
        f"sweep: {{grid: {{{STEEPNESS}: {list(range(400))}, rules.payment.risk_level: "
        f"{list(range(400))}}}}}",
        "160,000 scenarios are too many",
    ),
    "a grid of 3,000 mistakes": (
        "sweep:\n  grid:\n" + "".join(f"    rules.k{i}: [1]\n" for i in range(3_000)),
        "... and 2,980 more",
    ),
    "a list with a turn": ('sweep: {list: {"\u202ex": {}}}', "must be one line of 1 to 120"),
    "a list of long names": (f"sweep: {{list: {{{LONG_NAME}: {{}}}}}}", "must be one line of 1 to"),
    "a list with a tree": ("sweep: {list: {A: {rules: {payment: {x: 1}}}}}", "no 'x' in 'payment'"),
    "scenarios of 300 letters": (f"sweep: {{scenarios: [{LONG_NAME}]}}", "no scenario is called"),
    "scenarios elsewhere": ("sweep: {scenarios: [../x]}", "not a path"),
    "digits of a design": (
        f"sweep: {{design: {{method: sobol, n: {DIGITS}, over: {{{STEEPNESS}: {{}}}}}}}}",
        TOO_LARGE,
    ),
    "39 digits of a design": (
        f"sweep: {{design: {{method: morris, n: {'9' * 39}, over: {{{STEEPNESS}: {{}}}}}}}}",
        "scenarios are too many",
    ),
    "a design over a bracket": (
        "sweep: {design: {method: sobol, n: 2, over: {'a[0]': {}}}}",
        "'a[0]' is no parameter",
    ),
    "a design over int": (
        "sweep: {design: {method: sobol, n: 2, over: {int: {low: 1, high: 2}}}}",
        "'int' is no parameter",
    ),
    "compare to 100,000 letters": (
        f"sweep: {{list: {{A: {{}}}}}}\ncompare_to: {'x' * 100_000}",
        "no scenario is called 'xxx",
    ),
}

# By name: the whole file, and what is said of it.
FILES: dict[str, tuple[str | bytes, str]] = {
    "no file at all": ("", "mine.yaml: the file is empty"),
    "a title with escapes": ('title: "\\e[31mred\\e]0;x\\a"', "line 1: a control character"),
    "a title that is a list": ("title: [x]", f"{UNUSABLE}, line 1: 'title'"),
    "a title of nothing": ("title: ''", f"{UNUSABLE}, line 1: 'title'"),
    "no title": ("draws: 5", "mine.yaml: the scenario has no 'title'"),
    "a list of brackets": ("[" * 100_000, "line 1: expected a mapping"),
    "a million letters": ("x" * 1_000_000, "line 1: expected a mapping"),
    "YAML 1.1": ("%YAML 1.1\n---\ntitle: x\nset: yes", "this file says that it is YAML 1.1"),
    "YAML of a long version": (f"%YAML {DIGITS}.1\n---\ntitle: x", "mine.yaml: not valid YAML"),
    "YAML 3": ("%YAML 3.0\n---\ntitle: x", "line 1: not valid YAML"),
    "Latin-1": (b"title: x\n# caf\xe9", "line 2: not a text file in UTF-8"),
    "UTF-16": ("title: x".encode("utf-16"), "line 1: not a text file in UTF-8"),
    "half a character": (b"title: x\xe2\x82", "line 1: not a text file in UTF-8"),
    "a surrogate": (b"title: \xed\xa0\x80", "line 1: not a text file in UTF-8"),
    "zero bytes": (b"title: x\n\0", "line 2: not valid YAML: unacceptable character"),
    "a program": (b"\x7fELF\x02\x01\x01\0\0", "line 1: not valid YAML: unacceptable character"),
    "a pickle": (b"\x80\x04\x95\0", "line 1: not a text file in UTF-8"),
    "five megabytes and more": (b"#" * 5_000_001, "larger than 5,000,000 bytes"),
    "JSON with a mistake": ('{"title": "x", "drawz": 5}', "did you mean 'draws'?"),
}

# What is set, and what is said of it.
SETTINGS: dict[str, str] = {
    "": "--set '': write it as path=value",
    "=": "--set '=': write it as path=value",
    STEEPNESS: "write it as path=value",
    f"{STEEPNESS}={'[' * 5_000}": "nested deeper than 30 levels",
    f"{STEEPNESS}={'{a: ' * 5_000}": "nested deeper than 30 levels",
    f"{STEEPNESS}={DIGITS}": TOO_LARGE,
    f"{STEEPNESS}={HEXADECIMAL}": TOO_LARGE,
    f"{STEEPNESS}={'x' * 50_000}": "should be a valid number",
    f"{STEEPNESS}=\x1b[31m": r"--set rules.payment.exchange.steepness=\x1b[31m, line 1",
    f'{STEEPNESS}="\\e[31m"': "a control character",
    f"{STEEPNESS}=0.2\nseed: 3": "more than one value",
    f"{STEEPNESS}=1\n---\na: 1": "more than one document",
    f"{STEEPNESS}=!!python/name:os.system": "YAML tags (!...) are not allowed",
    f"{STEEPNESS}=*a": "anchors and aliases are not allowed",
    f"{STEEPNESS}=yes": "got 'yes'",
    f"{STEEPNESS}='": "not valid YAML",
    "rules.\x1b[31m=1": r"--set rules.\x1b[31m: unknown parameter",
    "rules.cohorts.²=1": "unknown parameter 'cohorts.²'",
    "rules[0]=1": "'rules[0]' is no parameter",
    "int=1": "'int' is no parameter",
    f"rules.{'a' * 50_000}=1": "--set rules.aaa",
    f"{YEARS}={{2027: 1}}": "'performance_years' has no values by year",
    "rules={payment: {exchange: {steepness: 500}}}": "500 is out of range",
    "rules={}": "and name one, such as",
    f"population.roster={LONG_NAME}": "there is no file 'aaa",
    "population.roster=/etc/passwd": "not a path",
}

# A rule set that is laid on the shipped one, and a population: its lines and what is said.
RULES: dict[str, tuple[str, str]] = {
    "a rule set with escapes": ('title: "\\e[31m"', "mine.yaml, line 2: a control character"),
    "a rule set of digits": (f"payment_year_lag: {{value: {DIGITS}}}", TOO_LARGE),
    "a rule set with a bracket": ("payment[0]: {}", "line 2: unknown key 'payment[0]'"),
    "a rule set of nested lists": (f"payment: {'[' * 3_000}", "line 2: nested deeper"),
    "a rule set with a mapping of years": (
        "performance_years: {value: {2027: 1}}",
        "performance_years",
    ),
    "a rule set without a section": ("payment: 5", "line 2: 'payment'"),
    "a rule set with a null": ("payment:", "line 2: 'payment'"),
    "a rule set of the wrong range": (
        "payment: {redistribution_share: {range: [a, b]}}",
        "line 2: 'payment.redistribution_share.range",
    ),
}
POPULATIONS: dict[str, tuple[str, str]] = {
    "a population with escapes": ('title: "\\e[31m"', "other.yaml, line 2: a control character"),
    "a population of digits": (f"roster: {{value: {DIGITS}}}", TOO_LARGE),
    "a population with a bracket": ("quality[0]: {}", "line 2: unknown key 'quality[0]'"),
    "a population of a list": ("quality: [1]", "line 2: 'quality'"),
}


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "mine.yaml")


def _loop(folder: Path) -> None:
    (folder / "mine.yaml").symlink_to("mine.yaml")


def _zero(folder: Path) -> None:
    (folder / "mine.yaml").symlink_to("/dev/zero")


def _folder(folder: Path) -> None:
    (folder / "mine.yaml").mkdir()


RUN = ["run", "mine.yaml"]
PLACES = [
    Hostile("a pipe", RUN, "mine.yaml: not an ordinary file", prepare=_pipe),
    Hostile("a loop of links", RUN, "mine.yaml: cannot be read", prepare=_loop),
    Hostile("a device behind a link", RUN, "mine.yaml: not an ordinary file", prepare=_zero),
    Hostile("a folder", RUN, "mine.yaml: this is a folder", prepare=_folder),
    Hostile("a device", ["run", "/dev/zero"], "/dev/zero: not an ordinary file"),
    Hostile("a pipe of rules", ["rules", "mine.yaml"], "not an ordinary file", prepare=_pipe),
    Hostile("a loop of rules", ["rules", "mine.yaml"], "cannot be read", prepare=_loop),
    Hostile("a device of rules", ["rules", "/dev/zero"], "/dev/zero: not an ordinary file"),
    Hostile("rules to score by", ["score", "--rules", "/dev/zero", "x.csv"], "not an ordinary"),
    Hostile("a base that is a pipe", ["run", "own.yaml"], "no scenario is called 'mine'",
            {"own.yaml": "title: x\nextends: mine\n"}, prepare=_pipe),
    Hostile("a roster that is a pipe", ["run", "own.yaml"], "there is no file 'mine.yaml'",
            {"own.yaml": "title: x\nset: {population.roster: mine.yaml}\n"}, prepare=_pipe),
]  # fmt: skip


def _verb(text: str) -> list[str]:
    return ["sweep", "mine.yaml", "--plan"] if "sweep: {" in text or "grid:" in text else RUN


CASES = [
    *(
        Hostile(name, _verb(text), said, {"mine.yaml": f"title: x\n{text}\n"})
        for name, (text, said) in SCENARIOS.items()
    ),
    *(Hostile(name, RUN, said, {"mine.yaml": text}) for name, (text, said) in FILES.items()),
    *(
        Hostile(f"set {number}", ["run", "baseline", "--set", text], said)
        for number, (text, said) in enumerate(SETTINGS.items())
    ),
    *(
        Hostile(
            name, ["rules", "mine.yaml"], said, {"mine.yaml": f"extends: asm-2026-final\n{text}"}
        )
        for name, (text, said) in RULES.items()
    ),
    *(
        Hostile(
            name,
            RUN,
            said,
            {
                "mine.yaml": "title: x\npopulation: other\n",
                "other.yaml": f"extends: roster-2027-preliminary\n{text}\n",
            },
        )
        for name, (text, said) in POPULATIONS.items()
    ),
    *PLACES,
]
