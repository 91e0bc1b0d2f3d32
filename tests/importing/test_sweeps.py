"""Imported sweeps beside our own: every reading command copes, and equal questions pair up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import harness
from harness.cli.main import command
from harness.errors import UserError
from harness.importing import keep, read
from harness.importing.files import source_of
from harness.importing.keeping import Wishes
from harness.store import StoredSweep
from harness.study.comparing.pairs import compare_runs
from harness.study.exporting import export
from harness.study.loaded import Sweep
from tests.importing.kept import imported, noted
from tests.workspaces import QUESTIONS, write

TABLE = """variant,question,answer,reference,tags,latency_ms,cost_usd,accuracy
small,When?,At nine,nine,hours,10,0.1,1
large,When?,At ten,nine,hours,20,0.2,0
small,Where?,Here,there,,10,0.1,0
large,Where?,There,there,,20,0.2,1
"""
Invoke = Callable[..., Any]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Run a command in `tmp_path`; what it prints, as JSON where it was asked for."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "t.csv", TABLE)

    def start(*arguments: str) -> Any:
        command.main(list(arguments), standalone_mode=False)
        printed = capsys.readouterr().out
        return json.loads(printed) if "--json" in arguments else printed

    return start


def test_the_command_prints_the_summary_of_a_sweep(invoke: Invoke, tmp_path: Path) -> None:
    """With what had to be guessed; the objective is the one that was asked for."""
    found = invoke("import", "t.csv", "--as", "csv", "--name", "desk", "--minimize", "accuracy", "--json")
    assert (found["name"], found["variants"], found["cells"], found["status"]) == ("desk", 2, 4, "complete")
    assert found["objective"] == {"metric": "accuracy", "direction": "minimize"}
    assert (found["calls"]["made"], found["cost_usd"], found["failed_cells"]) == (0, 0.0, 0)
    assert found["runs"][0]["metrics"]["accuracy"]["mean"] == 0.5
    assert found["runs"][1]["expense"] == {"usd": 0.2, "latency_ms": 20.0, "n": 2}
    assert found["notes"] == ["taken to lie between 0 and 1: accuracy"]
    assert Path(found["path"]).parent == tmp_path / "runs"


def test_every_reading_command_copes(invoke: Invoke) -> None:
    """show, runs, compare, score, labels, export and the Python API, without a sweep file behind them."""
    first = invoke("import", "t.csv", "--as", "csv", "--json")
    small, large = [run["run"] for run in first["runs"]]
    assert "config" in invoke("show", "latest")
    assert "imported: csv" in invoke("show", small)
    assert invoke("show", small, "--tag", "--json")["header"]["origin"]["tool"] == "csv"
    assert invoke("runs", "--where", "config == 'large' and accuracy == 0.5", "--json")[0]["run"] == large
    pairs = invoke("compare", small, large, "--json")
    assert "accuracy" in json.dumps(pairs)
    scored = invoke("score", "latest", "--metric", "token_f1", "--json", "--quiet")
    assert [round(run["metrics"]["token_f1"]["mean"], 3) for run in scored["runs"]] == [0.333, 0.5]
    assert invoke("labels", "sample", "latest", "-o", "l.jsonl", "--json")["answers"] == 4
    assert len(invoke("export", "latest", "--to", "parquet", "--json")["files"]) == 4
    loaded = harness.load(first["path"])
    assert (len(loaded.outcomes), len(loaded.variants), loaded.config) == (4, 2, {})


def test_an_export_comes_back_with_equal_scores(run: Callable[..., StoredSweep], tmp_path: Path) -> None:
    """Examples, answers, passages and scores of our own sweep, by way of CSV, Parquet and JSONL."""
    ours = run()
    for form in ("csv", "parquet", "jsonl"):
        export(Sweep(ours), form, tmp_path / form)
        back = imported("csv", tmp_path / form, runs=tmp_path / "back")
        assert _scores(back) == _scores(ours)
        assert back.examples == ours.examples
        assert back.header["dataset"]["digest"] == ours.header["dataset"]["digest"]
        assert [v["params"] for v in back.variants] == [v["params"] for v in ours.variants]
        assert back.texts == ours.texts
        columns = ["example", "answer", "passages", "input_tokens", "cost_usd", "failure"]
        assert back.outcomes.select(columns).to_pylist() == ours.outcomes.select(columns).to_pylist()


def _scores(stored: StoredSweep) -> list[tuple[Any, ...]]:
    labels = {variant["id"]: variant["label"] for variant in stored.variants}
    rows = stored.scores.to_pylist()
    found = [(labels[r["variant"]], *(r[k] for k in ("example", "repeat", "metric", "value", "failure"))) for r in rows]
    return sorted(found, key=lambda row: tuple(map(str, row)))


def test_an_import_is_compared_with_ours_where_the_questions_are_equal(
    run: Callable[..., StoredSweep], tmp_path: Path
) -> None:
    """With the dataset, questions that another tool answered are the examples of ours: same ids, same clusters."""
    ours = run()
    lines = [
        {"variant": "theirs", "question": q["question"].upper(), "answer": "30 days", "token_f1": 0.5}
        for q in QUESTIONS
    ]
    table = tmp_path / "theirs.jsonl"
    table.write_text("\n".join(map(json.dumps, lines)))
    theirs = imported("csv", table, runs=tmp_path / "runs", dataset=tmp_path / "datasets/questions.jsonl")
    assert theirs.examples == ours.examples
    found = compare_runs((theirs, theirs.variants[0]), (ours, ours.variants[0]), [], False, 0)
    row = next(row for row in found["metrics"] if row["metric"] == "token_f1")
    assert found["examples"] == len(QUESTIONS)
    assert row["mean"] == 0.5
    assert row["baseline_mean"] == pytest.approx(_mean_of(ours, found))


def _mean_of(ours: StoredSweep, found: dict[str, Any]) -> float:
    scores = pd.DataFrame(ours.scores.to_pylist())
    mine = scores[(scores.variant == ours.variants[0]["id"]) & (scores.metric == "token_f1")]
    return float(mine.value.mean())


def test_two_imports_of_the_same_questions_pair_up(tmp_path: Path) -> None:
    """Without ids and without a dataset: an example is named by its content."""
    first = write(tmp_path / "a.csv", "question,answer,reference,good\nWhen?,At 9,nine,1\nWhere?,Here,here,0\n")
    second = write(tmp_path / "b.csv", "good,reference,answer,question\n0,here,There,Where?\n0,nine,At 10,When?\n")
    a, b = (imported("csv", file, runs=tmp_path / "runs") for file in (first, second))
    found = compare_runs((a, a.variants[0]), (b, b.variants[0]), [], False, 0)
    assert (found["examples"], found["metrics"][0]["difference"]) == (2, 0.5)


def test_questions_that_the_dataset_lacks_are_all_named(run: Callable[..., StoredSweep], tmp_path: Path) -> None:
    """A question that is not there would be compared with nothing."""
    run()
    table = write(tmp_path / "t.csv", "example,question,good\nq0,Who?,1\nx,Why?,1\n")
    with pytest.raises(UserError, match="2 mistakes") as raised:
        imported("csv", table, runs=tmp_path / "runs", dataset=tmp_path / "datasets/questions.jsonl")
    assert "q0 ('Who?') is not in the dataset" in str(raised.value)


def test_ids_alone_find_their_questions(run: Callable[..., StoredSweep], tmp_path: Path) -> None:
    """A table of scores by id, with the dataset, is a sweep with questions."""
    run()
    table = write(tmp_path / "t.csv", "variant,example,good\na,q1,1\na,q0,0\n")
    stored = imported("csv", table, runs=tmp_path / "runs", dataset=tmp_path / "datasets/questions.jsonl")
    assert [e["messages"][-1]["content"] for e in stored.examples] == [q["question"] for q in QUESTIONS[:2]]


def test_object_storage_gets_the_whole_folder(tmp_path: Path) -> None:
    """A URI of runs works as for our own sweeps."""
    source = source_of(str(write(tmp_path / "t.csv", TABLE)))
    stored, _ = keep(read("csv", [source]), [source], "memory://imported-runs", Wishes())
    assert (stored.status, stored.outcomes.num_rows, stored.scores.num_rows) == ("complete", 4, 4)


def test_missing_cells_are_told(tmp_path: Path) -> None:
    """A variant that was tried on fewer examples is compared on those that both have."""
    table = write(tmp_path / "t.csv", "variant,example,good\na,q1,1\na,q2,1\nb,q1,0\n")
    _, notes = noted("csv", table, runs=tmp_path / "runs")
    assert any(note.startswith("b: no result for 1 of 2 examples") for note in notes)


def test_a_broken_export_is_refused_with_its_rows(run: Callable[..., StoredSweep], tmp_path: Path) -> None:
    """A missing table, a row without its example, a repeat that is none."""
    export(Sweep(run()), "csv", tmp_path / "out")
    file = tmp_path / "out" / "outcomes.csv"
    frame = pd.read_csv(file, dtype=object)
    frame.loc[0, "example"], frame.loc[1, "repeat"], frame.loc[2, "variant"] = "", "first", "other"
    frame.to_csv(file, index=False)
    with pytest.raises(UserError, match="3 mistakes") as raised:
        imported("csv", tmp_path / "out", runs=tmp_path / "runs")
    assert "outcomes.csv:2: example: is not given" in str(raised.value)
    assert "repeat: 'first' is no whole number" in str(raised.value)
    assert "variant 'other' is not among the variants" in str(raised.value)
    (tmp_path / "out" / "scores.csv").unlink()
    with pytest.raises(UserError, match=r"has no table scores\.csv"):
        imported("csv", tmp_path / "out", runs=tmp_path / "runs")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["t.csv", "--as", "cvs"], "unknown form 'cvs': did you mean 'csv'?"),
        (["u.csv", "--as", "csv"], r"u\.csv: there is no such file\n.*did you mean 't\.csv'\?"),
        (["t.csv", "--as", "csv", "--metric", "acuracy"], "there is no metric 'acuracy'; did you mean 'accuracy'?"),
        (["t.csv", "--as", "csv", "--maximize", "good"], "there is no metric 'good'"),
        (["t.csv", "--as", "csv", "--metric", "accuracy:5..1"], "'5..1' is no range"),
        (["t.csv", "--as", "csv", "--maximize", "accuracy", "--minimize", "accuracy"], "one objective"),
    ],
)
def test_wrong_arguments_are_told_with_the_right_ones(invoke: Invoke, arguments: list[str], said: str) -> None:
    """Nothing is kept."""
    with pytest.raises(UserError, match=said.replace("?", r"\?") if "\\" not in said else said):
        invoke("import", *arguments)
    assert not Path("runs").exists()
