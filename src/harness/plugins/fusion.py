"""Several rankings of the same things made into one. Things are numbers: chunks, or places in a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

DIGITS = 12
"""Scores are rounded to so many digits, so that the order in which they are added up decides nothing."""

T = TypeVar("T")


def reciprocal_rank_fusion(
    lists: Sequence[Sequence[int]], k: float = 60, weights: Sequence[float] | None = None
) -> list[tuple[int, float]]:
    """All numbers of the lists with their scores, best first; equal scores in the order of the numbers.

    A score is the sum of weight / (k + rank) over the lists that hold the number, ranks counting from 1 (Cormack,
    Clarke, Buettcher 2009, who take k = 60). Without weights each list counts 1; one with weight 0 takes no part.
    """
    scores: dict[int, float] = {}
    for numbers, weight in _weighted(lists, weights):
        for rank, number in enumerate(numbers, start=1):
            scores[number] = scores.get(number, 0.0) + weight / (k + rank)
    return _ordered(scores)


def weighted_fusion(
    lists: Sequence[Sequence[tuple[int, float]]], weights: Sequence[float] | None = None
) -> list[tuple[int, float]]:
    """As of `reciprocal_rank_fusion`, by scores in place of ranks: each list is (number, score), best first.

    A score is the weighted sum of the lists' own, each list scaled so that its best is 1 and its worst 0 (all 1 where
    they are equal). A number that a list does not hold counts 0 there, as the list's worst does.
    """
    scores: dict[int, float] = {}
    for hits, weight in _weighted(lists, weights):
        high = max((score for _, score in hits), default=0.0)
        low = min((score for _, score in hits), default=0.0)
        for number, score in hits:
            scaled = (score - low) / (high - low) if high > low else 1.0
            scores[number] = scores.get(number, 0.0) + weight * scaled
    return _ordered(scores)


def _weighted(lists: Sequence[T], weights: Sequence[float] | None) -> list[tuple[T, float]]:
    pairs = zip(lists, weights if weights is not None else [1.0] * len(lists), strict=True)
    return [(items, weight) for items, weight in pairs if weight > 0]


def _ordered(scores: dict[int, float]) -> list[tuple[int, float]]:
    rounded = [(number, round(score, DIGITS)) for number, score in scores.items()]
    return sorted(rounded, key=lambda item: (-item[1], item[0]))
