"""Coverage metrics: by hand, and against sets of characters."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.plugins import identity, make
from harness.records import Case, Evidence, Passage
from tests.parts.cases import example, passage, retrieved, value

ONCE = {"repeated": False}
NAMES = ["span_recall", "span_precision", "span_iou", "precision_omega"]
TWO = (Evidence("a", 10, 20), Evidence("b", 0, 10))


@pytest.mark.parametrize(
    ("passages", "recall", "precision", "iou", "precision_once", "iou_once"),
    [
        ((), 0, 0, 0, 0, 0),
        ((passage("a", 10, 20),), 1 / 2, 1, 1 / 2, 1, 1 / 2),
        ((passage("a", 10, 20), passage("b", 0, 10)), 1, 1, 1, 1, 1),
        ((passage("c", 0, 40),), 0, 0, 0, 0, 0),
        ((passage("a", 0, 10), passage("a", 20, 30)), 0, 0, 0, 0, 0),
        ((passage("a", 0, 20), passage("c", 0, 20)), 1 / 2, 10 / 40, 10 / 50, 10 / 40, 10 / 50),
        ((passage("a", 5, 15), passage("a", 10, 20)), 1 / 2, 10 / 20, 10 / 30, 10 / 15, 10 / 25),
        ((passage("a", 10, 20), passage("a", 10, 20)), 1 / 2, 10 / 20, 10 / 30, 1, 1 / 2),
        ((passage("a", 12, 12), passage("b", 9, 10)), 1 / 20, 1, 1 / 20, 1, 1 / 20),
    ],
)
def test_coverage_by_hand(
    passages: tuple[Passage, ...],
    recall: float,
    precision: float,
    iou: float,
    precision_once: float,
    iou_once: float,
) -> None:
    """What two passages repeat counts twice below the line and once above it; with `repeated: false` once in both."""
    case = retrieved(*passages, evidence=TWO)
    assert value("span_recall", case) == recall
    assert (value("span_precision", case), value("span_iou", case)) == (precision, iou)
    assert value({"use": "span_precision", **ONCE}, case) == precision_once
    assert value({"use": "span_iou", **ONCE}, case) == iou_once


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ((Evidence("a", 10, 20), Evidence("b", 0, 10)), 1),
        ((Evidence("a", 0, 40), Evidence("b", 0, 10)), 20 / 50),
        ((Evidence("a", 0, 15), Evidence("a", 15, 30), Evidence("b", 0, 20)), 20 / 50),
        ((Evidence("a", 0, 15), Evidence("a", 10, 30), Evidence("b", 0, 20)), 20 / 50),
        ((Evidence("a", 0, 20),), 10 / 30),
        ((), 0),
    ],
)
def test_precision_omega_by_hand(chunks: tuple[Evidence, ...], expected: float) -> None:
    """Overlapping chunks are united, and evidence that no chunk holds lowers the value."""
    assert value("precision_omega", Case(example(evidence=TWO), "", evidence_chunks=chunks)) == expected


def test_precision_omega_looks_at_chunks_and_not_at_passages() -> None:
    """What was retrieved does not matter; without chunks, where there is no retrieval, there is no value."""
    chunks: dict[str, Any] = {"evidence_chunks": (Evidence("a", 0, 20),)}
    case = dataclasses.replace(retrieved(passage("a", 10, 20), evidence=TWO), **chunks)
    assert value("precision_omega", case) == value("precision_omega", dataclasses.replace(case, passages=())) == 1 / 3
    nowhere: dict[str, Any] = {"evidence_chunks": None}
    assert value("precision_omega", dataclasses.replace(case, **nowhere)) is None


@pytest.mark.parametrize("name", NAMES)
def test_coverage_applies_where_all_evidence_is_spans(name: str) -> None:
    """One piece without start and end, or no evidence, and they say nothing."""
    metric = make("metric", name)
    assert metric.applies(example(evidence=(Evidence("a", 0, 1), Evidence("b", 2, 3))))
    assert not metric.applies(example(evidence=(Evidence("a", 0, 1), Evidence("b"))))
    assert not metric.applies(example(evidence=(Evidence("a", 0),)))
    assert not metric.applies(example())


@pytest.mark.parametrize("name", NAMES)
def test_evidence_without_a_character_has_no_coverage(name: str) -> None:
    """Empty evidence, which could only be divided by, gives no value, whatever was retrieved."""
    for passages in ((), (passage("a", 0, 10),)):
        assert value(name, retrieved(*passages, evidence=(Evidence("a", 5, 5),))) is None


def test_the_meaning_of_the_default_has_a_new_version() -> None:
    """Values of span_precision and span_iou from when repeated characters counted once are not taken for these."""
    assert identity(make("metric", "span_precision")) == {"use": "span_precision", "repeated": True, "version": 2}
    assert identity(make("metric", "span_iou")) == {"use": "span_iou", "repeated": True, "version": 2}


STRETCHES = st.tuples(st.sampled_from("ab"), st.integers(0, 25), st.integers(0, 12))


def characters(stretches: list[tuple[str, int, int]]) -> set[tuple[str, int]]:
    """Every character of stretches of (document, start, size)."""
    return {(document, start + i) for document, start, size in stretches for i in range(size)}


@settings(deadline=None)
@given(
    evidence=st.lists(STRETCHES, min_size=1, max_size=4),
    passages=st.lists(STRETCHES, max_size=5),
    chunks=st.lists(STRETCHES, max_size=9),
)
def test_coverage_is_that_of_sets_of_characters(
    evidence: list[tuple[str, int, int]], passages: list[tuple[str, int, int]], chunks: list[tuple[str, int, int]]
) -> None:
    """Overlapping, touching, nested and empty spans of two documents, as sets of (document, position) have them."""
    wanted, covered, length = characters(evidence), characters(passages), sum(size for *_, size in passages)
    holding = [chunk for chunk in chunks if characters([chunk]) & wanted]
    best = characters(holding)
    case = Case(
        example(evidence=tuple(Evidence(d, start, start + size) for d, start, size in evidence)),
        "",
        tuple(passage(d, start, start + size) for d, start, size in passages),
        evidence_chunks=tuple(Evidence(d, start, start + size) for d, start, size in holding),
    )
    if not wanted:
        assert [value(name, case) for name in NAMES] == [None] * 4
        return
    both = len(wanted & covered)
    assert value("span_recall", case) == both / len(wanted)
    assert value("span_precision", case) == (both / length if length else 0)
    assert value("span_iou", case) == both / (length + len(wanted - covered))
    assert value({"use": "span_precision", **ONCE}, case) == (both / len(covered) if covered else 0)
    assert value({"use": "span_iou", **ONCE}, case) == both / len(wanted | covered)
    assert value("precision_omega", case) == len(wanted & best) / len(wanted | best)
