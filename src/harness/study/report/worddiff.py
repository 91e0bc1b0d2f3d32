"""Which words two answers do not share."""

from __future__ import annotations

import re
from collections.abc import Sequence

Piece = tuple[bool, str]
"""Whether the words are on this side only, and the words."""

_WORDS = re.compile(r"\s*\S+|\s+$")
_LIKE = 0.25


def word_diff(first: str, second: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces; joined, the pieces of each are the text again.

    Texts that share less than a quarter of their words are different as a whole.
    """
    from rapidfuzz.distance import LCSseq

    ours, theirs = _WORDS.findall(first), _WORDS.findall(second)
    words = [word.strip() for word in ours], [word.strip() for word in theirs]
    if LCSseq.normalized_similarity(*words) < _LIKE:
        return [(True, first)] if first else [], [(True, second)] if second else []
    steps = LCSseq.opcodes(*words)
    here = [(step.tag != "equal", ours[step.src_start : step.src_end]) for step in steps]
    there = [(step.tag != "equal", theirs[step.dest_start : step.dest_end]) for step in steps]
    return _joined(here), _joined(there)


def _joined(parts: Sequence[tuple[bool, list[str]]]) -> list[Piece]:
    """Neighbours of one kind as one piece."""
    found: list[Piece] = []
    for own, words in parts:
        text = "".join(words)
        if not text:
            continue
        if found and found[-1][0] == own:
            found[-1] = (own, found[-1][1] + text)
        else:
            found.append((own, text))
    return found
