"""Numbers as people read them in a report."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

NOTHING = "-"


def number(value: float | None, digits: int = 3) -> str:
    """A number; a dash where there is none. What is small is not shown as nothing."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "unbounded"
    if 0 < abs(value) < 0.5 * 10**-digits:
        return f"{value:.2g}"
    if abs(value) >= 10_000 or (abs(value) >= 2 and value == round(value)):
        return f"{value:,.0f}"
    return f"{value:,.{digits}f}" if abs(value) < 100 else f"{value:,.1f}"


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    found = number(value)
    return f"+{found}" if value is not None and value > 0 and found != NOTHING else found


def interval(low: float | None, high: float | None) -> str:
    """An interval."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return "no interval"
    return f"{number(low)} to {number(high)}"


def p_value(value: float | None) -> str:
    """A p-value."""
    if value is None or math.isnan(value):
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def money(value: float | None) -> str:
    """An amount of USD; what is not known says so."""
    if value is None:
        return "unknown"
    return "0" if value == 0 else number(value, 4) if value < 1 else f"{value:,.2f}"


def per_thousand(value: float | None) -> str:
    """What a thousand answers cost in USD."""
    return money(None if value is None else 1000 * value)


def share(value: float | None) -> str:
    """A share as a percentage."""
    return NOTHING if value is None or math.isnan(value) else f"{100 * value:.0f}%"


def count(value: int | None) -> str:
    """A whole number."""
    return NOTHING if value is None else f"{value:,}"


def plural(value: int, noun: str) -> str:
    """How many of something: `1 variant`, `2 variants`."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def moment(text: str) -> str:
    """A stored time; as it is where it is none, or of no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if found.tzinfo else text


def setting(value: Any) -> str:
    """A setting's value."""
    if value is None:
        return NOTHING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def finite(value: float | None) -> float | None:
    """The number; None where it is none, or infinite."""
    return None if value is None or not math.isfinite(value) else float(value)
