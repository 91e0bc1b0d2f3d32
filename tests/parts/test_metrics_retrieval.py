"""Rank metrics against values by hand; span metrics against sets of characters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.plugins import make
from harness.records import Case, Evidence, Passage
from tests.parts.cases import example, passage, value

PIECES = (Evidence("a", 10, 20), Evidence("a", 50, 60), Evidence("b"))
MISS = passage("c", 0, 100)
FIRST = passage("a", 0, 11)
SECOND = passage("a", 59, 70)
WHOLE = passage("b", 5, 6)
IDEAL_3 = 1 + 1 / math.log2(3) + 1 / 2


def retrieved(*passages: Passage, evidence: tuple[Evidence, ...] = PIECES) -> Case:
    """A case whose passages came in this order."""
    return Case(example(evidence=evidence), "", passages)


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
    ],
)
def test_rank_metrics_by_hand(passages: tuple[Passage, ...], metric: str, expected: float) -> None:
    """Three pieces of evidence, one of them a whole document; values worked out by hand."""
    assert value(metric, retrieved(*passages)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("found", "document", "start", "end"),
    [(1, "a", 19, 25), (1, "a", 0, 11), (1, "a", 12, 14), (0, "a", 20, 30), (0, "a", 0, 10), (0, "b", 10, 20)],
)
def test_one_common_character_finds(found: int, document: str, start: int, end: int) -> None:
    """A passage finds evidence from one common character on; touching ends and other documents do not count."""
    case = retrieved(passage(document, start, end), evidence=(Evidence("a", 10, 20),))
    assert value("recall@1", case) == value("mrr", case) == value("ndcg@1", case) == value("precision@1", case) == found


@pytest.mark.parametrize("name", ["recall@", "precision@", "ndcg@"])
@pytest.mark.parametrize("k", ["0", "-1", "five", "2.5"])
def test_k_is_a_whole_number_from_1_on(name: str, k: str) -> None:
    """`recall@0` and `recall@five` are refused."""
    with pytest.raises(ValidationError):
        make("metric", name + k)


@pytest.mark.parametrize("name", ["recall@3", "precision@3", "ndcg@3", "mrr"])
def test_rank_metrics_apply_where_there_is_evidence(name: str) -> None:
    """A document alone is evidence enough; none is not zero."""
    assert make("metric", name).applies(example(evidence=(Evidence("a"),)))
    assert not make("metric", name).applies(example(("x",)))


@pytest.mark.parametrize("name", ["span_recall", "span_precision", "span_iou"])
def test_span_metrics_apply_where_all_evidence_is_spans(name: str) -> None:
    """One piece without start and end, or no evidence, and they say nothing."""
    metric = make("metric", name)
    assert metric.applies(example(evidence=(Evidence("a", 0, 1), Evidence("b", 2, 3))))
    assert not metric.applies(example(evidence=(Evidence("a", 0, 1), Evidence("b"))))
    assert not metric.applies(example(evidence=(Evidence("a", 0),)))
    assert not metric.applies(example())


def test_evidence_without_a_character_has_no_coverage() -> None:
    """Empty evidence, which could only be divided by, gives no value, and no passage finds it."""
    case = retrieved(passage("a", 0, 10), evidence=(Evidence("a", 5, 5),))
    assert [value(name, case) for name in ("span_recall", "span_precision", "span_iou")] == [None, None, None]
    assert value("recall@1", case) == 0


STRETCHES = st.tuples(st.sampled_from("ab"), st.integers(0, 25), st.integers(1, 12))


@settings(deadline=None)
@given(evidence=st.lists(STRETCHES, min_size=1, max_size=4), passages=st.lists(STRETCHES, max_size=5))
def test_span_metrics_are_those_of_sets_of_characters(
    evidence: list[tuple[str, int, int]], passages: list[tuple[str, int, int]]
) -> None:
    """Overlapping, touching and nested spans count each character once, as sets of (document, position) do."""

    def characters(stretches: list[tuple[str, int, int]]) -> set[tuple[str, int]]:
        return {(document, start + i) for document, start, size in stretches for i in range(size)}

    wanted, given_ = characters(evidence), characters(passages)
    case = retrieved(
        *(passage(d, start, start + size) for d, start, size in passages),
        evidence=tuple(Evidence(d, start, start + size) for d, start, size in evidence),
    )
    assert value("span_recall", case) == len(wanted & given_) / len(wanted)
    assert value("span_precision", case) == (len(wanted & given_) / len(given_) if given_ else 0)
    assert value("span_iou", case) == len(wanted & given_) / len(wanted | given_)


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
