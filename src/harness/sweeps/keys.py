"""The keys of steps. Each is the digest of all that decides the step's result: its stage, its part, what is upstream.

What cannot change a result (timeouts, concurrency) is not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.config import Retrieval
from harness.plugins import EmbeddingSplitter, identity, label
from harness.records import Case, Corpus, Lookup, Query, Request, digest

_AS_IT_IS = "question"


def chunks_key(corpus: Corpus, retrieval: Retrieval) -> str:
    """Chunks depend on the corpus and the splitter, and on the embedder where the splitter looks at vectors."""
    by = [identity(retrieval.embedder)] if isinstance(retrieval.splitter, EmbeddingSplitter) else []
    return digest("chunk", 1, corpus.digest, identity(retrieval.splitter), *by)


def vector_key(embedder_identity: Mapping[str, Any], purpose: str, text: str) -> str:
    """A vector depends on the text, the embedder, and whether the text is a query or a passage."""
    return digest("embed", 1, embedder_identity, purpose, text)


def index_key(corpus: Corpus, retrieval: Retrieval) -> str:
    """An index depends on the chunks, the embedder and its own settings."""
    chunks = chunks_key(corpus, retrieval)
    return digest("index", 1, chunks, identity(retrieval.embedder), identity(retrieval.index))


def retrieval_key(corpus: Corpus, retrieval: Retrieval) -> str:
    """What finds hits: the chunks, their index where the retriever asks one, the retriever, and who writes queries.

    `top_k`, the threshold and the reranker are not in it: they cut and order what was found.
    """
    uses_index = retrieval.retriever.uses_vectors
    found_in = index_key(corpus, retrieval) if uses_index else chunks_key(corpus, retrieval)
    writer = [] if label(retrieval.query) == _AS_IT_IS else [identity(retrieval.query)]
    return digest("retrieve", 2, found_in, identity(retrieval.retriever), *writer)


def hits_key(retrieval: str, query: Query) -> str:
    """Hits depend on the retrieval and the query."""
    return digest("hits", 2, retrieval, query)


def neighbours_key(index: str, lookup: Lookup) -> str:
    """How near an index came to exact search depends on it and on what was searched with."""
    return digest("neighbours", 1, index, lookup.text, lookup.purpose)


def relevance_key(reranker_identity: Mapping[str, Any], question: str, text: str) -> str:
    """A reranker's score depends on it, the question and the text."""
    return digest("rerank", 1, reranker_identity, question, text)


def request_key(model: Any, model_identity: Mapping[str, Any], request: Request, repeat: int) -> str:
    """An answer depends on the rendered request, the model, and which draw it is."""
    return request.key(model_identity, repeat, bool(getattr(model, "reads_passages", False)))


def passages_digest(passages: Sequence[Any]) -> str:
    """What a metric can see of the passages."""
    return digest("passages", [(p.document, p.start, p.end, p.text, p.similarity, p.score) for p in passages])


def score_key(metric_identity: str, reads: Sequence[str], example: str, case: Case, passages: str) -> str:
    """A score depends on the metric, the example and what the metric reads of the outcome."""
    values = [passages if name == "passages" else getattr(case, name) for name in reads]
    return digest("score", 1, metric_identity, example, values)
