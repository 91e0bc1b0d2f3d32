"""What every context builder must do, as checks that a plug-in's author can run in a test: `check_context(Mine())`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from harness.plugins import ContextBuilder
from harness.records import Context, Passage
from harness.records.intervals import Intervals, union, without
from harness.testing.parts import check_part

DOCUMENTS = {
    "prices.md": "A seat costs 14 EUR per month, or 140 EUR for a whole year. Seats can be added each month. " * 3,
    "\u914d\u9001.md": "{{ text }} {% if %} \u306f\u4e8c\u65e5\u304b\u304b\u308a\u307e\u3059\u3002\U0001f642 <b>&</b>",
}
_SPANS = {
    "none": [],
    "one": [("prices.md", 0, 30)],
    "apart": [("prices.md", 100, 140), ("\u914d\u9001.md", 0, 11), ("prices.md", 0, 30)],
    "overlapping": [("prices.md", 20, 60), ("prices.md", 0, 30), ("\u914d\u9001.md", 5, 30), ("prices.md", 25, 40)],
    "touching": [("prices.md", 30, 60), ("prices.md", 0, 30), ("prices.md", 60, 70)],
    "the same twice": [("prices.md", 0, 30), ("\u914d\u9001.md", 0, 11), ("prices.md", 0, 30)],
}


def check_context(builder: ContextBuilder) -> None:
    """Check that `builder` is what harness.plugins.ContextBuilder promises, on passages of a small corpus.

    With none, one, and several that are apart, overlap, touch, or come twice, in every order. Raises AssertionError
    that says what is wrong.
    """
    check_part(builder)
    for name, spans in _SPANS.items():
        for order in permutations(spans):
            given = [_passage(*span, rank) for rank, span in enumerate(order)]
            _check_build(builder, given, f"{name}: {', '.join(f'{d} {s}-{e}' for d, s, e in order) or 'no passage'}")


def _check_build(builder: ContextBuilder, given: Sequence[Passage], what: str) -> None:
    before = list(given)
    context = builder.build(given)
    assert isinstance(context, Context), f"{what}: `build` must return a harness.records.Context, found {context!r}"
    assert isinstance(context.text, str), f"{what}: `text` must be a text, found {type(context.text).__name__}"
    assert isinstance(context.passages, tuple), f"{what}: `passages` must be a tuple"
    assert list(given) == before, f"{what}: it changes the passages that it gets"
    assert builder.build(tuple(given)) == context, f"{what}: asked again it gives another context"
    count = len(context.passages)
    assert sorted(context.order) == list(range(count)), (
        f"{what}: `order` must hold the position of each of {count} passages once, found {context.order}"
    )
    assert isinstance(context.order, tuple), f"{what}: `order` must be a tuple"
    _check_passages(context.passages, given, what)


def _check_passages(passages: Sequence[Passage], given: Sequence[Passage], what: str) -> None:
    for passage in passages:
        assert passage.text == DOCUMENTS[passage.document][passage.start : passage.end], (
            f"{what}: {passage} has not the text that stands at its place"
        )
    spans = [(p.document, p.start, p.end) for p in passages]
    assert len(set(spans)) == len(spans), f"{what}: a span is given twice: {spans}"
    invented = without(_covered(passages), _covered(given))
    assert not invented, f"{what}: it gives characters that no passage holds: {invented}"
    scores = [p.score for p in passages if p.score is not None]
    assert scores == sorted(scores, reverse=True), (
        f"{what}: `passages` must come best first, whatever the order of the text; found scores {scores}"
    )


def _covered(passages: Sequence[Passage]) -> Intervals:
    return union((p.document, p.start, p.end) for p in passages)


def _passage(document: str, start: int, end: int, rank: int) -> Passage:
    return Passage(document, start, end, DOCUMENTS[document][start:end], 0.9 - rank / 10, 5.0 - rank)
