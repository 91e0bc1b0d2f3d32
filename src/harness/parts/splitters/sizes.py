"""Chunk sizes, and the units that they are in."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from harness.plugins import setting
from harness.plugins.lengths import Measured, Unit

# It warns of every chunk that is longer than chunk_size. The splitters document when that may be, and a line on stderr
# for each such chunk would drown the progress of a sweep.
logging.getLogger("langchain_text_splitters.base").setLevel(logging.ERROR)


def check_sizes(chunk_size: int, chunk_overlap: int) -> None:
    """Raise ValueError for a size below 1, or an overlap that is negative or not smaller than the size."""
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, found {chunk_size}")
    if chunk_overlap < 0:
        raise ValueError(f"chunk_overlap must be at least 0, found {chunk_overlap}; write 0 for no overlap")
    if chunk_overlap >= chunk_size:
        raise ValueError(
            f"chunk_overlap ({chunk_overlap}) must be smaller than chunk_size ({chunk_size}); "
            'leave such variants out with exclude: ["chunk_overlap >= chunk_size"]'
        )


@dataclass(frozen=True)
class Sized(Measured):
    """The settings of a splitter that cuts to a size: `chunk_size` and `chunk_overlap` in units of `length`."""

    chunk_size: int = 400
    chunk_overlap: int = 40
    length: Unit = "characters"
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
        self.check_length()
        check_sizes(self.chunk_size, self.chunk_overlap)
