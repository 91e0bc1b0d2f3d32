"""Splitting at headings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from harness.parts.splitters.outline import headings_of
from harness.parts.splitters.recursive import cut
from harness.parts.splitters.sizes import Sized
from harness.parts.splitters.spans import fits, trimmed
from harness.plugins import part
from harness.plugins.lengths import Length
from harness.records import Span


@part("splitter", "headings")
@dataclass(frozen=True)
class Headings(Sized):
    """A chunk for each section under a heading of level 1 to `levels`; longer sections are cut recursively.

    Headings are Markdown's (# and underlined) and HTML's (<h1> to <h6>), not those in code and comments. A section
    begins with its heading; a heading with nothing before the next one goes with that. The first piece of a section
    that was cut holds more than the heading, unless that alone takes half of `chunk_size`. `merge` packs neighbouring
    sections up to `chunk_size`.
    """

    version: ClassVar[int] = 1
    levels: int = 3
    format: Literal["auto", "markdown", "html"] = "auto"
    merge: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.levels <= 6:
            raise ValueError(f"levels must be between 1 and 6, found {self.levels}")

    def split(self, text: str) -> list[Span]:
        """Spans of at most `chunk_size` in units of `length`; only the pieces of one section overlap."""
        length = self.measure()
        spans: list[Span] = []
        packed: Span | None = None
        for section in self._sections(text):
            whole = Span(section.start, section.end)
            if packed and self.merge and fits(text, packed.start, whole.end, self.chunk_size, length):
                packed = spans[-1] = Span(packed.start, whole.end)
                continue
            packed = whole if fits(text, *whole, self.chunk_size, length) else None
            spans += [packed] if packed else self._pieces(text, section, length)
        return spans

    def _sections(self, text: str) -> Iterator[_Section]:
        """The sections of a text, without the whitespace around them."""
        start, behind = 0, 0
        for heading in headings_of(text, self.format):
            if heading.level > self.levels:
                continue
            if text[behind : heading.start].strip():
                yield from _section(text, start, behind, heading.start)
                start = heading.start
            behind = heading.end
        yield from _section(text, start, behind, len(text))

    def _pieces(self, text: str, section: _Section, length: Length) -> list[Span]:
        """The pieces of a section that is too long. Where its heading would be alone, all leave room for it."""
        spans = cut(text, Span(section.start, section.end), self.chunk_size, self.chunk_overlap, length)
        if spans[0].end > section.body or section.body >= section.end:
            return spans
        room = self.chunk_size - length(text[section.start : section.body])
        if room < self.chunk_size / 2:
            return spans
        body = Span(section.body, section.end)
        first, *others = cut(text, body, room, min(self.chunk_overlap, room - 1), length)
        return [Span(section.start, first.end), *others]


class _Section(NamedTuple):
    start: int
    body: int
    """Where what follows the heading begins."""
    end: int


def _section(text: str, start: int, behind: int, end: int) -> Iterator[_Section]:
    for span in trimmed(text, start, end):
        body = trimmed(text, behind, span.end)
        yield _Section(span.start, body[0].start if body else span.end, span.end)
