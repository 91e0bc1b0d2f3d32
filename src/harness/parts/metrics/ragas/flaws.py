"""What is wrong with a reply that fits its form, but from which ragas would make no number or a flattering one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

_BINARY = ("verdict", "attributed", "noncommittal")
"""Fields of ragas' forms that are whole numbers by type, and 0 or 1 by meaning."""


def not_binary(reply: Any) -> str | None:
    """A verdict, wherever it stands in the reply, that is neither 0 nor 1."""
    for key, value in _fields(reply):
        if key in _BINARY and value not in (0, 1):
            return f"{key} is {value}; it must be 0 or 1"
    return None


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key, inner
            yield from _fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner)


def outside(reply: Mapping[str, Any], key: str, allowed: Collection[int]) -> str | None:
    """A number that is none of those that may be."""
    if reply[key] in allowed:
        return None
    return f"{key} is {reply[key]}; it must be one of {', '.join(map(str, allowed))}"


def empty(reply: Mapping[str, Any], key: str) -> str | None:
    """A list in which there must be something."""
    return None if reply[key] else f"{key} is empty"


def too_few(reply: Mapping[str, Any], key: str, wanted: int) -> str | None:
    """Verdicts on fewer things than there are: those left out would count as if they were not there."""
    found = len(reply[key])
    return f"{key} holds {found} of {wanted}; give one for each" if found < wanted else None


def not_each(reply: Mapping[str, Any], key: str, wanted: int) -> str | None:
    """Verdicts that are not as many as there are things."""
    found = len(reply[key])
    return None if found == wanted else f"{key} holds {found}; it must hold {wanted}, one for each"
