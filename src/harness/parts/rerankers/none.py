"""No reranking: passages stay in the retriever's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.plugins import RerankerConnection, part


@part("reranker", "none")
@dataclass(frozen=True)
class NoReranker:
    """Leaves the order as it is."""

    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 1
    top_n: ClassVar[int | None] = None

    @property
    def price_name(self) -> str | None:
        """Free."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """Needs nothing."""
        return ()

    def connect(self) -> RerankerConnection:
        """Never asked. Raises TypeError."""
        raise TypeError("the reranker `none` scores nothing")
