"""Results files of promptfoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.importing import Options
from tests.importing.kept import entry, imported, noted, rows
from tests.importing.written import component, foo_row, promptfoo, write_json

SHORT, KIND = "provider=openai:gpt-4o-mini, prompt=short", "provider=openai:gpt-4o-mini, prompt=prompt 1"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two prompts, two tests: an answer that fails, and a provider that does not answer."""
    rejected = {
        "pass": False,
        "score": 0.25,
        "reason": "Expected output to contain answer",
        "componentResults": [
            component("icontains", 0, "Expected output to contain answer"),
            component("llm-rubric", 0.5, "a bit curt", metric="tone"),
            component("llm-rubric", 0.0, "too curt", metric="tone"),
        ],
    }
    lost = {"response": {"error": "rate limited"}, "error": "rate limited", "failureReason": 2, "gradingResult": None}
    wrong = {"failureReason": 1, "error": "Expected output to contain answer", "gradingResult": rejected}
    cached = {"response": {"output": "answer 1", "cached": True}, "latencyMs": 1, "cost": 0}
    found = [
        foo_row(0, 0),
        foo_row(0, 1, success=False, score=0.25, **wrong),
        foo_row(1, 0, **cached),
        foo_row(1, 1, success=False, score=0, **lost),
    ]
    return write_json(tmp_path / "results.json", promptfoo(found))


def test_providers_and_prompts_are_the_variants(results: Path, tmp_path: Path) -> None:
    """A long prompt is called by number; its text is kept with the variant."""
    stored = imported("promptfoo", results, runs=tmp_path / "runs")
    assert [v["label"] for v in stored.variants] == [SHORT, KIND]
    assert stored.variants[1]["params"] == {"provider": "openai:gpt-4o-mini", "prompt": "prompt 1"}
    assert stored.variants[1]["chatbot"]["prompt"].startswith("Be kind.")
    origin = stored.header["origin"]
    assert (origin["tool"], origin["version"]) == ("promptfoo", "0.121.3")
    assert origin["evaluation"] == "eval-abc-2026-10-04T00:00:00"
    assert len(origin["files"][0]["sha256"]) == 64


def test_tests_are_examples(results: Path, tmp_path: Path) -> None:
    """The question is the likely variable, the expected answer a reference, the rest metadata; asserts beside it."""
    stored, notes = noted("promptfoo", results, runs=tmp_path / "runs")
    assert [e["messages"][-1]["content"] for e in stored.examples] == ["Question 0?", "Question 1?"]
    assert (stored.examples[0]["references"], stored.examples[0]["metadata"]) == (["answer 0"], {"place": "Berlin"})
    assert "the question is the variable 'question'" in notes


def test_scores_passes_and_assertions_are_metrics(results: Path, tmp_path: Path) -> None:
    """Those of one name are averaged; a judge is known as one; a rejected answer is an answer."""
    stored = imported("promptfoo", results, runs=tmp_path / "runs")
    assert [m["name"] for m in stored.metrics] == ["score", "pass", "icontains", "tone"]
    assert rows(stored, "score")[KIND, "Question 0?", 0] == (0.25, None)
    assert rows(stored, "pass")[KIND, "Question 0?", 0] == (0.0, None)
    assert rows(stored, "tone")[SHORT, "Question 0?", 0] == (0.8, None)
    assert rows(stored, "tone")[KIND, "Question 0?", 0] == (0.25, None)
    reasons = {row["metric"]: row["reason"] for row in stored.scores.to_pylist()[-8:-4]}
    assert [entry(stored, name)["judge"] for name in ("tone", "icontains")] == [True, False]
    assert reasons["tone"] == "too curt"


def test_an_error_is_a_failure_and_no_zero(results: Path, tmp_path: Path) -> None:
    """promptfoo gives 0 where the provider did not answer."""
    stored = imported("promptfoo", results, runs=tmp_path / "runs")
    failed = stored.outcomes.to_pylist()[-1]
    assert (failed["failure_kind"], failed["failure"], failed["answer"]) == ("error", "rate limited", None)
    assert rows(stored, "score")[KIND, "Question 1?", 0] == (None, "no answer: answer: error: rate limited")


def test_what_came_from_a_cache_tells_neither_cost_nor_latency(results: Path, tmp_path: Path) -> None:
    """A cached answer costs nothing and takes no time, which would make its variant look good."""
    outcomes = imported("promptfoo", results, runs=tmp_path / "runs").outcomes.to_pylist()
    first, cached = outcomes[0], outcomes[1]
    assert (first["cost_usd"], first["latency_ms"], first["input_tokens"]) == (0.002, 120.0, 20)
    assert (cached["cost_usd"], cached["latency_ms"], cached["answer"]) == (None, None, "answer 1")


def test_equal_tests_are_repeats(tmp_path: Path) -> None:
    """`--repeat` writes the same test under another number."""
    found = [foo_row(0, 0), {**foo_row(0, 0, score=0.5), "testIdx": 5}]
    stored = imported("promptfoo", write_json(tmp_path / "r.json", promptfoo(found)), runs=tmp_path / "runs")
    assert rows(stored, "score") == {(SHORT, "Question 0?", 0): (1.0, None), (SHORT, "Question 0?", 1): (0.5, None)}


def test_a_grader_that_broke_is_a_failure(tmp_path: Path) -> None:
    """Its score of 0 is no verdict."""
    broken = {**component("llm-rubric", 0, "no JSON"), "metadata": {"graderError": True}}
    row = foo_row(0, 0, gradingResult={"pass": False, "score": 0, "reason": "", "componentResults": [broken]})
    stored = imported("promptfoo", write_json(tmp_path / "r.json", promptfoo([row])), runs=tmp_path / "runs")
    assert rows(stored, "llm-rubric")[SHORT, "Question 0?", 0] == (None, "grader: no JSON")


def test_the_variable_that_is_the_question_can_be_named(tmp_path: Path) -> None:
    """Where it cannot be told, it has to be; a wrong name is refused with the right ones."""
    row = foo_row(0, 0, vars={"topic": "Hours?", "place": "Berlin"})
    file = write_json(tmp_path / "r.json", promptfoo([row]))
    with pytest.raises(UserError, match=r"which variable is the question: topic, place\?"):
        imported("promptfoo", file, runs=tmp_path / "runs")
    with pytest.raises(UserError, match=r"has no variable 'topics'"):
        imported("promptfoo", file, runs=tmp_path / "runs", options=Options(question="topics"))
    stored = imported("promptfoo", file, runs=tmp_path / "runs", options=Options(question="topic"))
    assert stored.examples[0]["messages"][-1]["content"] == "Hours?"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (promptfoo([foo_row(0, 0)], version=2), "has results of version 2, and version 3 is read"),
        ({"samples": []}, "is no results file of promptfoo: its keys are samples"),
        ([], "must be a JSON object"),
        (promptfoo([]), "holds no results"),
        (promptfoo([foo_row(0, 0, score="high")]), r"results\[0\]: score: 'high' is no number"),
        (promptfoo([foo_row(0, 0, gradingResult={"componentResults": 3})]), r"results\[0\]: is not as promptfoo"),
    ],
)
def test_other_files_are_refused_with_what_was_found(tmp_path: Path, content: Any, said: str) -> None:
    """The place is named, and nothing is kept."""
    with pytest.raises(UserError, match=said):
        imported("promptfoo", write_json(tmp_path / "r.json", content), runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
