"""Stage 2: texts -> vectors, once for each text and embedder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.plugins import identity, provider_of
from harness.sweeps.cache import Cache
from harness.sweeps.gateway import Gateway
from harness.sweeps.keys import vector_key
from harness.sweeps.retrieval.together import together

_BATCHES_AT_ONCE = 8
_LOOK_AGAIN_S = 0.2
_BYTES_PER_TOKEN = 3


async def vectors_of(
    embedder: Any,
    texts: Sequence[str],
    purpose: str,
    cache: Cache,
    gateway: Gateway,
    on_made: Callable[[int], None] = lambda count: None,
) -> NDArray[np.float32]:
    """One row per text. Texts that were embedded before, in any sweep, are not embedded again."""
    keys = vector_keys(embedder, texts, purpose)
    unique = dict(zip(keys, texts, strict=True))
    vectors = {key: np.frombuffer(e.value, dtype=np.float32) for key, e in cache.get(list(unique)).items()}
    prefix = len(getattr(embedder, f"{purpose}_prefix", ""))
    gate = asyncio.Semaphore(_BATCHES_AT_ONCE)

    async def embed(batch: list[str]) -> None:
        async with gate:
            try:
                made = await gateway.embed(embedder, [unique[key] for key in batch], purpose)
            except HarnessError:
                if gateway.claims is not None and not embedder.local:
                    gateway.claims.drop(batch)  # another process may try
                raise
            rows = np.ascontiguousarray(made, dtype=np.float32)
            entries = {key: row.tobytes() for key, row in zip(batch, rows, strict=True)}
            cache.put("embed", entries, provider_of(embedder))
            vectors.update(zip(batch, rows, strict=True))
            on_made(len(batch))
            await asyncio.sleep(0)

    while missing := [key for key in unique if key not in vectors]:
        mine = missing if gateway.claims is None or embedder.local else list(gateway.claims.take(missing))
        # What another process made meanwhile, or is making: it is taken from the cache when it is there.
        vectors.update((key, np.frombuffer(e.value, dtype=np.float32)) for key, e in cache.get(missing).items())
        ours = set(mine)
        todo = [key for key in missing if key in ours and key not in vectors]
        sizes = [_tokens(unique[key]) + prefix // _BYTES_PER_TOKEN for key in todo]
        bound = getattr(embedder, "batch_tokens", None)
        await together(embed(batch) for batch in batches_of(todo, sizes, embedder.batch_size, bound))
        if not todo and any(key not in vectors for key in missing):
            await asyncio.sleep(_LOOK_AGAIN_S)
    return np.stack([vectors[key] for key in keys]) if keys else np.zeros((0, 1), dtype=np.float32)


def batches_of(keys: Sequence[str], sizes: Sequence[int], most: int, bound: int | None) -> list[list[str]]:
    """The keys in order, at most `most` in a batch, whose sizes come to at most `bound`; a larger one goes alone."""
    batches: list[list[str]] = []
    filled = 0
    for key, size in zip(keys, sizes, strict=True):
        full = not batches or len(batches[-1]) >= most
        if full or (bound is not None and filled + size > bound):
            batches.append([])
            filled = 0
        batches[-1].append(key)
        filled += size
    return batches


def _tokens(text: str) -> int:
    """A careful guess: a token for three bytes, which is one for a Chinese character."""
    return len(text.encode(errors="replace")) // _BYTES_PER_TOKEN + 1


def vector_keys(embedder: Any, texts: Sequence[str], purpose: str) -> list[str]:
    """The keys of the texts' vectors."""
    identified: Mapping[str, Any] = identity(embedder)
    return [vector_key(identified, purpose, text) for text in texts]
