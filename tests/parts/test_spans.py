"""Where chunks lie: by hand, for any unit, and against the truth on real documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_text_splitters import RecursiveCharacterTextSplitter

from harness.parts.splitters.spans import spans_of
from harness.plugins.lengths import length_in
from harness.records import Span
from tests.parts.texts import SIZES, TEXTS, splitter


def test_equal_starts_do_not_lose_what_follows() -> None:
    """A chunk that starts where the one before does is found there, not at a repetition of it far behind."""
    block = "```\nThis is one long line of code in here\n"
    text = block + "Something else that stands in between them.\n" + block
    chunks = ["```", block.strip(), "Something else that stands in between them.", "```", block.strip()]
    assert spans_of(text, chunks, 60, 5) == [
        Span(0, 3),
        Span(0, 41),
        Span(42, 85),
        Span(86, 89),
        Span(86, 127),
    ]


def test_what_no_chunk_accounts_for_is_cut_to_size() -> None:
    """A stretch that the splitter lost is covered by spans between words, none longer than the size."""
    text = "found one two three fourfourfour end"
    spans = spans_of(text, ["found", "never there", "end"], 8, 0)
    assert [text[s.start : s.end] for s in spans] == ["found", "one two", "three", "fourfour", "four", "end"]


def test_rewritten_whitespace_is_found_by_words() -> None:
    """A chunk whose whitespace the splitter changed gets the span of the same words, longer than the size or not."""
    assert spans_of("a \n\n b  c", ["a b", "c"], 3, 0) == [Span(0, 6), Span(8, 9)]


def test_a_repeated_chunk_is_the_next_repetition_or_the_same_one() -> None:
    """The same chunk again lies behind the last one, but not where that would skip other text."""
    assert spans_of("ab ab ab", ["ab", "ab", "ab"], 5, 2) == [Span(0, 2), Span(3, 5), Span(6, 8)]
    assert spans_of("ab cd ab", ["ab", "ab", "cd ab"], 5, 2) == [Span(0, 2), Span(3, 8)]


def test_only_repetitions_are_measured() -> None:
    """A chunk that can lie in one place only costs no counting of tokens, which is slow."""
    measured: list[str] = []

    def length(text: str) -> int:
        measured.append(text)
        return len(text)

    text = " ".join(map(str, range(1000)))
    chunks = RecursiveCharacterTextSplitter(chunk_size=50, chunk_overlap=20).split_text(text)
    assert len(spans_of(text, chunks, 50, 20, length)) == len(chunks)
    assert not measured
    spans_of("ab ab ab", ["ab", "ab", "ab"], 5, 2, length)
    assert measured


@settings(deadline=None)
@given(text=TEXTS, sizes=SIZES, lost=st.sets(st.integers(0, 20)))
def test_any_unit_is_searched_to_the_character(text: str, sizes: tuple[int, int], lost: set[int]) -> None:
    """With a unit that measures as characters do, the search by halves finds just what counting characters finds."""
    chunks = RecursiveCharacterTextSplitter(chunk_size=sizes[0], chunk_overlap=sizes[1]).split_text(text)
    some = [chunk for i, chunk in enumerate(chunks) if i not in lost]
    assert spans_of(text, some, *sizes, lambda piece: len(piece)) == spans_of(text, some, *sizes)


class Unmistakable:
    """A document in which every character but whitespace is another one, so that a chunk tells its own place."""

    def __init__(self, text: str) -> None:
        codes = (code for code in range(0x3400, 0x30000) if not 0xD800 <= code < 0xE000 and not chr(code).isspace())
        self.original = text
        self.text = "".join(c if c.isspace() else chr(next(codes)) for c in text)
        self.places = {c: i for i, c in enumerate(self.text) if not c.isspace()}

    def span(self, piece: str) -> Span:
        """Where a piece of the text lies."""
        ahead = len(piece) - len(piece.lstrip())
        start = self.places[piece[ahead]] - ahead
        return Span(start, start + len(piece))

    def spans(self, size: int, overlap: int, unit: Any) -> set[Span]:
        """Where langchain's chunks truly lie."""
        length = length_in(unit)

        def of_original(piece: str) -> int:
            return length(self.original[slice(*self.span(piece))] if piece.strip() else piece)

        splitter = RecursiveCharacterTextSplitter(chunk_size=size, chunk_overlap=overlap, length_function=of_original)
        return set(map(self.span, splitter.split_text(self.text)))


@pytest.mark.parametrize(
    ("size", "overlap", "unit"),
    [(100, 30, "characters"), (400, 40, "characters"), (800, 0, "characters"), (100, 25, "cl100k_base")],
)
def test_spans_of_real_documents_are_the_true_ones(shared_data: Path, size: int, overlap: int, unit: str) -> None:
    """On the real documents every chunk lies where langchain cut it, and hardly a span is added (1 in 1,000)."""
    recursive = splitter("recursive", chunk_size=size, chunk_overlap=overlap, length=unit)
    true_count, missed, added = 0, 0, 0
    for path in sorted(shared_data.glob("*/docs/*")):
        text = path.read_text(encoding="utf-8")
        true, found = Unmistakable(text).spans(size, overlap, unit), set(recursive.split(text))
        true_count, missed, added = true_count + len(true), missed + len(true - found), added + len(found - true)
    assert true_count > 1000
    assert missed == 0
    assert added <= true_count / 1000
