"""Cases for the contract of metrics: every kind of example with every kind of outcome."""

from __future__ import annotations

from itertools import product

from harness.records import Case, Evidence, Example, Message, Passage

_QUESTION = (Message("user", "What does a seat cost?"),)
_SPANS = (Evidence("prices.md", 10, 30), Evidence("plans.md", 0, 5))

EXAMPLES = (
    Example("spans", _QUESTION, ("14 EUR", "fourteen euros"), _SPANS),
    Example("documents", _QUESTION, ("14 EUR",), (Evidence("prices.md"),)),
    Example("no references", _QUESTION, (), _SPANS),
    Example("no evidence", _QUESTION, ("14 EUR",)),
    Example("empty reference", _QUESTION, ("",), _SPANS),
    Example("abstain", _QUESTION, expected="abstain"),
    Example("handoff", _QUESTION, expected="handoff"),
    Example(
        "conversation",
        (Message("user", "Hello"), Message("assistant", "How can I help?"), *_QUESTION),
        ("14 EUR",),
        _SPANS,
        tags=("billing",),
        metadata={"level": 2},
    ),
)

ANSWERS = (
    "",
    "A seat costs 14 EUR per month.",
    "I don\u2019t know.",
    "I will hand you over to a human colleague.",
    "\U0001f642 \u4e94\u6708 \x00",
)

PASSAGES = (
    (),
    (Passage("prices.md", 0, 20, "p" * 20, 0.9), Passage("plans.md", 3, 9, "q" * 6, 0.5)),
    (Passage("other.md", 0, 4, "r" * 4, 0.1), Passage("prices.md", 25, 60, "s" * 35, 0.1)) * 4,
)

CASES = tuple(
    Case(example, answer, passages, latency, cost, tokens, tokens)
    for example, answer, passages, (latency, cost, tokens) in product(
        EXAMPLES, ANSWERS, PASSAGES, ((None, None, None), (0.0, 0.0, 0), (812.5, 0.0021, 37))
    )
)
"""All of them together; small enough to score in a moment."""
