"""Passages as sentences, analysed once each: what the extractive reader looks at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+")
_BREAK = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[]?[A-Z0-9])|\n+")
_HEADING = re.compile(r"^#{1,6}\s+(.*)$")
_RULE = re.compile(r"^[\s|:+-]+$")
_LEAD = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_STOP = frozenset(
    "a about after all also am an and any are as at be because been before being but by can cannot could did do does "
    "doing don for from get got had has have having he her here hi him his how i if im in into is it its just know "
    "like me more most my no not now of on once only or other our out over own please she should so some such tell "
    "than thanks that the their them then there these they this those to too under until up us very want was we were "
    "what when where which while who whom why will with would you your".split()
)
_ENDINGS = ("ization", "ations", "ation", "ingly", "ments", "ment", "ings", "ing", "edly", "ies", "ied")
_SHORT_ENDINGS = ("ed", "es", "er", "ly", "s")


@dataclass(frozen=True)
class Sentence:
    """A sentence, list item or table row; the stems of the heading above it are kept apart."""

    text: str
    stems: frozenset[str]
    bigrams: frozenset[str]
    heading_stems: frozenset[str]


@lru_cache(maxsize=100_000)
def sentences_of(passage: str) -> tuple[Sentence, ...]:
    """The sentences of a passage; headings are not sentences but lend their words to those below them."""
    found: list[Sentence] = []
    heading: frozenset[str] = frozenset()
    for piece in _BREAK.split(passage):
        stripped = piece.strip()
        match = _HEADING.match(stripped)
        if match:
            heading = content_stems(match.group(1))
        elif stripped and not _RULE.match(stripped):
            text = _LEAD.sub("", stripped)
            found.append(Sentence(text, content_stems(text), bigrams(text), heading))
    return tuple(found)


@lru_cache(maxsize=50_000)
def content_stems(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning."""
    return frozenset(_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP)


@lru_cache(maxsize=50_000)
def bigrams(text: str) -> frozenset[str]:
    """Neighbouring pairs of meaningful stems."""
    stems = [_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]
    return frozenset(f"{a} {b}" for a, b in pairwise(stems))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    for ending in _SHORT_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word
