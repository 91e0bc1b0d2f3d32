"""How much of a reference's wording is in the answer? ROUGE, the best of the references.

Source: C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries" (2004). On texts in English the values are
those of the package rouge-score without stemming; it takes every letter outside a-z for a space, which is not done
here, so that other languages have words too.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

from harness.parts.metrics.similarity import WithReferences
from harness.plugins import part
from harness.records import Case

_WORD = re.compile(r"[^\W_]+")
_REMEMBERED = 8192
"""Texts to remember: the references of a dataset and the latest answers."""


@lru_cache(maxsize=_REMEMBERED)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower()))


@lru_cache(maxsize=_REMEMBERED)
def _grams(text: str, n: int) -> Counter[tuple[str, ...]]:
    words = _words(text)
    return Counter(words[i : i + n] for i in range(len(words) - n + 1))


@dataclass(frozen=True)
class _Rouge(WithReferences, ABC):
    measure: Literal["f1", "precision", "recall"] = "f1"

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        return max(self._measured(*self._counted(case.answer, reference)) for reference in case.example.references)

    @abstractmethod
    def _counted(self, answer: str, reference: str) -> tuple[int, int, int]:
        """How many the answer and the reference have in common, and how many each of them has."""

    def _measured(self, common: int, said: int, wanted: int) -> float:
        if not common:
            return 0.0
        if self.measure == "f1":
            return 2 * common / (said + wanted)
        return common / (said if self.measure == "precision" else wanted)


@dataclass(frozen=True)
class _RougeN(_Rouge):
    n: ClassVar[int]

    def _counted(self, answer: str, reference: str) -> tuple[int, int, int]:
        said, wanted = _grams(answer, self.n), _grams(reference, self.n)
        return (said & wanted).total(), said.total(), wanted.total()


@part("metric", "rouge1")
@dataclass(frozen=True)
class Rouge1(_RougeN):
    """ROUGE-1: the words that answer and reference have in common; `measure` is f1, precision or recall."""

    n: ClassVar[int] = 1


@part("metric", "rouge2")
@dataclass(frozen=True)
class Rouge2(_RougeN):
    """ROUGE-2: the pairs of neighbouring words in common; `measure` is f1, precision or recall."""

    n: ClassVar[int] = 2


@part("metric", "rougeL")
@dataclass(frozen=True)
class RougeL(_Rouge):
    """ROUGE-L: the words of the longest common subsequence; `measure` is f1, precision or recall."""

    def _counted(self, answer: str, reference: str) -> tuple[int, int, int]:
        from rapidfuzz.distance import LCSseq

        said, wanted = _words(answer), _words(reference)
        return int(LCSseq.similarity(said, wanted)), len(said), len(wanted)
