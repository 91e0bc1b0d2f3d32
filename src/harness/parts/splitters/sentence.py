"""Splitting between sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.sizes import Sized
from harness.parts.splitters.spans import trimmed
from harness.plugins import part
from harness.plugins.lengths import Length
from harness.records import Span

_END = re.compile(
    r"(?P<stop>(?<=[.!?\u2026\u0964\u061f])[\"')\]\u2019\u201d\u00bb]*)\s+"  # . ! ? and what closes behind them
    r"|(?<=[\u3002\uff01\uff1f])[\u300d\u300f\u201d\u2019\uff09]*\s*"  # the same in Chinese and Japanese
    r"|\n\s*\n"  # a blank line
    r"|\n(?=\s*(?:[-*+|#]|\d+[.)])\s?)"  # a line that begins a list item, a table row or a heading
)
_OPENING = re.compile(r"[\"'(\[\u2018\u201c\u00ab]*")
_NUMBER = re.compile(r"\s*(?:\d+|\w)\.")


@part("splitter", "sentence")
@dataclass(frozen=True)
class Sentence(Sized):
    """Packs whole sentences up to `chunk_size`; the overlap is in whole sentences; a longer sentence stays whole.

    A sentence ends at . ! ? before whitespace and anything but a small letter, at the full stops of Chinese and
    Japanese, at a blank line, and before a list item, a table row or a heading. The number of a list item ends none.
    Abbreviations such as "Dr. Smith" do: a chunk is then a little shorter than possible.
    """

    version: ClassVar[int] = 1

    def split(self, text: str) -> list[Span]:
        """Spans that begin and end with a sentence; [] for a text of only whitespace."""
        length = self.measure()
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

    def _last(self, text: str, sentences: list[Span], first: int, length: Length) -> int:
        """The last sentence that fits into a chunk with the first one."""
        last = first
        while last + 1 < len(sentences):
            if length(text[sentences[first].start : sentences[last + 1].end]) > self.chunk_size:
                break
            last += 1
        return last

    def _next(self, text: str, sentences: list[Span], first: int, last: int, length: Length) -> int:
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
    """The sentences of a text, in order, without the whitespace around them."""
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        if _ends_sentence(text, start, match):
            spans += trimmed(text, start, match.end())
            start = match.end()
    return spans + trimmed(text, start, len(text))


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the sentence that begins at `start` ends at `match`."""
    if match["stop"] is None:
        return True
    opening = _OPENING.match(text, match.end())
    after = opening.end() if opening else match.end()
    return not text[after : after + 1].islower() and not _NUMBER.fullmatch(text, start, match.start())
