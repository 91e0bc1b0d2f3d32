"""Mistakes are named with the line where they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.data import read_dataset
from harness.errors import UserError

from . import written
from .complaints import mistakes


def lines(count: int, bad: int) -> list[dict[str, Any]]:
    """Questions of which one has a field that no example has."""
    return [{"question": f"Q{n}?", **({"colour": "red"} if n == bad else {})} for n in range(1, count + 1)]


def test_line_37(tmp_path: Path) -> None:
    """A dataset with a bad line 37 names line 37, and only that."""
    path = written.jsonl(tmp_path / "d.jsonl", lines(50, 37))
    with pytest.raises(UserError, match=rf"^{re.escape(str(path))}:37: unknown field 'colour'"):
        read_dataset(path)
    assert [m.place.line for m in mistakes(path)] == [37]


def test_line_37_with_broken_json(tmp_path: Path) -> None:
    """A line that is not JSON is named by its number, blank lines counted, like all other bad lines."""
    texts = [json.dumps(fields) for fields in lines(50, 12)]
    texts[36] = texts[36][:-1]
    texts[4] = ""
    path = tmp_path / "d.jsonl"
    path.write_text("\n".join(texts))
    found = mistakes(path)
    assert [m.place.line for m in found] == [12, 37]
    assert "is not JSON" in found[1].found


def test_line_of_a_csv_row(tmp_path: Path) -> None:
    """A bad row of a CSV file is named by the physical line where it starts."""
    path = tmp_path / "d.csv"
    path.write_text('question,expected\n"two\nlines",answer\n\nB?,maybe\n"C\n?",never\nD?\n')
    assert [(m.place.line, m.found[:9]) for m in mistakes(path)] == [
        (5, "expected:"),
        (6, "expected:"),
        (8, "has 1 cel"),
    ]


def test_line_of_a_yaml_item(tmp_path: Path) -> None:
    """A bad item of a YAML file is named by the line where it starts."""
    path = tmp_path / "d.yaml"
    path.write_text("# mine\n- question: A?\n  tags:\n    - x\n- question: B?\n  expected: maybe\n- just text\n")
    assert [m.place.line for m in mistakes(path)] == [5, 7]


def test_row_of_parquet(tmp_path: Path) -> None:
    """A bad row of a Parquet file is named by its number."""
    path = written.parquet(tmp_path / "d.parquet", [{"question": "A?"}, {"question": ""}, {"question": "C?"}])
    assert [m.place.line for m in mistakes(path)] == [2]


def test_unknown_column_is_named_once(tmp_path: Path) -> None:
    """A column that no dataset has is one mistake, not one in every row."""
    path = written.csv_table(tmp_path / "d.csv", [{"questoin": f"Q{n}?"} for n in range(9)])
    assert [m.found for m in mistakes(path)] == ["unknown field 'questoin'", "has no column for the question"]


def test_broken_json_cell(tmp_path: Path) -> None:
    """A cell that is not JSON is named by its column, and the row's other mistakes beside it."""
    path = tmp_path / "d.csv"
    path.write_text('messages,tags,expected\n"[{""role"": user}]",[a,never\n')
    assert [m.found.split(":")[0] for m in mistakes(path)] == ["messages", "tags", "expected"]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("id;question\na;Why, then?\n", "separate the columns with commas"),
        ('id,question\na,"Why?\nb,C', "quote"),
    ],
)
def test_csv_that_is_none(text: str, advice: str, tmp_path: Path) -> None:
    """Another separator or an open quote is told in one mistake."""
    path = tmp_path / "d.csv"
    path.write_text(text)
    (found,) = mistakes(path)
    assert advice in found.advice


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("- question: A?\n  id: [1\n- question: B?\n", 3, "is not YAML"),
        ("question: A?\n", 1, "must be a list of mappings"),
        ("- question: A?\n  references: x\n  question: B?\n", 1, "question: given 2 times"),
        ("- question: A?\n- question: B?\n  metadata: {1: x}\n", 2, "metadata: holds what JSON cannot hold"),
        (
            "- question: A?\n- question: B?\n  metadata: {x: .nan}\n",
            2,
            "metadata: holds what JSON cannot hold",
        ),
        ("- question: A?\n- question: !!int no\n", 2, "is not YAML"),
        ('- question: "\\uD800"\n', 1, "(question: holds what JSON cannot hold|is not YAML)"),
        ("- question: !!binary aGk=\n", 1, "question: holds what JSON cannot hold"),
        ("- question: no\n", 1, "question: must be text, found true or false"),
    ],
)
def test_yaml_that_is_wrong(text: str, line: int, said: str, tmp_path: Path) -> None:
    """What YAML reads otherwise than it was meant is named with its line."""
    path = tmp_path / "d.yaml"
    path.write_text(text)
    (found,) = mistakes(path)
    assert found.place.line == line
    assert re.match(said, found.found), found


@pytest.mark.parametrize("extension", written.WRITERS)
def test_empty_file(extension: str, tmp_path: Path) -> None:
    """A file with nothing in it is a mistake in every format."""
    path = tmp_path / f"d{extension}"
    path.write_bytes(b"")
    (found,) = mistakes(path)
    assert "has no examples" in found.found or "cannot be read as Parquet" in found.found


@pytest.mark.parametrize("extension", [".jsonl", ".csv", ".yaml"])
def test_not_utf8(extension: str, tmp_path: Path) -> None:
    """A byte that is not UTF-8 is named with its line."""
    path = tmp_path / f"d{extension}"
    path.write_bytes("question\nWas?\nWofür?\n".encode("latin-1"))
    (found,) = mistakes(path)
    assert (found.place.line, found.found) == (3, "byte 0xfc is not UTF-8")
