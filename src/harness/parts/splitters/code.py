"""Recursive splitting along the structure of source code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.parts.splitters.sizes import Sized
from harness.parts.splitters.spans import spans_of
from harness.plugins import part
from harness.records import Span

Language = Literal[
    "c",
    "cobol",
    "cpp",
    "csharp",
    "elixir",
    "go",
    "haskell",
    "html",
    "java",
    "js",
    "kotlin",
    "latex",
    "lua",
    "markdown",
    "php",
    "powershell",
    "proto",
    "python",
    "r",
    "rst",
    "ruby",
    "rust",
    "scala",
    "sol",
    "swift",
    "ts",
    "visualbasic6",
]


@part("splitter", "code")
@dataclass(frozen=True)
class Code(Sized):
    """langchain's separators for `language`: at classes first, then functions, blocks, lines, words, anywhere.

    One language for all documents: a text does not tell its own.
    """

    version: ClassVar[int] = 1
    language: Language = "python"

    def split(self, text: str) -> list[Span]:
        """Spans of at most `chunk_size` in units of `length`."""
        from langchain_text_splitters import Language as Known
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        length = self.measure()
        splitter = RecursiveCharacterTextSplitter.from_language(
            Known(self.language),
            chunk_size=self.chunk_size,
            chunk_overlap=self.chunk_overlap,
            length_function=length,
        )
        return spans_of(text, splitter.split_text(text), self.chunk_size, self.chunk_overlap, length)
