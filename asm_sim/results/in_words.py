"""The answer of a run in sentences: numbers with their ranges, and what is behind them."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from asm_sim.documents import compact
from asm_sim.errors import counted, listed
from asm_sim.results.describe import (
    drawn_parameters,
    draws_in_words,
    layers_of,
    one_scenario,
    settings_of,
    with_settings_in_words,
)
from asm_sim.results.effects import Effect, Effects, effects_of, shipped_effects, told
from asm_sim.results.ranges import (
    OUTSIDE,
    OUTSIDE_NOTE,
    PERCENT_OF_RANGE,
    answer_of,
    how_to_open,
    open_part,
    why_no_range,
)
from asm_sim.results.registry import ALL_OPEN, CALLED, OPEN_LAYER, PARAMETER_LAYER, STATUSES
from asm_sim.results.scenarios import DRAW
from asm_sim.results.statistics import (
    PLUS_MINUS,
    USD_PER_MILLION,
    mean_over_draws,
    million_usd,
    percent,
)

if TYPE_CHECKING:
    import xarray as xr

ByDraw = Callable[["xr.Dataset"], "xr.DataArray"]

READ = ("regulation", "published")  # statuses: seen in the text, or in official data
UNRANGED = "nothing says between what it lies"
FOLLOWS = ("secondary", "derived", "inferred")  # told by others, or follows from what is read


def sentences(ds: xr.Dataset, errors: bool = False) -> list[str]:
    """What the numbers mean, how much is chance, what a range or an error is, what is settled.

    Numbers have their ranges; without open draws, and where ``errors`` asks for them, their Monte
    Carlo errors.
    """
    return [*answer_sentences(ds, errors), *about_sentences(ds, errors)]


def answer_sentences(ds: xr.Dataset, errors: bool = False) -> list[str]:
    """The answer: what the numbers mean, and how much of it is chance."""
    ds = one_scenario(ds)
    ranged = open_part(ds) is not None and not errors
    first = [_meaning(ds, ranged), _chance(ds, ranged)]
    return [*first, *([OUTSIDE_NOTE] if any(OUTSIDE in sentence for sentence in first) else [])]


def about_sentences(ds: xr.Dataset, errors: bool = False) -> list[str]:
    """What is behind the answer: what a range or an error is; and last what is settled, and where
    a range comes from."""
    ds = one_scenario(ds)
    ranged = open_part(ds) is not None and not errors
    return [*_kind_of_number(ds, ranged), *_drawn(ds), _settled(ds), _origin(ds)]


def _meaning(ds: xr.Dataset, ranged: bool) -> str:
    keeps = float(mean_over_draws(_over_all("retained_by_medicare")(ds))) >= 0
    more, less, medicare = (
        ("penalties", "bonuses", "keeps") if keeps else ("bonuses", "penalties", "adds")
    )

    def kept(name: str) -> ByDraw:
        return lambda run: (1.0 if keeps else -1.0) * _over_all(name)(run)

    def share(run: xr.Dataset) -> xr.DataArray:
        return kept("retained_by_medicare")(run) / _over_all("amount_at_risk")(run)

    settings = with_settings_in_words(ds.attrs).strip()
    return (
        f"{f'{settings[0].upper()}{settings[1:]}: in' if settings else 'In'} "
        f"performance year {int(ds['performance_year'][0])}, "
        f"{_by_cohort(ds, 'share_negative', ranged)} of scored clinicians get a penalty and the "
        f"mean adjustment is {_by_cohort(ds, 'adjustment_mean', ranged)}; over payment "
        f"{_span(ds['payment_year'].values)} {more} exceed {less} by "
        f"{_usd(ds, kept('retained_by_medicare'), ranged)}, which Medicare {medicare}: "
        f"{_percent(ds, share, ranged)} of the amount at risk; on what is paid in those years, "
        "after the trend of payments and exits, it is "
        f"{_usd(ds, kept('retained_by_medicare_payment_year'), ranged)}."
    )


def _over_all(name: str) -> ByDraw:
    return lambda run: run[name].sum(["cohort", "performance_year"], skipna=False)


def _chance(ds: xr.Dataset, ranged: bool) -> str:
    if layers_of(ds).get("measurement") == "off":
        return "True rates and costs are shown, so that nothing of it is chance."
    first = ds.isel(performance_year=0)
    names = ("chance_variance_share", "misclassified_share")
    if any(name not in ds or not np.isfinite(first[name]).any() for name in names):
        return "How much of the adjustment is chance was not computed in this run."
    share, misclassified = (_by_cohort(ds, name, ranged) for name in names)
    return (
        "Chance, that is few episodes and few cases rather than performance, makes up "
        f"{share} of the variance of the adjustment in performance year "
        f"{int(first['performance_year'])} and gives {misclassified} of clinicians the opposite "
        "sign."
    )


def _kind_of_number(ds: xr.Dataset, ranged: bool) -> list[str]:
    """What a range is, or an error."""
    part = open_part(ds)
    if not ranged or part is None:
        error = (
            f"{PLUS_MINUS} is the Monte Carlo standard error over {draws_in_words(ds)}: how far a "
            "number would move with other random draws, and nothing of what nobody knows."
        )
        missing = [] if part is not None else [f"No ranges: {why_no_range(ds)}; {how_to_open(ds)}."]
        return [error, *missing]
    own = ALL_OPEN in ds.attrs
    number = counted(part.sizes[DRAW], "draw" if own else "open draw")
    central = "" if own else ", what nobody knows held at its central value"
    return [
        f"A value is the mean over {draws_in_words(ds)}{central}.",
        f"The range beside it holds the middle {PERCENT_OF_RANGE} % of {number}: the clinicians, "
        f"their luck and everything that nobody knows{_how_many_open(ds)} drawn in each. Monte "
        "Carlo errors (--errors) tell only what more draws would change.",
    ]


def _layer(ds: xr.Dataset) -> dict[str, Any]:
    """What open draws draw and hold, as far as the results say it."""
    of = PARAMETER_LAYER if ALL_OPEN in ds.attrs else OPEN_LAYER
    layer: dict[str, Any] = json.loads(ds.attrs.get(of, "{}"))
    return layer


def _how_many_open(ds: xr.Dataset) -> str:
    drawn = _layer(ds).get("drawn")
    return f" ({_by_root(drawn)})" if drawn else ""


def _by_root(paths: Iterable[str]) -> str:
    """``49 parameters of the population and 9 parameters of the rule``."""
    counts = Counter(path.partition(".")[0] for path in paths)
    words = {"population": "of the population", "rules": "of the rule"}
    return " and ".join(
        f"{counted(n, 'parameter')} {words.get(root, root)}" for root, n in counts.items()
    )


def held(ds: xr.Dataset) -> dict[str, str]:
    """What is open and yet at its central value in all open draws, and why; by path."""
    layer = _layer(ds)
    found: dict[str, str] = {}
    for kind in ("held", "without_range"):
        given = layer.get(kind, {})
        known = given if isinstance(given, dict) else dict.fromkeys(given, "")
        found |= {str(path): str(reason) or UNRANGED for path, reason in known.items()}
    return found


RULES = "rules."


def held_lines(ds: xr.Dataset) -> list[str]:
    """What is open and held in all open draws: how many, those of the rule by name."""
    found = held(ds)
    if open_part(ds) is None or not found:
        return []
    of_rule = [path.removeprefix(RULES) for path in found if path.startswith(RULES)]
    named = f" ({', '.join(of_rule)})" if of_rule else ""
    return [
        f"Open too, and held in all of them: {_by_root(sorted(found))}{named}. "
        "`asm-sim parameters --status assumption,precedent` says why each is."
    ]


def _drawn(ds: xr.Dataset) -> list[str]:
    """Where each draw has parameters of its own, and these are not all that is open."""
    drawn = drawn_parameters(ds)
    if not drawn or ALL_OPEN in ds.attrs:
        return []
    return [
        f"Each draw has its own values of {_by_root(drawn)}, drawn from low to high or by the "
        "weights of readings: the spread over draws holds what is not known of them."
    ]


def _settled(ds: xr.Dataset) -> str:
    """What no open draw changes, and how much of the rule has been read."""
    counts: dict[str, int] = json.loads(ds.attrs.get(STATUSES, "{}")).get("rules", {})
    read, follows = (sum(counts.get(name, 0) for name in of) for of in (READ, FOLLOWS))
    of_rule = (
        f"of the {counted(sum(counts.values()), 'parameter')} of the rule {read:,} are read in the "
        f"regulation or in official data, {follows:,} follow from these or are told by others"
    )
    parts = [*_kept_in_any_case(ds), *([of_rule] if counts else [])]
    return f"Settled: {'; '.join(parts) or 'these results do not say what'}."


def _kept_in_any_case(ds: xr.Dataset) -> list[str]:
    """What Medicare keeps of the amount at risk, where no open draw changes that."""
    if open_part(ds) is None:
        return []
    share = answer_of(
        ds,
        lambda run: _over_all("retained_by_medicare")(run) / _over_all("amount_at_risk")(run),
    ).at()
    if not share.has_range or share.times(100.0).has_width:
        return []
    return [f"Medicare keeps {share.times(100.0).written()} % of the amount at risk in any case"]


def _origin(ds: xr.Dataset) -> str:
    return (
        f"`{_command(ds)} --method variance` tells where a range comes from: readings of the rule, "
        "parameters, clinicians, their luck."
    )


def _command(ds: xr.Dataset) -> str:
    """The command that asks how sensitive the scenario of a run is."""
    words = [str(ds.attrs.get(CALLED, ds.attrs.get("scenario", "?")))]
    for path, value in settings_of(ds):
        words += ["--set", f"{path}={compact(value)}"]
    return f"asm-sim sensitivity {shlex.join(words)}"


# What moves the share of penalties


def effects_lines(ds: xr.Dataset) -> list[str]:
    """Which unknowns move the share of penalties most, by cohort, the largest first."""
    effects, own = _known_effects(ds)
    whose = "" if own else f"; effects of the {effects.about['scenario']}"
    lines = [
        "What nobody knows and moves the share of penalties of "
        f"{effects.about['performance_year']} most (one at a time, percentage points{whose}):"
    ]
    named_of = _named(effects)
    for cohort, named in named_of.items():
        start = f"  {cohort:<{max(map(len, named_of))}}  "
        lines += [f"{start}{rows[0].path} ({rows[0].central}): {told(rows)}" for rows in named]
        lines += [] if named else [f"{start}nothing by more than two errors"]
    return lines if own else [*lines, f"`{_command(ds)}` computes those of this scenario."]


def effects_json(ds: xr.Dataset) -> dict[str, Any]:
    """The effects that are named, for a program: whose they are, and a row for each end."""
    effects, own = _known_effects(ds)
    return {
        "scenario": effects.about["scenario"],
        "of_this_scenario": own,
        "outcome": "share_negative",
        "performance_year": effects.about["performance_year"],
        "command": _command(ds),
        "rows": [row._asdict() for row in named_effects(ds)],
    }


def named_effects(ds: xr.Dataset) -> list[Effect]:
    """The clear effects of what moves the share of penalties most, by cohort, largest first."""
    of_cohorts = _named(_known_effects(ds)[0]).values()
    return [row for named in of_cohorts for rows in named for row in rows if row.is_clear]


def _known_effects(ds: xr.Dataset) -> tuple[Effects, bool]:
    """The effects of the scenario of a run, or else those of the shipped baseline."""
    own = effects_of(ds.attrs)
    return (shipped_effects(), False) if own is None else (own, True)


def _named(effects: Effects) -> dict[str, list[list[Effect]]]:
    cohorts = dict.fromkeys(row.cohort for row in effects.rows)
    return {cohort: effects.named(cohort) for cohort in cohorts}


# How numbers are written


def _by_cohort(ds: xr.Dataset, name: str, ranged: bool) -> str:
    """Fractions of the first year, such as ``59 (51 to 66) % (HF) and 57 (50 to 64) % (LBP)``."""

    def of(cohort: object) -> ByDraw:
        return lambda run: run[name].isel(performance_year=0).sel(cohort=cohort)

    cohorts = ds["cohort"].values
    return listed(f"{_percent(ds, of(cohort), ranged)} ({cohort})" for cohort in cohorts)


def _percent(ds: xr.Dataset, values: ByDraw, ranged: bool) -> str:
    return _written(ds, values, percent, 100.0, "%", ranged)


def _usd(ds: xr.Dataset, values: ByDraw, ranged: bool) -> str:
    return _written(ds, values, million_usd, 1 / USD_PER_MILLION, "million USD", ranged)


def _written(
    ds: xr.Dataset,
    values: ByDraw,
    with_error: Callable[[float, float], str],
    factor: float,
    unit: str,
    ranged: bool,
) -> str:
    """A number with its range, or with its error; a share that no draw shows with its bound."""
    found = answer_of(ds, values).at()
    if ranged and found.times(factor).has_width:
        return f"{found.times(factor).written()} {unit}"
    return with_error(found.value, found.mcse).replace(f" {PLUS_MINUS}0 ", " ")


def _span(years: np.ndarray[Any, Any]) -> str:
    first, last = int(years[0]), int(years[-1])
    return f"year {first}" if first == last else f"years {first} to {last}"
