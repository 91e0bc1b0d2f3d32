"""Stage 5: (question, text) -> relevance, once for each pair and reranker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from harness.errors import ProviderError
from harness.plugins import identity, provider_of
from harness.records import Failure
from harness.sweeps import keys
from harness.sweeps.cache import Cache
from harness.sweeps.gateway import Gateway

_QUESTIONS_AT_ONCE = 64

Pair = tuple[str, str]
"""A question and a text."""


@dataclass
class Pairs:
    """What is reranked: `naive` counts (question, text) of all variants, `distinct` holds the keys that differ."""

    naive: int = 0
    distinct: set[str] = field(default_factory=set)


class Relevance:
    """The scores of one reranker, by pair, and the questions for which it gave none.

    `made` counts the pairs that were scored now, in `milliseconds`.
    """

    def __init__(self) -> None:
        self.scores: dict[Pair, float] = {}
        self.failures: dict[str, Failure] = {}
        self.made = 0
        self.milliseconds = 0.0


def pair_keys(reranker: Any, wanted: Mapping[str, Iterable[str]]) -> dict[str, Pair]:
    """The pairs of texts by question, by the keys of their scores."""
    identified = {name: value for name, value in identity(reranker).items() if name != "top_n"}  # it only cuts
    return {
        keys.relevance_key(identified, question, text): (question, text)
        for question, texts in wanted.items()
        for text in texts
    }


async def relevance_of(reranker: Any, wanted: Mapping[str, Iterable[str]], cache: Cache, gateway: Gateway) -> Relevance:
    """The scores of all texts by question. What a provider refuses is a failure of its question.

    Raises ProviderError when no request can succeed.
    """
    found = Relevance()
    pairs = pair_keys(reranker, wanted)
    for key, entry in cache.get(list(pairs)).items():
        found.scores[pairs[key]] = orjson.loads(entry.value)
    missing: dict[str, list[tuple[str, str]]] = {}
    for key, (question, text) in pairs.items():
        if (question, text) not in found.scores:
            missing.setdefault(question, []).append((key, text))
    gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

    async def score(question: str, todo: list[tuple[str, str]]) -> None:
        async with gate:
            for start in range(0, len(todo), reranker.batch_size):
                batch = todo[start : start + reranker.batch_size]
                try:
                    scores = await gateway.rerank(reranker, question, [text for _, text in batch])
                except ProviderError as error:
                    if error.fatal:
                        raise
                    found.failures[question] = Failure("rerank", error.kind, str(error))
                    return
                made = {key: round(float(value), 6) for (key, _), value in zip(batch, scores, strict=True)}
                entries = {key: orjson.dumps(value) for key, value in made.items()}
                cache.put("rerank", entries, provider_of(reranker))
                found.scores.update(((question, text), made[key]) for key, text in batch)
                found.made += len(batch)

    started = time.perf_counter()
    await asyncio.gather(*(score(question, todo) for question, todo in missing.items()))
    found.milliseconds = 1000 * (time.perf_counter() - started)
    return found
