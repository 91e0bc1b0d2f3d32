"""Texts and sizes that are hard for splitters, and a short way to make one."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

from harness.plugins import find, make, names

PIECES = [
    "a",
    "b",
    "ab",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\r\n",
    ". ",
    "! A",
    "# ",
    "```",
    "|",
    "- ",
    "\u65e5\u672c",
    "\u3002",
    "=====",
    "\n---\n",
    "\n## ",
    "\n<h2>",
    "</h2>",
    "\nclass ",
]
TEXTS = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from([*PIECES, "\u3000", "e\u0301", "\U0001f642", "\ufeff", "\x1c"]), max_size=60).map("".join),
    st.tuples(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join), st.integers(1, 40)).map(
        lambda drawn: drawn[0] * drawn[1]
    ),
    st.text(alphabet=" \n\t\u3000\u2028", max_size=20),
)
SIZES = st.integers(1, 30).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


def splitter(use: str, **fields: Any) -> Any:
    """A built-in splitter as a sweep file makes it."""
    return make("splitter", {"use": use, **fields})


def fields_of(use: str) -> set[str]:
    """The settings of a built-in splitter."""
    return {field.name for field in dataclasses.fields(find("splitter", use)[0].cls)}


def fitted(use: str, size: int, overlap: int, unit: str = "characters") -> Any:
    """A built-in splitter with as much of a size, an overlap and a unit as it has settings for."""
    wanted = {"chunk_size": size, "chunk_overlap": overlap, "length": unit, "parent_size": 3 * size}
    return splitter(use, **{name: value for name, value in wanted.items() if name in fields_of(use)})


def having(*fields: str) -> list[str]:
    """The built-in splitters that have all of these settings."""
    return [use for use in names("splitter") if fields_of(use).issuperset(fields)]
