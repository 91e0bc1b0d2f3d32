"""abstention, handoff and correct, and the phrases that they go by."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.data import read_dataset
from harness.parts.metrics.replies import ABSTENTIONS, HANDOFFS, abstains, offers_human
from harness.plugins import make
from harness.records import Case
from tests.parts.cases import example, value

DECLINES = "I don't know: the knowledge base does not say."
HANDS_OVER = "I will hand you over to a human colleague."
BOTH = "I couldn't find that in our articles. I can connect you to a human agent."
ANSWERS = "A seat costs 14 EUR."


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " \n",
        DECLINES,
        "I don\u2019t know.",
        "Sorry, but I DO NOT\nknow that.",
        "I'm afraid I cannot answer this question from the context. You could ask support.",
        "The passages don\u2019t mention any price.",
        "There is no information about refunds in the documents.",
        "Unfortunately, I do not have that information.",
        BOTH,
    ],
)
def test_abstentions_are_recognised(reply: str) -> None:
    """Usual ways to decline are recognised in any case, with any apostrophe, across lines; so is saying nothing."""
    assert abstains(reply, ABSTENTIONS)


@pytest.mark.parametrize(
    "reply",
    [
        ANSWERS,
        HANDS_OVER,
        "The free plan does not contain phone support.",
        "If you can't find the invoice, open Billing and choose Documents.",
        "It costs 14 EUR. I don't know whether that includes VAT.",
        "Steps\n\nThere is no information to fill in.",
        "AWS does not provide refunds for reserved instances.",
    ],
)
def test_answers_are_no_abstentions(reply: str) -> None:
    """Answers that negate something, or say in a later sentence what they do not know, are answers."""
    assert not abstains(reply, ABSTENTIONS)


@pytest.mark.parametrize(
    ("reply", "offered"),
    [
        (HANDS_OVER, True),
        (BOTH, True),
        ("I\u2019ll pass this on to a member of our team.", True),
        ("Would you like to talk to a  human?", True),
        (DECLINES, False),
        ("Our support agents answer within a day; contact support under Help.", False),
        ("", False),
    ],
)
def test_offers_of_a_human_are_recognised(reply: str, offered: bool) -> None:
    """A human is offered anywhere in the reply; to name a way to reach support is an answer."""
    assert offers_human(reply, HANDOFFS) == offered


@pytest.mark.parametrize(
    ("expected", "reply", "abstention", "handoff", "correct"),
    [
        ("answer", ANSWERS, 1, 1, 1),
        ("answer", "A seat costs 15 EUR.", 1, 1, 0),
        ("answer", "I don't know, maybe 14 EUR?", 0, 1, 0),
        ("answer", "14 EUR, I think; I will hand you over to a human colleague.", 1, 0, 0),
        ("answer", "", 0, 1, 0),
        ("abstain", DECLINES, 1, 1, 1),
        ("abstain", "", 1, 1, 1),
        ("abstain", ANSWERS, 0, 1, 0),
        ("abstain", HANDS_OVER, 0, 0, 0),
        ("abstain", BOTH, 1, 0, 1),
        ("handoff", HANDS_OVER, None, 1, 1),
        ("handoff", BOTH, None, 1, 1),
        ("handoff", DECLINES, None, 0, 0),
        ("handoff", "", None, 0, 0),
    ],
)
def test_conduct_by_hand(expected: str, reply: str, abstention: int | None, handoff: int, correct: int) -> None:
    """Each expectation with each kind of reply; None where the metric does not apply."""
    case = Case(example(("14 EUR",), expected=expected), reply)
    if abstention is None:
        assert not make("metric", "abstention").applies(case.example)
    else:
        assert value("abstention", case) == abstention
    assert value("handoff", case) == handoff
    assert value("correct", case) == correct


def test_abstention_may_look_at_one_side() -> None:
    """`on` restricts it to the examples that should be answered, or to those that should not."""
    answerable, unanswerable = example(("x",)), example(expected="abstain")
    sides = {on: make("metric", {"use": "abstention", "on": on}) for on in ("both", "answer", "abstain")}
    assert {on: m.applies(answerable) for on, m in sides.items()} == {"both": True, "answer": True, "abstain": False}
    assert {on: m.applies(unanswerable) for on, m in sides.items()} == {"both": True, "answer": False, "abstain": True}
    assert not any(m.applies(example(expected="handoff")) for m in sides.values())


def test_correct_needs_to_know_the_answer() -> None:
    """Without references, `correct` says nothing where an answer is expected, but does for the other two."""
    metric = make("metric", "correct")
    assert not metric.applies(example())
    assert metric.applies(example(expected="abstain")) and metric.applies(example(expected="handoff"))


def test_phrases_are_a_setting() -> None:
    """A sweep file's own phrases replace the defaults, in any case and with any apostrophe."""
    case = Case(example(("x",), expected="abstain"), "Das wei\u00df ich leider nicht, tut mir\u2019s leid.")
    assert value("abstention", case) == 0
    assert value({"use": "abstention", "phrases": ["tut MIR's leid"]}, case) == 1
    assert value({"use": "correct", "abstention_phrases": ["wei\u00df ich leider nicht"]}, case) == 1
    assert value({"use": "handoff", "phrases": ["wei\u00df ich"]}, case) == 0


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("abstention", "phrases"),
        ("handoff", "phrases"),
        ("correct", "abstention_phrases"),
        ("correct", "handoff_phrases"),
    ],
)
def test_an_empty_phrase_is_refused(name: str, field: str) -> None:
    """An empty phrase, which would occur in every reply, is refused."""
    with pytest.raises(ValidationError, match="must not be empty"):
        make("metric", {"use": name, field: ["x", " "]})


def test_real_answers_are_answers(shared_data: Path) -> None:
    """No reference answer of the real data is taken for an abstention or an offer of a human."""
    answers = [
        reference
        for path in sorted(shared_data.glob("*/questions.jsonl"))
        for example in read_dataset(path).examples
        if example.expected == "answer"
        for reference in example.references
    ]
    assert len(answers) > 300
    assert [text for text in answers if abstains(text, ABSTENTIONS) or offers_human(text, HANDOFFS)] == []
