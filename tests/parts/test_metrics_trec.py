"""Rank metrics against trec_eval, where every piece of evidence is one passage."""

from __future__ import annotations

from random import Random

import pytest
import pytrec_eval

from harness.records import Case, Evidence, Passage
from tests.parts.cases import passage, retrieved, value

CUTS = (1, 2, 3, 5, 10, 30)
NAMES = {
    **{f"recall@{k}": f"recall_{k}" for k in CUTS},
    **{f"precision@{k}": f"P_{k}" for k in CUTS},
    **{f"ndcg@{k}": f"ndcg_cut_{k}" for k in CUTS},
    **{f"map@{k}": f"map_cut_{k}" for k in CUTS},
    **{f"hit_rate@{k}": f"success_{k}" for k in CUTS},
    "map": "map",
    "mrr": "recip_rank",
}
RANKINGS = 1000


def ranking(random: Random) -> tuple[list[int], list[int]]:
    """Numbers of passages as they came, at least one, and those that hold evidence, at least one, found or not."""
    pool = range(random.randint(1, 40))
    retrieved_ = random.sample(pool, random.randint(1, len(pool)))
    return retrieved_, random.sample(pool, random.randint(1, min(len(pool), random.choice((1, 3, 40)))))


def spot(number: int) -> Passage:
    """The passage of a number: ten characters of one of three documents; the next one touches it."""
    return passage("abc"[number % 3], number // 3 * 10, number // 3 * 10 + 10)


def case(ranked: list[int], holding: list[int], random: Random) -> Case:
    """The same as trec_eval sees; of each passage that holds evidence some characters are it."""
    pieces = []
    for place in map(spot, holding):
        start = random.randint(place.start, place.end - 1)
        pieces.append(Evidence(place.document, start, random.randint(start + 1, place.end)))
    return retrieved(*map(spot, ranked), evidence=tuple(pieces))


def judged(rankings: list[tuple[list[int], list[int]]]) -> list[dict[str, float]]:
    """What trec_eval makes of rankings: one mapping of measures for each."""
    relevant = {str(i): {str(n): 1 for n in holding} for i, (_, holding) in enumerate(rankings)}
    runs = {str(i): {str(n): float(-rank) for rank, n in enumerate(ranked)} for i, (ranked, _) in enumerate(rankings)}
    cuts = ",".join(map(str, CUTS))
    measures = {f"{name}.{cuts}" for name in ("recall", "P", "ndcg_cut", "map_cut", "success")} | {"map", "recip_rank"}
    found = pytrec_eval.RelevanceEvaluator(relevant, measures).evaluate(runs)
    return [found[str(i)] for i in range(len(rankings))]


def test_rank_metrics_are_those_of_trec_eval() -> None:
    """A thousand random rankings; recall, precision, ndcg, map, success and reciprocal rank to 1e-9."""
    random = Random(20)
    rankings = [ranking(random) for _ in range(RANKINGS)]
    differ = []
    for (ranked, holding), expected in zip(rankings, judged(rankings), strict=True):
        one = case(ranked, holding, random)
        differ += [
            (name, ranked, holding, value(name, one), expected[theirs])
            for name, theirs in NAMES.items()
            if value(name, one) != pytest.approx(expected[theirs], abs=1e-9)
        ]
    assert not differ


def test_ranks_beyond_k_count_for_nothing_as_when_the_run_is_cut() -> None:
    """`mrr@K` is trec_eval's recip_rank of the first K, `hit_rate` its success at the length of the ranking."""
    random = Random(21)
    rankings = [ranking(random) for _ in range(RANKINGS)]
    for k in (1, 3, 10):
        for (ranked, holding), cut in zip(rankings, judged([(r[:k], h) for r, h in rankings]), strict=True):
            one = case(ranked, holding, random)
            assert value(f"mrr@{k}", one) == pytest.approx(cut["recip_rank"], abs=1e-9)
            assert value("hit_rate", case(ranked[:k], holding, random)) == cut["success_10"]
