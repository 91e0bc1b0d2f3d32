"""The question as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.plugins import Ask, part
from harness.records import Lookup, Query


@part("query", "question")
@dataclass(frozen=True)
class Question:
    """The user's last message."""

    version: ClassVar[int] = 1
    reads_history: ClassVar[bool] = False

    async def lookups(self, query: Query, ask: Ask) -> list[Lookup]:
        """The question; no model is asked."""
        return [Lookup(query.question)]
