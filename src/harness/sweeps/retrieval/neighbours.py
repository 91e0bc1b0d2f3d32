"""What an approximate index gives up: the share of the exact nearest neighbours that it found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harness.plugins import make
from harness.records import Lookup
from harness.sweeps import keys
from harness.sweeps.cache import Cache
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.retrieval.retrieved import Retrieved


@dataclass
class Neighbours:
    """For each text that was searched with: the similarities, measured exactly, of what the index found and of what
    there is, both in their order and as far as the largest `top_k`. `numbers` are the chunks in both."""

    found: list[float]
    there: list[float]
    found_numbers: list[int]
    there_numbers: list[int]

    def recall(self, k: int) -> float | None:
        """The share of the exact `k` nearest that are among the first `k` found; equal similarities count as equal.

        None where there is nothing to find.
        """
        there = self.there[:k]
        if not there:
            return None
        return sum(similarity >= there[-1] for similarity in self.found[:k]) / len(there)

    def missed(self, k: int) -> list[int]:
        """The chunks among the exact `k` nearest that are not among the first `k` found."""
        found = set(self.found_numbers[:k])
        return [number for number in self.there_numbers[:k] if number not in found]


@dataclass
class Comparison:
    """The neighbours of every text of a retrieval, by text; empty where the index is exact."""

    by_lookup: dict[Lookup, Neighbours]

    def recall(self, lookups: Sequence[Lookup], k: int) -> float | None:
        """The mean over the texts of one query; 1 for an exact index."""
        if not self.by_lookup:
            return 1.0
        values = [v for v in (self.by_lookup[lookup].recall(k) for lookup in lookups) if v is not None]
        return sum(values) / len(values) if values else None


async def compared(found: Retrieved, retrievals: Retrievals, cache: Cache) -> Comparison:
    """Ask the index and exact search for the same, where a retrieval rests on approximate search.

    The filter is left aside: it is the index that is looked at.
    """
    if found.exact or not found.settings.retriever.uses_vectors:
        return Comparison({})
    index_key = keys.index_key(retrievals.corpus, found.settings)
    lookups = list(dict.fromkeys(lookup for query in found.hits for lookup in found.lookups[query]))
    by_key = {keys.neighbours_key(index_key, lookup): lookup for lookup in lookups}
    known: dict[Lookup, Neighbours] = {}
    for key, entry in cache.get(list(by_key)).items():
        stored = orjson.loads(entry.value)
        if stored["k"] >= found.top_k:
            known[by_key[key]] = Neighbours(**stored["neighbours"])
    missing = [lookup for lookup in lookups if lookup not in known]
    if missing:
        made = await _measured(found, retrievals, missing)
        known.update(zip(missing, made, strict=True))
        keys_of = {lookup: key for key, lookup in by_key.items()}
        cache.put(
            "neighbours",
            {keys_of[m]: orjson.dumps({"k": found.top_k, "neighbours": known[m]}) for m in missing},
        )
    return Comparison(known)


async def _measured(found: Retrieved, retrievals: Retrievals, lookups: Sequence[Lookup]) -> list[Neighbours]:
    settings, k = found.settings, found.top_k
    queries = await retrievals.vectors_of_lookups(settings, lookups)
    vectors = await retrievals.vectors_of_chunks(settings)
    index = await retrievals.open_index(settings)
    try:
        near = await asyncio.to_thread(index.search, queries, k)
    finally:
        index.close()
    exact: Any = make("index", "exact").open(retrievals.opening.folder, "ground-truth")
    exact.fill(found.chunks, vectors)
    best = await asyncio.to_thread(exact.search, queries, k)
    return [_neighbours(query, hits, there, exact) for query, hits, there in zip(queries, near, best, strict=True)]


def _neighbours(
    query: NDArray[np.float32], hits: list[tuple[int, float]], there: list[tuple[int, float]], exact: Any
) -> Neighbours:
    numbers = [number for number, _ in hits]
    length = float(np.linalg.norm(query.astype(np.float64))) or 1.0
    similarities = (exact.vectors(numbers) @ query.astype(np.float64) / length).tolist() if numbers else []
    return Neighbours(
        [round(value, 6) for value in similarities],
        [similarity for _, similarity in there],
        numbers,
        [number for number, _ in there],
    )
