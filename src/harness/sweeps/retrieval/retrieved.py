"""What one retrieval found, for every query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.config import Retrieval
from harness.records import Chunk, Failure, Hit, Lookup, Query
from harness.sweeps.retrieval.chunking import Chunking


@dataclass
class Retrieved:
    """Hits by query, best first, for the largest `top_k` that was asked for; or failures, of one query or of all.

    `lookups` are the texts that a query was searched with, `usd` what it costs to have a model write them (0 where none
    does, None where the price is unknown). `milliseconds` tells how long each step took that was done
    now: `query` (writing it), `embed`, `search`.
    """

    key: str
    settings: Retrieval
    top_k: int
    chunking: Chunking | None = None
    hits: dict[Query, list[Hit]] = field(default_factory=dict)
    lookups: dict[Query, list[Lookup]] = field(default_factory=dict)
    usd: dict[Query, float | None] = field(default_factory=dict)
    failures: dict[Query, Failure] = field(default_factory=dict)
    failure: Failure | None = None
    exact: bool = True
    milliseconds: dict[str, float] = field(default_factory=dict)

    @property
    def chunks(self) -> Sequence[Chunk]:
        """The chunks that hits number."""
        return self.chunking.chunks if self.chunking else ()

    def failure_of(self, query: Query) -> Failure | None:
        """Why there are no hits for a query; None where there are."""
        return self.failure or self.failures.get(query)

    def probe(self, query: Query) -> Lookup:
        """What similarity is measured to: the text that was searched with; the question where these were several."""
        found = self.lookups[query]
        return found[0] if len(found) == 1 else Lookup(query.question)

    def asked(self, query: Query) -> str:
        """The question that a reranker gets: as it was rewritten, but never an invented answer."""
        probe = self.probe(query)
        return probe.text if probe.purpose == "query" else query.question

    def took(self, step: str, seconds: float) -> None:
        """Add to the time of a step."""
        self.milliseconds[step] = self.milliseconds.get(step, 0.0) + 1000 * seconds
