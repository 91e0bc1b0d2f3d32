"""Splitting at one separator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.lengths import Unit, length_in
from harness.parts.splitters.sizes import check_sizes
from harness.parts.splitters.spans import spans_of
from harness.plugins import part
from harness.records import Span


@part("splitter", "character")
@dataclass(frozen=True)
class Character:
    """Splits at `separator` and merges pieces up to `chunk_size`; a longer piece stays whole."""

    version: ClassVar[int] = 1
    chunk_size: int = 400
    chunk_overlap: int = 40
    length: Unit = "characters"
    separator: str = "\n\n"

    def __post_init__(self) -> None:
        check_sizes(self.chunk_size, self.chunk_overlap)

    def split(self, text: str) -> list[Span]:
        """Spans that begin and end at the separator."""
        from langchain_text_splitters import CharacterTextSplitter

        length = length_in(self.length)
        splitter = CharacterTextSplitter(
            separator=self.separator,
            chunk_size=self.chunk_size,
            chunk_overlap=self.chunk_overlap,
            length_function=length,
        )
        return spans_of(text, splitter.split_text(text), self.chunk_overlap, length)
