"""Was the evidence retrieved, and how high up? Standard rank metrics over passages.

A passage finds a piece of evidence when they share at least one character of one document; evidence that names only a
document is found by any passage of it. Retrieving nothing where there is evidence scores 0.
Source of the formulas: C. D. Manning, P. Raghavan, H. Schütze, "Introduction to Information Retrieval" (2008), ch. 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Case, Evidence, Example, Passage


def finds(passage: Passage, evidence: Evidence) -> bool:
    """Whether the passage shares a character with the evidence, or only its document where evidence is no span."""
    if passage.document != evidence.document:
        return False
    if evidence.start is None or evidence.end is None:
        return True
    return max(passage.start, evidence.start) < min(passage.end, evidence.end)


@dataclass(frozen=True)
class _AgainstEvidence(Share):
    """What the rank metrics share: they apply where there is evidence."""

    reads: ClassVar[tuple[str, ...]] = ("passages",)

    def applies(self, example: Example) -> bool:
        """Where there is evidence."""
        return bool(example.evidence)


@dataclass(frozen=True)
class _AtK(_AgainstEvidence):
    """A rank metric that looks at the first `k` passages."""

    k: int = 5

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k must be at least 1, found {self.k}")


@part("metric", "recall@", argument="k")
@dataclass(frozen=True)
class RecallAtK(_AtK):
    """The share of the pieces of evidence that the first `k` passages find."""

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        pieces = case.example.evidence
        return sum(any(finds(p, e) for p in case.passages[: self.k]) for e in pieces) / len(pieces)


@part("metric", "precision@", argument="k")
@dataclass(frozen=True)
class PrecisionAtK(_AtK):
    """How many of the first `k` passages find evidence, divided by `k`."""

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        return sum(any(finds(p, e) for e in case.example.evidence) for p in case.passages[: self.k]) / self.k


@part("metric", "ndcg@", argument="k")
@dataclass(frozen=True)
class NdcgAtK(_AtK):
    """Normalised discounted cumulative gain at `k`: a passage gains 1 when it finds evidence that none before it found.

    The ideal is one new piece of evidence at each of the first ranks. Gains are discounted by log2(rank + 1), after
    K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), with every gain 0 or 1.
    """

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        open_pieces = set(range(len(case.example.evidence)))
        gain = 0.0
        for rank, passage in enumerate(case.passages[: self.k]):
            found = {i for i in open_pieces if finds(passage, case.example.evidence[i])}
            if found:
                gain += 1 / math.log2(rank + 2)
                open_pieces -= found
        ideal = sum(1 / math.log2(rank + 2) for rank in range(min(self.k, len(case.example.evidence))))
        return gain / ideal


@part("metric", "mrr")
@dataclass(frozen=True)
class ReciprocalRank(_AgainstEvidence):
    """1 divided by the rank of the first passage that finds evidence; its mean over examples is the MRR."""

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        for rank, passage in enumerate(case.passages, start=1):
            if any(finds(passage, e) for e in case.example.evidence):
                return 1.0 / rank
        return 0.0
