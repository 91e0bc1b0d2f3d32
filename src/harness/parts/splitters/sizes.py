"""What chunk sizes are possible."""

from __future__ import annotations

import logging

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
