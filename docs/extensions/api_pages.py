"""The pages of studies and figures, from the catalogue and the docstrings."""

from __future__ import annotations

from inspect import isfunction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from parameter_pages import write_changed

from asm_sim import plots, results
from asm_sim.studies.catalogue import STUDIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx

STUDIES_FRONT = """\
# Studies

`asm.studies.NAME` is a question put to stored results: Datasets in, a Dataset out, every number
with its Monte Carlo standard error (`*_mcse`). `asm-sim studies` lists what each asks and reads.
"""
RESULTS_FRONT = """\
# Results

`asm.results` reads results and writes their numbers with errors and ranges.
"""
FIGURES_FRONT = """\
# Figures

`asm.plots.NAME.plot(ds)` returns a matplotlib `Figure` with the numbers that it shows in `plotted`;
`asm.plots.save` writes it with a sidecar that says what it is of. `asm-sim figures` draws those of
the project.

Each takes `years` and `cohorts`, of which it is then drawn alone, `width` in inches, and `ax`, axes
of your own to draw on, one for each panel and row by row; where something of this makes no sense
for a figure, it says why.

```python
figure, axes = plt.subplots(1, 2, layout="constrained")
asm.plots.adjustment_distribution.plot(ds, ax=axes[0], years=2027, cohorts="HF")
drawn = asm.plots.quintile_transitions.plot(ds, ax=axes[1], cohorts="HF")
figure.text(0, 0, drawn.source)
```

```{eval-rst}
.. autoclass:: asm_sim.plots.figure.RunFigure
   :no-members:

.. autoclass:: asm_sim.plots.figure.RunAxes
   :no-members:
```
"""


def write_pages(app: Sphinx) -> None:
    studies = ((f"asm.studies.{one.name}", one.question, one.name) for one in STUDIES)
    closed = ("asm.studies.closed_forms", "What the rule does to normal scores.", "closed_forms")
    figures = ((f"asm.plots.{name}", "", name) for name in plots.__all__)
    pages = {
        "studies": "\n".join([STUDIES_FRONT, *_sections("asm_sim.studies", [*studies, closed])]),
        "results": "\n".join([RESULTS_FRONT, *_names(results.__name__, results.__all__)]),
        "figures": "\n".join([FIGURES_FRONT, *_sections("asm_sim.plots", figures)]),
    }
    write_changed(Path(app.srcdir) / "api", pages)


def _sections(package: str, modules: Iterable[tuple[str, str, str]]) -> Iterable[str]:
    for title, words, name in modules:
        yield f"## {title}\n\n{words}\n"
        yield f"```{{eval-rst}}\n.. automodule:: {package}.{name}\n   :members:\n```\n"


def _names(package: str, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        found = getattr(results, name)
        if isfunction(found):  # of the module that has its name, which may be there in its place
            yield f"```{{eval-rst}}\n.. autofunction:: {found.__module__}.{name}\n```\n"
        elif isinstance(found, ModuleType):
            yield f"```{{eval-rst}}\n.. autofunction:: {package}.{name}.{name}\n```\n"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
