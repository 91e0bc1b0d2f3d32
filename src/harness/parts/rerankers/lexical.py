"""A reranker that needs no download: how much of the question's words stands in a passage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from harness.parts.rerankers.cut import Cut
from harness.plugins import RerankerConnection, part
from harness.plugins.stems import stem
from harness.records import Ranked

_WORD = re.compile(r"[^\W_]+")
_STOP = frozenset(
    "a about am an and any are as at be been being but by can could did do does doing for from had has have having he "
    "her his how i if in into is it its just me my no not of on or our she should so such than that the their them "
    "then there these they this those to too us very was we were what when where which while who whom whose why will "
    "with would you your".split()
)
_HEAVIEST = 8
_PAIRS = 0.2
_DIGITS = 6


@part("reranker", "lexical")
@dataclass(frozen=True)
class LexicalReranker(Cut):
    """Scores by words: lexical, not semantic, in English best; the same on every machine. Scores are from 0 to 1.

    S are the question's distinct stems without function words (all its stems where nothing else is left). One weighs
    as many as it has letters, at most 8, since longer words are rarer; one with a digit 8. `share` is the weight of
    those that stand in the text over the weight of all. `pairs` is the share of the neighbours in S (function words
    between them left out) that are neighbours in the text too, in this order. The score is
    0.8 share + 0.2 share pairs, and share alone where the question has no neighbours.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 256

    @property
    def price_name(self) -> str | None:
        """Free."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """Needs nothing."""
        return ()

    def connect(self) -> RerankerConnection:
        """Ready at once."""
        return _Connection()


class _Connection:
    async def score(self, question: str, texts: Sequence[str]) -> Ranked:
        words = _stems(question)
        telling = [word for word in words if word not in _STOP] or words
        return Ranked(tuple(_score(telling, text) for text in texts))

    async def close(self) -> None:
        return None


def _stems(text: str) -> list[str]:
    """The words in order: function words as they are, stems of the others."""
    return [word if word in _STOP else stem(word) for word in _WORD.findall(text.lower())]


def _score(wanted: Sequence[str], text: str) -> float:
    """How much of the wanted stems stands in the text."""
    words = _stems(text)
    if not set(wanted) <= _STOP:
        words = [word for word in words if word not in _STOP]
    found = set(words)
    weights = {word: _weight(word) for word in wanted}
    whole = sum(weights.values())
    share = sum(weight for word, weight in weights.items() if word in found) / whole if whole else 0.0
    neighbours = set(pairwise(wanted))
    if not neighbours:
        return round(share, _DIGITS)
    pairs = len(neighbours & set(pairwise(words))) / len(neighbours)
    return round((1 - _PAIRS) * share + _PAIRS * share * pairs, _DIGITS)


def _weight(word: str) -> int:
    """The longer, the rarer; a number or a code tells most."""
    return _HEAVIEST if any(c.isdigit() for c in word) else min(len(word), _HEAVIEST)
