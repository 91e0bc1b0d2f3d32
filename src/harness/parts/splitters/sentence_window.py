"""Single sentences to find, with their neighbours to give."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.sentence import sentences_of
from harness.plugins import part
from harness.records import Span


@part("splitter", "sentence_window")
@dataclass(frozen=True)
class SentenceWindow:
    """Chunks of `sentences` sentences are found; the model gets also `window` sentences before and behind them.

    Sentences end where those of the splitter `sentence` do; they have no greatest length.
    """

    version: ClassVar[int] = 1
    sentences: int = 1
    window: int = 3

    def __post_init__(self) -> None:
        if self.sentences < 1:
            raise ValueError(f"sentences must be at least 1, found {self.sentences}")
        if self.window < 0:
            raise ValueError(f"window must be at least 0, found {self.window}; 0 gives only what was found")

    def split(self, text: str) -> list[Span]:
        """Spans of whole sentences that do not overlap; the last may hold fewer."""
        found = sentences_of(text)
        groups = (found[at : at + self.sentences] for at in range(0, len(found), self.sentences))
        return [Span(group[0].start, group[-1].end) for group in groups]

    def given(self, text: str, spans: Sequence[Span]) -> list[Span]:
        """The spans with their neighbours, as far as the text has them."""
        found = sentences_of(text)
        starts, ends = [s.start for s in found], [s.end for s in found]
        larger = []
        for span in spans:
            first = max(0, bisect_left(starts, span.start) - self.window)
            last = min(len(found) - 1, bisect_left(ends, span.end) + self.window)
            larger.append(Span(starts[first], ends[last]))
        return larger
