"""`harness labels` and `harness calibrate`, from a sample to a kept calibration."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli import harness
from tests.workspaces import make_workspace


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a finished sweep."""
    folder = tmp_path_factory.mktemp("labels")
    make_workspace(folder)
    done = harness("sweep", "configs/small.yaml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def workspace(swept: Path, tmp_path: Path) -> Path:
    """A copy of it, without anybody's labels."""
    return Path(shutil.copytree(swept, tmp_path / "workspace"))


def sample(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """The lines of a sample."""
    done = harness("labels", "sample", "latest", "-o", "sample.jsonl", "--force", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (folder / "sample.jsonl").read_text().splitlines()]


def filled(folder: Path, lines: list[dict[str, Any]]) -> None:
    """The sample, labelled by whether a reference is in the answer."""
    for number, line in enumerate(lines):
        good = any(text.lower() in line["answer"].lower() for text in line["references"])
        line.update(value=good != (number % 10 == 0), by="ann")
    (folder / "filled.jsonl").write_text("\n".join(map(json.dumps, lines)))


def test_from_a_sample_to_a_calibration(workspace: Path) -> None:
    """Sample, fill, add, list, calibrate; the record lies beside the sweeps."""
    lines = sample(workspace, "-n", "30")
    filled(workspace, lines)
    added = json.loads(harness("labels", "add", "latest", "filled.jsonl", "--json", cwd=workspace).stdout)
    assert (added["added"], added["blank"]) == (30, 0)
    listed = json.loads(harness("labels", "list", "latest", "--json", cwd=workspace).stdout)
    assert len(listed) == 30
    assert listed[0]["by"] == "ann"
    done = harness("calibrate", "latest", "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    [found] = json.loads(done.stdout)
    assert found["metric"] == "correct"
    assert found["labels"] == found["agreement"]["n"] == 30
    assert found["overall"]["low"] <= found["overall"]["mean"] <= found["overall"]["high"]
    [record] = (workspace / "runs/_calibrations").rglob("*.json")
    assert json.loads(record.read_text())["kappa"] == found["agreement"]["kappa"]
    shown = harness("calibrate", "latest", cwd=workspace).stdout
    assert "Agreement with the labels" in shown
    assert "all variants" in shown
    assert len(json.loads(harness("runs", "--json", cwd=workspace).stdout)) == 8


def test_a_file_of_labels_can_be_used_without_keeping_it(workspace: Path) -> None:
    """`--labels FILE`; the sweep has none afterwards."""
    filled(workspace, sample(workspace, "--metric", "token_f1", "--no-passages"))
    done = harness("calibrate", "latest", "--labels", "filled.jsonl", "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["metric"] == "token_f1"
    done = harness("calibrate", "latest", cwd=workspace)
    assert done.returncode == 2
    assert "harness labels sample" in done.stderr


def test_bad_lines_are_named_and_nothing_is_kept(workspace: Path) -> None:
    """Exit code 2, every line by number, no file in the run folder."""
    lines = sample(workspace, "-n", "10")
    filled(workspace, lines)
    lines[2]["value"], lines[6]["id"] = 3, "nobody"
    (workspace / "filled.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = harness("labels", "add", "latest", "filled.jsonl", cwd=workspace)
    assert done.returncode == 2
    assert "filled.jsonl:3: value: 3 is not on the scale" in done.stderr
    assert "filled.jsonl:7: id: this sweep has no answer 'nobody'" in done.stderr
    assert not list((workspace / "runs").glob("*/labels"))


def test_a_sample_is_not_written_over_labels(workspace: Path) -> None:
    """A file that is there is kept unless --force says otherwise."""
    sample(workspace, "-n", "3")
    done = harness("labels", "sample", "latest", "-o", "sample.jsonl", cwd=workspace)
    assert done.returncode == 2
    assert "--force" in done.stderr


def declare_judges(folder: Path, *names: str) -> None:
    """Declare metrics of the sweep to be judges."""
    [header] = (folder / "runs").glob("*/sweep.json")
    content = json.loads(header.read_text())
    for entry in content["metrics"]:
        entry["judge"] = entry["name"] in names
    header.write_text(json.dumps(content))


def rewritten(folder: Path, lines: list[dict[str, Any]], *without: str) -> None:
    """The labelled sample without some of its fields."""
    kept = ({name: value for name, value in line.items() if name not in without} for line in lines)
    (folder / "filled.jsonl").write_text("\n".join(map(json.dumps, kept)))


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (
            "token_f1",
            "filled.jsonl:1: metric: the line is about 'correct', and --metric says 'token_f1' (also in lines",
        ),
        ("corect", "has no metric 'corect'; did you mean 'correct'?"),
    ],
)
def test_a_metric_that_the_lines_contradict_is_refused(workspace: Path, metric: str, words: str) -> None:
    """Likewise one that the sweep has not: exit code 2, nothing is kept."""
    filled(workspace, sample(workspace, "-n", "10"))
    done = harness("labels", "add", "latest", "filled.jsonl", "--metric", metric, cwd=workspace)
    assert done.returncode == 2
    assert words in done.stderr
    assert not list((workspace / "runs").glob("*/labels"))
    assert harness("labels", "list", "latest", "--metric", metric, cwd=workspace).returncode == 2 * (metric == "corect")


def test_what_is_wrong_with_all_lines_alike_is_said_once(workspace: Path) -> None:
    """Nobody is named; with two judges and another objective no metric is."""
    declare_judges(workspace, "token_f1", "abstention")
    lines = sample(workspace, "-n", "10", "--metric", "correct")
    filled(workspace, lines)
    rewritten(workspace, lines, "by", "metric")
    done = harness("labels", "add", "latest", "filled.jsonl", cwd=workspace)
    assert done.returncode == 2
    assert done.stderr.count("nobody is named (also in lines 2 to 10)") == done.stderr.count("nobody is named") == 1
    assert done.stderr.count("none is named (also in lines 2 to 10)") == done.stderr.count("none is named") == 1
    assert "--by" in done.stderr and "--metric" in done.stderr
    done = harness("labels", "add", "latest", "filled.jsonl", "--by", "ann", "--metric", "correct", cwd=workspace)
    assert "10 labels added (10 of correct)" in done.stdout


def test_of_two_judges_people_are_asked_for_the_objective(workspace: Path) -> None:
    """In a sample, and where lines that are added name no metric; the command that is told next names who labels."""
    declare_judges(workspace, "token_f1", "correct")
    [header] = (workspace / "runs").glob("*/sweep.json")
    objective = json.loads(header.read_text())["objective"]["metric"]
    lines = sample(workspace, "-n", "10")
    assert {line["metric"] for line in lines} == {objective}
    filled(workspace, lines)
    rewritten(workspace, lines, "by", "metric")
    done = harness("labels", "sample", "latest", "-n", "5", "-o", "more.jsonl", cwd=workspace)
    assert "more.jsonl --by " in done.stdout
    done = harness("labels", "add", "latest", "filled.jsonl", "--by", "ann", "--json", cwd=workspace)
    assert json.loads(done.stdout)["metrics"] == {objective: 10}


def test_what_cannot_be_calibrated_leaves_no_record(workspace: Path) -> None:
    """A cut off the scale: exit code 2."""
    filled(workspace, sample(workspace, "-n", "30"))
    assert harness("labels", "add", "latest", "filled.jsonl", cwd=workspace).returncode == 0
    done = harness("calibrate", "latest", "--at", "5", cwd=workspace)
    assert done.returncode == 2
    assert "give a number above 0 and at most 1" in done.stderr
    assert not (workspace / "runs/_calibrations").exists()


def test_a_calibration_of_fewer_labels_says_which_one_counts(workspace: Path) -> None:
    """And variants are told by their labels, not by their ids."""
    lines = sample(workspace, "-n", "1000")
    filled(workspace, lines)
    assert harness("labels", "add", "latest", "filled.jsonl", cwd=workspace).returncode == 0
    whole = harness("calibrate", "latest", cwd=workspace).stdout
    assert "which are more" not in whole
    assert "A yes is 0.5 and above. People yes / no" in whole
    rewritten(workspace, lines[:15])
    few = harness("calibrate", "latest", "--labels", "filled.jsonl", cwd=workspace).stdout
    assert f"rests on {len(lines)} labels of " in few
