"""How texts are packed into requests: within a provider's limits of texts and of tokens, every text once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.sweepfile import Budget
from harness.plugins import make
from harness.sweeps.cache import DiskCache
from harness.sweeps.gateway import Gateway
from harness.sweeps.gateway.prices import Prices
from harness.sweeps.gateway.purse import Spent
from harness.sweeps.retrieval.embedding import batches_of, vectors_of
from tests.dialects import vector
from tests.loopback import Loopback


def vectors(embedder: Any, texts: list[str], folder: Path, purpose: str = "passage") -> Any:
    """The texts' vectors as a sweep gets them, over a cache in `folder`."""

    async def once() -> Any:
        cache = DiskCache(folder, "test")
        gateway = Gateway(cache, "test", Prices({}), Budget(), Spent())
        try:
            return await vectors_of(embedder, texts, purpose, cache, gateway)
        finally:
            await gateway.close()
            cache.close()

    return asyncio.run(once())


def openai(server: Loopback, **settings: Any) -> Any:
    """OpenAI's embedder, asking the loopback server."""
    return make("embedder", {"use": "openai/text-embedding-3-small", "base_url": f"{server.url}/v1", **settings})


def sizes(server: Loopback) -> list[int]:
    """How many texts each request held, the largest first."""
    return sorted((len(call.body["input"]) for call in server.calls), reverse=True)


@given(
    st.lists(st.integers(min_value=1, max_value=50)),
    st.integers(min_value=1, max_value=7),
    st.none() | st.integers(min_value=1, max_value=60),
)
def test_batches_keep_both_bounds_and_lose_nothing(tokens: list[int], most: int, bound: int | None) -> None:
    """In order, each within the bounds unless a text alone is over; none could have taken the next text too."""
    keys = [str(i) for i in range(len(tokens))]
    batches = batches_of(keys, tokens, most, bound)
    assert [key for batch in batches for key in batch] == keys
    filled = [sum(tokens[int(key)] for key in batch) for batch in batches]
    for i, batch in enumerate(batches):
        assert 1 <= len(batch) <= most
        assert bound is None or filled[i] <= bound or len(batch) == 1
        if i + 1 < len(batches) and len(batch) < most:
            assert bound is not None and filled[i] + tokens[int(batches[i + 1][0])] > bound


def test_the_provider_gets_no_more_texts_and_tokens_than_it_takes(server: Loopback, tmp_path: Path) -> None:
    """Texts of 300 bytes count 101 tokens: 5 of them fit into 550, of 100 Chinese characters each no more."""
    texts = [f"{i:03}" + "x" * 297 for i in range(12)]
    found = vectors(openai(server, batch_tokens=550), texts, tmp_path)
    assert sizes(server) == [5, 5, 2]
    assert found.tolist() == [pytest.approx(vector(text), abs=1e-6) for text in texts]
    server.calls.clear()
    vectors(openai(server, batch_tokens=550), [f"{i}" + "\u6f22" * 100 for i in range(6)], tmp_path)
    assert sizes(server) == [5, 1]
    server.calls.clear()
    vectors(openai(server, batch_size=3), [f"text {i}" for i in range(7)], tmp_path)
    assert sizes(server) == [3, 3, 1]


def test_one_text_that_is_too_long_goes_alone(server: Loopback, tmp_path: Path) -> None:
    """The provider says what it thinks of it; the others are not held up."""
    vectors(openai(server, batch_tokens=100), ["a", "b", "word " * 1000, "c"], tmp_path)
    assert sizes(server) == [2, 1, 1]


def test_a_prefix_counts(server: Loopback, tmp_path: Path) -> None:
    """A long instruction goes with every text."""
    embedder = openai(server, batch_tokens=100, query_prefix="instruct " * 12)
    vectors(embedder, ["a", "b", "c", "d"], tmp_path, "query")
    assert sizes(server) == [2, 2]


def test_a_text_is_embedded_once_for_all_sweeps(server: Loopback, tmp_path: Path) -> None:
    """From the cache the second time, also in batches of another size; with a prefix it is another text."""
    texts = [f"text {i}" for i in range(10)]
    first = vectors(openai(server), texts, tmp_path)
    calls = server.count()
    again = vectors(openai(server, batch_size=2, batch_tokens=50), texts[::-1], tmp_path)
    assert server.count() == calls
    assert np.array_equal(first, again[::-1])
    vectors(openai(server, passage_prefix="passage: "), texts, tmp_path)
    assert server.count() == calls + 1
