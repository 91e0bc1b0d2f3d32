"""English word stems, for lexical parts of any kind. A change here is a new version of every part that uses it."""

from __future__ import annotations

from functools import lru_cache

_SHORTEST = 3
_VOWELS = frozenset("aeiouy")
_NOUN_ENDINGS = ("ization", "ation", "ment")


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The lower-case `word` without its common English endings: `deliveries` and `delivery` come to the same.

    Light: plural, -ing, -ed, -ly and a few noun endings, then a final e, y or double letter. Words with digits and
    words of up to three letters stay as they are.
    """
    if len(word) <= _SHORTEST or not word.isalpha():
        return word
    return _end(_shorter(_singular(word)))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > _SHORTEST + 1:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _shorter(word: str) -> str:
    if word.endswith("ied") and len(word) > _SHORTEST + 1:
        return word[:-3] + "y"
    for ending in ("ing", "ed", "ly"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= _SHORTEST and _VOWELS & set(rest):
            return rest
    for ending in _NOUN_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > _SHORTEST:
            return word[: -len(ending)]
    return word


def _end(word: str) -> str:
    """Without what hangs on a following ending: pric(e), deliver(y), cancel(l)."""
    if len(word) <= _SHORTEST:
        return word
    if word[-1] == "e":
        word = word[:-1]
    elif word[-1] == "y":
        word = word[:-1] + "i"
    return word[:-1] if len(word) > _SHORTEST and word[-1] == word[-2] else word
