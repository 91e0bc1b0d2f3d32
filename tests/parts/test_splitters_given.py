"""Splitters whose chunks are small to be found and larger when they are given, and what their contract test finds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.parts.splitters.sentence import sentences_of
from harness.plugins import known, part, registry
from harness.records import Span
from harness.testing import check_splitter
from tests.parts.texts import SIZES, TEXTS, splitter


def cut(part: Any, text: str) -> list[tuple[str, str]]:
    """The texts of the chunks, and those given in their place."""
    spans = part.split(text)
    return [
        (text[slice(*span)], text[slice(*larger)]) for span, larger in zip(spans, part.given(text, spans), strict=True)
    ]


def test_a_child_gives_its_parent() -> None:
    """Parents are cut first and do not overlap, children inside them do."""
    text = "one two three\n\nfour five six\n\nseven"
    part = splitter("parent_child", chunk_size=10, chunk_overlap=5, parent_size=15)
    assert cut(part, text) == [
        ("one two", "one two three"),
        ("two three", "one two three"),
        ("four five", "four five six"),
        ("five six", "four five six"),
        ("seven", "seven"),
    ]


@settings(deadline=None)
@given(text=TEXTS, sizes=SIZES, more=st.integers(1, 40), unit=st.sampled_from(["characters", "cl100k_base"]))
def test_each_child_lies_in_exactly_one_parent(text: str, sizes: tuple[int, int], more: int, unit: str) -> None:
    """Parents are disjoint, within their size, and hold all text; each child lies in the one that it gives."""
    size = sizes[0] + more
    part = splitter("parent_child", chunk_size=sizes[0], chunk_overlap=sizes[1], parent_size=size, length=unit)
    spans = part.split(text)
    parents = part.given(text, spans)
    distinct = sorted(set(parents))
    assert all(before.end <= after.start for before, after in pairwise(distinct))
    assert unit != "characters" or max((end - start for start, end in parents), default=0) <= size
    for span, parent in zip(spans, parents, strict=True):
        holding = [p for p in distinct if p.start <= span.start and span.end <= p.end]
        assert holding == [parent]
    held = {i for start, end in distinct for i in range(start, end)}
    assert {i for i, character in enumerate(text) if not character.isspace()} <= held


def test_a_stranger_has_no_parent() -> None:
    """A span of another text is refused by name."""
    with pytest.raises(ValueError, match="is no chunk that parent_child made of this text"):
        splitter("parent_child").given("short", [Span(2, 90)])


def test_a_sentence_gives_its_window() -> None:
    """As many neighbours as asked for, as far as there are some; chunks of several sentences too."""
    text = "A one. B two. C three. D four. E five."
    assert cut(splitter("sentence_window", window=1), text) == [
        ("A one.", "A one. B two."),
        ("B two.", "A one. B two. C three."),
        ("C three.", "B two. C three. D four."),
        ("D four.", "C three. D four. E five."),
        ("E five.", "D four. E five."),
    ]
    assert cut(splitter("sentence_window", sentences=2, window=1), text) == [
        ("A one. B two.", "A one. B two. C three."),
        ("C three. D four.", "B two. C three. D four. E five."),
        ("E five.", "D four. E five."),
    ]


@settings(deadline=None)
@given(text=TEXTS, sentences=st.integers(1, 3), window=st.integers(0, 4))
def test_windows_are_whole_sentences(text: str, sentences: int, window: int) -> None:
    """Chunks are groups of sentences, and a window reaches just as many sentences further on either side."""
    part = splitter("sentence_window", sentences=sentences, window=window)
    check_splitter(part, [text])
    found = sentences_of(text)
    spans = part.split(text)
    for number, larger in enumerate(part.given(text, spans)):
        first, behind = number * sentences, min(len(found), (number + 1) * sentences)
        inside = found[max(0, first - window) : behind + window]
        assert larger == Span(inside[0].start, inside[-1].end)


@pytest.mark.parametrize(
    ("use", "fields", "said"),
    [
        ("parent_child", {"chunk_size": 400, "parent_size": 400}, "exclude:.*chunk_size >= parent_size"),
        ("sentence_window", {"sentences": 0}, "sentences must be at least 1, found 0"),
        ("sentence_window", {"window": -1}, "window must be at least 0, found -1"),
        ("code", {"language": "perl"}, "'python'"),
    ],
)
def test_impossible_settings_are_refused(use: str, fields: dict[str, Any], said: str) -> None:
    """Each hears what is possible."""
    with pytest.raises(ValidationError, match=said):
        splitter(use, **fields)


def _first(text: str, spans: list[Span]) -> list[Span]:
    return [Span(0, 1) for _ in spans]


BROKEN: list[tuple[Any, str]] = [
    (lambda self, text, spans: spans[1:], "one for each"),
    (lambda self, text, spans: tuple(spans), "not a list"),
    (lambda self, text, spans: _first(text, spans), "does not hold it"),
    (lambda self, text, spans: [Span(0, len(text) + 1) for _ in spans], "outside of"),
    (lambda self, text, spans: [(0, len(text)) for _ in spans], "no harness.records.Span"),
]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    known("splitter")
    monkeypatch.setattr(registry, "_register", dict(registry._register))


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("give", "said"), BROKEN)
def test_a_splitter_that_gives_wrongly_is_found_out(give: Any, said: str) -> None:
    """One that gives the whole text passes; with one fault it fails with a sentence that names the fault."""

    @dataclass(frozen=True)
    class Sound:
        version: ClassVar[int] = 1

        def split(self, text: str) -> list[Span]:
            return [Span(i, i + 1) for i, character in enumerate(text) if not character.isspace()]

        def given(self, text: str, spans: Any) -> Any:
            return [Span(0, len(text)) for _ in spans]

    check_splitter(part("splitter", "sound")(Sound)())
    broken: Any = dataclass(frozen=True)(type("Broken", (Sound,), {"given": give}))
    with pytest.raises(AssertionError, match=said):
        check_splitter(part("splitter", "broken")(broken)())
