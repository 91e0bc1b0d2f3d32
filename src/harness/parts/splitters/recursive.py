"""Recursive splitting: at paragraphs, then lines, then words, then anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.sizes import check_sizes
from harness.parts.splitters.spans import spans_of
from harness.plugins import part
from harness.plugins.lengths import Unit, length_in
from harness.records import Span


@part("splitter", "recursive")
@dataclass(frozen=True)
class Recursive:
    """Splits at the first of `separators` that occurs, what is still too long at the next, and merges the pieces.

    A chunk is longer than `chunk_size` only where `separators` do not end with "" (anywhere) and no other occurs.
    """

    version: ClassVar[int] = 1
    chunk_size: int = 400
    chunk_overlap: int = 40
    length: Unit = "characters"
    separators: tuple[str, ...] = ("\n\n", "\n", " ", "")

    def __post_init__(self) -> None:
        check_sizes(self.chunk_size, self.chunk_overlap)
        if not self.separators:
            raise ValueError('separators must hold at least one; write [""] to cut anywhere')

    def split(self, text: str) -> list[Span]:
        """Spans in units of `length`, without the whitespace around them; [] for a text of only whitespace."""
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        length = length_in(self.length)
        splitter = RecursiveCharacterTextSplitter(
            separators=list(self.separators),
            chunk_size=self.chunk_size,
            chunk_overlap=self.chunk_overlap,
            length_function=length,
        )
        return spans_of(text, splitter.split_text(text), self.chunk_size, self.chunk_overlap, length)
