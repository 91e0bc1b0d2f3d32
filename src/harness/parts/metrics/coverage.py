"""How much of the evidence do the passages cover, and how much else, in characters?

Source: B. Smith, A. Troynikov, "Evaluating Chunking Strategies for Retrieval" (Chroma technical report, 2024); there
over tokens, in its code `chunking_evaluation` over characters, as here. Two things differ from that code: evidence
that two pieces of an example share is counted once, and a chunk that only touches the evidence does not hold any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.parts.metrics.ranks import finds
from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Case, Evidence, Example, Passage, Verdict
from harness.records.intervals import Intervals, common, size, union, without


@dataclass(frozen=True)
class _OverSpans(Share):
    """What the coverage metrics share: they apply where all evidence has a start and an end."""

    reads: ClassVar[tuple[str, ...]] = ("passages",)

    def applies(self, example: Example) -> bool:
        """Where there is evidence and every piece of it is a span."""
        return _all_spans(example)


def _all_spans(example: Example) -> bool:
    return bool(example.evidence) and all(e.start is not None and e.end is not None for e in example.evidence)


def _spans(evidence: tuple[Evidence, ...]) -> Intervals:
    return union((e.document, e.start or 0, e.end or 0) for e in evidence)


def _covered(passages: tuple[Passage, ...]) -> Intervals:
    return union((p.document, p.start, p.end) for p in passages)


def _lengths(passages: tuple[Passage, ...]) -> int:
    """The lengths of all passages: what two of them hold counts twice."""
    return sum(p.end - p.start for p in passages)


@part("metric", "span_recall")
@dataclass(frozen=True)
class SpanRecall(_OverSpans):
    """The share of the evidence's characters that the passages cover."""

    def score(self, case: Case) -> Verdict | None:
        """Between 0 and 1; the reason counts the characters. None where no evidence holds a character."""
        evidence = _spans(case.example.evidence)
        wanted, both = size(evidence), common(evidence, _covered(case.passages))
        if not wanted:
            return None
        return Verdict(both / wanted, f"{both} of {wanted} characters of evidence")


@part("metric", "span_precision")
@dataclass(frozen=True)
class SpanPrecision(_OverSpans):
    """The share of the passages' characters that are evidence; 0 when nothing was retrieved.

    What overlapping passages repeat is in the model's way each time: it counts as often as it comes, and as evidence
    once. `repeated: false` counts every character once.
    """

    version: ClassVar[int] = 2
    repeated: bool = True

    def score(self, case: Case) -> float | None:
        """Between 0 and 1; None where no evidence holds a character."""
        evidence, covered = _spans(case.example.evidence), _covered(case.passages)
        if not evidence:
            return None
        given = _lengths(case.passages) if self.repeated else size(covered)
        return common(evidence, covered) / given if given else 0.0


@part("metric", "span_iou")
@dataclass(frozen=True)
class SpanIou(_OverSpans):
    """Characters in both evidence and passages, divided by characters in either.

    What overlapping passages repeat counts below the line as often as it comes; with `repeated: false` once.
    """

    version: ClassVar[int] = 2
    repeated: bool = True

    def score(self, case: Case) -> float | None:
        """Between 0 and 1; None where no evidence holds a character."""
        evidence, covered = _spans(case.example.evidence), _covered(case.passages)
        if not evidence:
            return None
        given = _lengths(case.passages) if self.repeated else size(covered)
        return common(evidence, covered) / (given + size(without(evidence, covered)))


@part("metric", "retrieval_noise")
@dataclass(frozen=True)
class RetrievalNoise(Share):
    """The share of the retrieved passages that hold no evidence. Less is better.

    Of what was retrieved, unlike `precision@K`, which divides by K however few there are. `by: characters` is the share
    of the passages' characters that are no evidence: 1 less `span_precision`, on the same examples. Does not apply
    where nothing was retrieved.
    """

    direction: ClassVar[str] = "minimize"
    reads: ClassVar[tuple[str, ...]] = ("passages",)
    by: Literal["passages", "characters"] = "passages"

    def applies(self, example: Example) -> bool:
        """Where there is evidence; by characters, where every piece of it is a span."""
        return _all_spans(example) if self.by == "characters" else bool(example.evidence)

    def score(self, case: Case) -> Verdict | None:
        """Between 0 and 1; the reason counts. None without passages, or without a character of evidence."""
        if self.by == "characters":
            given, evidence = _lengths(case.passages), _spans(case.example.evidence)
            other = given - common(evidence, _covered(case.passages))
            return Verdict(other / given, f"{other} of {given} characters") if given and evidence else None
        if not case.passages:
            return None
        noise = sum(not any(finds(p, e) for e in case.example.evidence) for p in case.passages)
        return Verdict(noise / len(case.passages), f"{noise} of {len(case.passages)} passages")


@part("metric", "precision_omega")
@dataclass(frozen=True)
class PrecisionOmega(_OverSpans):
    """The best precision that a chunking allows: of retrieving all chunks that hold evidence, and no other.

    Every character counts once; evidence that no chunk holds counts below the line.
    """

    reads: ClassVar[tuple[str, ...]] = ("evidence_chunks",)

    def score(self, case: Case) -> float | None:
        """Between 0 and 1, 0 where no chunk holds evidence; None without chunks, or characters of evidence."""
        evidence = _spans(case.example.evidence)
        if case.evidence_chunks is None or not evidence:
            return None
        chunks = _spans(case.evidence_chunks)
        return common(evidence, chunks) / (size(chunks) + size(without(evidence, chunks)))
