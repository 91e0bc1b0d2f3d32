"""Is the answer in the language that it should be in? By the library py3langid, which carries its model: no download.

Source: M. Lui, T. Baldwin, "langid.py: An Off-the-shelf Language Identification Tool" (2012), of which py3langid is a
continuation. Its probabilities are calibrated for the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Case, Example, Verdict

_SURE = 0.5
"""The probability from which on a whole text is said to be in a language."""
_VERY_SURE = 0.8
"""The same for one sentence of a text: shorter, and there are many of them to be wrong about."""
_LIKE_THREE = 3
"""A Chinese, Japanese or Korean character says as much about the language as three letters."""

_SAME = {
    "en": ("pcm",),
    "zh": ("wuu", "yue"),
    "ar": ("ary", "arz"),
    "no": ("da", "nn", "nb"),
    "hr": ("bs", "sr"),
    "id": ("ms",),
}
_FIRST = {other: first for first, others in _SAME.items() for other in others}
"""Varieties and languages that a few sentences do not tell apart, by the one that stands for all of them."""
_NONE = "zxx"  # the model's word for what is no language

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|<[^<>\n]{1,200}>", re.DOTALL)
_NAMES = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|\S*[/\\_]\S*|\[\d+\]|\*\*[^*\n]{1,80}\*\*")
"""Addresses, paths, names of files and menus, marks of sources: they stay in their language in any answer."""
_SENTENCES = re.compile(
    r"[^.!?\u3002\uff01\uff1f\n]+(?:[.!?](?!\s)[^.!?\u3002\uff01\uff1f\n]+)*[.!?\u3002\uff01\uff1f]*"
)
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@part("metric", "language_match")
@dataclass(frozen=True)
class LanguageMatch(Share):
    """The share of the answer, in letters, that is in the language of the question: 1, unless it mixes or strays.

    `language` names a language for all examples by its ISO 639-1 code; `metadata` the key under which an example's
    metadata keeps its code. Code, addresses, paths and words in bold are passed over. An answer counts as mixed only
    for sentences that are clearly in another language.

    Does not apply where the question or the answer has fewer than `least_letters` letters (a Chinese, Japanese or
    Korean character counts as three) or is in no language that can be told: "14 EUR" is right in all of them. Not told
    apart are Norwegian and Danish; Croatian, Bosnian and Serbian; Indonesian and Malay; varieties of Chinese, Arabic
    and English.
    """

    cheap: ClassVar[bool] = False
    language: str = ""
    metadata: str = ""
    least_letters: int = 20

    def __post_init__(self) -> None:
        if self.language and self.metadata:
            raise ValueError("language and metadata are both given; write one of them")
        if self.least_letters < 1:
            raise ValueError(
                f"least_letters must be at least 1, found {self.least_letters}; 20 is the least to rely on"
            )
        if self.language:
            _checked(self.language)

    def identity_extra(self) -> dict[str, Any]:
        """The library's version, whose model decides."""
        return {"library": _library()}

    def applies(self, example: Example) -> bool:
        """Everywhere, or where the metadata has the key."""
        return not self.metadata or self.metadata in example.metadata

    def ready(self) -> None:
        """Load the model, which takes half a second."""
        _identifier()

    def score(self, case: Case) -> Verdict | None:
        """Between 0 and 1; the reason names the languages. None where there is too little to tell them by.

        Raises ValueError where the metadata holds no code of a language.
        """
        wanted = self._wanted(case.example)
        text = prose(case.answer)
        found = told(text, _SURE) if letters(text) >= self.least_letters else None
        if not wanted or not found:
            return None
        right, others = 0, dict[str, int]()
        for sentence in _SENTENCES.findall(text):
            of_it = told(sentence, _VERY_SURE) if letters(sentence) >= self.least_letters else None
            if (of_it or found) == wanted:
                right += letters(sentence)
            else:
                others[of_it or found] = others.get(of_it or found, 0) + letters(sentence)
        share = right / (right + sum(others.values()))
        said = ", ".join(([wanted] if right else []) + sorted(others, key=lambda code: -others[code]))
        return Verdict(share, f"in {said}, expected {wanted}")

    def _wanted(self, example: Example) -> str | None:
        if self.language:
            return _checked(self.language)
        if self.metadata:
            return _checked(example.metadata[self.metadata])
        text = prose(example.question)
        return told(text, _SURE) if letters(text) >= self.least_letters else None


def prose(text: str) -> str:
    """A text without what is in no language, or in its own in any text: code, addresses, paths, words in bold."""
    return _NAMES.sub(" ", _CODE.sub(" ", text))


def letters(text: str) -> int:
    """How many letters a text has, dense scripts weighed."""
    return sum(map(str.isalpha, text)) + (_LIKE_THREE - 1) * len(_DENSE.findall(text))


@lru_cache(maxsize=16384)
def told(text: str, sure: float) -> str | None:
    """The language of a text, as the code that stands for its group; None below the probability `sure`."""
    shares: dict[str, float] = {}
    for code, probability in _identifier().rank(text):
        first = _FIRST.get(code, code)
        shares[first] = shares.get(first, 0.0) + probability
    best = max(shares, key=lambda code: shares[code])
    return best if shares[best] >= sure and best != _NONE else None


def _checked(code: Any) -> str:
    """The code that stands for a language's group. Raises ValueError for what the library does not know."""
    short = code.strip().lower().replace("_", "-").partition("-")[0] if isinstance(code, str) else ""
    found = _FIRST.get(short, short)
    if found not in _identifier().labels or found == _NONE:
        raise ValueError(f"{code!r} is no language that can be told; write its ISO 639-1 code, such as de or pt")
    return found


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@lru_cache(maxsize=1)
def _library() -> str:
    from importlib.metadata import version

    return f"py3langid {version('py3langid')}"
