"""Recursive splitting: at paragraphs, then lines, then words, then anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.sizes import Sized
from harness.parts.splitters.spans import fits, spans_of, trimmed
from harness.plugins import part
from harness.plugins.lengths import Length
from harness.records import Span

SEPARATORS = ("\n\n", "\n", " ", "")


@part("splitter", "recursive")
@dataclass(frozen=True)
class Recursive(Sized):
    """Splits at the first of `separators` that occurs, what is still too long at the next, and merges the pieces.

    A chunk is longer than `chunk_size` only where `separators` do not end with "" (anywhere) and no other occurs.
    """

    version: ClassVar[int] = 1
    separators: tuple[str, ...] = SEPARATORS

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.separators:
            raise ValueError('separators must hold at least one; write [""] to cut anywhere')

    def split(self, text: str) -> list[Span]:
        """Spans in units of `length`, without the whitespace around them; [] for a text of only whitespace."""
        whole = Span(0, len(text))
        return cut(text, whole, self.chunk_size, self.chunk_overlap, self.measure(), self.separators)


def cut(
    text: str,
    span: Span,
    size: int,
    overlap: int,
    length: Length,
    separators: Sequence[str] = SEPARATORS,
) -> list[Span]:
    """`text[span]` cut recursively, as spans of `text`."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=list(separators), chunk_size=size, chunk_overlap=overlap, length_function=length
    )
    piece = text[span.start : span.end]
    found = spans_of(piece, splitter.split_text(piece), size, overlap, length)
    return [Span(start + span.start, end + span.start) for start, end in found] if span.start else found


def cut_where_long(text: str, span: Span, size: int, overlap: int, length: Length) -> list[Span]:
    """`text[span]` without the whitespace around it where it fits, else cut recursively."""
    whole = trimmed(text, *span)
    if not whole or fits(text, *whole[0], size, length):
        return whole
    return cut(text, whole[0], size, overlap, length)
