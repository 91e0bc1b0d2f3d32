"""What a caller gives, checked: numbers and frames, each refused with what was found."""

from __future__ import annotations

import math
from typing import Any

from harness.errors import UserError


def number(value: Any, name: str, caller: str) -> float:
    """A finite number, True and False being none. Raises UserError."""
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise UserError(f"{caller}: {name} is {shown(value)}; give a number")
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise UserError(f"{caller}: {name} is {shown(value)}; give a number") from None
    if not math.isfinite(found):
        raise UserError(f"{caller}: {name} is {found:g}; give a finite number")
    return found


def level(alpha: Any, caller: str) -> float:
    """A level between 0 and 1. Raises UserError."""
    found = number(alpha, "alpha", caller)
    if not 0 < found < 1:
        raise UserError(f"{caller}: alpha is {found:g}; it lies between 0 and 1, usually 0.05")
    return found


def frame(value: Any, needed: str, caller: str) -> None:
    """Refuses with UserError what is no frame; `needed` says what the frame is to hold."""
    if not (hasattr(value, "columns") and hasattr(value, "duplicated")):
        raise UserError(f"{caller}: needs a frame {needed}, got {_kind(value)}")


def shown(value: Any) -> str:
    """A value as it is written: 0.0, not np.float64(0.0); at most 60 characters."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        value = value.tolist() if getattr(value, "ndim", 1) == 0 else _kind(value)
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__}"
