"""The functions of ``scipy.special`` that are used, without what importing all of it takes.

Its ufuncs lie in one compiled module, which is there in a hundredth of a second. The package around
it brings much of numpy and scipy along, for arrays of other libraries, in ten times as long: a good
part of what a short run takes to start. So that module is imported alone where the package is not
there yet; whoever imports the package later gets all of it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

PACKAGE, UFUNCS = "scipy.special", "scipy.special._ufuncs"


def _ufuncs() -> Any:
    found = None if PACKAGE in sys.modules else find_spec("scipy")
    if found is None or found.submodule_search_locations is None:
        return import_module(PACKAGE)
    alone = ModuleType(PACKAGE)
    alone.__path__ = [f"{folder}/special" for folder in found.submodule_search_locations]
    sys.modules[PACKAGE] = alone
    try:
        return import_module(UFUNCS)
    except ImportError:  # a scipy that is built in another way
        pass
    finally:
        del sys.modules[PACKAGE]
    return import_module(PACKAGE)


_functions = _ufuncs()
betaincinv: Any = _functions.betaincinv
expit: Any = _functions.expit
gammaln: Any = _functions.gammaln
ndtr: Any = _functions.ndtr
ndtri: Any = _functions.ndtri
