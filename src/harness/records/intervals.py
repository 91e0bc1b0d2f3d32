"""Sets of characters of documents, as intervals."""

from __future__ import annotations

from collections.abc import Iterable

Intervals = dict[str, list[tuple[int, int]]]
"""Half-open intervals by document: disjoint, ordered, none empty."""


def union(spans: Iterable[tuple[str, int, int]]) -> Intervals:
    """The characters that (document, start, end) cover."""
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


def without(a: Intervals, b: Intervals) -> Intervals:
    """What `a` covers and `b` does not."""
    left: Intervals = {}
    for document, intervals in a.items():
        rest: list[tuple[int, int]] = []
        for start, end in intervals:
            for s, e in b.get(document, ()):
                if e <= start or s >= end:
                    continue
                if s > start:
                    rest.append((start, s))
                start = e
            if start < end:
                rest.append((start, end))
        if rest:
            left[document] = rest
    return left
