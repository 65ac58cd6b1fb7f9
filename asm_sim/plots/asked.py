"""What is asked of any figure beside its results: which years and cohorts, how wide, on whose axes.

A module of a figure has ``plot(ds, ..., asked)``, which :func:`asks` makes into the function that
people call with ``years``, ``cohorts``, ``width`` and ``ax``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol, cast, overload

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from asm_sim.errors import InputError
from asm_sim.plots.figure import Canvas, RunAxes, RunFigure, new_figure

YEAR, COHORT = "performance_year", "cohort"

Years = int | Sequence[int] | None
Cohorts = str | Sequence[str] | None


@dataclass(frozen=True)
class Asked:
    """What was asked of a figure; None where nothing was."""

    axes: list[Axes] | None = None
    years: list[int] | None = None
    cohorts: list[str] | None = None
    width: float | None = None

    def of(self, ds: xr.Dataset) -> xr.Dataset:
        """Results with these performance years and cohorts alone.

        Raises :class:`InputError` for one that they do not have.
        """
        for dim, wanted in ((YEAR, self.years), (COHORT, self.cohorts)):
            if wanted is None:
                continue
            known = ds[dim].values.tolist()
            missing = [one for one in wanted if one not in known]
            if missing or not wanted:
                there = ", ".join(map(str, known))
                raise InputError(f"the run has no {dim} {missing or 'at all'}; it has {there}")
            ds = ds.sel({dim: wanted})
        return ds

    def first_and_last(self, ds: xr.Dataset) -> list[int]:
        """The performance years that were asked for, else the first and the last of the results."""
        years = [int(year) for year in self.of(ds)[YEAR].values]
        return years if self.years is not None else sorted({years[0], years[-1]})

    def last(self, ds: xr.Dataset) -> int:
        """The performance year that was asked for, else the last of the results."""
        return int(self.of(ds)[YEAR].values[-1])

    def new_figure(self, ds: xr.Dataset, width: float, height: float, title: str) -> Canvas:
        """A figure of its own as :func:`new_figure` makes it, or the axes that were given."""
        if self.axes is not None:
            return RunAxes(ds, title, self.axes)
        return new_figure(ds, self.width or width, height, title)


class Plot(Protocol):
    """The function of a figure as people call it."""

    @overload
    def __call__(
        self,
        ds: xr.Dataset,
        *more: Any,
        ax: None = None,
        years: Years = None,
        cohorts: Cohorts = None,
        width: float | None = None,
        **own: Any,
    ) -> RunFigure: ...
    @overload
    def __call__(
        self,
        ds: xr.Dataset,
        *more: Any,
        ax: Axes | Sequence[Axes] | np.ndarray[Any, Any],
        years: Years = None,
        cohorts: Cohorts = None,
        width: None = None,
        **own: Any,
    ) -> RunAxes: ...


def asks(
    *, most_years: int | None = None, no_years: str = "", no_cohorts: str = ""
) -> Callable[[Callable[..., Canvas]], Plot]:
    """Make a figure's function take ``years``, ``cohorts``, ``width`` and ``ax``.

    ``most_years`` is how many years one picture shows at the most; ``no_years`` and ``no_cohorts``
    say why it cannot be drawn of some of them.
    """

    def decorate(draw: Callable[..., Canvas]) -> Plot:
        name = draw.__module__.rpartition(".")[2]

        @wraps(draw)
        def plot(
            ds: xr.Dataset,
            *more: Any,
            ax: Any = None,
            years: Years = None,
            cohorts: Cohorts = None,
            width: float | None = None,
            **own: Any,
        ) -> Canvas:
            asked = Asked(_axes(ax), _listed(years), _listed(cohorts), width)
            for what, wanted, reason in (
                ("years", asked.years, no_years),
                ("cohorts", asked.cohorts, no_cohorts),
            ):
                if wanted is not None and reason:
                    raise InputError(f"{name} takes no {what}: {reason}")
            if most_years and len(asked.years or ()) > most_years:
                raise InputError(
                    f"{name} shows {_counted(most_years)}; {len(asked.years or ())} were asked for"
                )
            _check_width(asked)
            return draw(ds, *more, asked=asked, **own)

        words = _words(most_years, bool(no_years), bool(no_cohorts))
        plot.__doc__ = f"{inspect.cleandoc(draw.__doc__ or '')}\n\n{words}"
        plot.__signature__ = _signature(draw)  # type: ignore[attr-defined]
        return cast(Plot, plot)

    return decorate


def _axes(ax: Any) -> list[Axes] | None:
    if ax is None:
        return None
    several = isinstance(ax, Iterable) and not isinstance(ax, str)
    axes = list(np.asarray(ax, dtype=object).ravel()) if several else [ax]
    for one in axes:
        if not isinstance(one, Axes):
            raise InputError(
                "ax takes axes of matplotlib, or several of them row by row, and not "
                f"{type(one).__name__}"
            )
    return axes


def _listed(wanted: Any) -> list[Any] | None:
    if wanted is None:
        return None
    return [wanted] if isinstance(wanted, str) or not isinstance(wanted, Iterable) else list(wanted)


def _check_width(asked: Asked) -> None:
    if asked.width is None:
        return
    if asked.axes is not None:
        raise InputError("width is that of a figure of its own; axes of yours have theirs")
    if not (math.isfinite(asked.width) and asked.width > 0):
        raise InputError(f"width is in inches, above zero, and not {asked.width}")


def _counted(most: int) -> str:
    return "one performance year" if most == 1 else f"at most {most} performance years"


def _words(most_years: int | None, no_years: bool, no_cohorts: bool) -> str:
    """The paragraph on the keywords, for the end of a docstring."""
    years = "``years``" if most_years is None else f"``years`` ({_counted(most_years)})"
    chosen = [*([] if no_years else [years]), *([] if no_cohorts else ["``cohorts``"])]
    verb = "choose" if len(chosen) > 1 else "chooses"
    choose = f"{' and '.join(chosen)} {verb} some of them, " if chosen else ""
    takes_no = " and ".join(
        name for name, no in (("``years``", no_years), ("``cohorts``", no_cohorts)) if no
    )
    refused = f" It takes no {takes_no}." if takes_no else ""
    return (
        f"{choose}``width`` is that of the figure in inches. ``ax``, one of your axes for each "
        f"panel, row by row, is drawn on in place of a figure of its own.{refused}"
    )


def _signature(draw: Callable[..., Canvas]) -> inspect.Signature:
    """That of the figure, with the keywords in place of what they become."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    kept = [p for p in inspect.signature(draw).parameters.values() if p.name != "asked"]
    annotations = {
        "ax": "Axes | Sequence[Axes] | None",
        "years": "Sequence[int] | None",
        "cohorts": "Sequence[str] | None",
        "width": "float | None",
    }
    more = [
        inspect.Parameter(name, keyword, default=None, annotation=annotation)
        for name, annotation in annotations.items()
    ]
    return inspect.Signature([*kept, *more], return_annotation="RunFigure | RunAxes")
