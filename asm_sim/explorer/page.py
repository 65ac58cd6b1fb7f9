"""The page: a slider for each lever, what comes out beside them, a pin, and a file to take away."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup

from asm_sim.errors import InputError, escaped, printable
from asm_sim.explorer.export import files_beside, scenario_yaml
from asm_sim.explorer.levers import Lever, levers_of, settings_of
from asm_sim.explorer.steps import Report, Steps
from asm_sim.pages.render import rendered
from asm_sim.scenario.schema import Scenario

USUAL_DRAWS = 24
ABOUT = Path(__file__).with_name("levers.html.jinja")
EXPORTED = Path(__file__).with_name("exported.html.jinja")
MESSAGE = Path(__file__).with_name("message.html.jinja")
FILE = "explored.yaml"


def explore(
    run: str | Path | Scenario = "baseline",
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
) -> Any:
    """The explorer as a widget of a notebook: sliders, and what comes out of the rule.

    ``run`` is the folder of a run, whose first draws are made again, or a scenario (a name, a file,
    or one that is loaded) with ``seed`` and ``settings``. There are ``draws`` (24) of them: what
    moves when a slider does is the rule and not chance, and all numbers have the errors of so many
    draws.

    Raises :class:`asm_sim.errors.InputError` for a run or a scenario that cannot be used, and where
    ipywidgets is not installed.
    """
    return Page(steps_of(run, draws, seed, settings)).box


def steps_of(
    run: str | Path | Scenario = "baseline",
    draws: int | None = None,
    seed: int | None = None,
    settings: dict[str, Any] | Iterable[str] = (),
    report: Report | None = None,
) -> Steps:
    """The draws that are explored; takes and raises what :func:`explore` does.

    ``report`` is told how many of how many draws are made.
    """
    from asm_sim.against.source import plan_against

    draws = USUAL_DRAWS if draws is None else draws
    return Steps(plan_against(run, draws, seed, settings, open_draws=0), report)


class Page:
    """The widgets of an explorer and what they do; ``box`` is what a notebook shows."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.now = self.pinned = steps.base
        self.levers = levers_of(steps.plan.scenario)
        widgets = _widgets()
        self._still = False  # while several sliders are moved at once
        rules = steps.plan.scenario.rules
        wide = widgets.Layout(width="auto", max_width="26rem")
        above = {"description_width": "initial"}
        self.cohort = widgets.Dropdown(
            options=[(rules.cohorts[one.name].title, one.name) for one in steps.plan.cohorts],
            description="Cohort", layout=wide, style=above,
        )  # fmt: skip
        self.year = widgets.Dropdown(
            options=[(str(year), at) for at, year in enumerate(steps.years)],
            description="Performance year", layout=wide, style=above,
        )  # fmt: skip
        self.peers = widgets.Dropdown(description="Peers", layout=wide, style=above)
        self._name_peers()
        self.sliders = {lever.name: _slider(widgets, lever) for lever in self.levers}
        self.pin = widgets.Button(description="Pin this", tooltip="Compare with this from now on")
        self.back = widgets.Button(
            description="All as it is", tooltip="Every lever where the scenario has it"
        )
        self.title = widgets.Text(
            description="Title", placeholder="of the scenario file", layout=wide, style=above
        )
        self.export = widgets.Button(description="Scenario file")
        self.exported = widgets.HTML(layout=wide)
        self.message = widgets.HTML(layout=wide)
        self.shown = widgets.HTML(layout=widgets.Layout(width="auto", flex="1 1 0", min_width="0"))
        self._listen()
        self._show()
        self.box = self._laid_out(widgets)

    def _laid_out(self, widgets: Any) -> Any:
        """Controls at the left of what comes out where there is room, else above it."""
        controls = [self.cohort, self.year, *([self.peers] if self.peers.options else [])]
        for lever in self.levers:
            controls += [widgets.Label(lever.title), self.sliders[lever.name]]
        about = widgets.HTML(rendered(ABOUT, {}, levers=self._about()))
        pair = widgets.Layout(display="flex", flex_flow="row wrap")
        buttons = widgets.Box([self.pin, self.back], layout=pair)
        controls += [buttons, self.message, self.title, self.export, self.exported, about]
        column = {"min_width": "0", "max_width": "100%", "padding": "0 0.5rem"}
        left = widgets.VBox(controls, layout=widgets.Layout(flex="1 1 17rem", **column))
        right = widgets.Box([self.shown], layout=widgets.Layout(flex="4 1 20rem", **column))
        whole = widgets.Layout(display="flex", flex_flow="row wrap", align_items="flex-start")
        return widgets.Box([left, right], layout=whole)

    def _about(self) -> list[dict[str, str]]:
        return [
            {
                "title": lever.title,
                "about": lever.about,
                "status": lever.status,
                "how": "draws are lived anew" if self.steps.needs_draws(lever.paths) else "",
            }
            for lever in self.levers
        ]

    def _listen(self) -> None:
        for slider in self.sliders.values():
            slider.observe(lambda _: self._move(), names="value")
        self.cohort.observe(lambda _: self._name_peers(), names="value")
        for choice in (self.cohort, self.year, self.peers):
            choice.observe(lambda _: self._show(), names="value")
        self.pin.on_click(lambda _: self._pin())
        self.back.on_click(lambda _: self._back())
        self.export.on_click(lambda _: self._export())

    def _name_peers(self) -> None:
        """Offer the groups of peers of the cohort, where there are several."""
        names = self.steps.peers_of(self.cohort.value)
        self._still = True
        self.peers.options = [(name, at) for at, name in enumerate(names)]
        self._still = False

    def _move(self) -> None:
        """Score what the sliders say; what cannot be stays as it was, with a message."""
        if self._still:
            return
        labels = {name: slider.value for name, slider in self.sliders.items()}
        try:
            self.now = self.steps.step(settings_of(self.levers, labels))
        except InputError as error:
            self.message.value = rendered(MESSAGE, {}, message=_lines(str(error)))
            return
        self.message.value = self.exported.value = ""
        self._show()

    def _show(self) -> None:
        from asm_sim.explorer.shown import shown

        if self._still:
            return
        self.shown.value = shown(
            self.steps, self.levers, self.now, self.pinned, self.cohort.value, self.year.value,
            self.peers.value or 0,
        )  # fmt: skip

    def _pin(self) -> None:
        self.pinned = self.now
        self._show()

    def _back(self) -> None:
        self._still = True
        for lever in self.levers:
            self.sliders[lever.name].value = lever.positions[lever.own].label
        self._still = False
        self._move()

    def _export(self) -> None:
        text = scenario_yaml(self.now, self.title.value)
        coded = base64.b64encode(text.encode()).decode()
        beside = [printable(name) for name in files_beside(self.now.scenario)]
        self.exported.value = rendered(
            EXPORTED, {}, text=_lines(text), coded=coded, file=FILE, beside=beside
        )


def _lines(text: str) -> Markup:
    """A text of several lines as text, whatever is in it."""
    return Markup.escape(escaped(text, keep="\n"))


def _slider(widgets: Any, lever: Lever) -> Any:
    labels = [position.label for position in lever.positions]
    return widgets.SelectionSlider(
        options=labels, value=labels[lever.own], continuous_update=False, tooltip=lever.title,
        layout=widgets.Layout(width="auto", max_width="26rem"),
    )  # fmt: skip


def _widgets() -> Any:
    """ipywidgets, which only this page needs."""
    try:
        import ipywidgets
    except ImportError as error:
        raise InputError(
            'the explorer needs ipywidgets, which is not installed; pip install "asm_sim[explore]"'
        ) from error
    return ipywidgets
