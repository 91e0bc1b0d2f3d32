"""What every reranker must do, as checks that a plug-in's author can run in a test: `check_reranker(Mine(...))`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from harness.records import Ranked
from harness.testing.parts import check_part

QUESTION = "When is the shop open?"
TEXTS = (
    "The shop is open from 9 to 18.",
    "Parcels take 2 to 3 days.",
    "Ümläute, 漢字 and emoji 🙂 are texts too.",
    "word " * 2000,
    "The shop is open from 9 to 18.",
)
"""What the checks score: the first and the last are equal, and answer the question."""
_CLOSE = 1e-4


def check_reranker(reranker: Any, question: str = QUESTION, texts: Sequence[str] = TEXTS) -> tuple[float, ...]:
    """Check that `reranker` is what harness.plugins.Reranker promises, and return its scores of `texts`.

    The first and the last of `texts` must be equal, the second another. Scores are kept for each pair of question and
    text, so they must not hang on the other texts, nor on their order. Raises AssertionError that says what is wrong.
    """
    check_declaration(reranker)
    together, alone, backwards, large = asyncio.run(_score(reranker, question, list(texts)))
    check_ranked(together, len(texts))
    check_ranked(alone, 1)
    check_ranked(backwards, len(texts))
    check_ranked(large, reranker.batch_size)
    scores = together.scores
    assert _close(scores[0], scores[-1]), f"equal texts got {scores[0]} and {scores[-1]}; they must get equal scores"
    assert _close(alone.scores[0], scores[1]), (
        f"a text got {alone.scores[0]} alone and {scores[1]} among others; a score must not depend on other texts"
    )
    assert all(map(_close, backwards.scores, scores[::-1])), "the order of the texts must not change their scores"
    assert not _close(scores[0], scores[1]), "a text that answers and one that does not must get different scores"
    return scores


def check_declaration(reranker: Any) -> None:
    """Check what is known of the reranker without asking it."""
    assert isinstance(reranker.local, bool), "`local: ClassVar[bool]` says whether it runs on this machine"
    assert isinstance(reranker.batch_size, int) and reranker.batch_size > 0, "`batch_size` must be at least 1"
    assert reranker.top_n is None or reranker.top_n >= 1, f"`top_n` is {reranker.top_n!r}; None, or at least 1"
    assert reranker.price_name is None or isinstance(reranker.price_name, str), "`price_name` must be a text or None"
    assert isinstance(reranker.environment, tuple), "`environment` must be a tuple of variable names"
    check_part(reranker)


def check_ranked(ranked: Any, count: int) -> None:
    """Check the shape and the types of what one batch of `count` texts came to."""
    assert isinstance(ranked, Ranked), f"`score` must return a harness.records.Ranked, found {type(ranked).__name__}"
    assert isinstance(ranked.scores, tuple), f"`scores` must be a tuple, found {type(ranked.scores).__name__}"
    assert len(ranked.scores) == count, f"{count} texts came to {len(ranked.scores)} scores"
    assert all(isinstance(score, float) and math.isfinite(score) for score in ranked.scores), (
        "scores must be finite floats of Python's own"
    )
    for field in ("tokens", "searches"):
        value = getattr(ranked, field)
        assert value is None or (isinstance(value, int) and value >= 0), f"`{field}` must be None or a count"


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE)


async def _score(reranker: Any, question: str, texts: list[str]) -> tuple[Ranked, Ranked, Ranked, Ranked]:
    """The texts at once; the second alone; all in reverse; as many as fit into one batch."""
    connection = reranker.connect()
    try:
        together = await connection.score(question, texts)
        alone = await connection.score(question, texts[1:2])
        backwards = await connection.score(question, texts[::-1])
        many = [f"text {i}" for i in range(reranker.batch_size)]
        return together, alone, backwards, await connection.score(question, many)
    finally:
        await connection.close()
