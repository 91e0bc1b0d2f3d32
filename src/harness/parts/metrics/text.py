"""Does the answer say what a reference says? Deterministic matches after the normalisation of SQuAD.

Source: P. Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016), evaluation script.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Case, Example

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_REMEMBERED = 8192
"""Texts to remember: the references of a dataset and the latest answers, some tens of megabytes at most."""


@lru_cache(maxsize=_REMEMBERED)
def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and extra whitespace."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


@lru_cache(maxsize=_REMEMBERED)
def _counts(text: str) -> Counter[str]:
    return Counter(normalised(text).split())


def matches(answer: str, references: tuple[str, ...]) -> bool:
    """Whether a reference appears in the answer, as whole words, both normalised.

    Words are what whitespace divides: a reference in Chinese or Japanese is found only where it stands alone. A
    reference that is nothing after normalisation ("The") is found nowhere.
    """
    padded = f" {normalised(answer)} "
    return any(f" {words} " in padded for words in map(normalised, references) if words)


def f1(answer: str, reference: str) -> float:
    """Harmonic mean of the precision and recall of tokens; 1 when both have none, 0 when one has none."""
    said, wanted = _counts(answer), _counts(reference)
    if not said or not wanted:
        return float(said == wanted)
    common = sum(min(count, said[token]) for token, count in wanted.items() if token in said)
    if not common:
        return 0.0
    precision, recall = common / said.total(), common / wanted.total()
    return 2 * precision * recall / (precision + recall)


@dataclass(frozen=True)
class _WithReferences(Share):
    """What the text metrics share: they apply where an answer is expected and references say which."""

    def applies(self, example: Example) -> bool:
        """Where an answer is expected and there are references."""
        return example.expected == "answer" and bool(example.references)


@part("metric", "answer_match")
@dataclass(frozen=True)
class AnswerMatch(_WithReferences):
    """1 when a reference appears in the answer as whole words, after normalisation."""

    def score(self, case: Case) -> float:
        """0 or 1."""
        return float(matches(case.answer, case.example.references))


@part("metric", "exact_match")
@dataclass(frozen=True)
class ExactMatch(_WithReferences):
    """1 when the answer equals a reference, after normalisation."""

    def score(self, case: Case) -> float:
        """0 or 1."""
        answer = normalised(case.answer)
        return float(any(answer == normalised(reference) for reference in case.example.references))


@part("metric", "token_f1")
@dataclass(frozen=True)
class TokenF1(_WithReferences):
    """F1 of the answer's tokens against the best fitting reference, after normalisation."""

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        return max(f1(case.answer, reference) for reference in case.example.references)
