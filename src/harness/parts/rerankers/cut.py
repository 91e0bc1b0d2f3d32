"""What rerankers that score have in common: how many passages are kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """`top_n` passages, the best by the reranker's score, are kept; null keeps all of them."""

    top_n: int | None = None

    def __post_init__(self) -> None:
        if self.top_n is not None and self.top_n < 1:
            raise ValueError(f"top_n must be at least 1, found {self.top_n}; null keeps all passages")
