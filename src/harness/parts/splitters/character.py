"""Splitting at one separator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.sizes import Sized
from harness.parts.splitters.spans import spans_of
from harness.plugins import part
from harness.records import Span


@part("splitter", "character")
@dataclass(frozen=True)
class Character(Sized):
    """Splits at `separator` (plain text, no pattern) and merges pieces up to `chunk_size`; a longer piece stays whole.

    A separator that is more than whitespace stays at the end of its piece. An empty one cuts anywhere.
    """

    version: ClassVar[int] = 1
    separator: str = "\n\n"

    def split(self, text: str) -> list[Span]:
        """Spans between separators, without the whitespace around them; [] for a text of only whitespace."""
        from langchain_text_splitters import CharacterTextSplitter

        length = self.measure()
        splitter = CharacterTextSplitter(
            separator=self.separator,
            # Otherwise every separator between two chunks would be a chunk of its own, such as "." or "---".
            keep_separator="end" if self.separator.strip() else False,
            chunk_size=self.chunk_size,
            chunk_overlap=self.chunk_overlap,
            length_function=length,
        )
        return spans_of(text, splitter.split_text(text), self.chunk_size, self.chunk_overlap, length)
