"""How much of the evidence do the passages cover, in characters?

Source: B. Smith, A. Troynikov, "Evaluating Chunking Strategies for Retrieval" (Chroma technical report, 2024); there
over tokens, here over characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Case, Example, Verdict

Intervals = dict[str, list[tuple[int, int]]]


def union(spans: Iterable[tuple[str, int, int]]) -> Intervals:
    """The characters covered, as disjoint ordered intervals by document."""
    merged: Intervals = {}
    for document, start, end in sorted(span for span in spans if span[1] < span[2]):
        intervals = merged.setdefault(document, [])
        if intervals and start <= intervals[-1][1]:
            intervals[-1] = (intervals[-1][0], max(end, intervals[-1][1]))
        else:
            intervals.append((start, end))
    return merged


def size(covered: Intervals) -> int:
    """How many characters."""
    return sum(end - start for intervals in covered.values() for start, end in intervals)


def common(a: Intervals, b: Intervals) -> int:
    """How many characters both cover."""
    total = 0
    for document in a.keys() & b.keys():
        for start, end in a[document]:
            total += sum(max(0, min(end, e) - max(start, s)) for s, e in b[document])
    return total


@dataclass(frozen=True)
class _OverSpans(Share):
    """What the coverage metrics share: they apply where all evidence has a start and an end."""

    reads: ClassVar[tuple[str, ...]] = ("passages",)

    def applies(self, example: Example) -> bool:
        """Where there is evidence and every piece of it is a span."""
        return bool(example.evidence) and all(e.start is not None and e.end is not None for e in example.evidence)

    def _sizes(self, case: Case) -> tuple[int, int, int]:
        """Characters of evidence, of passages, of both."""
        wanted = union((e.document, e.start or 0, e.end or 0) for e in case.example.evidence)
        given = union((p.document, p.start, p.end) for p in case.passages)
        return size(wanted), size(given), common(wanted, given)


@part("metric", "span_recall")
@dataclass(frozen=True)
class SpanRecall(_OverSpans):
    """The share of the evidence's characters that the passages cover."""

    def score(self, case: Case) -> Verdict | None:
        """Between 0 and 1; the reason counts the characters. None where no evidence holds a character."""
        wanted, _, both = self._sizes(case)
        if not wanted:
            return None
        return Verdict(both / wanted, f"{both} of {wanted} characters of evidence")


@part("metric", "span_precision")
@dataclass(frozen=True)
class SpanPrecision(_OverSpans):
    """The share of the passages' characters that are evidence; 0 when nothing was retrieved."""

    def score(self, case: Case) -> float | None:
        """Between 0 and 1; None where no evidence holds a character."""
        wanted, given, both = self._sizes(case)
        if not wanted:
            return None
        return both / given if given else 0.0


@part("metric", "span_iou")
@dataclass(frozen=True)
class SpanIou(_OverSpans):
    """Characters in both evidence and passages, divided by characters in either."""

    def score(self, case: Case) -> float | None:
        """Between 0 and 1; None where no evidence holds a character."""
        wanted, given, both = self._sizes(case)
        return both / (wanted + given - both) if wanted else None
