"""What every variant gives its model for every example."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from jinja2 import TemplateError

from harness.config import Retrieval, SweepConfig, Variant
from harness.errors import ProviderError
from harness.records import Context, Corpus, Example, Failure, Hit, Query
from harness.sweeps.cache import Cache
from harness.sweeps.gateway import Gateway
from harness.sweeps.progress import Progress
from harness.sweeps.retrieval.cuts import NO_CONTEXT, Cutter
from harness.sweeps.retrieval.groups import Groups, needs_similarity, reranks_with
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.retrieval.reranking import Pairs, Relevance, pair_keys, relevance_of
from harness.sweeps.retrieval.retrieved import Retrieved


@dataclass(frozen=True)
class Measured:
    """Hits with the similarities that their retriever left open; or why there are none."""

    hits: dict[Query, list[Hit]] = field(default_factory=dict)
    failure: Failure | None = None


class Contexts:
    """Retrieves for all variants, each distinct step once, then cuts."""

    def __init__(self, config: SweepConfig, corpus: Corpus | None, groups: Groups) -> None:
        self._variants = config.variants
        self._groups = groups
        self._texts = {d.id: d.text for d in corpus.documents} if corpus is not None else {}
        self._cutters: dict[str, Cutter] = {}
        self._queries: dict[str, dict[str, Query]] = {}
        self.retrieved: dict[str, Retrieved] = {}
        self.relevance: dict[Any, Relevance] = {}
        self.pairs = Pairs()

    async def gather(self, retrievals: Retrievals, cache: Cache, gateway: Gateway, progress: Progress) -> None:
        """Run the stages before the first answer."""
        measured: dict[tuple[str, Any], Measured] = {}
        for key, group in self._groups.by_key.items():
            found = self.retrieved[key] = await retrievals.ask(group.settings, group.top_k, list(group.queries))
            for embedder in group.measures:
                measured[key, embedder] = await _measured(retrievals, found, embedder)
        shared: dict[Any, dict[Any, Context]] = {}
        for variant in self._variants:
            of_variant, settings = self.of(variant), variant.chatbot.retrieval
            if of_variant is None or settings is None:
                continue
            measures = settings.embedder if needs_similarity(settings) else None
            near = measured[of_variant.key, measures] if measures else Measured(of_variant.hits)
            kind = (of_variant.key, measures, settings.context, _keeping_all(settings.reranker))
            alike = shared.setdefault(kind, {})
            cutter = Cutter(of_variant, settings, near.hits, self._texts, alike, unmeasured=near.failure)
            self._cutters[variant.id] = cutter
            self._queries[variant.id] = self._groups.queries(settings)
        await self._rerank(cache, gateway, progress)

    def of(self, variant: Variant) -> Retrieved | None:
        """What the variant's retrieval found; None where it has none."""
        return self.retrieved.get(self._groups.key_of(variant) or "")

    def is_exact(self, variant: Variant) -> bool:
        """Whether the variant's ranking rests on exact search, or on none."""
        found = self.of(variant)
        return found is None or found.exact

    def query(self, variant: Variant, example: Example) -> Query:
        """What a variant that retrieves looks for."""
        return self._queries[variant.id][example.id]

    def query_usd(self, variant: Variant, example: Example) -> float | None:
        """What the queries cost that a model wrote for a cell: 0 where none did, None where the price is unknown."""
        found = self.of(variant)
        return 0.0 if found is None else found.usd.get(self.query(variant, example), 0.0)

    def context(self, variant: Variant, example: Example) -> Context | Failure:
        """The context of a variant for an example, or why there is none; empty without retrieval."""
        cutter = self._cutters.get(variant.id)
        if cutter is None:
            return NO_CONTEXT
        try:
            return cutter.context(self._queries[variant.id][example.id])
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            return Failure("context", "template", str(error))

    async def _rerank(self, cache: Cache, gateway: Gateway, progress: Progress) -> None:
        """Score what any variant wants reranked, each (question, text) once for each reranker."""
        wanted: dict[Any, dict[str, dict[str, None]]] = {}
        for variant, cutter in self._cutters.items():
            if reranks_with(cutter.settings):
                of_reranker = wanted.setdefault(_keeping_all(cutter.settings.reranker), {})
                for question, texts in cutter.candidates(self._queries[variant].values()).items():
                    self.pairs.naive += len(texts)
                    of_reranker.setdefault(question, {}).update(dict.fromkeys(texts))
        progress.stages["rerank"].total = sum(len(t) for questions in wanted.values() for t in questions.values())
        for reranker, questions in wanted.items():
            progress.message = "reranking"
            self.pairs.distinct.update(pair_keys(reranker, questions))
            found = self.relevance[reranker] = await relevance_of(reranker, questions, cache, gateway)
            progress.step("rerank", found.made, made=True)
            progress.step("rerank", len(found.scores) - found.made, made=False)
        for cutter in self._cutters.values():
            cutter.relevance = self.relevance_of(cutter.settings)

    def relevance_of(self, settings: Retrieval) -> Relevance | None:
        """The scores that a retrieval reranks by; None where it does not rerank."""
        return self.relevance.get(_keeping_all(settings.reranker)) if reranks_with(settings) else None


def _keeping_all(reranker: Any) -> Any:
    """A reranker without its cut: those that differ in nothing else score the same."""
    return replace(reranker, top_n=None) if reranker.top_n is not None else reranker


async def _measured(retrievals: Retrievals, found: Retrieved, embedder: Any) -> Measured:
    """What an embedder's provider refuses is a failure of those that need it; a fatal refusal is raised."""
    try:
        return Measured(await retrievals.measured(found, embedder))
    except ProviderError as error:
        if error.fatal:
            raise
        return Measured(failure=Failure("retrieve", error.kind, str(error)))
