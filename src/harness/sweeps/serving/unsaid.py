"""A text of others without what users said: for stderr, of which nobody knows here where it goes."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_LONG, _LONG_ELSEWHERE = 4, 2
"""From so many letters on a part of a word tells something, too; fewer where a letter is a syllable or a word."""
_TELLING_NOTHING = frozenset(
    "a an and are as at be by can do for has i in is it no not of on or the to was we you".split()
)


def without(text: str, said: Iterable[str]) -> str:
    """The text with each word crossed out that was said, or holds a word or is a part of what was said.

    Words that every sentence has are left, so that the rest can be read.
    """
    spoken = "\n".join(said).casefold()
    words = set(_WORD.findall(spoken)) - _TELLING_NOTHING
    long = tuple(word for word in words if _is_long(word))

    def crossed(match: re.Match[str]) -> str:
        word = match.group().casefold()
        told = word in words or (_is_long(word) and (word in spoken or any(each in word for each in long)))
        return "***" if told else match.group()

    # A provider that repeats the request as JSON spells letters out.
    plain = _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)
    return _WORD.sub(crossed, plain)


def _is_long(word: str) -> bool:
    return len(word) >= (_LONG if word.isascii() else _LONG_ELSEWHERE)
