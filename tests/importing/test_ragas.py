"""Tables of ragas' results."""

from __future__ import annotations

from pathlib import Path

import pytest
from ragas.callbacks import ChainRun
from ragas.dataset_schema import EvaluationDataset, EvaluationResult, SingleTurnSample

from harness.errors import UserError
from tests.importing.kept import entry, imported, noted, rows
from tests.workspaces import write

NAN = float("nan")


def result(faithful: tuple[float, float], answer: str = "At 9.") -> EvaluationResult:
    """What ragas' evaluate returns, made by ragas itself."""
    contexts = ["The shop opens at 9.", 'It\'s closed on "Sundays".']
    samples = [
        SingleTurnSample(
            user_input=question,
            response=answer,
            retrieved_contexts=contexts,
            reference="9",
            reference_contexts=contexts[:1],
        )
        for question in ("When do you open?", "And on Sundays?")
    ]
    scores = [{"faithfulness": value, "bleu_score": 0.5, "noise_sensitivity(mode=relevant)": 0.1} for value in faithful]
    root = ChainRun(run_id="root", parent_run_id=None, name="evaluation", inputs={}, metadata={})
    dataset = EvaluationDataset(samples=samples)
    return EvaluationResult(scores=scores, dataset=dataset, ragas_traces={"root": root})


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_to_pandas_gives_is_read_back(tmp_path: Path, suffix: str) -> None:
    """Written as any of its formats: same scores, contexts as passages, a NaN as a failure."""
    frame = result((0.75, NAN)).to_pandas()
    file = tmp_path / f"small{suffix}"
    if suffix == ".csv":
        frame.to_csv(file, index=False)
    elif suffix == ".jsonl":
        frame.to_json(file, orient="records", lines=True)
    else:
        frame.to_parquet(file)
    stored = imported("ragas", file, runs=tmp_path / "runs")
    found = rows(stored, "faithfulness")
    assert found["small", "When do you open?", 0] == (0.75, None)
    assert found["small", "And on Sundays?", 0] == (None, "no value")
    texts = [stored.texts[p["document"], p["start"], p["end"]] for p in stored.outcomes.to_pylist()[0]["passages"]]
    assert texts == ["The shop opens at 9.", 'It\'s closed on "Sundays".']
    assert stored.examples[0]["references"] == ["9"]
    assert stored.examples[0]["evidence"][0]["document"] == stored.outcomes.to_pylist()[0]["passages"][0]["document"]


def test_files_are_variants_and_metrics_are_read_as_ragas_means_them(tmp_path: Path) -> None:
    """NAME=FILE names a variant; judges are known as such; less noise is better."""
    for name, value in (("a", 1.0), ("b", 0.5)):
        result((value, value)).to_pandas().to_csv(tmp_path / f"{name}.csv", index=False)
    stored = imported("ragas", f"small={tmp_path / 'a.csv'}", tmp_path / "b.csv", runs=tmp_path / "runs")
    assert [v["params"] for v in stored.variants] == [{"config": "small"}, {"config": "b"}]
    assert len(stored.examples) == 2
    assert [entry(stored, name)["judge"] for name in ("faithfulness", "bleu_score")] == [True, False]
    assert entry(stored, "noise_sensitivity(mode=relevant)")["direction"] == "minimize"


def test_a_conversation_ends_with_the_users_message(tmp_path: Path) -> None:
    """What the assistant said after it is the answer."""
    turns = '[{"content": "Hi", "type": "human"}, {"content": "Hello", "type": "ai"}, '
    turns += '{"content": "Hours?", "type": "human"}, {"content": "9 to 18", "type": "ai"}]'
    file = write(tmp_path / "t.jsonl", f'{{"user_input": {turns}, "goal": 1}}\n')
    stored = imported("ragas", file, runs=tmp_path / "runs")
    assert [m["content"] for m in stored.examples[0]["messages"]] == ["Hi", "Hello", "Hours?"]
    assert stored.outcomes.to_pylist()[0]["answer"] == "9 to 18"


def test_columns_of_before_are_known_and_text_columns_left_out(tmp_path: Path) -> None:
    """Versions before 0.2 had other names; what holds no number is told."""
    text = "question,answer,contexts,ground_truth,who,faithfulness\nWhen?,At 9.,\"['It opens at 9.']\",9,me,1\n"
    stored, notes = noted("ragas", write(tmp_path / "t.csv", text), runs=tmp_path / "runs")
    assert (stored.examples[0]["references"], stored.outcomes.to_pylist()[0]["answer"]) == (["9"], "At 9.")
    assert "column 'who' holds no number and was left out" in notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "has no column user_input; it has a, b"),
        ("user_input,response\nWhen?,At 9.\n", "has no column of scores"),
        ("user_input,response,good\nWhen?,At 9.,1\nWhy?,So,very\n", r"t\.csv:3: good: 'very' is no number"),
        ("user_input,retrieved_contexts,good\nWhen?,['a' 'b],1\n", r"t\.csv:2: .* neither JSON nor a list"),
    ],
)
def test_other_tables_are_refused_with_what_was_found(tmp_path: Path, text: str, said: str) -> None:
    """The place is named."""
    with pytest.raises(UserError, match=said):
        imported("ragas", write(tmp_path / "t.csv", text), runs=tmp_path / "runs")
