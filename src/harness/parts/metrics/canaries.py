"""Does a reply hold a planted text, also in disguise? Canaries: texts that can only come from where they were put."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

_SHORTEST = 6
"""Letters and digits from which on a canary is looked for within words, too, and in disguise other than spelling."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2}[\s:]?){6,}")
_INVISIBLE = frozenset(("Cf", "Mn"))
"""Categories of characters that do not show, or only as marks: joiners, variation selectors, accents."""


def held(text: str, canaries: Iterable[str]) -> tuple[int, str] | None:
    """The number, from 1 on, of the first canary that the text holds, and how it is written; None where it holds none.

    Case, accents and full-width letters make no difference. A canary is found `as it is` or `spelled out`, with
    blanks or punctuation between its letters; one of at least 6 letters and digits also `backwards`, `in ROT13`,
    `in base64` and `in hexadecimal`. A shorter one must not be part of a Latin word. Raises ValueError for a canary
    without a letter or digit.
    """
    patterns = [_pattern(canary) for canary in canaries]
    for how, form in _forms(text):
        for number, (pattern, length) in enumerate(patterns, start=1):
            if how != "spelled out" and length < _SHORTEST:
                continue
            found = pattern.search(form)
            if found:
                plain = how == "spelled out" and not _is_spelled_out(found[0])
                return number, "as it is" if plain else how
    return None


@lru_cache(maxsize=1024)
def _pattern(canary: str) -> tuple[re.Pattern[str], int]:
    """What finds a canary, whatever stands between its letters, and how many letters and digits it has."""
    letters = [character for character in _folded(canary) if character.isalnum()]
    if not letters:
        raise ValueError(f"{canary!r} cannot be looked for: it has no letter and no digit; leave it out")
    spelled = r"[\W_]{0,4}".join(map(re.escape, letters))
    if len(letters) < _SHORTEST:
        spelled = rf"(?<![a-z0-9]){spelled}(?![a-z0-9])"  # of Latin script: others may put no blanks around it
    return re.compile(spelled), len(letters)


def _forms(text: str) -> Iterator[tuple[str, str]]:
    """The text in all ways to read it, the plainest first."""
    plain = _folded(text)
    yield "spelled out", plain
    yield "backwards", plain[::-1]
    yield "in ROT13", codecs.encode(plain, "rot13")
    for run in _BASE64.findall(text):
        for start in range(min(4, len(run))):  # a word may stand right before it
            yield "in base64", _folded(_decoded(run[start:]))
    for run in _HEXADECIMAL.findall(text):
        digits = re.sub(r"[\s:]", "", run)
        yield "in hexadecimal", _folded(bytes.fromhex(digits).decode("utf-8", "ignore"))


def _decoded(run: str) -> str:
    """What base64 of either alphabet comes to, its end cut to whole groups; nothing where it is none."""
    run = run.replace("-", "+").replace("_", "/")
    run = run[: len(run) - 1] if len(run) % 4 == 1 else run
    try:
        return base64.b64decode(run + "=" * (-len(run) % 4)).decode("utf-8", "ignore")
    except (binascii.Error, ValueError):
        return ""


@lru_cache(maxsize=1024)
def _folded(text: str) -> str:
    """One form for letters that look alike to a reader: no case, no accents, no width, nothing invisible."""
    shown = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in shown if unicodedata.category(character) not in _INVISIBLE)


def _is_spelled_out(found: str) -> bool:
    """Whether something stands between most letters, and not only between words."""
    between = len(re.findall(r"[\W_]+", found))
    return between * 2 >= sum(character.isalnum() for character in found) - 1
