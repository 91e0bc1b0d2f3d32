"""The distinct retrievals of a sweep: who asks what of which chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.config import Retrieval, SweepConfig, Variant
from harness.plugins import EmbeddingSplitter, is_part, name
from harness.records import Corpus, Example, Query
from harness.sweeps import keys
from harness.sweeps.retrieval.scopes import Scopes

Form = tuple[bool, str | None]
"""What makes queries of examples: whether the turns before are read, and the filter."""


@dataclass
class Group:
    """Variants that ask the same of the same chunks; asked once, for the largest `top_k` and all queries among them.

    `measures` are the embedders by which similarities are measured that the retriever does not give.
    """

    settings: Retrieval
    top_k: int
    queries: dict[Query, None] = field(default_factory=dict)
    measures: dict[Any, None] = field(default_factory=dict)


class Groups:
    """The retrievals of all variants by key, each example's query by form, and the `scopes` that queries name.

    Raises UserError for a filter that reads what no document has.
    """

    def __init__(
        self, config: SweepConfig, corpus: Corpus | None, examples: Sequence[Example], scopes: Scopes | None = None
    ) -> None:
        self._corpus = corpus
        self._examples = examples
        self.scopes = scopes or Scopes(corpus if corpus is not None else Corpus(()))
        self._queries: dict[Form, dict[str, Query]] = {}
        self._keys: dict[str, str] = {}
        self.by_key: dict[str, Group] = {}
        for variant in config.variants:
            if variant.chatbot.retrieval is not None and corpus is not None:
                self._add(variant, variant.chatbot.retrieval, corpus)

    def key_of(self, variant: Variant) -> str | None:
        """The retrieval of a variant; None where it has none."""
        return self._keys.get(variant.id)

    def queries(self, settings: Retrieval) -> dict[str, Query]:
        """The query of each example, by its id."""
        form = (bool(settings.query.reads_history), settings.filter)
        if form not in self._queries:
            if settings.filter is not None:
                self.scopes.check(settings.filter, self._examples)
            self._queries[form] = {e.id: self._query(form, e) for e in self._examples}
        return self._queries[form]

    def cautions(self) -> list[str]:
        """What is odd about the filters."""
        conditions = dict.fromkeys(condition for _, condition in self._queries if condition is not None)
        found = [self.scopes.caution(condition, self._examples) for condition in conditions]
        return [caution for caution in found if caution is not None]

    def chunk_keys(self) -> dict[str, Retrieval]:
        """The distinct chunkings: settings by key."""
        corpus = self._corpus
        return {keys.chunks_key(corpus, g.settings): g.settings for g in self.by_key.values() if corpus is not None}

    def index_keys(self) -> dict[str, Retrieval]:
        """The distinct indexes: settings by key."""
        corpus, asked = self._corpus, [g.settings for g in self.by_key.values() if g.settings.retriever.uses_vectors]
        return {keys.index_key(corpus, settings): settings for settings in asked if corpus is not None}

    def hits_keys(self) -> list[str]:
        """The keys of all hits: one for each retrieval and query."""
        return [keys.hits_key(key, query) for key, group in self.by_key.items() for query in group.queries]

    def _add(self, variant: Variant, settings: Retrieval, corpus: Corpus) -> None:
        key = self._keys[variant.id] = keys.retrieval_key(corpus, settings)
        group = self.by_key.setdefault(key, Group(settings, settings.top_k))
        group.top_k = max(group.top_k, settings.top_k)
        group.queries.update(dict.fromkeys(self.queries(settings).values()))
        if needs_similarity(settings):
            group.measures[settings.embedder] = None

    def _query(self, form: Form, example: Example) -> Query:
        reads_history, condition = form
        history = example.messages[:-1] if reads_history else ()
        return Query(example.question, history, self.scopes.of(condition, example))


def writer_of(settings: Retrieval) -> Any:
    """The model that writes the queries of a retrieval; None where no model does."""
    model = getattr(settings.query, "model", None)
    return model if is_part(model) else None


def parts_of(settings: Retrieval) -> list[Any]:
    """What of a retrieval may be asked over a network or must be loaded: embedder, writer of queries, reranker."""
    embeds = settings.embedder if needs_vectors(settings) else None
    reranks = settings.reranker if reranks_with(settings) else None
    return [part for part in (embeds, writer_of(settings), reranks) if part is not None]


def reranks_with(settings: Retrieval) -> bool:
    """Whether a reranker is asked."""
    return name(settings.reranker) != "none"


def needs_similarity(settings: Retrieval) -> bool:
    """Whether similarities must be measured that the retriever does not give."""
    return settings.similarity_threshold is not None and not settings.retriever.uses_vectors


def needs_vectors(settings: Retrieval) -> bool:
    """Whether chunks are embedded at all."""
    splits = isinstance(settings.splitter, EmbeddingSplitter)
    return settings.retriever.uses_vectors or settings.similarity_threshold is not None or splits
