"""What all figures share: the house style, the numbers that were plotted, the source line."""

from __future__ import annotations

import io
import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from asm_sim.errors import InputError, counted
from asm_sim.plots import STYLE
from asm_sim.results.describe import source_line

SOURCE_LINE = "source-line"
FONT = "DejaVu Sans"
INDENT = 0.01
# Inches: heights above and below the panels, and how far what stands there is from the edge.
HEAD_INCHES, FOOT_INCHES = 0.55, 0.25
TITLE_INCHES, KEY_INCHES, NOTE_INCHES, SOURCE_INCHES = 0.08, 0.27, 0.33, 0.07
NARROWEST = 5.4
AXIS_INCHES, BETWEEN_INCHES = 0.75, 0.15  # beside the first panel, and between panels
ABOVE_TITLE = 2.4  # letters of the key from the axes to the key above them
POINTS = 72.0  # an inch
LINE = 1.2  # of the size of the font
WIDTH_OF_OTHER_RESOLUTIONS = 0.98  # as wide at another number of dots per inch, at the most

# The roles that colours play, dark against light so that they differ in grey too.
PENALTY, BONUS, MAXIMUM_PENALTY = "#B5561C", "#9CCBE6", "#2B1100"
FIRST_YEAR, LAST_YEAR = "#2A6FA8", "#8C2D04"
INK, QUIET, STRIP = "#222222", "#666666", "#C9CDD2"
FOOT_SIZE = 6.5
FOOT_LOOKS: dict[str, Any] = {"va": "bottom", "fontsize": FOOT_SIZE, "color": QUIET}

Placed = tuple[Any, float, float]  # a text or a key, inches from the edge, inches beyond a line


class RunFigure(Figure):
    """A figure of a run; a notebook shows it as it is.

    ``plotted`` holds every number that is drawn, with units in the names: what the sidecar file of
    a saved figure says.
    """

    plotted: dict[str, Any]
    body: float  # inches between head and foot
    head: list[Placed]
    foot: list[Placed]

    def draw(self, renderer: Any) -> None:
        """Draw it; where all methods of the renderer that draw are off, lay it out alone.

        Matplotlib draws each picture twice, the first time for the layout, which comes before the
        drawing.
        """
        layout = self.get_layout_engine()
        parts = (renderer, getattr(renderer, "_renderer", None))
        if layout is not None and any("draw_path" in getattr(p, "__dict__", ()) for p in parts):
            layout.execute(self)
        else:
            super().draw(renderer)

    @contextmanager
    def laid_out(self) -> Iterator[None]:
        """Laid out once for all files that are written meanwhile, and not for each again."""
        layout = self.get_layout_engine()
        if layout is not None:
            layout.execute(self)
        self.set_layout_engine("none")
        try:
            yield
        finally:
            self.set_layout_engine(layout)

    def get_tightbbox(self, renderer: Any = None, *, bbox_extra_artists: Any = None) -> Any:
        """The whole figure: a notebook that trims figures cuts off neither title nor source."""
        del renderer, bbox_extra_artists
        inches: Any = self.dpi_scale_trans.inverted()
        return inches.transform_bbox(self.bbox)

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        with house_style():
            self.savefig(image, format="png", dpi=110)
        return image.getvalue()


class RunAxes:
    """What was drawn of a run on axes of the user's own; they have their place and style already.

    ``title``, ``notes`` and ``source`` are the words that stand around the panels of a figure, for
    whoever has a place for them; the key is the legend above the first of the ``axes``. ``plotted``
    is that of a figure.
    """

    plotted: dict[str, Any]

    def __init__(self, ds: xr.Dataset, title: str, axes: list[Axes]) -> None:
        self.title, self.source = title, source_line(ds)
        self.notes: list[str] = []
        self.axes = axes

    def __repr__(self) -> str:
        return f"{self.title} ({self.source})"

    def subplots(
        self, rows: int = 1, columns: int = 1, *, sharex: Any = False, sharey: Any = False,
        squeeze: bool = True, height_ratios: Any = None,
    ) -> Any:  # fmt: skip
        """The user's axes, as a figure gives its own: by row and column, with common scales.

        Raises :class:`InputError` where they are more or fewer.
        """
        del height_ratios  # they have their heights
        if len(self.axes) != rows * columns:
            raise InputError(
                f"of these results this figure draws {counted(rows * columns, 'panel')} "
                f"({rows} down, {columns} across), and there are {len(self.axes)} axes; "
                "give one for each, row by row, or choose years and cohorts"
            )
        grid = np.array(self.axes, dtype=object).reshape(rows, columns)
        for (row, column), ax in np.ndenumerate(grid):
            for axis, shared in (("x", sharex), ("y", sharey)):
                leader = {"row": grid[row, 0], "col": grid[0, column]}.get(shared, grid[0, 0])
                if shared and ax is not leader:
                    with suppress(ValueError):  # it shares the scale of another of the user's
                        getattr(ax, f"share{axis}")(leader)
        return grid[0, 0] if squeeze and rows == columns == 1 else grid

    def supylabel(self, words: str) -> None:
        """The words beside all panels, here beside each."""
        for ax in self.axes:
            ax.set_ylabel(words)

    def colorbar(self, shades: Any, ax: Any, **looks: Any) -> Any:
        """A scale of shades beside the axes."""
        figure: Any = self.axes[0].get_figure()
        return figure.colorbar(shades, ax=list(np.ravel(ax)), **looks)


Canvas = RunFigure | RunAxes


def house_style() -> AbstractContextManager[None]:
    """The style of every figure, for the time of drawing one; the user's own settings return."""
    return matplotlib.rc_context(_settings())


@lru_cache(maxsize=1)
def _settings() -> Any:
    """Matplotlib's defaults and the house style on top of them.

    Without the backend, which does not return; and without ``matplotlib.style``, which reads all
    the styles that there are.
    """
    settings = matplotlib.rc_params_from_file(STYLE[-1])
    return {name: settings[name] for name in settings if name != "backend"}


def new_figure(ds: xr.Dataset, width: float, height: float, title: str) -> RunFigure:
    """An empty figure (inches) with its title, room for a key, and the source line at its foot.

    It is no narrower than its texts need, and grows where title, key, notes or source take several
    lines, so that what is between them keeps its height.
    """
    figure = RunFigure(figsize=(max(width, NARROWEST), height), layout=ConstrainedLayoutEngine())
    FigureCanvasAgg(figure)
    figure.plotted = {}
    figure.body = height - HEAD_INCHES - FOOT_INCHES
    figure.head, figure.foot = [], []
    title_looks = {"fontsize": 11, "fontweight": "bold"}
    figure.head.append(_line(figure, title, TITLE_INCHES, va="top", **title_looks))
    source = f"Source: {source_line(ds)}"
    figure.foot.append(_line(figure, source, SOURCE_INCHES, gid=SOURCE_LINE, **FOOT_LOOKS))
    _arrange(figure)
    return figure


def add_key(figure: Canvas, handles: Sequence[Artist]) -> None:
    """Below the title, what is drawn how: one line, or as many as the figure's width needs."""
    for handle in handles:
        handle.set_label(legible(str(handle.get_label())))
    if isinstance(figure, RunAxes):
        figure.axes[0].legend(
            handles=list(handles), loc="lower left", bbox_to_anchor=(0.0, 1.0),
            borderaxespad=ABOVE_TITLE, borderpad=0.0,
        )  # fmt: skip
        return
    columns = len(handles) + 1
    while True:
        columns -= 1
        legend = figure.legend(
            handles=list(handles), loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=columns
        )
        legend.set_in_layout(False)
        box = _extent(figure, legend)
        if box.width <= figure.get_figwidth() or columns == 1:
            break
        legend.remove()
    rows = -(-len(handles) // columns)
    figure.head.append((legend, KEY_INCHES, box.height * (rows - 1) / rows))
    _arrange(figure)


def add_note(figure: Canvas, note: str) -> None:
    """A line below the title, in place of a key."""
    if isinstance(figure, RunAxes):
        figure.notes.append(note)
        return
    figure.head.append(_line(figure, note, NOTE_INCHES, va="top", fontsize=8, color=QUIET))
    _arrange(figure)


def add_foot_note(figure: Canvas, note: str) -> None:
    """At the right of the source line, or above it where there is no room."""
    if isinstance(figure, RunAxes):
        figure.notes.append(note)
        return
    ((source, _, source_extra),) = figure.foot
    text, inches, extra = _line(figure, note, SOURCE_INCHES, ha="right", **FOOT_LOOKS)
    text.set_x(1.0 - INDENT)
    taken = sum(_extent(figure, artist).width for artist in (source, text))
    if taken > (1.0 - 3 * INDENT) * figure.get_figwidth():
        line = FOOT_SIZE * LINE / POINTS
        inches, extra = inches + line + source_extra, extra + line
    figure.foot.append((text, inches, extra))
    _arrange(figure)


def panel_title(ax: Axes, title: str, **looks: Any) -> None:
    """The title of one of the panels that stand side by side, on lines no wider than it is."""
    figure, place = ax.get_figure(), ax.get_subplotspec()
    text = ax.set_title(legible(title), **looks)
    if not isinstance(figure, RunFigure) or place is None:
        return  # axes of the user's own
    columns = place.get_gridspec().ncols
    _wrap(figure, text, (figure.get_figwidth() - AXIS_INCHES) / columns - BETWEEN_INCHES)


def _line(figure: RunFigure, words: str, inches: float, **looks: Any) -> Placed:
    """A text across the figure, so far from its edge, and by how much it is more than a line."""
    text = figure.text(INDENT, 0.0, legible(words), **looks)
    text.set_in_layout(False)
    _wrap(figure, text, (1.0 - 2 * INDENT) * figure.get_figwidth())
    return text, inches, text.get_text().count("\n") * float(text.get_fontsize()) * LINE / POINTS


def _wrap(figure: RunFigure, text: Text, inches: float) -> None:
    """Break a text into lines no wider than so many inches: between words, else in them."""
    renderer, font = figure.canvas.get_renderer(), text.get_fontproperties()  # type: ignore[attr-defined]

    def fits(words: str) -> bool:
        width, _, _ = renderer.get_text_width_height_descent(words, font, ismath=False)
        return bool(width / figure.dpi <= inches * WIDTH_OF_OTHER_RESOLUTIONS)

    lines = []
    for line in text.get_text().split("\n"):
        rest = line
        while rest and not fits(rest):
            end = max(1, bisect(range(1, len(rest)), False, key=lambda n: not fits(rest[:n])))
            at_word = rest.rfind(" ", 0, end + 1)
            end = at_word if at_word > 0 else end
            lines.append(rest[:end])
            rest = rest[end:].lstrip(" ")
        lines.append(rest)
    text.set_text("\n".join(lines))


def _arrange(figure: RunFigure) -> None:
    """Put title, key and notes at the top and the source at the foot, and give them room."""
    head = HEAD_INCHES + sum(extra for _, _, extra in figure.head)
    foot = FOOT_INCHES + sum(extra for _, _, extra in figure.foot)
    height = figure.body + head + foot
    figure.set_size_inches(figure.get_figwidth(), height)
    layout = figure.get_layout_engine()
    assert isinstance(layout, ConstrainedLayoutEngine)
    layout.set(rect=(0.0, foot / height, 1.0, 1.0 - (foot + head) / height))
    down = 0.0
    for artist, inches, extra in figure.head:
        top = 1.0 - (inches + down) / height
        if isinstance(artist, Legend):
            artist.set_bbox_to_anchor((0.0, top))
        else:
            artist.set_y(top)
        down += extra
    for artist, inches, _ in figure.foot:
        artist.set_y(inches / height)


def _extent(figure: RunFigure, artist: Artist) -> Bbox:
    """Width and height of an artist, inches."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    return artist.get_window_extent(renderer).transformed(figure.dpi_scale_trans.inverted())


def legible(text: str) -> str:
    """A text whose characters the font has; the others are written as escapes."""
    return "".join(
        one if one == "\n" or ord(one) in _characters() else one.encode("unicode_escape").decode()
        for one in text
    )


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    """The characters of the font of all figures."""
    return frozenset(get_font(findfont(FONT)).get_charmap())


def typeset(text: str) -> str:
    """With the sign of minus in place of the hyphen."""
    return re.sub(r"(?<!\w)-(?=\d)", "\N{MINUS SIGN}", text)


def signed(value: float, _position: int | None = None) -> str:
    """A tick label of a gain or a loss: with its sign, zero without."""
    return typeset(f"{value:+g}") if value else "0"
