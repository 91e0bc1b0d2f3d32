"""Rank metrics: by hand, and against sets of characters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.plugins import label, make
from harness.records import Evidence, Passage
from tests.parts.cases import example, passage, retrieved, value

PIECES = (Evidence("a", 10, 20), Evidence("a", 50, 60), Evidence("b"))
MISS = passage("c", 0, 100)
FIRST = passage("a", 0, 11)
SECOND = passage("a", 59, 70)
WHOLE = passage("b", 5, 6)
ALL = [name + "@1" for name in ("recall", "precision", "ndcg", "map", "mrr", "hit_rate")] + ["map", "mrr", "hit_rate"]
IDEAL_3 = 1 + 1 / math.log2(3) + 1 / 2


@pytest.mark.parametrize(
    ("passages", "metric", "expected"),
    [
        ((), "recall@5", 0),
        ((), "precision@5", 0),
        ((), "mrr", 0),
        ((), "ndcg@5", 0),
        ((FIRST, MISS, WHOLE), "recall@1", 1 / 3),
        ((FIRST, MISS, WHOLE), "recall@3", 2 / 3),
        ((FIRST, FIRST, FIRST), "recall@3", 1 / 3),
        ((passage("a", 0, 100), WHOLE), "recall@2", 1),
        ((FIRST, MISS, WHOLE), "precision@1", 1),
        ((FIRST, MISS, WHOLE), "precision@3", 2 / 3),
        ((FIRST, MISS, WHOLE), "precision@10", 2 / 10),
        ((FIRST, FIRST), "precision@2", 1),
        ((MISS, MISS, SECOND), "mrr", 1 / 3),
        ((MISS, MISS), "mrr", 0),
        ((FIRST, SECOND, WHOLE), "ndcg@3", 1),
        ((MISS, FIRST, SECOND), "ndcg@3", (1 / math.log2(3) + 1 / 2) / IDEAL_3),
        ((FIRST, FIRST, SECOND), "ndcg@3", (1 + 1 / 2) / IDEAL_3),
        ((FIRST, SECOND, WHOLE), "ndcg@1", 1),
        ((MISS, FIRST), "ndcg@1", 0),
        ((FIRST,), "ndcg@9", 1 / IDEAL_3),
        ((passage("a", 0, 100), SECOND, WHOLE), "ndcg@3", (1 + 1 / 2) / IDEAL_3),
        ((), "map", 0),
        ((), "map@2", 0),
        ((), "mrr@2", 0),
        ((), "hit_rate", 0),
        ((), "hit_rate@2", 0),
        ((FIRST, SECOND, WHOLE), "map", 1),
        ((MISS, FIRST, SECOND), "map", (1 / 2 + 2 / 3) / 3),
        ((FIRST, FIRST, SECOND), "map", (1 + 2 / 3) / 3),
        ((passage("a", 0, 100), SECOND, WHOLE), "map", (1 + 2 / 3) / 3),
        ((MISS, FIRST, SECOND), "map@2", 1 / 2 / 3),
        ((FIRST, SECOND, WHOLE), "map@1", 1 / 3),
        ((MISS, MISS, SECOND), "mrr@2", 0),
        ((MISS, SECOND, FIRST), "mrr@2", 1 / 2),
        ((MISS, MISS, SECOND), "hit_rate", 1),
        ((MISS, MISS, SECOND), "hit_rate@3", 1),
        ((MISS, MISS, SECOND), "hit_rate@2", 0),
        ((MISS, MISS), "hit_rate", 0),
    ],
)
def test_rank_metrics_by_hand(passages: tuple[Passage, ...], metric: str, expected: float) -> None:
    """Three pieces of evidence, one of them a whole document; values worked out by hand."""
    assert value(metric, retrieved(*passages, evidence=PIECES)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("found", "document", "start", "end"),
    [(1, "a", 19, 25), (1, "a", 0, 11), (1, "a", 12, 14), (0, "a", 20, 30), (0, "a", 0, 10), (0, "b", 10, 20)],
)
def test_one_common_character_finds(found: int, document: str, start: int, end: int) -> None:
    """A passage finds evidence from one common character on; touching ends and other documents do not count."""
    case = retrieved(passage(document, start, end), evidence=(Evidence("a", 10, 20),))
    assert {value(name, case) for name in ALL} == {found}


def test_evidence_without_a_character_is_not_found() -> None:
    """A passage around it shares no character with it."""
    case = retrieved(passage("a", 0, 10), evidence=(Evidence("a", 5, 5),))
    assert {value(name, case) for name in ALL} == {0}


@pytest.mark.parametrize("name", ["recall@", "precision@", "ndcg@", "map@", "mrr@", "hit_rate@"])
@pytest.mark.parametrize("k", ["0", "-1", "five", "2.5"])
def test_k_is_a_whole_number_from_1_on(name: str, k: str) -> None:
    """`recall@0` and `recall@five` are refused."""
    with pytest.raises(ValidationError):
        make("metric", name + k)


@pytest.mark.parametrize("name", ALL)
def test_rank_metrics_apply_where_there_is_evidence(name: str) -> None:
    """A document alone is evidence enough; none is not zero."""
    assert make("metric", name).applies(example(evidence=(Evidence("a"),)))
    assert not make("metric", name).applies(example(("x",)))


@pytest.mark.parametrize("name", ["map", "mrr", "hit_rate"])
def test_a_name_with_and_without_k_are_two_metrics(name: str) -> None:
    """`mrr` looks at all passages, `mrr@2` at two, and `mrr@` alone is no name."""
    whole, cut = make("metric", name), make("metric", f"{name}@2")
    assert (label(whole), label(cut)) == (name, f"{name}@2")
    case = retrieved(MISS, MISS, FIRST, evidence=PIECES)
    assert whole.score(case) > cut.score(case) == 0
    with pytest.raises(LookupError):
        make("metric", f"{name}@")


STRETCHES = st.tuples(st.sampled_from("ab"), st.integers(0, 25), st.integers(1, 12))


@settings(deadline=None)
@given(
    evidence=st.lists(STRETCHES, min_size=1, max_size=4), passages=st.lists(STRETCHES, max_size=8), k=st.integers(1, 9)
)
def test_rank_metrics_are_those_of_sets_of_characters(
    evidence: list[tuple[str, int, int]], passages: list[tuple[str, int, int]], k: int
) -> None:
    """Rank metrics equal versions written from the definition over sets of characters."""
    pieces = [{(d, start + i) for i in range(size)} for d, start, size in evidence]
    ranked = [{(d, start + i) for i in range(size)} for d, start, size in passages]
    case = retrieved(
        *(passage(d, start, start + size) for d, start, size in passages),
        evidence=tuple(Evidence(d, start, start + size) for d, start, size in evidence),
    )
    touched = [[i for i, piece in enumerate(pieces) if piece & one] for one in ranked]
    assert value(f"recall@{k}", case) == len({i for found in touched[:k] for i in found}) / len(pieces)
    assert value(f"precision@{k}", case) == len([found for found in touched[:k] if found]) / k
    assert value("mrr", case) == max((1 / (rank + 1) for rank, found in enumerate(touched) if found), default=0)
    gains = [
        bool(set(found) - {i for before in touched[:rank] for i in before}) for rank, found in enumerate(touched[:k])
    ]
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(k, len(pieces))))
    gain = sum(1 / math.log2(rank + 2) for rank, new in enumerate(gains) if new)
    assert value(f"ndcg@{k}", case) == pytest.approx(gain / ideal)
    precisions = [sum(gains[: rank + 1]) / (rank + 1) for rank, new in enumerate(gains) if new]
    assert value(f"map@{k}", case) == pytest.approx(sum(precisions) / len(pieces))
    assert value(f"hit_rate@{k}", case) == any(touched[:k])
    assert value(f"mrr@{k}", case) == max((1 / (r + 1) for r, found in enumerate(touched[:k]) if found), default=0)
    for name in ("map", "mrr", "hit_rate"):
        assert value(name, case) == value(f"{name}@{len(ranked) + 1}", case)
