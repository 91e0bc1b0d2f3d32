"""Logs of Inspect AI."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from tests.importing.kept import entry, imported, noted, rows
from tests.importing.written import archive, inspect_log, sample, write_json

MINI, LARGE = "openai/mini", "openai/large"


def log(model: str, first: Any, **changes: Any) -> dict[str, Any]:
    """Two samples, two epochs; `first` is the value of the first."""
    values = [(1, 1, first), (1, 2, "P"), (2, 1, "N"), (2, 2, "I")]
    samples = [sample(name, epoch, model, {"match": value, "model_graded_qa": 0.5}) for name, epoch, value in values]
    return inspect_log(model, samples, **changes)


def test_a_log_is_a_variant_and_an_epoch_a_repeat(tmp_path: Path) -> None:
    """Model, task and arguments are its settings; letters are numbers as Inspect reads them."""
    files = [write_json(tmp_path / "a.json", log(MINI, "C")), archive(tmp_path / "b.eval", log(LARGE, "I"))]
    stored = imported("inspect", *files, runs=tmp_path / "runs")
    assert [v["params"] for v in stored.variants] == [
        {"model": MINI, "task": "desk", "temperature": 0.5, "shots": 2},
        {"model": LARGE, "task": "desk", "temperature": 0.5, "shots": 2},
    ]
    assert (stored.header["repeats"], stored.header["origin"]["version"]) == (2, "0.3.95")
    found = rows(stored, "match")
    mini = [found[stored.variants[0]["label"], f"Is {n} a number?", r][0] for n in (1, 2) for r in (0, 1)]
    assert mini == [1.0, 0.5, 0.0, 0.0]
    assert found[stored.variants[1]["label"], "Is 1 a number?", 0] == (0.0, None)
    assert [entry(stored, name)["judge"] for name in ("match", "model_graded_qa")] == [False, True]


def test_samples_tell_tokens_time_and_target(tmp_path: Path) -> None:
    """Seconds become milliseconds, the target a reference, the id that of the example."""
    stored = imported("inspect", write_json(tmp_path / "a.json", log(MINI, "C")), runs=tmp_path / "runs")
    first, example = stored.outcomes.to_pylist()[0], stored.examples[0]
    assert (first["answer"], first["input_tokens"], first["output_tokens"], first["latency_ms"]) == ("Yes", 64, 2, 500)
    assert (example["id"], example["references"], example["metadata"]) == ("1", ["Yes"], {"confidence": 0.9})


def test_errors_limits_and_missing_values_are_failures(tmp_path: Path) -> None:
    """What Inspect would read as 0 with a warning is no number here."""
    error = {"message": "API down", "traceback": "…"}
    samples = [
        sample(1, 1, MINI, {"match": "I"}, error=error),
        sample(2, 1, MINI, {"match": float("nan")}),
        sample(3, 1, MINI, {"match": "perhaps"}),
        sample(4, 1, MINI, {"match": "I"}, output={"choices": []}, limit={"type": "token", "limit": 10}),
        sample(5, 1, MINI, {"match": {"style": 1, "facts": 0.5}}),
    ]
    stored = imported("inspect", write_json(tmp_path / "a.json", inspect_log(MINI, samples)), runs=tmp_path / "runs")
    found = {question: value for (_, question, _), value in rows(stored, "match").items()}
    assert found["Is 1 a number?"] == (None, "no answer: answer: error: API down")
    assert found["Is 2 a number?"] == (None, "no value")
    assert found["Is 3 a number?"] == (None, "'perhaps' is no number")
    assert found["Is 4 a number?"] == (None, "no answer: answer: limit: stopped by the limit of token")
    assert [value for value, _ in rows(stored, "match/facts").values() if value is not None] == [0.5]


def test_a_conversation_keeps_its_turns(tmp_path: Path) -> None:
    """Content may be a list of pieces, and text may lie among the attachments."""
    turns = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "image", "image": "data:"}]},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "attachment://" + "a" * 32},
    ]
    each = sample(1, 1, MINI, {"match": "C"}, input=turns, attachments={"a" * 32: "When do you open?"})
    stored = imported("inspect", write_json(tmp_path / "a.json", inspect_log(MINI, [each])), runs=tmp_path / "runs")
    said = [(m["role"], m["content"]) for m in stored.examples[0]["messages"]]
    assert said == [("system", "Be short."), ("user", "Hello"), ("assistant", "Hi"), ("user", "When do you open?")]


def test_equal_logs_need_names(tmp_path: Path) -> None:
    """Two runs of one configuration are told apart by NAME=FILE."""
    files = [write_json(tmp_path / f"{name}.json", log(MINI, "C")) for name in "ab"]
    with pytest.raises(UserError, match=r"b\.json: has the same model and arguments"):
        imported("inspect", *files, runs=tmp_path / "runs")
    stored = imported("inspect", f"before={files[0]}", f"after={files[1]}", runs=tmp_path / "runs")
    assert [v["label"] for v in stored.variants] == ["before", "after"]


def test_a_cut_off_log_is_read_and_told(tmp_path: Path) -> None:
    """Its samples are worth something; its end is not hidden."""
    file = write_json(tmp_path / "a.json", log(MINI, "C", status="cancelled"))
    _, notes = noted("inspect", file, runs=tmp_path / "runs")
    assert "a.json: the evaluation ended as 'cancelled'; what it holds is read" in notes


def test_other_files_are_refused_with_what_was_found(tmp_path: Path) -> None:
    """Another version, another tool, an archive of something else, no samples, a sample without its parts."""
    many = sample(1, 1, MINI, {}, model_usage={MINI: {"input_tokens": "many"}})
    refused = {
        "is a log of version 3, and version 2 is read": inspect_log(MINI, [], version=3),
        "is no log of Inspect AI": {"results": []},
        "has no samples; its status is 'error'": inspect_log(MINI, None, status="error"),
        r"samples\[0\]: is no sample": inspect_log(MINI, [{"id": 1}]),
        r"samples\[0\]: .*metadata must be a mapping": inspect_log(MINI, [sample(1, 1, MINI, {}, metadata="x")]),
        r"samples\[0\]: .*input_tokens must be a whole number": inspect_log(MINI, [many]),
    }
    for said, content in refused.items():
        with pytest.raises(UserError, match=said):
            imported("inspect", write_json(tmp_path / "a.json", content), runs=tmp_path / "runs")
    other = tmp_path / "a.eval"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("readme.txt", "hello")
    with pytest.raises(UserError, match=r"holds no header\.json"):
        imported("inspect", other, runs=tmp_path / "runs")
    other.write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"is no \.eval archive"):
        imported("inspect", other, runs=tmp_path / "runs")
