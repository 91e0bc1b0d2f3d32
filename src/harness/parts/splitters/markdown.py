"""Recursive splitting along Markdown's structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.sizes import Sized
from harness.parts.splitters.spans import spans_of
from harness.plugins import part
from harness.records import Span


@part("splitter", "markdown")
@dataclass(frozen=True)
class Markdown(Sized):
    """langchain's MarkdownTextSplitter: at headings first, then code blocks, rules, paragraphs, lines, words, anywhere.

    Its patterns are used as the patterns they are (`is_separator_regex=True`); by its own default langchain 1.1 takes
    them literally and so never splits at a heading.
    """

    version: ClassVar[int] = 1

    def split(self, text: str) -> list[Span]:
        """Spans of at most `chunk_size` in units of `length`."""
        from langchain_text_splitters import MarkdownTextSplitter

        length = self.measure()
        splitter = MarkdownTextSplitter(
            chunk_size=self.chunk_size,
            chunk_overlap=self.chunk_overlap,
            length_function=length,
            is_separator_regex=True,
        )
        return spans_of(text, splitter.split_text(text), self.chunk_size, self.chunk_overlap, length)
