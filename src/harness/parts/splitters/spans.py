"""Where chunks lie in their document. A splitter gives texts; its own start index is not always right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.plugins.lengths import Length
from harness.records import Span

_NOT_SPACE = re.compile(r"\S")
_LONGEST_TOKEN = 128
"""Characters of the longest token of the known tokenizers: what bounds a search for the end of a long gap."""


def spans_of(text: str, chunks: Sequence[str], size: int, overlap: int, length: Length = len) -> list[Span]:
    """The spans of `chunks`, cut from `text` in order with at most `overlap` (in units of `length`) in common.

    A chunk whose whitespace the splitter rewrote is found by its words. Together the spans cover every character of
    `text` that is not whitespace: what no chunk accounts for becomes spans of its own, of at most `size`. They come in
    the order of their starts; none is empty or holds only whitespace.
    """
    spans: list[Span] = []
    covered = 0
    for span in sorted(_found(text, chunks, overlap, length)):
        spans += _pieces(text, covered, span.start, size, length)
        spans.append(span)
        covered = max(covered, span.end)
    spans += _pieces(text, covered, len(text), size, length)
    return sorted(dict.fromkeys(spans))


def _found(text: str, chunks: Sequence[str], overlap: int, length: Length) -> Iterator[Span]:
    last = Span(0, 0)
    for chunk in chunks:
        if not chunk.strip():
            continue
        span = _exact(text, chunk, last, overlap, length) or _by_words(text, chunk, last)
        if span is not None:
            yield span
            last = span


def _exact(text: str, chunk: str, last: Span, overlap: int, length: Length) -> Span | None:
    """The first place of `chunk` that does not end before the `last` chunk does, and overlaps it as far as it may."""
    # It may start where the last one does ("a", then "a b"): to ask for a later start would lose it, or take a
    # repetition of it far behind and lose all that lies between.
    start = text.find(chunk, max(last.start, last.end - len(chunk)))
    if start < 0:
        return None
    gap = _NOT_SPACE.search(text, last.end)
    near = (gap.start() if gap else len(text)) + len(chunk)  # only whitespace lies between neighbours
    second = text.find(chunk, start + 1, near)
    if second >= 0:
        # Where no place is far enough behind, the tokens of pieces did not add up to those of the whole.
        low = _earliest(text, last, overlap, length) if overlap and last.end else last.end
        behind = start if start >= low else text.find(chunk, max(low, second), near)
        start = behind if behind >= 0 else start
    if start == last.start and start + len(chunk) == last.end:
        # The same again: a repetition next to it, or, where more than whitespace lies between, the last chunk itself.
        repeated = text.find(chunk, start + 1, near)
        start = repeated if repeated >= 0 else start
    return Span(start, start + len(chunk))


def _by_words(text: str, chunk: str, last: Span) -> Span | None:
    match = re.compile(r"\s+".join(map(re.escape, chunk.split()))).search(text, last.start)
    return Span(*match.span()) if match else None


def _earliest(text: str, last: Span, overlap: int, length: Length) -> int:
    """Where the next chunk can start at the earliest: `overlap` before the end of the last one."""
    if length is len:
        return last.end - overlap
    low, high = last.start, last.end
    while low < high:
        middle = (low + high) // 2
        if length(text[middle : last.end]) <= overlap:
            high = middle
        else:
            low = middle + 1
    return low


def trimmed(text: str, start: int, end: int) -> list[Span]:
    """`text[start:end]` without the whitespace around it, as one span; [] where there is nothing else."""
    stretch = text[start:end]
    inner = stretch.strip()
    if not inner:
        return []
    begin = start + stretch.index(inner)
    return [Span(begin, begin + len(inner))]


def fits(text: str, start: int, end: int, size: int, length: Length) -> bool:
    """Whether `text[start:end]` is at most `size` long; what is hopelessly long is not measured."""
    if length is len:
        return end - start <= size
    return end - start <= size * _LONGEST_TOKEN and length(text[start:end]) <= size


def _pieces(text: str, start: int, end: int, size: int, length: Length) -> Iterator[Span]:
    """What `text[start:end]` holds besides whitespace, cut between words, or within one longer than `size`."""
    while first := _NOT_SPACE.search(text, start, end):
        start = first.start()
        stop = _longest(text, start, end, size, length)
        inside_word = stop < end and not text[stop].isspace() and not text[stop - 1].isspace()
        if inside_word and (words := text[start:stop].rsplit(maxsplit=1))[1:]:
            stop = start + len(words[0])
        yield Span(start, start + len(text[start:stop].rstrip()))
        start = stop


def _longest(text: str, start: int, end: int, size: int, length: Length) -> int:
    """The last end that keeps the length within `size`; at least one character further than `start`."""
    if length is len:
        return min(end, start + size)
    low, high = start + 1, min(end, start + size * _LONGEST_TOKEN)
    while low < high:
        middle = (low + high + 1) // 2
        if length(text[start:middle]) <= size:
            low = middle
        else:
            high = middle - 1
    return low
