"""The figures of a report, each with words for whoever does not see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from asm_sim.documents import did_you_mean, quoted
from asm_sim.errors import InputError
from asm_sim.results.scenarios import SCENARIO

if TYPE_CHECKING:
    import xarray as xr

    from asm_sim.plots.figure import RunFigure

NONE = "none"
# What each shows; of a run, then of a sweep.
OF_A_RUN = {
    "adjustment_distribution": (
        "Histograms of the payment adjustment of clinicians with a final score, a panel per "
        "performance year and cohort. Penalties are left of zero, bonuses right of it; bars are as "
        "high as the share of clinicians in them, and the dark foot of the first as the share at "
        "the maximum penalty."
    ),
    "score_to_adjustment": (
        "The payment adjustment against the final score, a panel per cohort with a curve for the "
        "first and the last performance year. The curves rise from the maximum penalty at low "
        "scores through zero at the break-even score; below them, where clinicians are."
    ),
    "savings_steps": (
        "What is at risk and what becomes of it, a panel per cohort: the steps from the amount at "
        "risk to what Medicare keeps, million USD over all years."
    ),
    "misclassification_by_volume": (
        "The share of clinicians whose bonus or penalty is decided by chance, by how many "
        "episodes they have a year: a panel per cohort, the first and the last performance year."
    ),
}
OF_A_SWEEP = {
    "scenarios_side_by_side": (
        "The share of scored clinicians with a penalty (left) and what Medicare keeps (right), a "
        "line per scenario and a row of panels per cohort. The numbers are in the tables above."
    ),
    "savings_levers": (
        "What Medicare keeps and the share of clinicians with a penalty, by the share of the "
        "amount at risk that is paid out: a line per risk level, a column of panels per cohort."
    ),
}


class Shown(NamedTuple):
    """A figure of a page: its title, what it shows in words, and the SVG."""

    name: str
    title: str
    description: str
    svg: str


def chosen_figures(ds: xr.Dataset, names: Iterable[str] | None) -> dict[str, str]:
    """Which figures to draw and what each shows; all that there are where ``names`` is None."""
    known = OF_A_SWEEP if SCENARIO in ds.dims else OF_A_RUN
    if names is None:
        return known
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            what = "sweep" if SCENARIO in ds.dims else "run"
            raise InputError(
                f"no figure of the report of a {what} is called {quoted(name)}"
                f"{did_you_mean(name, known)}; one or several of: {', '.join(known)}; or {NONE}"
            )
    return {name: known[name] for name in wanted}


def drawn(ds: xr.Dataset, names: Iterable[str] | None) -> tuple[list[Shown], list[str]]:
    """The figures, and a sentence for each that these results do not have."""
    chosen = chosen_figures(ds, names)
    if not chosen:
        return [], []
    from asm_sim import plots
    from asm_sim.plots.inline import inline_svg, title_of

    shown, missing = [], []
    for name, description in chosen.items():
        plot: Callable[[Any], RunFigure] = getattr(plots, name).plot
        try:
            figure = plot(ds)
        except InputError as error:
            if names is not None or SCENARIO not in ds.dims:  # else it is of other sweeps
                missing.append(f"{name.replace('_', ' ')}: {error.title}")
            continue
        svg = inline_svg(figure, name, description)
        shown.append(Shown(name, title_of(figure), description, svg))
    return shown, missing
