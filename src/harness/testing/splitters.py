"""What a splitter must keep."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from harness.plugins import Splitter
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
)
"""Texts that are hard for splitters: nothing, only whitespace, repetition, no place to cut, many scripts."""


def check_splitter(splitter: Splitter, texts: Sequence[str] = TEXTS, *, whole: bool = True) -> None:
    """Assert that `splitter` keeps the contract of its kind on each of `texts`.

    Spans lie inside the text, hold more than whitespace, come in the order of their starts, none twice, and are the
    same when asked again. `whole`: together they hold every character but whitespace; pass False for a splitter that
    leaves text out on purpose.
    """
    check_part(splitter)
    for text in texts:
        spans = splitter.split(text)
        _check_spans(spans, text, f"{splitter!r} on {_shown(text)}")
        again = splitter.split(text)
        assert again == spans, f"{splitter!r} on {_shown(text)}: asked again it gives other spans"
        if whole:
            _check_whole(spans, text, f"{splitter!r} on {_shown(text)}")


def _check_spans(spans: list[Span], text: str, what: str) -> None:
    assert isinstance(spans, list), f"{what}: split gave {type(spans).__name__}, not a list of Span"
    for span in spans:
        assert isinstance(span, Span), f"{what}: {span!r} is no harness.records.Span"
        assert 0 <= span.start < span.end <= len(text), f"{what}: {span} is empty or outside of {len(text)} characters"
        assert text[span.start : span.end].strip(), f"{what}: {span} holds only whitespace; leave it out"
    for before, after in pairwise(spans):
        assert before.start <= after.start, f"{what}: {after} comes behind {before}; order spans by their starts"
    assert len(set(spans)) == len(spans), f"{what}: a span comes twice"


def _check_whole(spans: list[Span], text: str, what: str) -> None:
    covered = 0
    for span in [*sorted(spans), Span(len(text), len(text))]:
        lost = text[covered : span.start].strip()
        assert not lost, f"{what}: no span holds {_shown(lost)}; if that is meant, pass whole=False"
        covered = max(covered, span.end)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "\u2026")
