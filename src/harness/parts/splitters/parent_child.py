"""Small chunks to find, large ones to give."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.parts.splitters.recursive import cut, cut_where_long
from harness.parts.splitters.sizes import Sized
from harness.parts.splitters.spans import trimmed
from harness.plugins import part
from harness.records import Span


@part("splitter", "parent_child")
@dataclass(frozen=True)
class ParentChild(Sized):
    """Children of `chunk_size` are found; the model gets the parent of `parent_size` that a child lies in.

    The document is cut recursively into parents, which do not overlap, and each of these into children, which do by
    `chunk_overlap`. Two children of one parent give the same passage.
    """

    version: ClassVar[int] = 1
    parent_size: int = 2000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parent_size <= self.chunk_size:
            raise ValueError(
                f"parent_size ({self.parent_size}) must be larger than chunk_size ({self.chunk_size}); "
                'leave such variants out with exclude: ["chunk_size >= parent_size"]'
            )

    def split(self, text: str) -> list[Span]:
        """Spans of children, each in exactly one parent."""
        length = self.measure()
        return [
            child
            for parent in self._parents(text)
            for child in cut_where_long(text, parent, self.chunk_size, self.chunk_overlap, length)
        ]

    def given(self, text: str, spans: Sequence[Span]) -> list[Span]:
        """The parents of children. Raises ValueError for a span that lies in none."""
        parents = self._parents(text)
        starts = [parent.start for parent in parents]
        found = []
        for span in spans:
            at = bisect_right(starts, span.start) - 1
            if at < 0 or span.end > parents[at].end:
                raise ValueError(f"{span} is no chunk that parent_child made of this text")
            found.append(parents[at])
        return found

    def _parents(self, text: str) -> list[Span]:
        parents: list[Span] = []
        covered = 0
        for span in cut(text, Span(0, len(text)), self.parent_size, 0, self.measure()):
            # Text that repeats itself may be found a little too early; a child must know its parent.
            parents += trimmed(text, max(covered, span.start), span.end)
            covered = max(covered, span.end)
        return parents
