"""Another Python that runs what this one would: the same modules, whatever folder it stands in."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_PATH = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "


def started(statement: str, **streams: Any) -> subprocess.Popen[Any] | None:
    """A process that runs a statement; None where none can be started.

    ``streams``, and what else there is to say of it, are as :class:`subprocess.Popen` takes them.
    """
    if not sys.executable:
        return None
    command = [sys.executable, "-P", "-c", _PATH + statement, json.dumps(sys.path)]
    try:
        return subprocess.Popen(command, **streams)
    except OSError:
        return None
