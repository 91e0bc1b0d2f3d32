"""Does the index find what it should?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Case, Example


@part("metric", "index_recall")
@dataclass(frozen=True)
class IndexRecall(Share):
    """The share of the question's exact nearest neighbours, as many as `top_k`, that the index found.

    1 for an index that is exact. Does not apply where nobody measured: without vectors, or without retrieval.
    """

    reads: ClassVar[tuple[str, ...]] = ("index_recall",)

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    def score(self, case: Case) -> float | None:
        """Between 0 and 1."""
        return case.index_recall
