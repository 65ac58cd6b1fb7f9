"""What a function says when it refuses its arguments."""

from __future__ import annotations

from typing import Any

import pytest

from asm_sim.errors import InputError


def refused(function: Any, *arguments: Any, **named: Any) -> str:
    """The message of the :class:`InputError` that ``function`` raises of these arguments."""
    with pytest.raises(InputError) as error:
        function(*arguments, **named)
    return str(error.value)
