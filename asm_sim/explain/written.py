"""Numbers of an explanation as a person writes them."""

from __future__ import annotations

from typing import Any

from asm_sim.explain.steps import Basis

NONE = "none"


def number(value: float, decimals: int = 2) -> str:
    """``1,234.5``: at most so many decimals, none that is a trailing zero; ``0.0012`` if less."""
    if 0 < abs(value) < 10**-decimals:
        return f"{value:.2g}"
    text = f"{value + 0.0:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def given(value: float | None, unit: str = "") -> str:
    """A number that was observed, or that it is blank."""
    if value is None:
        return "blank"
    text = number(value, 4)
    return f"{text} {unit}" if unit else text


def signed(value: float, decimals: int = 2) -> str:
    """``+1.5``, ``-10``, ``0``."""
    text = number(value, decimals)
    return text if text == "0" or text.startswith("-") else f"+{text}"


def points(value: float | None) -> str:
    if value is None:
        return NONE
    text = number(value)
    return f"{text} point" if text in {"1", "-1"} else f"{text} points"


def score(value: float | None) -> str:
    """A final score of a table, with two decimals."""
    return NONE if value is None else f"{value + 0.0:.2f}"


def share(value: float | None) -> str:
    """A share or a factor with the digits that a product of several needs."""
    return NONE if value is None else number(value, 6)


def percent(value: float) -> str:
    """A payment adjustment: ``+3.21%``."""
    return f"{value + 0.0:+.2%}"


def usd(value: float | None) -> str:
    return NONE if value is None else f"{value + 0.0:,.2f} USD"


def signed_usd(value: float) -> str:
    return f"{value + 0.0:+,.2f} USD"


def value_of(value: Any) -> str:
    """The value of a parameter."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(value_of, value))
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def basis_value(basis: Basis) -> str:
    """What a parameter is worth, with its unit where it is a number, and if it was set."""
    is_number = isinstance(basis.value, int | float) and not isinstance(basis.value, bool)
    unit = f" {basis.unit}" if is_number else ""
    place = f" (set in place of {value_of(basis.cited)})" if basis.is_set else ""
    return f"{value_of(basis.value)}{unit}{place}"
