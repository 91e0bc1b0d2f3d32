"""Run folders that were damaged: what is read all the same and told, and what is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from benchmarks.watching import Growth
from click.testing import CliRunner

from harness.cli.main import command
from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.summary import summarise

Run = Callable[..., StoredSweep]
TORN = b'{"id": "q3", "mess'


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small sweep that is complete."""
    growth = Growth(tmp_path_factory.mktemp("whole"), np.ones((2, 6)))
    growth.add((v, e) for v in range(2) for e in range(6))
    growth.writer.compact({(f"v{v}", f"e{e}", 0): 6 * v + e for v in range(2) for e in range(6)})
    growth.writer.end("complete")
    return growth.folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "runs" / "grown"))


def opened(folder: Path) -> StoredSweep:
    """The sweep, read anew."""
    return StoredSweep(Folder(folder))


def break_line(file: Path, number: int, content: bytes = TORN) -> None:
    """Put something else in place of a line, counted from 1."""
    lines = file.read_bytes().split(b"\n")
    lines[number - 1] = content
    file.write_bytes(b"\n".join(lines))


def places(folder: Path) -> list[tuple[str, int]]:
    """File and line of each problem."""
    return [(Path(problem.place.file).name, problem.place.line) for problem in opened(folder).problems]


def test_a_whole_folder_has_no_problems(folder: Path) -> None:
    """Complete, or growing with a torn last line, as a killed writer leaves it."""
    assert opened(folder).problems == []


@pytest.mark.parametrize(("name", "kind"), [("outcomes", "outcomes"), ("scores", "scores"), ("texts", "texts")])
def test_a_table_that_is_none_is_named(folder: Path, name: str, kind: str) -> None:
    """Torn, empty, no Parquet at all, and a table that lacks columns, which are named too."""
    file = folder / f"{name}.parquet"
    content, table = file.read_bytes(), pq.read_table(file)
    for bad in (content[:-40], b"", b"no table"):
        file.write_bytes(bad)
        with pytest.raises(UserError, match=rf"{name}\.parquet cannot be read: it is no Parquet table, or a torn one"):
            getattr(opened(folder), kind)
    last = table.column_names[3]
    pq.write_table(table.drop_columns([last]), file)
    with pytest.raises(UserError, match=rf"{name}\.parquet is no table of {kind} .* it lacks {last}$"):
        getattr(opened(folder), kind)


def test_a_table_of_an_earlier_version_is_read(folder: Path) -> None:
    """Columns that came later may be missing."""
    for name, late in (("outcomes", ["query_usd", "first_token_ms", "missed"]), ("scores", ["details"])):
        file = folder / f"{name}.parquet"
        pq.write_table(pq.read_table(file).drop_columns(late), file)
    assert opened(folder).outcomes.num_rows == opened(folder).scores.num_rows == 12


def test_scores_that_are_missing_are_no_empty_scores(folder: Path) -> None:
    """Finished outcomes without their scores would look as if nothing applied to them."""
    (folder / "scores.parquet").unlink()
    with pytest.raises(UserError, match=r"scores\.parquet is missing"):
        _ = opened(folder).scores


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cells": None}, "cells"),
        ({"metrics": 3}, "metrics"),
        ({"metrics": [{"name": "correct"}]}, "metrics"),
        ({"objective": {}, "name": None}, "name, objective"),
    ],
)
def test_a_header_that_lacks_something_says_what(folder: Path, change: dict[str, object], said: str) -> None:
    """A field that is not there, or is of another kind."""
    file = folder / "sweep.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(UserError, match=rf"sweep\.json lacks what a sweep has.*: {said}$"):
        _ = opened(folder).header


def test_a_torn_header_is_named(folder: Path) -> None:
    """With its path."""
    (folder / "sweep.json").write_text('{"format": 1, "na')
    with pytest.raises(UserError, match=r"grown/sweep\.json cannot be read: it is torn"):
        _ = opened(folder).header


@pytest.mark.parametrize("name", ["variants", "examples"])
def test_a_line_without_its_fields_is_named_by_number(folder: Path, name: str) -> None:
    """All of them, with what each lacks."""
    break_line(
        folder / f"{name}.jsonl", 2, b'{"label": "x", "params": {}, "chatbot": {}, "messages": [], "cluster": ""}'
    )
    break_line(folder / f"{name}.jsonl", 3, b"[1]")
    with pytest.raises(UserError, match=rf"2 mistakes:\n.*{name}\.jsonl:2: this line has no id\n.*{name}\.jsonl:3:"):
        getattr(opened(folder), name)


@pytest.mark.parametrize("name", ["variants", "examples"])
def test_a_broken_line_of_a_description_is_passed_over_and_told(folder: Path, name: str) -> None:
    """In the middle, and at the end, where a file that is written at once has none."""
    file, count = folder / f"{name}.jsonl", len(getattr(opened(folder), name))
    break_line(file, 3)
    assert places(folder) == [(file.name, 3)]
    assert len(getattr(opened(folder), name)) == count - 1
    file.write_bytes(file.read_bytes() + b'{"torn')
    assert places(folder)[-1] == (file.name, count + 2)


def test_broken_lines_of_a_growing_sweep_are_passed_over_and_told(tmp_path: Path) -> None:
    """In the middle of a journal: no JSON, or no cell; a torn last line is what a killed writer leaves."""
    growth = Growth(tmp_path, np.ones((2, 6)))
    growth.add((v, e) for v in range(2) for e in range(6))
    file = growth.folder / "cells.jsonl"
    break_line(file, 4)
    break_line(file, 6, b"{}")
    break_line(file, 7, b"17")
    file.write_bytes(file.read_bytes() + b'{"outcome": {"variant"')
    assert places(growth.folder) == [("cells.jsonl", 4), ("cells.jsonl", 6), ("cells.jsonl", 7)]
    assert opened(growth.folder).outcomes.num_rows == opened(growth.folder).scores.num_rows == 9
    break_line(growth.folder / "texts.jsonl", 3, b'["d0.md", 0]')
    assert ("texts.jsonl", 3) in places(growth.folder)
    assert len(opened(growth.folder).texts) == 4
    growth.writer.end("interrupted")


def test_a_line_without_a_cell_is_no_cell(tmp_path: Path) -> None:
    """Where all lines are JSON, too: a second header, and an empty mapping."""
    growth = Growth(tmp_path, np.ones((1, 4)))
    growth.add((0, e) for e in range(4))
    break_line(growth.folder / "cells.jsonl", 2, b'{"format": 1}')
    break_line(growth.folder / "cells.jsonl", 3, b"{}")
    assert opened(growth.folder).outcomes["example"].to_pylist() == ["e2", "e3"]
    assert places(growth.folder) == [("cells.jsonl", 3)]
    growth.writer.end("interrupted")


def test_a_cell_of_another_shape_is_refused_by_name(tmp_path: Path) -> None:
    """Better no number than a misread one."""
    growth = Growth(tmp_path, np.ones((1, 4)))
    growth.add((0, e) for e in range(4))
    file = growth.folder / "cells.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"value":1.0', b'"value":"high"', 1))
    with pytest.raises(UserError, match=r"cells\.jsonl cannot be read: a line is not as cells are written"):
        _ = opened(growth.folder).outcomes
    growth.writer.end("interrupted")


def test_what_was_spent_and_cannot_be_read_is_told(folder: Path) -> None:
    """Of the sweep and of scores that were added later; the rest is counted."""
    paid = b'{"format": 1}\n{"stage": "judge", "usd": 0.1, "tokens": 1}\n{"sta\n{"stage": "judge"}\n'
    paid += b'{"stage": "judge", "usd": 0.2, "tokens": 2}\n{"stage'
    later = folder / "scores" / "20260101T000000000000-aaaaaaaa"
    later.mkdir(parents=True)
    for place in (folder, later):
        (place / "spending.jsonl").write_bytes(paid)
    assert places(folder) == [("spending.jsonl", 3), ("spending.jsonl", 4)] * 2
    assert [line["usd"] for line in opened(folder).spending] == [0.1, 0.2] * 2


def test_texts_that_are_missing_are_told(folder: Path) -> None:
    """All else can be read."""
    (folder / "texts.parquet").unlink()
    assert places(folder) == [("texts.parquet", 0)]
    assert opened(folder).texts == {}


def test_show_tells_the_problems(run: Run) -> None:
    """With file, line and what it means, for a sweep and a run; as JSON too."""
    stored = run()
    summarise(stored, keep=True)
    store, file = str(stored.folder.path.parent), stored.folder.path / "examples.jsonl"
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([*lines[:4], TORN, *lines[4:]]))
    for name in (stored.id, f"{stored.id}/{stored.variants[0]['id']}"):
        shown = CliRunner().invoke(command, ["show", name, "--runs", store])
        assert shown.exit_code == 0, shown.output
        assert f"Caution: {file}:5: this line is broken and was passed over: an example is missing" in shown.output
        told = json.loads(CliRunner().invoke(command, ["show", name, "--runs", store, "--json"]).stdout)["problems"]
        assert [(each["file"], each["line"]) for each in told] == [(str(file), 5)]
