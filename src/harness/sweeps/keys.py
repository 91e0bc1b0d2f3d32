"""The keys of steps. Each is the digest of all that decides the step's result: its stage, its part, what is upstream.

What cannot change a result (timeouts, concurrency) is not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.config import Retrieval
from harness.plugins import identity
from harness.records import Case, Corpus, Request, digest


def chunks_key(corpus: Corpus, splitter: Any) -> str:
    """Chunks depend on the corpus and the splitter."""
    return digest("chunk", 1, corpus.digest, identity(splitter))


def vector_key(embedder_identity: Mapping[str, Any], purpose: str, text: str) -> str:
    """A vector depends on the text, the embedder, and whether the text is a query or a passage."""
    return digest("embed", 1, embedder_identity, purpose, text)


def index_key(corpus: Corpus, retrieval: Retrieval) -> str:
    """An index depends on the chunks, the embedder and its own settings."""
    chunks = chunks_key(corpus, retrieval.splitter)
    return digest("index", 1, chunks, identity(retrieval.embedder), identity(retrieval.index))


def retrieval_key(corpus: Corpus, retrieval: Retrieval) -> str:
    """What is asked of an index; `top_k` and the threshold are not in it, they only cut."""
    parts = [identity(retrieval.retriever), identity(retrieval.reranker)]
    return digest("retrieve", 1, index_key(corpus, retrieval), *parts)


def hits_key(retrieval: str, question: str) -> str:
    """Hits depend on the retrieval and the question."""
    return digest("hits", 1, retrieval, question)


def request_key(model: Any, model_identity: Mapping[str, Any], request: Request, repeat: int) -> str:
    """An answer depends on the rendered request, the model, and which draw it is."""
    content = [(m.role, m.content) for m in request.messages]
    read = [request.question, request.passages] if getattr(model, "reads_passages", False) else []
    return digest("generate", 1, model_identity, content, request.parameters, read, repeat)


def passages_digest(passages: Sequence[Any]) -> str:
    """What a metric can see of the passages."""
    return digest("passages", [(p.document, p.start, p.end, p.text, p.similarity) for p in passages])


def score_key(metric_identity: str, reads: Sequence[str], example: str, case: Case, passages: str) -> str:
    """A score depends on the metric, the example and what the metric reads of the outcome."""
    values = [passages if name == "passages" else getattr(case, name) for name in reads]
    return digest("score", 1, metric_identity, example, values)
