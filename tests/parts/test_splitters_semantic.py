"""Splitting where vectors say that the subject changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.parts.splitters.sentence import sentences_of
from harness.plugins import EmbeddingSplitter
from harness.testing import check_splitter
from tests.parts.texts import TEXTS, splitter


def turned(angles: Sequence[float]) -> Any:
    """An embedder that gives the texts it is asked for, in order, vectors at these angles in degrees."""

    async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        assert len(texts) == len(angles)
        radians = np.radians(angles)
        return np.array([np.cos(radians), np.sin(radians)], dtype=np.float32).T

    return embed


def cut(text: str, embed: Any, **fields: Any) -> list[str]:
    """The texts of the chunks."""
    spans = asyncio.run(splitter("semantic", **fields).split_by(text, embed))
    return [text[start:end] for start, end in spans]


TEXT = "A one. B two. C three. D four. E five. F six."


def test_the_text_is_cut_where_the_distance_is_largest() -> None:
    """By default above the 95th percentile of the document's own distances."""
    assert cut(TEXT, turned([0, 5, 10, 60, 65, 70])) == ["A one. B two. C three.", "D four. E five. F six."]


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("percentile", 50, ["A one. B two.", "C three. D four.", "E five. F six."]),
        ("percentile", 100, [TEXT]),
        ("standard_deviation", 1, ["A one. B two. C three. D four.", "E five. F six."]),
        ("standard_deviation", None, [TEXT]),
        ("interquartile", 0, ["A one. B two.", "C three. D four.", "E five. F six."]),
        ("interquartile", 1, ["A one. B two. C three. D four.", "E five. F six."]),
        ("interquartile", None, [TEXT]),
        ("gradient", 60, ["A one.", "B two. C three.", "D four. E five. F six."]),
    ],
)
def test_each_kind_of_breakpoint_has_its_threshold(kind: str, amount: float | None, expected: list[str]) -> None:
    """Distances are 0.004, 0.181, 0.004, 0.357, 0.004: percentile, mean + deviations or ranges, slope."""
    angles = np.cumsum([0, 5, 35, 5, 50, 5])
    assert cut(TEXT, turned(list(angles)), breakpoint=kind, amount=amount) == expected


def test_neighbours_are_embedded_with_each_sentence() -> None:
    """`buffer` sentences on either side, as the text has them; 0 embeds each alone."""
    asked: list[str] = []

    async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    text = "A one.\n\nB two. C three."
    assert cut(text, embed) == [text]
    assert asked == ["A one.\n\nB two.", text, "B two. C three."]
    asked.clear()
    cut(text, embed, buffer=0)
    assert asked == ["A one.", "B two.", "C three."]


def test_a_long_chunk_is_cut_at_its_largest_inner_distance() -> None:
    """`chunk_size` is an upper bound; below the threshold the largest distances decide, equal ones in the middle."""
    angles = [0, 5, 20, 25, 30, 80]
    assert cut(TEXT, turned(angles), chunk_size=25) == ["A one. B two.", "C three. D four. E five.", "F six."]
    assert cut(TEXT, turned([0] * 6), chunk_size=25) == ["A one. B two. C three.", "D four. E five. F six."]


def test_a_short_chunk_goes_on() -> None:
    """Breakpoints before `min_chunk_size` is reached do not cut, nor do they when a long chunk is divided."""
    angles = [0, 60, 120, 125, 130, 135]
    fields = {"breakpoint": "percentile", "amount": 50}
    assert cut(TEXT, turned(angles), **fields)[:2] == ["A one.", "B two."]
    assert cut(TEXT, turned(angles), min_chunk_size=12, **fields)[0] == "A one. B two."
    long = {"amount": 100, "chunk_size": 30}
    assert cut(TEXT, turned([0, 60, 60, 60, 60, 60]), **long)[0] == "A one."
    assert cut(TEXT, turned([0, 60, 60, 60, 60, 60]), min_chunk_size=12, **long)[0] == "A one. B two. C three."


def test_a_text_of_one_sentence_is_not_embedded() -> None:
    """Nothing to compare is nothing to pay for."""

    async def never(texts: Sequence[str]) -> NDArray[np.float32]:
        raise AssertionError("asked")

    assert cut("Only one. ", never) == ["Only one."]
    assert cut(" \n", never) == []


def test_a_zero_vector_is_far_from_all() -> None:
    """A text that an embedder knows nothing of is cut off, not a division by zero."""

    async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1, 0], [1, 0], [1, 0], [0, 0]], dtype=np.float32)

    assert cut("A one. B two. C three. D four.", embed) == ["A one. B two. C three.", "D four."]


@settings(deadline=None)
@given(
    text=TEXTS,
    size=st.integers(2, 60),
    kind=st.sampled_from(["percentile", "standard_deviation", "interquartile", "gradient"]),
    amount=st.floats(0, 100),
    buffer=st.integers(0, 2),
)
def test_any_threshold_keeps_the_contract(text: str, size: int, kind: str, amount: float, buffer: int) -> None:
    """Whatever the settings, the spans are sound, within the size, do not overlap, and end with sentences or pieces."""
    part = splitter(
        "semantic", chunk_size=size, min_chunk_size=size // 2, breakpoint=kind, amount=amount, buffer=buffer
    )
    assert isinstance(part, EmbeddingSplitter)
    check_splitter(part, [text])
    wide = splitter("semantic", chunk_size=10_000, breakpoint=kind, amount=amount, buffer=buffer)
    check_splitter(wide, [text])
    found = sentences_of(text)

    async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[len(t), t.count("a") + 1] for t in texts], dtype=np.float32)

    spans = asyncio.run(wide.split_by(text, embed))
    assert {s.start for s in spans} <= {s.start for s in found} and {s.end for s in spans} <= {s.end for s in found}
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert all(end - start <= size for start, end in asyncio.run(part.split_by(text, embed)))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"breakpoint": "median"}, "percentile"),
        ({"amount": 101}, "amount of percentile must be between 0 and 100"),
        ({"breakpoint": "interquartile", "amount": -1}, "at least 0, found -1"),
        ({"buffer": -1}, "0 embeds each sentence alone"),
        ({"chunk_size": 0}, "chunk_size must be at least 1"),
        ({"chunk_size": 100, "min_chunk_size": 100}, r"less than chunk_size \(100\), found 100"),
    ],
)
def test_impossible_settings_are_refused(fields: dict[str, Any], said: str) -> None:
    """Each hears what is possible."""
    with pytest.raises(ValidationError, match=said):
        splitter("semantic", **fields)
