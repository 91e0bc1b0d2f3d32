"""What every embedder must do, as checks that a plug-in's author can run in a test: `check_embedder(Mine(...))`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records import Embedded
from harness.testing.parts import check_part

TEXTS = (
    "The shop is open from 9 to 18.",
    "Parcels take 2 to 3 days.",
    "Ümläute, 漢字 and emoji 🙂 are texts too.",
    "word " * 2000,
    "The shop is open from 9 to 18.",
)
"""What the checks embed: the first and the last are equal."""
_CLOSE = 1e-4


def check_embedder(embedder: Any, texts: Sequence[str] = TEXTS) -> NDArray[np.float32]:
    """Check that `embedder` is what harness.plugins.Embedder promises, and return its vectors of `texts`.

    The first and the last of `texts` must be equal, the others different. Raises AssertionError that says what is
    wrong.
    """
    check_declaration(embedder)
    together, alone, queries, large = asyncio.run(_embed(embedder, list(texts)))
    check_embedded(together, len(texts))
    check_embedded(queries, len(texts))
    check_embedded(large, embedder.batch_size)
    vectors = together.vectors
    assert alone.vectors.shape[1] == vectors.shape[1], "the number of dimensions must not depend on the batch"
    assert queries.vectors.shape[1] == vectors.shape[1], "queries and passages must have as many dimensions"
    assert np.allclose(vectors[0], vectors[-1], atol=_CLOSE), "equal texts must get equal vectors"
    assert np.allclose(alone.vectors[0], vectors[1], atol=_CLOSE), "a vector must not depend on its neighbours"
    assert not np.allclose(vectors[0], vectors[1], atol=_CLOSE), "different texts must get different vectors"
    return vectors


def check_declaration(embedder: Any) -> None:
    """Check what is known of the embedder without asking it."""
    assert isinstance(embedder.version, int), "`version: ClassVar[int]` must be a whole number"
    assert isinstance(embedder.local, bool), "`local: ClassVar[bool]` says whether it runs on this machine"
    assert isinstance(embedder.batch_size, int) and embedder.batch_size > 0, "`batch_size` must be at least 1"
    assert embedder.price_name is None or isinstance(embedder.price_name, str), "`price_name` must be a text or None"
    assert isinstance(embedder.environment, tuple), "`environment` must be a tuple of variable names"
    check_part(embedder)


def check_embedded(embedded: Any, count: int) -> None:
    """Check the shape and the type of what one batch of `count` texts came to."""
    assert isinstance(embedded, Embedded), f"`embed` must return an Embedded, found {type(embedded).__name__}"
    vectors = embedded.vectors
    assert vectors.dtype == np.float32, f"vectors must be float32, found {vectors.dtype}"
    assert vectors.ndim == 2 and len(vectors) == count, f"{count} texts came to vectors of shape {vectors.shape}"
    assert np.isfinite(vectors).all(), "vectors must hold finite numbers only"
    assert embedded.tokens is None or embedded.tokens >= 0, "`tokens` must be None or a count"


async def _embed(embedder: Any, texts: list[str]) -> tuple[Embedded, Embedded, Embedded, Embedded]:
    """The texts as passages at once; the second alone; all as queries; as many as fit into one batch."""
    connection = embedder.connect()
    try:
        together = await connection.embed(texts, "passage")
        alone = await connection.embed(texts[1:2], "passage")
        queries = await connection.embed(texts, "query")
        many = [f"text {i}" for i in range(embedder.batch_size)]
        return together, alone, queries, await connection.embed(many, "passage")
    finally:
        await connection.close()
