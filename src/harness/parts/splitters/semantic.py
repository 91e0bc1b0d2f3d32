"""Splitting where the subject changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from harness.parts.splitters.recursive import cut_where_long
from harness.parts.splitters.sentence import sentences_of
from harness.plugins import Embed, part, setting
from harness.plugins.lengths import Length, Measured, Unit
from harness.records import Span

Floats = NDArray[np.float64]
_AMOUNTS = {"percentile": 95.0, "standard_deviation": 3.0, "interquartile": 1.5, "gradient": 95.0}


@part("splitter", "semantic")
@dataclass(frozen=True)
class Semantic(Measured):
    """Cuts between sentences whose vectors are far apart, by the variant's own embedder.

    The method is Greg Kamradt's ("5 Levels Of Text Splitting", FullStackRetrieval-com/RetrievalTutorials), the kinds
    of `breakpoint` are those of langchain's SemanticChunker: each sentence is embedded with `buffer` neighbours on
    either side; the text is cut where the cosine distance between one and the next exceeds a threshold that is taken
    from the document's own distances. These are `percentile` (`amount` in percent, 95), `standard_deviation` (`amount`
    of them above the mean, 3), `interquartile` (`amount` of that range above the mean, 1.5) and `gradient` (percentile
    `amount` of how fast the distance rises, 95).

    A chunk of less than `min_chunk_size` goes on over the next breakpoint; one of more than `chunk_size` is cut at
    its largest inner distances, and a sentence of more recursively.
    """

    version: ClassVar[int] = 1
    breakpoint: Literal["percentile", "standard_deviation", "interquartile", "gradient"] = "percentile"
    amount: float | None = None
    buffer: int = 1
    min_chunk_size: int = 0
    chunk_size: int = 1000
    length: Unit = "characters"
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
        self.check_length()
        if self.buffer < 0:
            raise ValueError(f"buffer must be at least 0, found {self.buffer}; 0 embeds each sentence alone")
        if self.chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, found {self.chunk_size}")
        if not 0 <= self.min_chunk_size < self.chunk_size:
            raise ValueError(
                f"min_chunk_size must be from 0 up to less than chunk_size ({self.chunk_size}), "
                f"found {self.min_chunk_size}"
            )
        most = 100 if self.breakpoint in ("percentile", "gradient") else float("inf")
        if self.amount is not None and not 0 <= self.amount <= most:
            expected = "between 0 and 100 (percent)" if most == 100 else "at least 0"
            raise ValueError(f"amount of {self.breakpoint} must be {expected}, found {self.amount:g}")

    async def split_by(self, text: str, embed: Embed) -> list[Span]:
        """Spans of at most `chunk_size` in units of `length`; nothing is embedded for a text of one sentence."""
        length = self.measure()
        units = [
            piece
            for sentence in sentences_of(text)
            for piece in cut_where_long(text, sentence, self.chunk_size, 0, length)
        ]
        if len(units) < 2:
            return units
        distances = _distances(await embed(self._windows(text, units)))
        sizes = np.array([0, *np.cumsum([length(text[start:end]) for start, end in units])])
        groups = self._groups(self._breaks(distances), sizes)
        return [span for group in groups for span in self._bounded(text, units, group, distances, sizes, length)]

    def _windows(self, text: str, units: list[Span]) -> list[str]:
        """Each sentence with its neighbours, as the text has them."""
        last = len(units) - 1
        firsts = (units[max(0, at - self.buffer)].start for at in range(len(units)))
        ends = (units[min(last, at + self.buffer)].end for at in range(len(units)))
        return [text[start:end] for start, end in zip(firsts, ends, strict=True)]

    def _breaks(self, distances: Floats) -> list[int]:
        """The numbers of the sentences that begin something new."""
        amount = _AMOUNTS[self.breakpoint] if self.amount is None else self.amount
        values = distances
        if self.breakpoint == "gradient" and len(distances) > 1:
            values = np.gradient(distances)
        if self.breakpoint in ("percentile", "gradient"):
            threshold = np.percentile(values, amount)
        elif self.breakpoint == "standard_deviation":
            threshold = values.mean() + amount * values.std()
        else:
            low, high = np.percentile(values, [25, 75])
            threshold = values.mean() + amount * (high - low)
        # Rounded as the distances are: where all are equal, none exceeds the rest by an error of summation.
        return [int(at) + 1 for at in np.flatnonzero(values > np.round(threshold, 6))]

    def _groups(self, breaks: list[int], sizes: Floats) -> Iterator[tuple[int, int]]:
        """(first sentence, the one behind the last) of each chunk, none but the last smaller than the least size."""
        first = 0
        for at in breaks:
            if sizes[at] - sizes[first] >= self.min_chunk_size:
                yield first, at
                first = at
        yield first, len(sizes) - 1

    def _bounded(
        self, text: str, units: list[Span], group: tuple[int, int], distances: Floats, sizes: Floats, length: Length
    ) -> Iterator[Span]:
        """The chunks of a group: itself, or what its largest inner distances leave."""
        waiting = [group]
        while waiting:
            first, end = waiting.pop()
            span = Span(units[first].start, units[end - 1].end)
            # Sentences hardly have more tokens alone than together: far above the size, the sum is measure enough.
            plainly_long = sizes[end] - sizes[first] > 2 * self.chunk_size
            if end - first == 1 or (not plainly_long and length(text[span.start : span.end]) <= self.chunk_size):
                yield span
                continue
            at = first + 1 + self._widest(distances[first : end - 1], sizes[first : end + 1])
            waiting += [(at, end), (first, at)]

    def _widest(self, distances: Floats, sizes: Floats) -> int:
        """The largest distance, the one nearest to the middle where several are; both sides hold the least size."""
        large_enough = (sizes[1:-1] - sizes[0] >= self.min_chunk_size) & (
            sizes[-1] - sizes[1:-1] >= self.min_chunk_size
        )
        inner = np.where(large_enough, distances, -1.0) if large_enough.any() else distances
        widest = np.flatnonzero(inner == inner.max())
        return int(widest[np.abs(widest - (len(inner) - 1) / 2).argmin()])


def _distances(vectors: NDArray[np.float32]) -> Floats:
    """Cosine distances between neighbouring rows, rounded to 6 digits; 1 where a vector is zero."""
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1)
    unit = wide / np.where(norms == 0, 1, norms)[:, None]
    distances: Floats = np.round(1 - np.sum(unit[:-1] * unit[1:], axis=1), 6)
    return distances
