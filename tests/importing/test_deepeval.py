"""Test runs of deepeval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from tests.importing.kept import entry, imported, noted, rows
from tests.importing.written import case_of, metric, write_json


def run_of(cases: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A saved test run."""
    return {"testCases": cases, "conversationalTestCases": [], "runDuration": 4.0, **changes}


def test_a_test_run_is_a_variant_with_its_numbers(tmp_path: Path) -> None:
    """Questions, answers, contexts, cost, latency and scores; the file or its name names the variant."""
    cases = [case_of(n, [metric("Answer Relevancy", value, value >= 0.5)]) for n, value in enumerate((0.9, 0.4))]
    first = write_json(tmp_path / "a.json", run_of(cases, hyperparameters={"model": "gpt-4o"}, evaluationCost=0.03))
    second = write_json(tmp_path / "b.json", run_of([case_of(0, [metric("Answer Relevancy", 1.0, True)])]))
    stored, notes = noted("deepeval", f"old={first}", second, runs=tmp_path / "runs")
    assert [v["params"] for v in stored.variants] == [{"config": "old", "model": "gpt-4o"}, {"config": "b"}]
    assert rows(stored, "Answer Relevancy") == {
        ("old", "Question 0?", 0): (0.9, None),
        ("old", "Question 1?", 0): (0.4, None),
        ("b", "Question 0?", 0): (1.0, None),
    }
    outcome = stored.outcomes.to_pylist()[0]
    assert (outcome["answer"], outcome["latency_ms"], outcome["cost_usd"]) == ("Answer 0", 250, 0.001)
    assert len(outcome["passages"]) == 2
    assert any("deepeval spent USD 0.03 on judging" in note for note in notes)
    assert any("b: no result for 1 of 2 examples" in note for note in notes)


def test_what_passes_tells_which_way_is_better(tmp_path: Path) -> None:
    """A metric whose low scores pass is read as the less the better, its threshold as the most that passes."""
    found = [(0.9, False), (0.1, True)]
    cases = [
        case_of(n, [metric("Leaks", value, passed), metric("Faithfulness", value, not passed)])
        for n, (value, passed) in enumerate(found)
    ]
    stored = imported("deepeval", write_json(tmp_path / "a.json", run_of(cases)), runs=tmp_path / "runs")
    names = ("direction", "at_least", "at_most", "judge")
    assert [entry(stored, "Leaks")[name] for name in names] == ["minimize", None, 0.5, True]
    assert [entry(stored, "Faithfulness")[name] for name in names] == ["maximize", 0.5, None, True]


def test_errors_and_missing_scores_are_failures(tmp_path: Path) -> None:
    """No answer, a judge that broke, and a score that is not there."""
    cases = [
        case_of(0, [metric("GEval", 1.0, True)]),
        case_of(1, [metric("GEval", None, False, error="no JSON")]),
        case_of(2, [metric("GEval", float("nan"), False)]),
        case_of(3, [metric("GEval", 0.0, False)], actualOutput=None),
    ]
    stored = imported("deepeval", write_json(tmp_path / "a.json", run_of(cases)), runs=tmp_path / "runs")
    assert list(rows(stored, "GEval").values()) == [
        (1.0, None),
        (None, "no JSON"),
        (None, "no value"),
        (None, "no answer: answer: missing: the test case has no actual output"),
    ]


def test_conversations_and_the_other_style_of_names_are_read(tmp_path: Path) -> None:
    """A dump of `evaluate(...)` has snake case; of turns the last answer is judged."""
    turns = [{"role": "user", "content": "Hours?"}, {"role": "assistant", "content": "9 to 18"}]
    found = {"name": "tone", "score": 0.5, "threshold": 0.5, "success": True, "evaluation_model": None}
    dump = {
        "test_results": [
            {"name": "a", "input": "When?", "actual_output": "At 9.", "expected_output": "9", "metrics_data": [found]},
            {"name": "b", "conversational": True, "input": None, "turns": turns, "metrics_data": [found]},
        ]
    }
    stored = imported("deepeval", write_json(tmp_path / "a.json", dump), runs=tmp_path / "runs")
    assert [row["answer"] for row in stored.outcomes.to_pylist()] == ["At 9.", "9 to 18"]
    assert stored.examples[0]["references"] == ["9"]
    assert entry(stored, "tone")["judge"] is False


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"results": []}, "is no test run of deepeval: its keys are results"),
        (run_of([]), "holds no results"),
        (run_of([{"name": "a"}]), r"testCases\[0\]: has neither an input nor a user's turn"),
        (run_of([case_of(0, [metric("GEval", "good", True)])]), "GEval: 'good' is no number"),  # type: ignore[arg-type]
        (run_of([case_of(0, ["GEval"])]), r"testCases\[0\]: is not as deepeval writes it"),  # type: ignore[list-item]
    ],
)
def test_other_files_are_refused_with_what_was_found(tmp_path: Path, content: Any, said: str) -> None:
    """The place is named."""
    with pytest.raises(UserError, match=said):
        imported("deepeval", write_json(tmp_path / "a.json", content), runs=tmp_path / "runs")
