"""What is known of a cell's retrieval besides its passages: evidence that was missed, chunks that hold evidence, and
what the index gave up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from harness.config import SweepConfig, Variant
from harness.records import Chunk, Context, Evidence, Example, intervals
from harness.sweeps.cache import Cache
from harness.sweeps.retrieval.contexts import Contexts
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.retrieval.neighbours import Comparison, compared
from harness.sweeps.retrieval.retrieved import Retrieved


class Findings:
    """Findings by variant, example and context, each made once for all cells that share it."""

    def __init__(self, config: SweepConfig, contexts: Contexts) -> None:
        self._contexts = contexts
        self._reads = {name for metric in config.metrics for name in metric.part.reads}
        self._missed: dict[tuple[str, int], tuple[Evidence, ...]] = {}
        self._holding: dict[tuple[str, str], tuple[Evidence, ...]] = {}
        self._by_document: dict[str, dict[str, list[Chunk]]] = {}
        self._comparisons: dict[str, Comparison] = {}

    async def compare(self, retrievals: Retrievals, cache: Cache) -> None:
        """Hold approximate indexes against exact search, where a metric asks for that."""
        if "index_recall" in self._reads:
            for key, found in self._contexts.retrieved.items():
                self._comparisons[key] = await compared(found, retrievals, cache)

    def missed(self, example: Example, context: Context) -> tuple[Evidence, ...]:
        """The evidence that no passage covers. The context must stay alive: it is told from others by its identity."""
        if not example.evidence:
            return ()
        key = (example.id, id(context))
        if key not in self._missed:
            self._missed[key] = _missed(example, context)
        return self._missed[key]

    def of(self, variant: Variant, example: Example) -> Mapping[str, Any]:
        """The fields of a Case that some metric reads, and that hang on the retrieval alone."""
        found = self._contexts.of(variant)
        if found is None or not self._reads & {"evidence_chunks", "index_recall"}:
            return {}
        fields: dict[str, Any] = {}
        if "evidence_chunks" in self._reads:
            fields["evidence_chunks"] = self._evidence_chunks(found, example)
        if "index_recall" in self._reads:
            fields["index_recall"] = self._index_recall(found, variant, example)
        return fields

    def _index_recall(self, found: Retrieved, variant: Variant, example: Example) -> float | None:
        query = self._contexts.query(variant, example)
        settings = variant.chatbot.retrieval
        if settings is None or not settings.retriever.uses_vectors or query not in found.hits:
            return None
        return self._comparisons[found.key].recall(found.lookups[query], settings.top_k)

    def _evidence_chunks(self, found: Retrieved, example: Example) -> tuple[Evidence, ...] | None:
        if found.chunking is None:
            return None
        key = (found.chunking.key, example.id)
        if key not in self._holding:
            if found.chunking.key not in self._by_document:
                by_document: dict[str, list[Chunk]] = defaultdict(list)
                for chunk in found.chunks:
                    by_document[chunk.document].append(chunk)
                self._by_document[found.chunking.key] = by_document
            self._holding[key] = tuple(_holding(self._by_document[found.chunking.key], example.evidence))
        return self._holding[key]


def _missed(example: Example, context: Context) -> tuple[Evidence, ...]:
    spans = [e for e in example.evidence if e.start is not None and e.end is not None]
    wanted = intervals.union((e.document, e.start or 0, e.end or 0) for e in spans)
    given = intervals.union((p.document, p.start, p.end) for p in context.passages)
    left = intervals.without(wanted, given)
    whole = [e for e in example.evidence if e.start is None and e.document not in given]
    return (*(Evidence(name, *span) for name, found in sorted(left.items()) for span in found), *whole)


def _holding(chunks: Mapping[str, list[Chunk]], evidence: Iterable[Evidence]) -> list[Evidence]:
    """The spans, as they would be given, of the chunks that share a character with a span of the evidence."""
    found: dict[Evidence, None] = {}
    for piece in evidence:
        if piece.start is None or piece.end is None:
            continue
        for chunk in chunks.get(piece.document, ()):
            if max(chunk.start, piece.start) < min(chunk.end, piece.end):
                start, end = chunk.given or (chunk.start, chunk.end)
                found[Evidence(chunk.document, start, end)] = None
    return list(found)
