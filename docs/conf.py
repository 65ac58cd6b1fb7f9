"""How Sphinx makes the site of these pages: `make docs`.

The notebooks are copied beside the pages and executed with few draws, the parameter book is written
by the package itself, formulas become MathML while the site is built. A page asks nothing of a
network: the site is read from disk.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
DRAWS = os.environ.setdefault("ASM_SIM_NOTEBOOK_DRAWS", "24")
SMALL = f"Executed small for this page: {DRAWS} draws, and fewer scenarios where there are many."
HOW_TO_RUN = "`make lab` opens it to be changed, `make notebooks` executes it at full size."
sys.path[:0] = [str(HERE / "extensions"), str(ROOT)]
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])

import asm_sim  # noqa: E402

project = "asm_sim"
release = version = asm_sim.__version__
language = "en"
today_fmt = "%Y-%m-%d"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "mathml",
    "parameter_pages",
    "api_pages",
    "as_of_package",
    "for_everyone",
]
exclude_patterns = ["_build", "runs", "extensions"]
root_doc = "index"
smartquotes = False  # options begin with two hyphens
nitpicky = True
# What other packages and pydantic say of themselves is not in this site.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!asm_sim).*"),
    (r"py:.*", r"asm_sim\.(?!(studies|plots)\.).*"),
]

myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence", "substitution"]
myst_heading_anchors = 3
myst_substitutions = {"draws": DRAWS}

nb_execution_mode = os.environ.get("ASM_SIM_DOCS_NOTEBOOKS", "auto")  # off: while pages are written
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "error"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # would be asked of a network

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
html_title = f"asm_sim {release}"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}


def copy_notebooks() -> None:
    """The notebooks beside the pages, each with a line that says how it was executed.

    What has not changed stays, so that it is not run again. The explorer is left out: its sliders
    need Python behind them.
    """
    folder = HERE / "notebooks"
    folder.mkdir(exist_ok=True)
    sources = {path.name: path for path in sorted((ROOT / "notebooks").glob("[01]*.ipynb"))}
    for path in folder.glob("*.ipynb"):
        if path.name not in sources:
            path.unlink()
    for name, source in sources.items():
        notebook = json.loads(source.read_text(encoding="utf-8"))
        first = notebook["cells"][0]
        said = f"\n\n:::{{note}}\n{SMALL} {HOW_TO_RUN}\n:::\n"
        first["source"] = "".join([*first["source"], said])
        text = json.dumps(notebook)
        copy = folder / name
        if not copy.exists() or copy.read_text(encoding="utf-8") != text:
            copy.write_text(text, encoding="utf-8")


def quiet_kernels() -> None:
    """A profile of IPython for the notebooks, not the one of whoever makes the site."""
    profile = HERE / "_build" / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n")
    os.environ["IPYTHONDIR"] = str(profile.parent)
    logging.getLogger("traitlets").setLevel(logging.WARNING)


copy_notebooks()
quiet_kernels()
