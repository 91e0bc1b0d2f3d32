"""Texts and sizes that are hard for splitters, and a short way to make one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harness.plugins import make

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
