"""Every built-in splitter: spans that are valid, ordered, complete, and of the size that was asked for."""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_text_splitters import Language as Known
from langchain_text_splitters import RecursiveCharacterTextSplitter
from pydantic import ValidationError

from harness.parts.splitters.code import Language
from harness.parts.splitters.sentence import sentences_of
from harness.plugins import names
from harness.testing import check_splitter
from harness.testing.splitters import spans_by
from tests.parts.texts import SIZES, TEXTS, fitted, having, splitter

UNITS = st.sampled_from(["characters", "cl100k_base"])


def cut(use: str, text: str, **fields: Any) -> list[str]:
    """The texts of the chunks."""
    return [text[start:end] for start, end in spans_by(splitter(use, **fields), text)]


@pytest.mark.parametrize("use", names("splitter"))
@settings(deadline=None)
@given(text=TEXTS, sizes=SIZES, unit=UNITS)
def test_spans_are_valid_ordered_and_cover_the_text(use: str, text: str, sizes: tuple[int, int], unit: str) -> None:
    """Whatever the text, spans lie inside it, hold no outer whitespace, are ordered, and lose no character."""
    spans = spans_by(fitted(use, *sizes, unit), text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)
    assert [span.start for span in spans] == sorted(span.start for span in spans)
    assert len(set(spans)) == len(spans)
    covered = {i for start, end in spans for i in range(start, end)}
    assert {i for i, character in enumerate(text) if not character.isspace()} <= covered


@pytest.mark.parametrize("use", ["recursive", "markdown", "headings", "code", "semantic", "parent_child"])
@settings(deadline=None)
@given(text=TEXTS, sizes=SIZES)
def test_no_chunk_is_longer_than_asked_for(use: str, text: str, sizes: tuple[int, int]) -> None:
    """Splitters that may cut anywhere keep every chunk within `chunk_size` characters."""
    spans = spans_by(fitted(use, *sizes), text)
    assert max((end - start for start, end in spans), default=0) <= sizes[0]


@settings(deadline=None)
@given(text=TEXTS, sizes=SIZES)
def test_sentences_overlap_at_most_as_asked_for(text: str, sizes: tuple[int, int]) -> None:
    """Chunks overlap in whole sentences of at most `chunk_overlap`; only a lone sentence exceeds the size."""
    spans = splitter("sentence", chunk_size=sizes[0], chunk_overlap=sizes[1]).split(text)
    sentences = sentences_of(text)
    for before, after in pairwise(spans):
        assert before.end - after.start <= sizes[1]
    starts, ends = {s.start for s in sentences}, {s.end for s in sentences}
    for span in spans:
        assert span.start in starts and span.end in ends
        assert span.end - span.start <= sizes[0] or span in sentences


@pytest.mark.parametrize("use", names("splitter"))
def test_built_in_splitters_keep_the_contract(use: str) -> None:
    """Each built-in passes the contract test that plug-in authors run, in characters and in tokens."""
    check_splitter(splitter(use))
    check_splitter(fitted(use, 30, 10, "o200k_base"))


@pytest.mark.parametrize("use", having("chunk_size", "chunk_overlap", "length"))
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"chunk_size": 0, "chunk_overlap": 0}, "chunk_size must be at least 1"),
        ({"chunk_overlap": -1}, "write 0 for no overlap"),
        ({"chunk_size": 50, "chunk_overlap": 50}, "exclude:"),
        ({"length": "words"}, "cl100k_base"),
        ({"size": 50}, "Unexpected"),
    ],
)
def test_impossible_settings_are_refused(use: str, fields: dict[str, Any], said: str) -> None:
    """Sizes that cannot be, unknown units and unknown fields are refused with a word on what to do."""
    with pytest.raises(ValidationError, match=said):
        splitter(use, **fields)


def test_no_separators_are_refused() -> None:
    """`separators: []` is refused; langchain would quietly take its own."""
    with pytest.raises(ValidationError, match="at least one"):
        splitter("recursive", separators=[])


def test_recursive_packs_paragraphs_then_words() -> None:
    """Short paragraphs stay whole and a long one is cut between words."""
    text = "first para\n\nsecond para is quite long\n\nthird"
    assert cut("recursive", text, chunk_size=14, chunk_overlap=0) == [
        "first para",
        "second para",
        "is quite long",
        "third",
    ]


def test_separators_are_those_given() -> None:
    """`separators` decides where the recursive splitter cuts."""
    assert cut("recursive", "a;b c;d", chunk_size=4, chunk_overlap=0, separators=[";", ""]) == ["a", ";b c", ";d"]


def test_markdown_cuts_at_headings() -> None:
    """A Markdown heading begins a chunk."""
    text = "# One\nshort text\n## Two\nmore text here\n"
    assert cut("markdown", text, chunk_size=24, chunk_overlap=0) == ["# One\nshort text", "## Two\nmore text here"]


def test_a_separator_is_no_pattern_and_makes_no_chunk() -> None:
    """The character splitter takes `.` literally, keeps it with its sentence, and leaves long pieces whole."""
    text = "abc. def is long. g"
    assert cut("character", text, chunk_size=4, chunk_overlap=0, separator=".") == ["abc.", "def is long.", "g"]


def test_a_long_piece_is_no_reason_to_warn(caplog: pytest.LogCaptureFixture) -> None:
    """Pieces longer than chunk_size, which the documentation announces, do not flood the log."""
    with caplog.at_level(logging.WARNING):
        assert cut("character", "x" * 50 + "\n\n" + "y" * 50, chunk_size=10, chunk_overlap=0) == ["x" * 50, "y" * 50]
    assert not caplog.records


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It is 3.14 e.g. here. Yes! \u201cNo?\u201d She went.",
            ["It is 3.14 e.g. here.", "Yes!", "\u201cNo?\u201d", "She went."],
        ),
        ("Steps:\n1. Open it. Wait.\n2. Close it.", ["Steps:", "1. Open it.", "Wait.", "2. Close it."]),
        (
            "\u4eca\u65e5\u306f\u3002\u300c\u306f\u3044\u3002\u300d\u6b21\uff01",
            ["\u4eca\u65e5\u306f\u3002", "\u300c\u306f\u3044\u3002\u300d", "\u6b21\uff01"],
        ),
        ("\u00c9cole. \u00c9t\u00e9.", ["\u00c9cole.", "\u00c9t\u00e9."]),
        ("A title\n\nA line\nthat goes on\n# Next", ["A title", "A line\nthat goes on", "# Next"]),
        (" \n ", []),
    ],
)
def test_sentences_end_where_the_rule_says(text: str, expected: list[str]) -> None:
    """Sentences end at full stops, closing quotes, blank lines and list items, not within numbers and abbreviations."""
    assert [text[s.start : s.end] for s in sentences_of(text)] == expected


def test_sentence_packs_and_overlaps_whole_sentences() -> None:
    """Chunks hold as many sentences as fit; the next one repeats as many as the overlap and the size hold."""
    text = "One two. Three. Four five six. Seven."
    assert cut("sentence", text, chunk_size=16, chunk_overlap=8) == ["One two. Three.", "Four five six.", "Seven."]
    assert cut("sentence", text, chunk_size=24, chunk_overlap=8) == [
        "One two. Three.",
        "Three. Four five six.",
        "Seven.",
    ]


@pytest.mark.parametrize("use", names("splitter"))
def test_real_documents_keep_the_contract(shared_data: Path, use: str) -> None:
    """Every built-in keeps its contract on the longest real documents, in characters and in tokens."""
    paths = sorted(shared_data.glob("*/docs/*"), key=lambda path: -path.stat().st_size)[:8]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert texts
    check_splitter(fitted(use, 200, 50), texts)
    check_splitter(fitted(use, 200, 50, "cl100k_base"), texts[-2:])


def test_code_is_cut_at_functions() -> None:
    """The separators of the language decide: a function begins a chunk."""
    text = "import os\n\ndef one():\n    return 1\n\ndef two():\n    return 2\n"
    assert cut("code", text, chunk_size=30, chunk_overlap=0) == [
        "import os",
        "def one():\n    return 1",
        "def two():\n    return 2",
    ]


def test_every_language_of_langchain_is_offered_and_works() -> None:
    """Our list is langchain's, but for those that it names and cannot split."""
    offered = set(get_args(Language))
    for known in Known:
        try:
            RecursiveCharacterTextSplitter.get_separators_for_language(known)
        except ValueError:
            assert known.value not in offered
        else:
            assert known.value in offered
            check_splitter(splitter("code", chunk_size=40, chunk_overlap=10, language=known.value))
