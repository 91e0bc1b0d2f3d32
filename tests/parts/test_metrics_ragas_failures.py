"""The metrics of ragas where something is lacking or goes wrong: never a NaN, never a number that flatters."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import HarnessError, Incomplete, Interrupted, ProviderError, UserError
from harness.parts.metrics.ragas import library
from harness.plugins import make
from harness.records import Case, Example, Passage
from harness.testing.judges import Asked, ScriptedAsker
from tests.parts.ragas_judges import case_of, form_of, scripted
from tests.parts.test_metrics_ragas import JUDGED, assess, metric

SWALLOWING = ("context_relevance", "response_groundedness", "answer_accuracy")
"""Metrics in which ragas tries five times over whatever is raised, and then gives NaN."""


def verdict(part: Any, case: Case, asker: ScriptedAsker | None = None) -> Any:
    """What assess gives, None included."""
    return asyncio.run(part.assess(case, asker or ScriptedAsker(scripted)))


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize(
    "error",
    [
        ProviderError("no such model", kind="unknown_model", fatal=True),
        ProviderError("will not say", kind="content_filter"),
        Incomplete("the budget is spent"),
        Interrupted(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_asking_raises_comes_out_as_it_went_in(name: str, error: HarnessError) -> None:
    """The same object, and no call after it, whatever ragas would have done."""

    def refuse(asked: Asked) -> str:
        raise error

    asker = ScriptedAsker(refuse)
    with pytest.raises(type(error)) as raised:
        verdict(metric(name), case_of(1), asker)
    assert raised.value is error
    assert len(asker.asked) == 1


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("rubbish", ["I would rather not.", "{}", '{"statements": 3', "[]"])
def test_a_hopeless_judge_is_a_failure(name: str, rubbish: str) -> None:
    """It is told once what is wrong; then the score fails, and nothing more is asked."""
    asker = ScriptedAsker(lambda asked: rubbish)
    with pytest.raises(ProviderError) as raised:
        verdict(metric(name), case_of(1), asker)
    assert raised.value.kind == "broken_answer"
    assert len(asker.asked) == 2


@pytest.mark.parametrize("name", JUDGED)
def test_a_failure_midway_ends_the_evaluation(name: str) -> None:
    """The last call of each metric fails; no other follows it."""
    counted = ScriptedAsker(scripted)
    assess(metric(name), case_of(1), counted)
    calls = len(counted.asked)
    asker = ScriptedAsker(scripted)

    def last_fails(asked: Asked) -> str:
        if len(asker.asked) == calls:
            raise ProviderError("too late", kind="timeout")
        return scripted(asked)

    asker.reply = last_fails
    with pytest.raises(ProviderError, match="too late"):
        verdict(metric(name), case_of(1), asker)
    assert len(asker.asked) == calls


@pytest.mark.parametrize("name", JUDGED)
def test_a_malformed_reply_is_repaired(name: str) -> None:
    """Every first reply is broken, every second one fits: the value is that of the good ones."""

    def stammer(asked: Asked) -> str:
        prompt = asked.messages[1].content
        if len(asked.messages) == 2:
            return "Here you are: {"
        assert "cannot be used" in asked.messages[-1].content
        return scripted(replace_messages(asked, prompt))

    case = case_of(1)
    assert verdict(metric(name), case, ScriptedAsker(stammer)) == verdict(metric(name), case)


def replace_messages(asked: Asked, prompt: str) -> Asked:
    """The question as it was first asked."""
    return asked._replace(messages=tuple(m for m in asked.messages if m.content == prompt))


UNUSABLE: list[tuple[str, dict[str, Any], str]] = [
    ("faithfulness", {"StatementGeneratorOutput": {"statements": []}}, "statements is empty"),
    ("faithfulness", {"NLIStatementOutput": {"statements": []}}, "statements holds 0 of"),
    ("answer_correctness", {"StatementGeneratorOutput": {"statements": []}}, "statements is empty"),
    ("answer_correctness", {"ClassificationWithReason": {"TP": [], "FP": [], "FN": []}}, "all empty"),
    ("factual_correctness", {"ClaimDecompositionOutput": {"claims": []}}, "claims is empty"),
    ("factual_correctness", {"NLIStatementOutput": {"statements": []}}, "statements holds 0 of"),
    ("noise_sensitivity", {"StatementGeneratorOutput": {"statements": []}}, "statements is empty"),
    ("noise_sensitivity", {"NLIStatementOutput": {"statements": []}}, "one for each"),
    ("context_recall", {"ContextRecallOutput": {"classifications": []}}, "classifications is empty"),
    (
        "context_recall",
        {"ContextRecallOutput": {"classifications": [{"statement": "x", "reason": "", "attributed": 2}]}},
        "attributed is 2; it must be 0 or 1",
    ),
    ("context_entity_recall", {"EntitiesList": {"entities": []}}, "entities is empty"),
    ("context_precision", {"ContextPrecisionOutput": {"reason": "", "verdict": 9}}, "verdict is 9"),
    ("context_utilization", {"ContextPrecisionOutput": {"reason": "", "verdict": -1}}, "verdict is -1"),
    ("answer_relevancy", {"AnswerRelevanceOutput": {"question": " ", "noncommittal": 0}}, "question is empty"),
    ("context_relevance", {"ContextRelevanceOutput": {"rating": 3}}, "rating is 3; it must be one of 0, 1, 2"),
    ("response_groundedness", {"ResponseGroundednessOutput": {"rating": -1}}, "rating is -1"),
    ("answer_accuracy", {"AnswerAccuracyOutput": {"rating": 1}}, "one of 0, 2, 4"),
    ("rubrics", {"RubricScoreOutput": {"feedback": "", "score": 6}}, "score is 6"),
    ("summary_score", {"QuestionsGenerated": {"questions": []}}, "questions is empty"),
    ("summary_score", {"AnswersGenerated": {"answers": []}}, "answers holds 0"),
    ("summary_score", {"AnswersGenerated": {"answers": ["yes"]}}, "answers holds 'yes'"),
]


@pytest.mark.parametrize(("name", "said", "reason"), UNUSABLE)
def test_replies_that_fit_and_mean_nothing_are_no_number(name: str, said: dict[str, Any], reason: str) -> None:
    """What ragas makes NaN, 1.0, a division by zero or more than 1 of is told to the judge, and then fails."""

    def answer(asked: Asked) -> str:
        form = form_of(asked.messages[1].content)
        return json.dumps(said[form]) if form in said else scripted(asked)

    with pytest.raises(ProviderError, match=reason) as raised:
        verdict(metric(name), case_of(1), ScriptedAsker(answer))
    assert raised.value.kind == "broken_answer"


def test_left_out_statements_do_not_count_as_if_they_were_not_there() -> None:
    """A judge that looks at the first of several statements only is told so."""
    several = json.dumps({"statements": ["A.", "B.", "C."]})
    first = json.dumps({"statements": [{"statement": "A.", "reason": "", "verdict": 1}]})
    asker = ScriptedAsker(lambda asked: several if "StatementGeneratorOutput" in asked.messages[1].content else first)
    with pytest.raises(ProviderError, match="statements holds 1 of 3; give one for each"):
        verdict(metric("faithfulness"), case_of(1), asker)


EMPTY_ANSWER: dict[str, float | None] = {
    **dict.fromkeys(
        (
            "faithfulness answer_relevancy context_utilization response_groundedness answer_accuracy "
            "answer_correctness factual_correctness summary_score"
        ).split(),
        0.0,
    ),
    "noise_sensitivity": None,
}
NO_PASSAGES: dict[str, float | None] = {
    **dict.fromkeys(
        (
            "faithfulness context_precision context_utilization context_recall context_entity_recall "
            "context_relevance response_groundedness"
        ).split(),
        0.0,
    ),
    "noise_sensitivity": None,
}


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("blank", ["", " \n"])
def test_an_empty_answer_by_the_table(name: str, blank: str) -> None:
    """0 with a reason, or not applicable, and nobody is asked; metrics that do not read it, and rubrics, go on."""
    asker = ScriptedAsker(scripted)
    found = verdict(metric(name), replace(case_of(1), answer=blank), asker)
    if name not in EMPTY_ANSWER:
        assert found is not None and asker.asked
        return
    assert not asker.asked
    wanted = EMPTY_ANSWER[name]
    assert found is None if wanted is None else (found.value, found.reason) == (wanted, "the answer is empty")


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("passages", [(), (Passage("d", 0, 1, " ", 0.5),)])
def test_no_passages_by_the_table(name: str, passages: tuple[Passage, ...]) -> None:
    """Likewise where nothing was retrieved, or nothing but blanks."""
    asker = ScriptedAsker(scripted)
    found = verdict(metric(name), replace(case_of(1), passages=passages), asker)
    if name not in NO_PASSAGES:
        assert found is not None and asker.asked
        return
    assert not asker.asked
    wanted = NO_PASSAGES[name]
    assert found is None if wanted is None else (found.value, found.reason) == (wanted, "nothing was retrieved")


@pytest.mark.parametrize("name", ["faithfulness", "response_groundedness"])
def test_who_rightly_says_nothing_is_not_unfaithful(name: str) -> None:
    """An abstention is not judged where one was wanted; an answer there is, and is worth nothing without passages."""
    wanted = Example("e", case_of(1).example.messages, expected="abstain")
    asker = ScriptedAsker(scripted)
    assert verdict(metric(name), Case(wanted, "I don't know.", case_of(1).passages), asker) is None
    assert not asker.asked
    assert verdict(metric(name), Case(wanted, "It is 14 EUR.", case_of(1).passages)).details is not None
    assert verdict(metric(name), Case(wanted, "It is 14 EUR.")).value == 0
    assert verdict(metric(name), replace(case_of(1), answer="I don't know.")).details is not None


def test_of_a_panel_one_judge_may_fail() -> None:
    """Two of three opinions are a score, with the failure among them; one of three is a failure."""

    def answer(failing: int) -> ScriptedAsker:
        def say(asked: Asked) -> str:
            if int(asked.model.name) < failing:
                raise ProviderError("away", kind="timeout")
            return scripted(asked)

        return ScriptedAsker(say)

    part = metric("context_relevance", judge=["openai/0", "openai/1", "openai/2"])
    found = verdict(part, case_of(1), answer(1))
    assert [sorted(opinion) for opinion in found.details["opinions"]] == [
        ["draw", "failure", "judge"],
        ["details", "draw", "judge", "reason", "value"],
        ["details", "draw", "judge", "reason", "value"],
    ]
    with pytest.raises(ProviderError, match="away"):
        verdict(part, case_of(1), answer(2))


@pytest.mark.parametrize("name", ["answer_relevancy", "answer_correctness"])
def test_a_text_without_a_vector_is_no_cosine(name: str) -> None:
    """The message names the embedder and the text, where ragas gives NaN or a silent 0."""
    case = case_of(1)
    if name == "answer_relevancy":
        said = json.dumps({"question": "!?", "noncommittal": 0})
        asker = ScriptedAsker(lambda asked: said)
    else:
        case, asker = replace(case, answer="!?"), ScriptedAsker(scripted)
    with pytest.raises(ValueError, match=r"local/hashing knows nothing in '!\?': its vector is all zeros"):
        verdict(metric(name), case, asker)


def test_semantic_similarity_where_something_is_lacking() -> None:
    """0 for an empty answer; a failure where the embedder knows nothing of one that is not."""
    part = make("metric", {"use": "ragas/semantic_similarity", "embedder": "local/hashing"})
    found = verdict(part, replace(case_of(1), answer=" "))
    assert (found.value, found.reason) == (0, "the answer is empty")
    with pytest.raises(ValueError, match="knows nothing in"):
        verdict(part, replace(case_of(1), answer="!?"))
    assert not part.applies(Example("e", (), ("",))) and not part.applies(Example("e", (), ("x",), expected="abstain"))


@pytest.mark.parametrize("name", SWALLOWING)
def test_an_error_of_ours_is_seen_through_the_retries_of_ragas(name: str) -> None:
    """Also one that is a bug, such as a KeyError within the asker."""

    def broken(asked: Asked) -> str:
        raise KeyError("bug")

    asker = ScriptedAsker(broken)
    with pytest.raises(KeyError, match="bug"):
        verdict(metric(name), case_of(1), asker)
    assert len(asker.asked) == 1


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("rubrics", "metadata 'm' is 'x'; expected five texts"),
        ("rubrics", "metadata 'm' is None; expected five texts"),
        ("summary_score", r"metadata 'm' is \[\]; expected the text"),
        ("summary_score", "metadata 'm' is 5; expected the text"),
    ],
)
def test_metadata_that_is_no_use_fails_the_score(part: str, found: str) -> None:
    """The message names the key and what was found; nobody is asked."""
    value: Any = {"'x'": "x", "None": None, r"\[\]": [], "5": 5}[found.split(" is ")[1].split(";")[0]]
    case = case_of(1)
    asker = ScriptedAsker(scripted)
    with pytest.raises(ValueError, match=found):
        verdict(metric(part, metadata="m"), replace(case, example=replace(case.example, metadata={"m": value})), asker)
    assert not asker.asked


def test_a_missing_ragas_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be imported, each metric says before anything is spent what to install."""
    library.collections.cache_clear()
    monkeypatch.setitem(sys.modules, "ragas.metrics.collections", None)
    try:
        for name in ("faithfulness", "exact_match"):
            part = metric(name) if name in JUDGED else make("metric", f"ragas/{name}")
            with pytest.raises(UserError, match=r"are unavailable: .*install 'ragas==0.4.3' 'langchain-community"):
                part.ready()
    finally:
        library.collections.cache_clear()
