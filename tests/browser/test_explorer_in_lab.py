"""The explorer's notebook in JupyterLab, in a real browser."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asm_sim.explorer.server import free_port

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "20_explorer.ipynb"
DRAWS = 4
SLOWEST = 90_000  # milliseconds
OWN = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTERLAB_WORKSPACES_DIR")
SETTINGS = ("JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab with the notebook and nothing of the user's."""
    folder, port, token = tmp_path / "notebooks", free_port(), secrets.token_urlsafe(16)
    folder.mkdir()
    shutil.copy(NOTEBOOK, folder)
    own = {name: str(tmp_path / name) for name in (*OWN, *SETTINGS)}
    environment = os.environ | own | {"ASM_SIM_NOTEBOOK_DRAWS": str(DRAWS), "JUPYTER_TOKEN": token}
    options = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    options += [f"--ServerApp.port={port}", f"--ServerApp.root_dir={folder}"]
    with (tmp_path / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK.name}?token={token}"
    try:
        until = time.monotonic() + SLOWEST / 1000
        while process.poll() is None and not _answers(address):
            assert time.monotonic() < until, (tmp_path / "log.txt").read_text()
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address):
            return True
    except urllib.error.URLError:
        return False


def test_sliders_move_the_numbers_in_jupyterlab(lab: str, browser: Any, pictures: Path) -> None:
    tab = browser.new_page(viewport={"width": 1400, "height": 1200})
    tab.goto(lab, timeout=SLOWEST)
    tab.get_by_role("heading", name="The rule, moved by hand").wait_for(timeout=SLOWEST)
    tab.get_by_text(re.compile(r"\| Idle$")).first.wait_for(timeout=SLOWEST)
    tab.get_by_role("menuitem", name="Run", exact=True).first.click()
    tab.get_by_text("Run All Cells", exact=True).click()
    tab.locator(".explored table").first.wait_for(timeout=SLOWEST)
    cells = tab.locator(".numbers tr[data-name=bonuses] td")
    before = cells.all_text_contents()
    handle = tab.locator(".noUi-handle").first
    handle.scroll_into_view_if_needed()
    handle.focus()
    tab.keyboard.press("ArrowLeft")
    tab.get_by_text("payments at risk: 8 %").first.wait_for(timeout=SLOWEST)
    now, pinned, difference = cells.all_text_contents()
    assert now != before[0] == pinned
    assert difference.startswith("-")
    assert tab.get_by_text(f"{DRAWS} draws, the same clinicians").count() == 1
    tab.screenshot(path=pictures / "explorer-in-lab.png")
    tab.close()
