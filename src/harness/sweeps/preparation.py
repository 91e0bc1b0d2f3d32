"""What runs before the first answer: chunks, vectors, indexes, hits, reranking; then the requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.records import Corpus
from harness.sweeps.accounts import Embeddings, embeddings_of
from harness.sweeps.cache import Cache
from harness.sweeps.gateway import Gateway
from harness.sweeps.plan import Writing, queries_to_write, stage_counts
from harness.sweeps.progress import Progress
from harness.sweeps.retrieval.groups import parts_of
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.workload import Workload


class Preparation:
    """The stages of one workload; `folder` is where indexes are kept."""

    def __init__(self, workload: Workload, cache: Cache, gateway: Gateway, progress: Progress, folder: Path) -> None:
        self._workload = workload
        self._cache = cache
        self._gateway = gateway
        self._progress = progress
        self._folder = folder
        self._writing = Writing()

    async def run(self, *, fresh: bool) -> Embeddings:
        """Run them all; returns what was embedded. `fresh`: queries that models write are written anew.

        Raises what ends a sweep, after what was in flight is kept.
        """
        corpus = self._workload.corpus
        counted = Embeddings() if corpus is None else await self._retrieve(corpus, fresh)
        self._writing = await queries_to_write(self._workload, self._gateway)
        await self._workload.resolve()
        return counted

    async def _retrieve(self, corpus: Corpus, fresh: bool) -> Embeddings:
        progress, workload, groups = self._progress, self._workload, self._workload.groups
        retrievals = Retrievals(corpus, groups.scopes, self._cache, self._gateway, self._folder, progress, fresh=fresh)
        for stage, found in (("chunk", groups.chunk_keys()), ("index", groups.index_keys())):
            progress.stages[stage].total = len(found)
        progress.stages["retrieve"].total = len(groups.hits_keys())
        if any(not part.local for group in groups.by_key.values() for part in parts_of(group.settings)):
            retrievals.opening.try_all([group.settings.index for group in groups.by_key.values()])
        progress.message = "chunking"
        foreseen = (await embeddings_of(workload, retrievals)).distinct
        progress.stages["embed"].total = len(foreseen)
        progress.stages["embed"].done = len(self._cache.makers(list(foreseen)))
        progress.message = "retrieving"
        await workload.contexts.gather(retrievals, self._cache, self._gateway, progress)
        await workload.findings.compare(retrievals, self._cache)
        return await embeddings_of(workload, retrievals)

    def counts(self, maker: str, counted: Embeddings) -> dict[str, Any]:
        """The counts of work by stage, for the run's record; `made` is what `maker` made.

        Derived from who made what, so that a sweep that was carried on agrees with an undisturbed one.
        """
        makers = self._cache.makers(list(counted.distinct))
        variants = self._workload.config.variants
        approximate = [variant.id for variant in variants if not self._workload.contexts.is_exact(variant)]
        return {
            "embeddings": {
                "naive": counted.naive,
                "distinct": len(counted.distinct),
                "made": sum(made_by == maker for made_by in makers.values()),
            },
            "stages": self._stages(maker),
            "cautions": self._workload.groups.cautions(),
            "exact_search": not approximate,
            "approximate": approximate,
        }

    def _stages(self, maker: str) -> dict[str, dict[str, int]]:
        groups = self._workload.groups
        counts = stage_counts(self._workload, self._cache, self._writing)
        keys_of = {
            "chunk": list(groups.chunk_keys()),
            "index": list(groups.index_keys()),
            "query": list(self._writing.calls),
            "retrieve": groups.hits_keys(),
            "rerank": list(self._workload.contexts.pairs.distinct),
        }
        for stage, entry in counts.items():
            makers = self._cache.makers(keys_of[stage])
            entry["made"] = sum(made_by == maker for made_by in makers.values())
            entry["cached"] = len(makers) - entry["made"]
        return counts
