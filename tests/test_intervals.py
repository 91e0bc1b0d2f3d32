"""Intervals of characters against sets of (document, position)."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.records.intervals import Intervals, common, size, union, without

SPANS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(0, 30)), max_size=8)


def characters(spans: list[tuple[str, int, int]]) -> set[tuple[str, int]]:
    """Every character of spans; one that ends before it starts has none."""
    return {(document, i) for document, start, end in spans for i in range(start, end)}


def of(covered: Intervals) -> set[tuple[str, int]]:
    """Every character of intervals, which must keep their promise: none empty, in order, with a gap between them."""
    for intervals in covered.values():
        assert intervals
        assert all(start < end for start, end in intervals)
        assert all(end < after for (_, end), (after, _) in pairwise(intervals))
    return characters([(document, *interval) for document, intervals in covered.items() for interval in intervals])


@given(SPANS)
def test_a_union_covers_what_its_spans_cover(spans: list[tuple[str, int, int]]) -> None:
    """Overlapping, touching, nested, equal and empty spans in any order make disjoint ordered intervals."""
    assert of(union(spans)) == characters(spans)
    assert size(union(spans)) == len(characters(spans))
    assert union(reversed(spans)) == union(spans)


@given(SPANS, SPANS)
def test_common_and_without_are_those_of_sets(a: list[tuple[str, int, int]], b: list[tuple[str, int, int]]) -> None:
    """What both cover is counted, what only the first covers is left, and neither argument is changed."""
    one, other = union(a), union(b)
    assert common(one, other) == common(other, one) == len(characters(a) & characters(b))
    assert of(without(one, other)) == characters(a) - characters(b)
    assert (one, other) == (union(a), union(b))


def test_touching_spans_are_one_and_share_nothing() -> None:
    """By hand: ends are exclusive."""
    assert union([("a", 5, 9), ("a", 0, 5), ("b", 3, 3)]) == {"a": [(0, 9)]}
    assert common({"a": [(0, 5)]}, {"a": [(5, 9)]}) == 0
    assert without({"a": [(0, 9)], "b": [(1, 2)]}, {"a": [(2, 3), (5, 9)], "b": [(0, 4)]}) == {"a": [(0, 2), (3, 5)]}
