"""Stage 5: (question, text) -> relevance, once for each pair and reranker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from harness.errors import HarnessError, ProviderError
from harness.plugins import identity, provider_of
from harness.records import Failure
from harness.sweeps import keys
from harness.sweeps.cache import Cache
from harness.sweeps.gateway import Gateway
from harness.sweeps.retrieval.together import together

_QUESTIONS_AT_ONCE = 64
_LOOK_AGAIN_S = 0.2

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

    Raises ProviderError when no request can succeed, after what was in flight is kept.
    """
    found = Relevance()
    pairs = pair_keys(reranker, wanted)
    for key, entry in cache.get(list(pairs)).items():
        found.scores[pairs[key]] = orjson.loads(entry.value)
    missing: dict[str, dict[str, str]] = {}
    for key, (question, text) in pairs.items():
        if (question, text) not in found.scores:
            missing.setdefault(question, {})[key] = text
    started = time.perf_counter()
    scoring = _Scoring(reranker, cache, gateway, found)
    await together(scoring.score(question, todo) for question, todo in missing.items())
    found.milliseconds = 1000 * (time.perf_counter() - started)
    return found


class _Scoring:
    """Asks one reranker, and adds to `found`."""

    def __init__(self, reranker: Any, cache: Cache, gateway: Gateway, found: Relevance) -> None:
        self._reranker = reranker
        self._cache = cache
        self._gateway = gateway
        self._claims = None if reranker.local else gateway.claims
        self._found = found
        self._gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        self._ended = False

    async def score(self, question: str, texts: Mapping[str, str]) -> None:
        """Score texts, given by key. Once an error ends the sweep, nothing more is asked."""
        async with self._gate:
            left = dict(texts)
            while left and not self._ended:
                mine = left.keys() if self._claims is None else self._claims.take(left)
                # What another process scored meanwhile, or is scoring: it is taken from the cache when it is there.
                for key, entry in self._cache.get(list(left)).items() if self._claims else ():
                    self._found.scores[question, left.pop(key)] = orjson.loads(entry.value)
                todo = [(key, left.pop(key)) for key in list(left) if key in mine]
                if not await self._ask(question, todo):
                    return
                if left:
                    await asyncio.sleep(_LOOK_AGAIN_S)

    async def _ask(self, question: str, todo: list[tuple[str, str]]) -> bool:
        """Ask batch by batch; False where the provider refused."""
        for start in range(0, len(todo), self._reranker.batch_size):
            batch = todo[start : start + self._reranker.batch_size]
            try:
                scores = await self._gateway.rerank(self._reranker, question, [text for _, text in batch])
            except HarnessError as error:
                if self._claims is not None:
                    self._claims.drop([key for key, _ in todo[start:]])
                if not isinstance(error, ProviderError) or error.fatal:
                    self._ended = True
                    raise
                self._found.failures[question] = Failure("rerank", error.kind, str(error))
                return False
            made = {key: round(float(value), 6) for (key, _), value in zip(batch, scores, strict=True)}
            entries = {key: orjson.dumps(value) for key, value in made.items()}
            self._cache.put("rerank", entries, provider_of(self._reranker))
            self._found.scores.update(((question, text), made[key]) for key, text in batch)
            self._found.made += len(batch)
        return True
