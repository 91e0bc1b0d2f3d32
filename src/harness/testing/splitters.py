"""What a splitter must keep."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.plugins import EmbeddingSplitter, GivingSplitter, Splitter
from harness.records import Span
from harness.testing.parts import check_part

TEXTS = (
    "",
    " \n\t\n\u3000",
    "a",
    "One sentence. Another one! A third? Yes.",
    "# Heading\n\nA paragraph.\n\n- an item\n- another item\n\n```\ncode\n```\n\n| a | b |\n| 1 | 2 |\n",
    "ab ab ab ab ab ab\n\n" * 60,
    "\n\n\n  leading and trailing, with\r\nWindows line ends.\r\n\r\nEnd.  \n\n",
    "x" * 3000,
    "\u4eca\u65e5\u306f\u826f\u3044\u5929\u6c17\u3067\u3059\u3002\u660e\u65e5\u306f\u96e8\u3067\u3059\u3002" * 80,
    "na\u00efve caf\u00e9 \U0001f642\u200d\U0001f642 e\u0301 \ufeff\u00a0 <|endoftext|> \x00 " * 40,
    "<h1>Title</h1><p>Text.</p>\n<h2 class='x'>Part</h2>\nMore <pre># text</pre>\nTitle\n=====\ntext\n" * 9,
)
"""Texts that are hard for splitters: nothing, only whitespace, repetition, no place to cut, many scripts, headings."""
_WIDTH = 16


async def letters(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors for tests, one row each: how often each character occurs, of 16 kinds by its code."""
    rows = [np.bincount([ord(c) % _WIDTH for c in text], minlength=_WIDTH) for text in texts]
    return np.array(rows, dtype=np.float32).reshape(len(texts), _WIDTH)


def spans_by(splitter: Splitter | EmbeddingSplitter, text: str) -> list[Span]:
    """The spans of `text`; a splitter that looks at vectors gets those of `letters`."""
    if isinstance(splitter, EmbeddingSplitter):
        return asyncio.run(splitter.split_by(text, letters))
    return splitter.split(text)


def check_splitter(splitter: Splitter | EmbeddingSplitter, texts: Sequence[str] = TEXTS, *, whole: bool = True) -> None:
    """Assert that `splitter` keeps the contract of its kind on each of `texts`. Not from within an event loop.

    Spans lie inside the text, hold more than whitespace, come in the order of their starts, none twice, and are the
    same when asked again. `whole`: together they hold every character but whitespace; pass False for a splitter that
    leaves text out on purpose. One with `split_by` is asked with the vectors of `letters`; one with `given` gives for
    each span a larger one that holds it, the same when asked again.
    """
    check_part(splitter)
    for text in texts:
        what = f"{splitter!r} on {_shown(text)}"
        spans = spans_by(splitter, text)
        _check_spans(spans, text, what)
        again = spans_by(splitter, text)
        assert again == spans, f"{what}: asked again it gives other spans"
        if whole:
            _check_whole(spans, text, what)
        if isinstance(splitter, GivingSplitter):
            _check_given(splitter, spans, text, what)


def _check_spans(spans: list[Span], text: str, what: str) -> None:
    assert isinstance(spans, list), f"{what}: split gave {type(spans).__name__}, not a list of Span"
    for span in spans:
        _check_span(span, text, what)
        assert text[span.start : span.end].strip(), f"{what}: {span} holds only whitespace; leave it out"
    for before, after in pairwise(spans):
        assert before.start <= after.start, f"{what}: {after} comes behind {before}; order spans by their starts"
    assert len(set(spans)) == len(spans), f"{what}: a span comes twice"


def _check_span(span: Span, text: str, what: str) -> None:
    assert isinstance(span, Span), f"{what}: {span!r} is no harness.records.Span"
    assert 0 <= span.start < span.end <= len(text), f"{what}: {span} is empty or outside of {len(text)} characters"


def _check_whole(spans: list[Span], text: str, what: str) -> None:
    covered = 0
    for span in [*sorted(spans), Span(len(text), len(text))]:
        lost = text[covered : span.start].strip()
        assert not lost, f"{what}: no span holds {_shown(lost)}; if that is meant, pass whole=False"
        covered = max(covered, span.end)


def _check_given(splitter: GivingSplitter, spans: list[Span], text: str, what: str) -> None:
    given = splitter.given(text, spans)
    assert isinstance(given, list), f"{what}: given gave {type(given).__name__}, not a list of Span"
    assert len(given) == len(spans), f"{what}: given gave {len(given)} spans for {len(spans)}; one for each, in order"
    for span, larger in zip(spans, given, strict=True):
        _check_span(larger, text, what)
        holds = larger.start <= span.start and span.end <= larger.end
        assert holds, f"{what}: {larger} is given in the place of {span} and does not hold it"
    assert splitter.given(text, spans) == given, f"{what}: asked again it gives other spans in their place"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "\u2026")
