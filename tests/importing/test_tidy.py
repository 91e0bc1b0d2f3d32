"""Tables with a row for each answer."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UserError
from harness.importing import Options
from tests.importing.kept import entry, imported, noted, rows
from tests.workspaces import write

COLUMNS = """
model temperature example question answer reference tags latency_ms cost_usd input_tokens accuracy accuracy_reason
cost_points failure
"""
ROWS = """
mini,0,q1,What is it?,A thing,thing,small;new,12,0.1,30,1,says it,3,
large,0.7,q1,What is it?,Another,thing,,14,0.2,30,0.5,,4,
mini,0,q2,Who?,Me,,,12,0.1,31,1,,,
large,0.7,q2,Who?,,,,,,,,,,timed out
mini,0,q3,Why?,So,,,12,0.1,32,nan,,2,
large,0.7,q3,Why?,Because,,,13,0.2,32,0.25,,2,
"""
TABLE = ",".join(COLUMNS.split()) + ROWS
BY_MODEL = Options(variant=("model", "temperature"))
MINI, LARGE = "model=mini, temperature=0", "model=large, temperature=0.7"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of two variants and three questions."""
    return write(tmp_path / "desk.csv", TABLE)


def test_a_table_becomes_a_sweep_with_its_numbers(table: Path, tmp_path: Path) -> None:
    """Variants, params, examples, answers, costs, scores and reasons are those of the table."""
    stored = imported("csv", table, runs=tmp_path / "runs", options=BY_MODEL)
    assert (stored.status, stored.header["imported"], stored.header["cells"]) == ("complete", True, 6)
    assert [v["params"] for v in stored.variants] == [
        {"model": "mini", "temperature": 0},
        {"model": "large", "temperature": 0.7},
    ]
    assert [(e["id"], e["references"], e["tags"]) for e in stored.examples] == [
        ("q1", ["thing"], ["small", "new"]),
        ("q2", [], []),
        ("q3", [], []),
    ]
    first = stored.outcomes.to_pylist()[0]
    assert (first["answer"], first["latency_ms"], first["cost_usd"], first["input_tokens"]) == ("A thing", 12, 0.1, 30)
    assert rows(stored, "accuracy")[MINI, "What is it?", 0] == (1.0, None)
    assert rows(stored, "accuracy")[LARGE, "Why?", 0] == (0.25, None)
    assert stored.scores.to_pylist()[0]["reason"] == "says it"


def test_a_failure_has_no_score_and_is_counted_where_the_metric_applies(table: Path, tmp_path: Path) -> None:
    """Nothing of it becomes a zero; an empty cell of a metric does not apply, NaN is a failure."""
    stored = imported("csv", table, runs=tmp_path / "runs", options=BY_MODEL)
    failed = [row for row in stored.outcomes.to_pylist() if row["failure"] is not None]
    assert [(row["example"], row["failure"], row["answer"]) for row in failed] == [("q2", "timed out", None)]
    accuracy, points = rows(stored, "accuracy"), rows(stored, "cost_points")
    assert accuracy[LARGE, "Who?", 0] == (None, "no answer: answer: imported: timed out")
    assert accuracy[MINI, "Why?", 0] == (None, "no value")
    assert (LARGE, "Who?", 0) not in points and (MINI, "Who?", 0) not in points


def test_what_is_guessed_is_told_and_can_be_said(table: Path, tmp_path: Path) -> None:
    """Ends from the values, direction from the name; a spec takes the place of both."""
    stored, notes = noted("csv", table, runs=tmp_path / "runs", options=BY_MODEL)
    assert [entry(stored, "accuracy")[k] for k in ("direction", "low", "high")] == ["maximize", 0.0, 1.0]
    assert [entry(stored, "cost_points")[k] for k in ("direction", "low", "high")] == ["minimize", None, None]
    assert "less is taken to be better of: cost_points" in notes
    assert "taken to lie between 0 and 1: accuracy" in notes
    metrics = ("cost_points:maximize:1..5:judge", "accuracy:minimize:0..")
    said, notes = noted("csv", table, runs=tmp_path / "runs", options=BY_MODEL, metrics=metrics)
    assert [entry(said, "cost_points")[k] for k in ("direction", "low", "high", "judge")] == ["maximize", 1, 5, True]
    assert [entry(said, "accuracy")[k] for k in ("direction", "low", "high")] == ["minimize", 0.0, None]
    assert notes == []


def test_values_outside_the_range_that_was_said_are_refused(table: Path, tmp_path: Path) -> None:
    """A range that the values leave would make every bound wrong."""
    with pytest.raises(UserError, match=r"'cost_points': 1 values lie outside 1\.\.3, such as 4"):
        imported("csv", table, runs=tmp_path / "runs", options=BY_MODEL, metrics=("cost_points:1..3",))
    assert not (tmp_path / "runs").exists()


def test_the_same_import_gives_the_same_ids(table: Path, tmp_path: Path) -> None:
    """Variants and dataset are named by their content."""
    first = imported("csv", table, runs=tmp_path / "runs", options=BY_MODEL)
    second = imported("csv", table, runs=tmp_path / "runs", options=BY_MODEL)
    assert first.id != second.id
    assert [v["id"] for v in first.variants] == [v["id"] for v in second.variants]
    assert first.header["dataset"]["digest"] == second.header["dataset"]["digest"]


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".json", ".parquet"])
def test_the_same_table_in_other_formats_gives_the_same_scores(table: Path, tmp_path: Path, suffix: str) -> None:
    """Only the file's form differs. NaN of Parquet and JSON is what `nan` is in CSV."""
    frame = pd.read_csv(table, dtype={"accuracy": object}, keep_default_na=False)
    lines = [{str(k): _typed(str(k), v) for k, v in row.items() if v != ""} for row in frame.to_dict("records")]
    other = tmp_path / f"desk{suffix}"
    if suffix == ".tsv":
        frame.to_csv(other, sep="\t", index=False)
    elif suffix == ".jsonl":
        other.write_text("\n".join(json.dumps(line) for line in lines))
    elif suffix == ".json":
        other.write_text(json.dumps(lines))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({name: [line.get(name) for line in lines] for name in frame.columns}), other)
    first = imported("csv", table, runs=tmp_path / "runs", options=BY_MODEL)
    second = imported("csv", other, runs=tmp_path / "runs", options=BY_MODEL)
    assert first.scores.to_pylist() == second.scores.to_pylist()
    assert first.header["dataset"]["digest"] == second.header["dataset"]["digest"]


def _typed(name: str, text: object) -> object:
    numbers = ("accuracy", "cost_points", "latency_ms", "cost_usd", "temperature", "input_tokens")
    return float(str(text)) if name in numbers else text


def test_versions_are_not_taken_for_numbers(tmp_path: Path) -> None:
    """1.1 and 1.10 are two prompts, 200 is a number."""
    text = "prompt,size,example,accuracy\n1.1,200,q1,1\n1.10,200,q1,0\n"
    options = Options(variant=("prompt", "size"))
    stored = imported("csv", write(tmp_path / "t.csv", text), runs=tmp_path / "runs", options=options)
    assert [v["params"] for v in stored.variants] == [{"prompt": 1.1, "size": 200}, {"prompt": "1.10", "size": 200}]


def test_every_bad_row_is_named_at_once(tmp_path: Path) -> None:
    """Row and column, and nothing is kept."""
    text = "variant,example,answer,accuracy,latency_ms\na,q1,x,much,12\na,q1,y,1,soon\n,q2,z,1,3\nb,q1,x,inf,1\n"
    with pytest.raises(UserError) as raised:
        imported("csv", write(tmp_path / "t.csv", text), runs=tmp_path / "runs")
    said = str(raised.value)
    assert "4 mistakes" in said
    assert "t.csv:2: accuracy: 'much' is no number" in said
    assert "t.csv:3: latency_ms: 'soon' is no number from 0 on" in said
    assert "t.csv:4: variant: is empty" in said
    assert "t.csv:5: accuracy: 'inf' is no number" in said


def test_many_bad_rows_are_counted_and_the_first_20_shown(tmp_path: Path) -> None:
    """The message stays readable; the error has them all."""
    lines = "".join(f"a,q{n},bad\n" for n in range(50))
    text = "variant,example,accuracy\na,first,1\n" + lines
    with pytest.raises(UserError, match="50 mistakes, the first 20 of them") as raised:
        imported("csv", write(tmp_path / "t.csv", text), runs=tmp_path / "runs")
    assert str(raised.value).count("is no number") == 20
    assert len(raised.value.mistakes) == 50


def test_a_cell_twice_needs_a_repeat(tmp_path: Path) -> None:
    """Two rows for one cell are a mistake without their numbers, and two repeats with them."""
    twice = "variant,example,accuracy\na,q1,1\na,q1,0\n"
    with pytest.raises(UserError, match=r"t\.csv:3: variant 'a' and example 'q1' were met before, in .*t\.csv:2"):
        imported("csv", write(tmp_path / "t.csv", twice), runs=tmp_path / "runs")
    numbered = "variant,example,repeat,accuracy\na,q1,0,1\na,q1,1,0\n"
    stored = imported("csv", write(tmp_path / "t.csv", numbered), runs=tmp_path / "runs")
    assert stored.header["repeats"] == 2
    assert sorted(value for value, _ in rows(stored, "accuracy").values()) == [0, 1]  # type: ignore[type-var]


def test_one_id_with_two_questions_is_a_mistake(tmp_path: Path) -> None:
    """Variants would be compared on different questions."""
    text = "variant,example,question,accuracy\na,q1,Who?,1\nb,q1,Why?,0\n"
    with pytest.raises(UserError, match=r"t\.csv:3: example 'q1' has another question"):
        imported("csv", write(tmp_path / "t.csv", text), runs=tmp_path / "runs")


def test_scores_alone_are_enough(tmp_path: Path) -> None:
    """Ids stand for questions, which is told; so is it that there are no answers."""
    text = "variant,example,accuracy\na,q1,1\nb,q1,0\n"
    stored, notes = noted("csv", write(tmp_path / "t.csv", text), runs=tmp_path / "runs")
    assert [v["params"] for v in stored.variants] == [{"config": "a"}, {"config": "b"}]
    assert any("1 examples have no question" in note for note in notes)
    assert any("no column `answer`" in note for note in notes)


def test_answers_alone_are_enough(tmp_path: Path) -> None:
    """Without a metric there is one that tells which cells have an answer."""
    text = "question,answer,failure\nWho?,Me,\nWhy?,,broken\n"
    stored, notes = noted("csv", write(tmp_path / "mine.csv", text), runs=tmp_path / "runs")
    assert stored.variants[0]["label"] == "mine"
    assert stored.header["objective"]["metric"] == "answered"
    assert rows(stored, "answered")["mine", "Who?", 0] == (1.0, None)
    assert rows(stored, "answered")["mine", "Why?", 0][0] is None
    assert any("there is no metric" in note for note in notes)


def test_settings_and_metrics_do_not_hide_the_columns_of_runs(tmp_path: Path) -> None:
    """A column called like one of the table of runs gets another name, and that of a metric is told."""
    text = "name,example,best,accuracy\na,q1,1,1\nb,q1,0,1\n"
    options = Options(variant=("name",))
    stored, notes = noted("csv", write(tmp_path / "t.csv", text), runs=tmp_path / "runs", options=options)
    assert stored.header["axes"] == ["setting_name"]
    assert [metric["name"] for metric in stored.metrics] == ["csv/best", "accuracy"]
    assert "metric 'best' is called 'csv/best' here" in notes


def test_nan_is_nothing_in_columns_that_are_no_metrics(tmp_path: Path) -> None:
    """Python writes NaN where pandas has nothing: no answer `nan`, no failure `nan`, no second variant."""
    text = '{"variant": "a", "question": "Who?", "answer": "Me", "failure": NaN, "reference": NaN, "good": NaN}\n'
    stored = imported("csv", write(tmp_path / "t.jsonl", text), runs=tmp_path / "runs")
    assert stored.outcomes.to_pylist()[0]["failure"] is None
    assert stored.examples[0]["references"] == []
    assert stored.scores.to_pylist()[0]["failure"] == "no value"


def test_a_wrong_variant_column_names_the_near_one(table: Path, tmp_path: Path) -> None:
    """The columns that there are help."""
    with pytest.raises(UserError, match="has no column 'modell'") as raised:
        imported("csv", table, runs=tmp_path / "runs", options=Options(variant=("modell",)))
    assert "did you mean 'model'?" in str(raised.value)
