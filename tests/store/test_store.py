"""Run folders: written by one, read by any, at any moment."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.errors import UserError
from harness.records import Failure, Outcome, Passage, Score
from harness.store import Folder, StoredSweep, Writer
from harness.store.journal import Journal, lines
from harness.store.rows import cell_line
from harness.store.status import heartbeat, status_of
from harness.store.tables import of_journal

Run = Callable[..., StoredSweep]


def test_a_torn_line_is_passed_over_and_cut_before_writing_on(tmp_path: Path) -> None:
    """What a killed writer left of its last line does not spoil the next one."""
    file = tmp_path / "x.jsonl"
    journal = Journal(file)
    journal.append({"a": 1})
    journal.close()
    with file.open("ab") as torn:
        torn.write(b'{"a": 2')
    assert list(lines(file.read_bytes())) == [{"a": 1}]
    again = Journal(file)
    again.append({"a": 3})
    again.close()
    assert list(lines(file.read_bytes())) == [{"a": 1}, {"a": 3}]


def test_a_journal_becomes_tables_with_each_cell_once_and_in_order(tmp_path: Path) -> None:
    """A broken line in the midst and a torn one at the end are passed over; a cell that was done again counts once."""
    file = tmp_path / "cells.jsonl"
    journal = Journal(file)
    passage = (Passage("a.md", 1, 3, "bc", 0.5),)
    failed = Outcome("v", "b", 0, failure=Failure("generate", "timeout", "too late"))
    journal.append(cell_line(failed, [Score("v", "b", 0, "m", None, failure="no answer")]))
    journal.append(cell_line(Outcome("v", "b", 0, passage, answer="B"), [Score("v", "b", 0, "m", 0.5, "half")]))
    journal.flush()
    with file.open("ab") as broken:
        broken.write(b'{"outcome": {"variant": \n')
    journal.append(cell_line(Outcome("v", "a", 0, answer="A", input_tokens=3), []))
    journal.close()
    with file.open("ab") as torn:
        torn.write(b'{"outcome": {"variant": "v", "exam')
    outcomes, scores = of_journal(file.read_bytes(), {("v", "a", 0): 0, ("v", "b", 0): 1})
    assert outcomes.column("answer").to_pylist() == ["A", "B"]
    assert outcomes.column("input_tokens").to_pylist() == [3, None]
    assert outcomes.column("failure").to_pylist() == [None, None]
    [found] = outcomes.column("passages").to_pylist()[1]
    assert found == {"document": "a.md", "start": 1, "end": 3, "similarity": 0.5, "score": None}
    assert scores.to_pylist() == [
        {"variant": "v", "example": "b", "repeat": 0, "metric": "m"}
        | {"value": 0.5, "reason": "half", "failure": None, "details": None}
    ]


def test_a_journal_without_cells_becomes_empty_tables(tmp_path: Path) -> None:
    """A sweep that has just begun can be read."""
    Journal(tmp_path / "cells.jsonl").close()
    outcomes, scores = of_journal((tmp_path / "cells.jsonl").read_bytes())
    assert (outcomes.num_rows, scores.num_rows) == (0, 0)
    assert of_journal(None)[0].num_rows == 0


def test_a_line_is_with_the_system_soon_after_it_was_added(tmp_path: Path) -> None:
    """Another reader sees it after 50 ms and the next line."""
    journal = Journal(tmp_path / "x.jsonl")
    journal.append({"a": 1})
    time.sleep(0.06)
    journal.append({"a": 2})
    assert {"a": 1} in list(lines((tmp_path / "x.jsonl").read_bytes()))


@pytest.mark.parametrize(
    ("beat", "ended", "status"),
    [
        ({}, None, "running"),
        ({"pid": 2**22 - 1}, None, "interrupted"),
        ({"process_started": "another process of that number"}, None, "interrupted"),
        ({"host": "elsewhere"}, None, "running"),
        ({"host": "elsewhere", "time": -600.0}, None, "interrupted"),
        ({}, {"status": "complete", "time": 60.0}, "complete"),
        ({}, {"status": "complete", "time": -60.0}, "running"),
    ],
)
def test_the_status_is_derived(
    beat: dict[str, object], ended: dict[str, object] | None, status: str, tmp_path: Path
) -> None:
    """From heartbeat, process and exit record; an exit record older than the heartbeat is another process's.

    Times are seconds from now.
    """
    now = time.time()
    written = {**heartbeat(), **beat, "time": now + float(str(beat.get("time", 0.0)))}
    (tmp_path / "heartbeat.json").write_text(json.dumps(written))
    if ended:
        (tmp_path / "exit.json").write_text(json.dumps({**ended, "time": now + float(str(ended["time"]))}))
    assert status_of(Folder(tmp_path)) == status


def test_two_writers_are_not_possible(tmp_path: Path) -> None:
    """The second is refused while the first lives."""
    first = Writer(tmp_path / "s")
    with pytest.raises(UserError, match="another process"):
        Writer(tmp_path / "s")
    first.end("complete")
    Writer(tmp_path / "s").end("complete")


def test_the_run_folder_says_where_its_numbers_come_from(run: Run) -> None:
    """Config, digests, versions, machine, settings really sent."""
    stored = run(overrides=("temperature=0.5",))
    header = stored.header
    assert header["dataset"]["digest"]
    assert header["corpus"]["digest"]
    assert {"python", "numpy", "chromadb", "langchain-text-splitters"} <= set(header["versions"])
    assert {"platform", "cores", "memory_bytes"} <= set(header["machine"])
    assert header["config"]["overrides"] == ["temperature=0.5"]
    variant = stored.variants[0]
    assert variant["chatbot"]["retrieval"]["splitter"]["length"] == "characters"
    assert variant["chatbot"]["temperature"] == 0.5
    assert variant["sent"] == {}


def test_git_commit_and_uncommitted_changes_are_kept(run: Run, tmp_path: Path) -> None:
    """Which code it was, down to the line."""
    from tests.workspaces import make_workspace

    make_workspace(tmp_path)
    git = f"git -C {tmp_path} -c user.name=a -c user.email=a@b.c"
    (tmp_path / "notes.md").write_text("first\n")
    os.system(f"{git} init -q && {git} add notes.md && {git} commit -qm first")
    (tmp_path / "notes.md").write_text("second\n")
    stored = run(overrides=("dataset.limit=1",))
    assert len(stored.header["git"]["commit"]) == 40
    assert stored.header["git"]["dirty"]
    assert "+second" in (stored.folder.path / "artifacts/uncommitted.diff").read_text()


def test_a_newer_format_is_refused(run: Run) -> None:
    """Better no number than a misread one."""
    stored = run()
    file = stored.folder.path / "sweep.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    with pytest.raises(UserError, match="upgrade"):
        _ = StoredSweep(stored.folder).header


def test_a_folder_by_uri_reads_like_a_path(run: Run, tmp_path: Path) -> None:
    """Object storage through fsspec: written there, listed and loaded from there."""
    import fsspec

    stored = run(runs="memory://bucket/runs")
    frame = harness.runs("memory://bucket/runs")
    assert len(frame) == 8
    loaded = harness.load(f"memory://bucket/runs/{stored.id}")
    assert len(loaded.outcomes) == 64
    assert fsspec.filesystem("memory").exists(f"/bucket/runs/{stored.id}/outcomes.parquet")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """Loading a folder without a sweep says so."""
    with pytest.raises(UserError, match="holds no sweep"):
        harness.load(str(tmp_path / "nothing"))


def test_the_python_api_runs_a_sweep(workspace: Path) -> None:
    """`harness.sweep` with overrides gives the loaded sweep."""
    found = harness.sweep(str(workspace / "configs/small.yaml"), top_k=[2], limit=4)
    assert found.status == "complete"
    assert len(found.outcomes) == 4 * 4
    assert found.config["sweep"]["axes"]["top_k"] == [2]
