"""Where chunks lie in their document. A splitter gives texts; its own start index is not always right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from harness.records import Span

Length = Callable[[str], int]


def spans_of(text: str, chunks: Sequence[str], overlap: int, length: Length = len) -> list[Span]:
    """The spans of `chunks`, cut from `text` in order with at most `overlap` (in units of `length`) in common.

    A chunk whose whitespace the splitter rewrote is found by its words. Together the spans cover every character of
    `text` that is not whitespace: what no chunk accounts for becomes a span of its own.
    """
    found = list(_found(text, chunks, overlap, length))
    return _with_gaps(text, found)


def _found(text: str, chunks: Sequence[str], overlap: int, length: Length) -> list[Span]:
    spans: list[Span] = []
    start, end = -1, 0
    for chunk in chunks:
        if not chunk.strip():
            continue
        low = _earliest(text, start, end, overlap, length) if overlap and end else end
        at = text.find(chunk, max(low, start + 1))
        at = at if at >= 0 else text.find(chunk, start + 1)
        if at >= 0:
            start, end = at, at + len(chunk)
        else:
            match = re.compile(r"\s+".join(map(re.escape, chunk.split()))).search(text, start + 1)
            if match is None:
                continue
            start, end = match.span()
        spans.append(Span(start, end))
    return spans


def _earliest(text: str, start: int, end: int, overlap: int, length: Length) -> int:
    """Where the next chunk can start at the earliest: `overlap` before the end of the last one."""
    if length is len:
        return end - overlap
    low, high = start + 1, end
    while low < high:
        middle = (low + high) // 2
        if length(text[middle:end]) <= overlap:
            high = middle
        else:
            low = middle + 1
    return low


def _with_gaps(text: str, found: list[Span]) -> list[Span]:
    """The spans, and one for each stretch between them that holds more than whitespace."""
    spans: list[Span] = []
    covered = 0
    for span in sorted(found):
        spans += _gap(text, covered, span.start)
        spans.append(span)
        covered = max(covered, span.end)
    spans += _gap(text, covered, len(text))
    return sorted(dict.fromkeys(spans))


def _gap(text: str, start: int, end: int) -> list[Span]:
    stretch = text[start:end]
    inner = stretch.strip()
    if start >= end or not inner:
        return []
    begin = start + stretch.index(inner)
    return [Span(begin, begin + len(inner))]
