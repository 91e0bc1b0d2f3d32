"""Passages as sentences, analysed once each: what the extractive reader looks at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from harness.plugins.stems import stem

_WORD = re.compile(r"[^\W_]+")
_BREAK = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[*_]*[A-Z0-9])|\n+")
_HEADING = re.compile(r"^#{1,6}\s+(.*)$")
_RULE = re.compile(r"^[\s|:+\-*_=]+$")
_LEAD = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_STOP = frozenset(
    "a about after all also am an and any are as at be because been before being but by can cannot could d did do does "
    "doing don for from get got had has have having he her here hi him his how i if im in into is it its just know "
    "like ll m me more most my no not now of on once only or other our out over own please re s she should so some "
    "such t tell than thanks that the their them then there these they this those to too under until up us ve very "
    "want was we were what when where which while who whom why will with would you your".split()
)


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sentence:
    """A sentence, list item or table row; the stems of the heading (and table header) above it are kept apart."""

    text: str
    stems: frozenset[str]
    bigrams: frozenset[str]
    heading_stems: frozenset[str]


@lru_cache(maxsize=20_000)
def sentences_of(passage: str) -> tuple[Sentence, ...]:
    """The sentences of a passage.

    Headings and the header rows of tables are not sentences but lend their words to those below them.
    """
    found: list[Sentence] = []
    heading = header = _NONE
    for piece in _BREAK.split(passage):
        stripped = piece.strip()
        is_row = stripped.startswith("|")
        header = header if is_row else _NONE
        if match := _HEADING.match(stripped):
            heading = frozenset(_stems(match.group(1)))
        elif _RULE.match(stripped):
            if is_row and found and found[-1].text.startswith("|"):
                header = found.pop().stems
        elif stripped:
            text = _LEAD.sub("", stripped)
            stems = _stems(text)
            found.append(Sentence(text, frozenset(stems), _pairs(stems), heading | header))
    return tuple(found)


@lru_cache(maxsize=20_000)
def content_stems(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning."""
    return frozenset(_stems(text))


@lru_cache(maxsize=20_000)
def bigrams(text: str) -> frozenset[str]:
    """Neighbouring pairs of meaningful stems."""
    return _pairs(_stems(text))


def _stems(text: str) -> list[str]:
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def _pairs(stems: list[str]) -> frozenset[str]:
    return frozenset(f"{a} {b}" for a, b in pairwise(stems))
