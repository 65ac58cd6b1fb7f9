"""A figure as a part of a page of HTML: SVG with a title and a description to be read aloud."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

from asm_sim.plots.figure import RunFigure, house_style
from asm_sim.plots.save import SVG_METADATA

_NOT_DRAWN = ("metadata", "style")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
PIXELS = 96.0  # an inch, as CSS has it


def title_of(figure: RunFigure) -> str:
    """The words above the panels, on one line."""
    return " ".join(figure.head[0][0].get_text().split())


def inline_svg(figure: RunFigure, name: str, description: str) -> str:
    """An ``svg`` element: the same byte for byte each time, in no need of anything beside it.

    ``name`` stands before each id in it, so that several figures share a page; it must be another
    for each. It is as wide as what holds it, and no narrower than its letters can be read.
    """
    written = io.BytesIO()
    with house_style():
        figure.savefig(written, format="svg", metadata=SVG_METADATA)
    root = ElementTree.fromstring(written.getvalue())
    for element in list(root.iter()):
        _unqualify(element)
        for child in [one for one in element if one.tag.rpartition("}")[2] in _NOT_DRAWN]:
            element.remove(child)
        _rename(element, name)
    labels = {"title": title_of(figure), "desc": description}
    for place, (tag, text) in enumerate(labels.items()):
        label = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
        label.text = text
        root.insert(place, label)
    width = round(figure.get_figwidth() * PIXELS)
    about = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{name}-title",
        "aria-describedby": f"{name}-desc",
        "style": f"min-width: {round(0.85 * width)}px; max-width: {round(1.2 * width)}px",
    }
    root.attrib.clear()
    root.attrib.update(about)
    return ElementTree.tostring(root, encoding="unicode")


def _unqualify(element: ElementTree.Element) -> None:
    """Names as HTML has them, which knows what is SVG."""
    element.tag = element.tag.rpartition("}")[2]
    for key in list(element.attrib):
        element.attrib[key.rpartition("}")[2]] = element.attrib.pop(key)


def _rename(element: ElementTree.Element, name: str) -> None:
    """Give ids, and what refers to them, a name of the figure's own."""
    for key, value in element.attrib.items():
        if key == "id":
            element.attrib[key] = f"{name}-{value}"
        elif key == "href":
            element.attrib[key] = f"#{name}-{value.removeprefix('#')}"
        elif "url(#" in value:
            element.attrib[key] = _REFERENCE.sub(rf"url(#{name}-\1)", value)
