"""The columns of tables by name: what people read above them, in which unit, with how many digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from harness.study.report.texts import short, visible

_MOST = 40
_SIGNED = "%+.3f"


def number(label: str, told: str | None = None, digits: int = 3) -> Any:
    """A column of numbers with that many digits."""
    return st.column_config.NumberColumn(_named(label), format=f"%.{digits}f", help=told)


def difference(label: str, told: str | None = None) -> Any:
    """A column of numbers with their sign."""
    return st.column_config.NumberColumn(_named(label), format=_SIGNED, help=told)


def count(label: str, told: str | None = None) -> Any:
    """A column of whole numbers."""
    return st.column_config.NumberColumn(_named(label), format="localized", help=told)


def value(label: str) -> Any:
    """A column of numbers as they were given."""
    return st.column_config.NumberColumn(_named(label), format="plain")


def words(label: str, told: str | None = None, width: Any = None) -> Any:
    """A column of texts."""
    return st.column_config.TextColumn(_named(label), help=told, width=width)


def tick(label: str, told: str | None = None) -> Any:
    """A column of yes and no."""
    return st.column_config.CheckboxColumn(_named(label), help=told)


def variant() -> dict[str, Any]:
    """A variant by its short name, and its id, which stands last."""
    return {"name": words("variant", width="medium"), "variant": words("id")}


def united(name: str, units: Mapping[str, str], what: str = "mean") -> str:
    """A metric with its unit; `what` it is where there is none."""
    return f"{name}, {units.get(name) or what}"


def _named(label: str) -> str:
    return visible(short(label, _MOST))
