"""The explorer as a page of this machine: Voilà serves it to whoever has its address and token.

Nobody else's machine can reach it, and the page fetches nothing from anywhere else.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from asm_sim.errors import InputError, RunError, printable

HOST = "127.0.0.1"
# The only extensions of the page, whatever else of JupyterLab is installed.
WIDGETS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"]
STARTS_IN = 60.0  # seconds
ENDS_IN = 10.0
_CELL = """\
import json
from asm_sim.explorer.page import explore
explore(**json.loads({given!r}))"""
_TITLE = "Explorer of the rule: asm_sim"


class Served(NamedTuple):
    """A page that is served: where, and by which process."""

    address: str
    process: subprocess.Popen[bytes]


def check_installed() -> None:
    """:class:`InputError` where what serves the page is not installed, with how to install it."""
    missing = [name for name in ("voila", "ipywidgets", "ipykernel") if find_spec(name) is None]
    if missing:
        raise InputError(
            f"the explorer's page needs {' and '.join(missing)}, which this Python has not: "
            '`make explore` in a checkout, else pip install "asm_sim[explore]"'
        )


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as asked:
        asked.bind((HOST, 0))
        return int(asked.getsockname()[1])


@contextmanager
def serve(given: dict[str, Any], port: int = 0) -> Iterator[Served]:
    """Serve ``asm_sim.explorer.page.explore(**given)`` on ``port`` (any), until the block ends.

    ``given`` must be plain data. Raises :class:`InputError` for a port that is taken, and
    :class:`RunError` where the server does not start.
    """
    port = port or free_port()
    check_free(port)
    token = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="asm-sim-explore-") as name:
        folder = Path(name)
        notebook = folder / "explorer.ipynb"
        notebook.write_text(json.dumps(_notebook(given)), encoding="utf-8")
        log = folder / "log.txt"
        with log.open("wb") as told:
            process = subprocess.Popen(
                _command(notebook, port), stdin=subprocess.DEVNULL, stdout=told,
                stderr=subprocess.STDOUT, cwd=folder, env=_environment(token, folder),
            )  # fmt: skip
        try:
            _wait(process, port, log)
            yield Served(f"http://{HOST}:{port}/?token={token}", process)
        finally:
            _end(process)


def _command(notebook: Path, port: int) -> list[str]:
    options = {
        "Voila.ip": HOST,
        "Voila.port": port,
        "Voila.port_retries": 0,
        "Voila.open_browser": False,
        "Voila.auto_token": True,  # that of the environment
        "VoilaConfiguration.template": "asm_sim",
        "VoilaConfiguration.strip_sources": True,
        "VoilaConfiguration.file_allowlist": [],
        "VoilaConfiguration.extension_allowlist": WIDGETS,
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "voila", str(notebook), *given]


def _environment(token: str, folder: Path) -> dict[str, str]:
    """The token is no argument, which others on the machine could read; settings of a user's own
    for other servers are none of this one."""
    paths = [str(Path(__file__).parent), os.environ.get("JUPYTER_PATH", "")]
    return {
        **os.environ,
        "JUPYTER_TOKEN": token,
        "JUPYTER_PATH": os.pathsep.join(filter(None, paths)),
        "JUPYTER_CONFIG_DIR": str(folder / "settings"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }


def _notebook(given: dict[str, Any]) -> dict[str, Any]:
    source = _CELL.format(given=json.dumps(given))
    cell: dict[str, Any] = {
        "cell_type": "code", "id": "explorer", "execution_count": None, "metadata": {},
        "outputs": [], "source": source,
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    about = {"kernelspec": kernel, "title": _TITLE}
    return {"cells": [cell], "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def check_free(port: int) -> None:
    """:class:`InputError` for a port that cannot be had."""
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"--port {port} cannot be had ({error.strerror}); leave it out for any that is free"
            ) from error


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until somebody answers on the port."""
    until = time.monotonic() + STARTS_IN
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as asked:
            asked.settimeout(1.0)
            if asked.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.1)
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    raise RunError(f"the page could not be served: {printable(last)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The server and its kernels, which it ends itself."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(ENDS_IN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
