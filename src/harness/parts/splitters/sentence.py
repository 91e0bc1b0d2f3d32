"""Splitting between sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.lengths import Unit, length_in
from harness.parts.splitters.sizes import check_sizes
from harness.plugins import part
from harness.records import Span

_END = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|(?<=[\u3002\uff01\uff1f])\s*|\n\s*\n|\n(?=\s*(?:[-*+|#]|\d+\.)\s?)"
)
"""A sentence ends at . ! ? before a capital or a digit, at CJK full stops, at a blank line, and before a list item,
a table row or a heading. Abbreviations such as "Dr. Smith" are cut: a chunk is then a little shorter than possible."""


@part("splitter", "sentence")
@dataclass(frozen=True)
class Sentence:
    """Packs whole sentences up to `chunk_size`; the overlap is in whole sentences; a longer sentence stays whole."""

    version: ClassVar[int] = 1
    chunk_size: int = 400
    chunk_overlap: int = 40
    length: Unit = "characters"

    def __post_init__(self) -> None:
        check_sizes(self.chunk_size, self.chunk_overlap)

    def split(self, text: str) -> list[Span]:
        """Spans that begin and end with a sentence."""
        length = length_in(self.length)
        sentences = sentences_of(text)
        spans: list[Span] = []
        first = 0
        while first < len(sentences):
            last = self._last(text, sentences, first, length)
            spans.append(Span(sentences[first].start, sentences[last].end))
            if last + 1 == len(sentences):
                break
            first = self._next(text, sentences, first, last, length)
        return spans

    def _last(self, text: str, sentences: list[Span], first: int, length: Callable[[str], int]) -> int:
        """The last sentence that fits into a chunk with the first one."""
        last = first
        while last + 1 < len(sentences):
            if length(text[sentences[first].start : sentences[last + 1].end]) > self.chunk_size:
                break
            last += 1
        return last

    def _next(self, text: str, sentences: list[Span], first: int, last: int, length: Callable[[str], int]) -> int:
        """Where the next chunk begins: as many of the last sentences again as the overlap holds."""
        begin = last + 1
        while begin - 1 > first:
            overlap = text[sentences[begin - 1].start : sentences[last].end]
            with_next = text[sentences[begin - 1].start : sentences[last + 1].end]
            if length(overlap) > self.chunk_overlap or length(with_next) > self.chunk_size:
                break
            begin -= 1
        return begin


def sentences_of(text: str) -> list[Span]:
    """The sentences of a text, without the whitespace around them."""
    spans: list[Span] = []
    start = 0
    for end, following in [*((m.start(), m.end()) for m in _END.finditer(text)), (len(text), len(text))]:
        stretch = text[start : max(end, following)]
        inner = stretch.strip()
        if inner:
            begin = start + stretch.index(inner)
            spans.append(Span(begin, begin + len(inner)))
        start = following
    return spans
