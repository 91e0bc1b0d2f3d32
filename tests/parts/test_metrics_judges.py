"""Judges: what each makes of a model's reply, and what it does not ask a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import ProviderError
from harness.records import Message
from harness.testing.judges import Asked
from tests.parts.judged import JUDGES, PASSAGES, assess, case, fitting, judge, says


@pytest.mark.parametrize("use", JUDGES)
def test_a_good_answer_is_1_and_a_bad_one_0(use: str) -> None:
    """The ends of each judge's scale, with a reason and the opinion in the details."""
    for good in (True, False):
        found, asker = assess(judge(use), case(), says(use, good))
        assert found.value == float(good)
        assert found.reason
        [opinion] = found.details["opinions"]
        assert (opinion["judge"], opinion["draw"], opinion["value"]) == ("openai/judge", 0, float(good))
        assert len(asker.asked) == (2 if use == "preference" else 1)


@pytest.mark.parametrize("use", JUDGES)
def test_a_broken_reply_is_repaired_and_a_hopeless_one_is_a_failure(use: str) -> None:
    """The model is told once what was wrong; after that there is no value."""
    tries = iter(["no idea", *[""] * 9])
    found, asker = assess(judge(use), case(), lambda asked: next(tries) or says(use)(asked))
    assert found.value == 1
    assert "it holds no JSON object" in asker.asked[1].messages[-1].content
    with pytest.raises(ProviderError) as caught:
        assess(judge(use), case(), '{"verdict": "splendid"}')
    assert caught.value.kind == "broken_answer"


@pytest.mark.parametrize("use", JUDGES)
def test_a_judge_that_refuses_is_a_failure(use: str) -> None:
    """Not a 0, and it is not asked again."""
    asked: list[Asked] = []

    def refuse(question: Asked) -> str:
        asked.append(question)
        raise ProviderError("the model refused to reply", kind="content_filter")

    with pytest.raises(ProviderError, match="refused to reply"):
        assess(judge(use), case(), refuse)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("use", "value"),
    [
        *((use, 0.0) for use in ("rubric", "criteria", "goal", "judged_correct", "preference")),
        *((use, None) for use in ("policy", "tone", "groundedness")),
        ("citations", None),
    ],
)
def test_an_empty_answer_is_decided_by_rule(use: str, value: float | None) -> None:
    """0 where something had to be said, else the metric does not apply; nobody is asked."""
    found, asker = assess(judge(use), case(" \n"), says(use))
    assert (found and found.value) == value
    assert found is None or "empty" in found.reason
    assert asker.asked == []


@pytest.mark.parametrize(
    ("scale", "score", "value"),
    [([1, 5], 4, 0.75), ([0, 10], 3, 0.3), ({"1": "useless", "2": "fair", "3": "perfect"}, 2, 0.5), ([-1, 1], 0, 0.5)],
)
def test_a_rubric_brings_its_scale_to_0_to_1(scale: Any, score: int, value: float) -> None:
    """The level itself is in the reason and the details."""
    found, asker = assess(judge("rubric", scale=scale), case(), {"reasoning": "Fine.", "score": score})
    assert found.value == pytest.approx(value)
    assert found.reason.startswith(f"{score} on ") and found.reason.endswith("Fine.")
    assert found.details["opinions"][0]["details"] == {"score": score}
    prompt = asker.asked[0].messages[1].content
    assert "It is clear." in prompt
    assert ("2: fair" in prompt) == isinstance(scale, dict)


def test_a_rubric_refuses_a_level_off_its_scale() -> None:
    """The model hears which there are."""
    tries = iter([9, 5])
    _, asker = assess(judge("rubric"), case(), lambda _: json.dumps({"reasoning": "", "score": next(tries)}))
    assert "expected a whole number from 1 to 5, found 9" in asker.asked[1].messages[-1].content


def test_the_steps_of_a_rubric_are_in_the_prompt_and_no_call_makes_them() -> None:
    """As the user wrote them, in their order."""
    _, asker = assess(judge("rubric", steps=["Read it.", "Weigh it."]), case(), fitting("rubric"))
    assert "1. Read it.\n2. Weigh it." in asker.asked[0].messages[1].content
    assert len(asker.asked) == 1


def _met(*met: bool) -> dict[str, Any]:
    return {"verdicts": [{"criterion": n, "reason": "so", "met": each} for n, each in enumerate(met, 1)]}


@pytest.mark.parametrize(
    ("settings", "met", "value"),
    [
        ({}, (True, False), 0.5),
        ({"weights": [3, 1]}, (True, False), 0.75),
        ({"all": True}, (True, False), 0.0),
        ({"all": True}, (True, True), 1.0),
    ],
)
def test_criteria_are_a_share(settings: dict[str, Any], met: tuple[bool, ...], value: float) -> None:
    """Weighed, or all of them; the reason names those that are not met."""
    found, _ = assess(judge("criteria", **settings), case(), _met(*met))
    assert found.value == value
    assert ("not met: names a currency (so)" in found.reason) == (not all(met))


def test_criteria_come_from_the_example_too() -> None:
    """From the metadata's key; where it is absent the metric does not apply, and what is no text is an error."""
    metric = judge("criteria", criteria=[], metadata="must")
    about = case(metadata={"must": ["names a price"]})
    assert metric.applies(about.example) and not metric.applies(case().example)
    found, asker = assess(metric, about, _met(True))
    assert found.value == 1 and "1. names a price" in asker.asked[0].messages[1].content
    assert assess(metric, case(metadata={"must": []}), "")[0] is None
    with pytest.raises(ValueError, match="metadata 'must' is 3"):
        assess(metric, case(metadata={"must": 3}), "")


def test_a_criterion_that_the_model_leaves_out_is_no_verdict() -> None:
    """It is told so, and a second time it is a failure."""
    with pytest.raises(ProviderError, match="each criterion from 1 to 2 once, found 1"):
        assess(judge("criteria"), case(), _met(True))


def test_a_policy_names_the_rule_that_is_broken() -> None:
    """One of two is enough for 0."""
    findings = [{"rule": 2, "reason": "'Acme'", "broken": True}, {"rule": 1, "reason": "none", "broken": False}]
    found, _ = assess(judge("policy"), case(), {"findings": findings})
    assert (found.value, found.reason) == (0.0, "breaks: name no rival ('Acme')")


@pytest.mark.parametrize(
    ("replies", "value", "words"),
    [
        (("first", "second"), 1.0, "better in both orders"),
        (("second", "first"), 0.0, "worse in both orders"),
        (("tie", "tie"), 0.5, "as good in both orders"),
        (("first", "first"), 0.5, "changes with the order: better first and worse second"),
        (("second", "second"), 0.5, "changes with the order"),
        (("tie", "second"), 0.5, "changes with the order"),
    ],
)
def test_a_preference_counts_where_it_holds_in_both_orders(replies: Any, value: float, words: str) -> None:
    """The answers are shown in both; a judge that favours a place gives a tie."""
    each = iter(replies)
    found, asker = assess(judge("preference"), case(), lambda _: json.dumps({"reasoning": "", "better": next(each)}))
    assert found.value == value and words in found.reason
    first, second = (asked.messages[1].content for asked in asker.asked)
    assert first.index("14 EUR [1]") < first.index("I do not know")
    assert second.index("I do not know") < second.index("14 EUR [1]")


@pytest.mark.parametrize(("rival", "value"), [(None, None), ("A seat costs 14 EUR [1].", 0.5), ("", 1.0)])
def test_a_preference_without_two_different_answers_asks_nobody(rival: str | None, value: float | None) -> None:
    """The variant itself has no rival; equal answers are a tie; something beats nothing."""
    found, asker = assess(judge("preference"), case(rival=rival), "")
    assert (found and found.value) == value and asker.asked == []


def test_partly_correct_is_a_half_and_needs_references() -> None:
    """All references are shown; without one, or where no answer is expected, it does not apply."""
    metric = judge("judged_correct")
    found, asker = assess(metric, case(), {"reasoning": "No currency.", "verdict": "partly"})
    assert (found.value, found.reason) == (0.5, "partly: No currency.")
    assert "14 EUR\n</reference_" in asker.asked[0].messages[1].content
    assert not metric.applies(case(expected="abstain").example)


def _claims(*supported: bool) -> dict[str, Any]:
    return {"claims": [{"claim": f"c{n}", "reason": "", "supported": s, "passage": 1} for n, s in enumerate(supported)]}


def test_groundedness_is_the_share_of_supported_claims() -> None:
    """The reason names the others."""
    found, asker = assess(judge("groundedness"), case(), _claims(True, True, False, True))
    assert (found.value, found.reason) == (0.75, "3 of 4 claims supported; not: c2")
    assert "<passage_" in asker.asked[0].messages[1].content and ' number="2">' in asker.asked[0].messages[1].content


def test_without_passages_no_claim_is_supported() -> None:
    """Whatever the model says; and without a claim the metric does not apply."""
    found, _ = assess(judge("groundedness"), case(passages=()), _claims(True, True))
    assert (found.value, found.reason) == (0.0, "0 of 2 claims supported, for there are no passages; not: c0; c1")
    for passages in ((), PASSAGES):
        assert assess(judge("groundedness"), case("I don't know.", passages=passages), _claims())[0] is None


def test_a_supported_claim_names_a_passage_that_exists() -> None:
    """Or none; else the model is told, and at last it is a failure."""
    claim = {"claim": "c", "reason": "", "supported": True, "passage": None}
    assert assess(judge("groundedness"), case(), {"claims": [claim]})[0].value == 1.0
    with pytest.raises(ProviderError, match="claim 1: no passage 3; they are 1 to 2, or null"):
        assess(judge("groundedness"), case(), {"claims": [{**claim, "passage": 3}]})


def schema_sent(use: str, **settings: Any) -> dict[str, Any]:
    """The JSON Schema in the system message of a judge."""
    _, asker = assess(judge(use, **settings), case(), says(use))
    found: dict[str, Any] = json.loads(asker.asked[0].messages[0].content.split("nothing else:\n")[1])
    return found


def test_the_schema_that_is_sent_has_the_bounds_of_the_reply() -> None:
    """The ends of a rubric's scale, the numbers of the passages; another scale is another metric."""
    score = schema_sent("rubric", scale=[2, 7])["properties"]["score"]
    assert (score["minimum"], score["maximum"]) == (2, 7)
    number, null = schema_sent("groundedness")["$defs"]["_Claim"]["properties"]["passage"]["anyOf"]
    assert (number["minimum"], number["maximum"], null) == (1, 2, {"type": "null"})
    assert judge("rubric", scale=[2, 7]).identity_extra()["form"]["properties"]["score"] == score


def _supports(*each: bool) -> dict[str, Any]:
    return {"verdicts": [{"citation": n, "reason": "", "supports": s} for n, s in enumerate(each, 1)]}


@pytest.mark.parametrize(
    ("answer", "verdicts", "value", "share"),
    [
        ("It costs 14 EUR [1]. VAT is in it [2].", (True, False), 0.5, 1.0),
        ("It costs 14 EUR. [1] VAT is in it.", (True,), 1.0, 0.5),
        ("It costs 14 EUR [1, 2].", (True, False), 0.5, 1.0),
        ("It costs 14 EUR [1][9]. Nice.", (True,), 0.5, 0.5),
        ("It costs 14 EUR [1] a month [1].", (True,), 1.0, 1.0),
    ],
)
def test_each_citation_is_checked(answer: str, verdicts: tuple[bool, ...], value: float, share: float) -> None:
    """One that names no passage is wrong without being asked about; the details tell how many sentences cite."""
    found, _ = assess(judge("citations"), case(answer), _supports(*verdicts))
    assert found.value == value and found.details["cited_sentences"] == share
    assert ("no such passage: 9" in found.reason) == ("[9]" in answer)


def test_citations_of_no_passage_need_no_judge() -> None:
    """They are wrong."""
    found, asker = assess(judge("citations"), case("14 EUR [7]."), "")
    assert (found.value, found.reason) == (0.0, "0 of 1 citations right; no such passage: 7")
    assert asker.asked == []


@pytest.mark.parametrize(
    ("answer", "fields", "value"),
    [
        ("It costs 14 EUR.", {}, 0.0),
        ("It costs 14 EUR.", {"passages": ()}, None),
        ("I don't know.", {}, None),
        ("Somebody will call you.", {"expected": "handoff"}, None),
    ],
)
def test_an_answer_without_citation_is_0_where_there_was_something_to_cite(
    answer: str, fields: dict[str, Any], value: float | None
) -> None:
    """Abstentions and answers without passages owe none."""
    found, asker = assess(judge("citations"), case(answer, **fields), "")
    assert (found and found.value) == value and asker.asked == []


def test_citations_of_another_form() -> None:
    """By a pattern with one group."""
    metric = judge("citations", pattern=r"\(source (\d+)\)")
    assert assess(metric, case("14 EUR (source 2)."), _supports(True))[0].value == 1


def test_a_goal_is_asked_of_the_whole_conversation() -> None:
    """Earlier turns, the question, the answer; the goal of the example's metadata."""
    messages = (Message("user", "Hello"), Message("assistant", "Yes?"), Message("user", "The price?"))
    about = case(messages=messages, metadata={"wish": "knows the price"})
    found, asker = assess(judge("goal", goal="", metadata="wish"), about, {"reasoning": "", "reached": "partly"})
    assert found.value == 0.5
    prompt = asker.asked[0].messages[1].content
    places = [prompt.index(text) for text in ("knows the price", "Hello", "Yes?", "The price?", "14 EUR")]
    assert places == sorted(places)
    with pytest.raises(ValueError, match="metadata 'wish' is None"):
        assess(judge("goal", goal="", metadata="wish"), case(metadata={"wish": None}), "")


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: judge("rubric", criteria=" "), "criteria is empty"),
    (lambda: judge("rubric", scale=[5, 1]), "from low to high"),
    (lambda: judge("rubric", scale={"1": "x"}), "two different levels"),
    (lambda: judge("rubric", scale={"good": "x", "bad": "y"}), "a level is a whole number"),
    (lambda: judge("rubric", scale=5), "expected the lowest and the highest level"),
    (lambda: judge("criteria", metadata="x"), "either criteria, or metadata"),
    (lambda: judge("criteria", weights=[1]), "expected 2, one for each criterion, found 1"),
    (lambda: judge("criteria", weights=[1, 0]), "weights must be above 0"),
    (lambda: judge("criteria", weights=[1, 1], all=True), "not for metadata or all"),
    (lambda: judge("policy", rules=[]), "expected one text or more"),
    (lambda: judge("goal", goal=""), "either goal, or metadata"),
    (lambda: judge("tone", tone=""), "tone is empty"),
    (lambda: judge("citations", pattern=r"\[\d\]"), "needs one group"),
    (lambda: judge("citations", pattern="("), "pattern: "),
    (lambda: judge("citations", pattern="(x*)"), "matches the empty text"),
    (lambda: judge("preference", prompt="{{ first }}"), "must show both answers"),
]


@pytest.mark.parametrize(("made", "words"), REFUSED)
def test_impossible_settings_are_refused(made: Callable[[], Any], words: str) -> None:
    """Before anything is asked, with what was found."""
    with pytest.raises(ValidationError) as caught:
        made()
    assert words in str(caught.value)


@pytest.mark.parametrize("use", JUDGES)
def test_a_judge_foretells_how_many_calls_it_makes(use: str) -> None:
    """As many as it says by `asks`, of which a plan makes its estimate."""
    metric = judge(use)
    _, asker = assess(metric, case(), says(use))
    assert len(asker.asked) == getattr(metric, "asks", 1)
