"""Stage 6: hits -> what the model gets: cut by `top_k` and the threshold, reranked, made into a context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.config import Retrieval
from harness.records import Chunk, Context, Failure, Hit, Passage, Query
from harness.sweeps.retrieval.reranking import Relevance
from harness.sweeps.retrieval.retrieved import Retrieved

NO_CONTEXT = Context()


@dataclass
class Cutter:
    """Cuts what one retrieval found as one variant wants it.

    `hits` have the similarities that are needed, `unmeasured` tells why they have not; `texts` are the documents'
    texts, by id; `relevance` the reranker's scores, None without one. Cutters that make equal contexts of equal hits
    have one dict `shared` of them.
    """

    found: Retrieved
    settings: Retrieval
    hits: Mapping[Query, list[Hit]]
    texts: Mapping[str, str]
    shared: dict[Any, Context]
    relevance: Relevance | None = None
    unmeasured: Failure | None = None

    def context(self, query: Query) -> Context | Failure:
        """The context of one query, or why there is none."""
        failure = self.found.failure_of(query) or self.unmeasured
        if failure is None and self.relevance is not None:
            failure = self.relevance.failures.get(self.found.asked(query))
        if failure is not None:
            return failure
        hits = self.kept(query)
        if self.relevance is not None:
            hits = self._reranked(query, hits)
        key = (query, tuple([hit.number for hit in hits]))
        context = self.shared.get(key)
        if context is None:
            chunks = self.found.chunks
            passages = [_passage(chunks[hit.number], self.texts, hit) for hit in hits]
            context = self.shared[key] = self.settings.context.build(passages)
        return context

    def candidates(self, queries: Iterable[Query]) -> dict[str, list[str]]:
        """What a reranker is to score: the texts of the hits by the question that it gets."""
        wanted: dict[str, list[str]] = {}
        for query in queries:
            if self.unmeasured or query not in self.found.hits:
                continue
            texts = [self.found.chunks[hit.number].text for hit in self.kept(query)]
            wanted.setdefault(self.found.asked(query), []).extend(texts)
        return wanted

    def kept(self, query: Query) -> list[Hit]:
        """The first `top_k` hits that reach the threshold, in the retriever's order."""
        hits = self.hits[query][: self.settings.top_k]
        threshold = self.settings.similarity_threshold
        if threshold is None:
            return hits
        return [hit for hit in hits if hit.similarity is not None and hit.similarity >= threshold]

    def _reranked(self, query: Query, hits: list[Hit]) -> list[Hit]:
        """The hits by the reranker's score; equal scores keep the retriever's order."""
        assert self.relevance is not None
        asked, chunks = self.found.asked(query), self.found.chunks
        scores = self.relevance.scores
        scored = [hit._replace(score=scores[asked, chunks[hit.number].text]) for hit in hits]
        return sorted(scored, key=lambda hit: -hit.score)[: self.settings.reranker.top_n]


def _passage(chunk: Chunk, texts: Mapping[str, str], hit: Hit) -> Passage:
    if chunk.given is None:
        return Passage(chunk.document, chunk.start, chunk.end, chunk.text, hit.similarity, hit.score)
    start, end = chunk.given
    return Passage(chunk.document, start, end, texts[chunk.document][start:end], hit.similarity, hit.score)
