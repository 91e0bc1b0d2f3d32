"""Texts of others on our page: long ones are cut, and what could fool an eye or a parser is made visible."""

from __future__ import annotations

import re
from typing import NamedTuple

ANSWER = 4000
QUESTION = 2000
PASSAGE = 500
REASON = 600
NAME = 120
"""The most characters of each kind of text that a report shows."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and line feed
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of writing, or have no width
    "\u2028\u2029\ufeff\ufff9-\ufffb\ud800-\udfff]"  # separators, halves of characters
)


class Cut(NamedTuple):
    """A text's beginning, and how many characters were left out."""

    text: str
    left_out: int

    @property
    def note(self) -> str:
        """What is said about the rest; empty where there is none."""
        return f"cut here: {self.left_out:,} more characters" if self.left_out else ""


def cut(text: str, most: int) -> Cut:
    """The first `most` characters."""
    return Cut(text, 0) if len(text) <= most else Cut(text[:most], len(text) - most)


def short(text: str, most: int = NAME) -> str:
    """A name that is not too long; the rest becomes a dot-dot-dot."""
    return text if len(text) <= most else text[: most - 1] + "…"


def visible(text: str) -> str:
    """The text with its control and direction characters spelt out, such as [U+202E]; new lines become line feeds."""
    return _HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text.replace("\r\n", "\n").replace("\r", "\n"))


OPEN, CLOSE = "\ue000", "\ue001"


def named(text: str) -> str:
    """A variant's name inside a sentence, between marks that no text of ours has."""
    return f"{OPEN}{text.replace(OPEN, '').replace(CLOSE, '')}{CLOSE}"
