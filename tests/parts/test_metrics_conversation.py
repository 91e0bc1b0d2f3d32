"""refusal, and the sides of handoff: what a chatbot does in place of answering."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.parts.metrics.replies import ABSTENTIONS, HANDOFFS, REFUSALS, abstains, offers_human, refusal_in
from harness.plugins import identity, make
from harness.records import Case
from tests.parts.cases import example, value

OFFERS = "I will connect you with a human colleague."
ANSWERS = "A seat costs 14 EUR."


@pytest.mark.parametrize(
    "reply",
    [
        "I can\u2019t help with that.",
        "I'm sorry. I CANNOT assist\nwith this request.",
        "I must decline: this is against my guidelines.",
        "I'm not able to help with legal advice. Is there anything else?",
        "Dabei kann ich Ihnen nicht helfen.",
        "Tut mir leid, das darf ich nicht.",
        "D\u00e9sol\u00e9, je ne peux pas vous aider avec cela.",
        "Lo siento, no puedo ayudarte con eso.",
        "Desculpe, n\u00e3o posso ajudar com isso.",
        "Mi dispiace, non posso aiutarti con questo.",
        "Sorry, daar kan ik je niet mee helpen.",
        "Przykro mi, nie mog\u0119 w tym pom\u00f3c.",
        "\u7533\u3057\u8a33\u3054\u3056\u3044\u307e\u305b\u3093\u3002\u304a\u624b\u4f1d\u3044\u3067\u304d\u307e\u305b\u3093\u3002",
        "\u62b1\u6b49\uff0c\u6211\u65e0\u6cd5\u534f\u52a9\u5904\u7406\u6b64\u8bf7\u6c42\u3002",
    ],
)
def test_refusals_are_recognised_in_ten_languages(reply: str) -> None:
    """In the first or the second sentence, in any case and with any apostrophe."""
    assert refusal_in(reply, REFUSALS) is not None


@pytest.mark.parametrize(
    "reply",
    [
        "",
        ANSWERS,
        OFFERS,
        "I don't know.",
        "The articles do not say.",
        "If support can't help with the import, undo it within 24 hours.",
        "Open Settings. Click Members. Guests see a note: I can't help with that.",
        "Das steht nicht in den Artikeln.",
    ],
)
def test_answers_abstentions_and_late_words_are_no_refusals(reply: str) -> None:
    """Not to know is no refusal, nor is what a third sentence quotes."""
    assert refusal_in(reply, REFUSALS) is None


def test_no_phrase_is_of_two_kinds() -> None:
    """What refuses neither abstains nor offers a human, by the lists."""
    assert [p for p in REFUSALS if abstains(p, ABSTENTIONS) or offers_human(p, HANDOFFS)] == []
    assert [p for p in (*ABSTENTIONS, *HANDOFFS) if refusal_in(p, REFUSALS)] == []


def test_refusals_count_where_an_answer_is_expected() -> None:
    """By default elsewhere they are right or beside the point; `on: all` looks everywhere; less is better."""
    refuses = "I can't help with that."
    assert value("refusal", Case(example(), refuses)) == 1
    assert value("refusal", Case(example(), ANSWERS)) == 0
    metric, everywhere = make("metric", "refusal"), {"use": "refusal", "on": "all"}
    assert not metric.applies(example(expected="abstain"))
    assert value(everywhere, Case(example(expected="abstain"), refuses)) == 1
    assert value(everywhere, Case(example(expected="handoff"), ANSWERS)) == 0
    assert metric.direction == "minimize"
    assert "i can't help with" in (metric.score(Case(example(), refuses)).reason or "")


def test_phrases_of_refusals_are_a_setting() -> None:
    """They replace the list; an empty one is refused."""
    own: dict[str, Any] = {"use": "refusal", "phrases": ["Geht nicht"]}
    assert value(own, Case(example(), "Das geht  nicht!")) == 1
    assert value(own, Case(example(), "I can't help with that.")) == 0
    with pytest.raises(ValidationError, match="must not be empty"):
        make("metric", {"use": "refusal", "phrases": [" "]})


@pytest.mark.parametrize(
    ("expected", "reply", "needed", "not_needed"),
    [
        ("handoff", OFFERS, 1, None),
        ("handoff", ANSWERS, 0, None),
        ("handoff", "", 0, None),
        ("answer", OFFERS, None, 0),
        ("answer", ANSWERS, None, 1),
        ("abstain", OFFERS, None, 0),
        ("abstain", "I don't know.", None, 1),
    ],
)
def test_sides_of_handoff(expected: str, reply: str, needed: int | None, not_needed: int | None) -> None:
    """`on` divides all examples into those where a human is needed and the others; None where it does not apply."""
    case = Case(example(expected=expected), reply)
    for on, wanted in (("needed", needed), ("not_needed", not_needed)):
        spec = {"use": "handoff", "on": on}
        if wanted is None:
            assert not make("metric", spec).applies(case.example)
        else:
            assert value(spec, case) == wanted == value("handoff", case)


def test_handoff_without_a_side_is_the_metric_that_it_was() -> None:
    """Stored scores are found again: the new setting enters the identity only where it is set."""
    assert "on" not in identity(make("metric", "handoff"))
    assert identity(make("metric", {"use": "handoff", "on": "needed"}))["on"] == "needed"
