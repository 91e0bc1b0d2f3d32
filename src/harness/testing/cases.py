"""Cases for the contract of metrics: every kind of example with every kind of outcome."""

from __future__ import annotations

from itertools import product
from typing import Any

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

MEASURED: tuple[dict[str, Any], ...] = (
    {},
    {
        "latency_ms": 0.0,
        "cost_usd": 0.0,
        "input_tokens": 0,
        "output_tokens": 0,
        "evidence_chunks": (),
        "index_recall": 0.0,
    },
    {
        "latency_ms": 812.5,
        "cost_usd": 0.0021,
        "input_tokens": 410,
        "output_tokens": 37,
        "first_token_ms": 95.0,
        "evidence_chunks": (
            Evidence("prices.md", 0, 20),
            Evidence("prices.md", 15, 40),
            Evidence("plans.md", 3, 9),
        ),
        "index_recall": 0.8,
    },
)
"""What was measured: nothing, only zeros, and something of everything."""

CASES = tuple(
    Case(example, answer, passages, **measured)
    for example, answer, passages, measured in product(EXAMPLES, ANSWERS, PASSAGES, MEASURED)
)
"""All of them together; small enough to score in a moment."""
