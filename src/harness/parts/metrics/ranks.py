"""Was the evidence retrieved, and how high up? Standard rank metrics over passages.

A passage finds a piece of evidence when they share at least one character of one document; evidence that names only a
document is found by any passage of it. Retrieving nothing where there is evidence scores 0. Where every piece of
evidence is one passage, the values are those of trec_eval (recall, P, ndcg_cut, map, map_cut, recip_rank, success).
Source of the formulas: C. D. Manning, P. Raghavan, H. Schütze, "Introduction to Information Retrieval" (2008), ch. 8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def first_found(passages: Sequence[Passage], evidence: Sequence[Evidence]) -> list[int]:
    """The ranks, from 1 on, of the passages that find evidence which none before them found."""
    missing, ranks = list(evidence), []
    for rank, passage in enumerate(passages, start=1):
        left = [piece for piece in missing if not finds(passage, piece)]
        if len(left) < len(missing):
            ranks.append(rank)
        missing = left
    return ranks


def _average_precision(passages: Sequence[Passage], evidence: Sequence[Evidence]) -> float:
    ranks = first_found(passages, evidence)
    return sum(found / rank for found, rank in enumerate(ranks, start=1)) / len(evidence)


def _reciprocal_rank(passages: Sequence[Passage], evidence: Sequence[Evidence]) -> float:
    ranks = first_found(passages, evidence)
    return 1 / ranks[0] if ranks else 0.0


def _hit(passages: Sequence[Passage], evidence: Sequence[Evidence]) -> float:
    return float(any(finds(p, e) for p in passages for e in evidence))


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
        pieces = case.example.evidence
        ideal = range(1, min(self.k, len(pieces)) + 1)
        return _discounted(first_found(case.passages[: self.k], pieces)) / _discounted(ideal)


def _discounted(ranks: Sequence[int]) -> float:
    return sum(1 / math.log2(rank + 1) for rank in ranks)


@part("metric", "map")
@dataclass(frozen=True)
class AveragePrecision(_AgainstEvidence):
    """Average precision: its mean over examples is the MAP.

    At each passage that finds evidence which none before it found, the share of such passages so far; the sum of these
    divided by the number of pieces of evidence.
    """

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        return _average_precision(case.passages, case.example.evidence)


@part("metric", "map@", argument="k")
@dataclass(frozen=True)
class AveragePrecisionAtK(_AtK):
    """Average precision, as `map`, of the first `k` passages."""

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        return _average_precision(case.passages[: self.k], case.example.evidence)


@part("metric", "mrr")
@dataclass(frozen=True)
class ReciprocalRank(_AgainstEvidence):
    """1 divided by the rank of the first passage that finds evidence; its mean over examples is the MRR."""

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        return _reciprocal_rank(case.passages, case.example.evidence)


@part("metric", "mrr@", argument="k")
@dataclass(frozen=True)
class ReciprocalRankAtK(_AtK):
    """As `mrr`, and 0 where none of the first `k` passages finds evidence."""

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        return _reciprocal_rank(case.passages[: self.k], case.example.evidence)


@part("metric", "hit_rate")
@dataclass(frozen=True)
class HitRate(_AgainstEvidence):
    """1 when any passage finds evidence; its mean over examples is the hit rate."""

    def score(self, case: Case) -> float:
        """0 or 1."""
        return _hit(case.passages, case.example.evidence)


@part("metric", "hit_rate@", argument="k")
@dataclass(frozen=True)
class HitRateAtK(_AtK):
    """1 when any of the first `k` passages finds evidence."""

    def score(self, case: Case) -> float:
        """0 or 1."""
        return _hit(case.passages[: self.k], case.example.evidence)
