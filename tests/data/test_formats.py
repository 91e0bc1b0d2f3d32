"""The four formats say the same."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import read_dataset
from harness.errors import UserError
from harness.records import EXPECTATIONS, Evidence, Example, Message

from . import written

LINES: list[dict[str, Any]] = [
    {
        "id": "a",
        "question": 'How do I "cancel", please?\nToday?',
        "references": ["In the portal", "By mail; or phone"],
        "evidence": [{"document": "cancel.md", "start": 3, "end": 9}, {"document": "plans.md"}],
        "tags": ["billing", "hard; really"],
        "metadata": {"level": 2, "when": "2024-01-01", "nested": {"none": None, "list": [1, 2.5, True]}},
        "cluster": "c1",
    },
    {"id": "b", "question": "Что это? 🙂\u2028next", "expected": "abstain"},
    {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi\r\nthere"},
            {"role": "user", "content": "null"},
        ],
        "expected": "handoff",
    },
]

EXPECTED = (
    Example(
        "a",
        (Message("user", 'How do I "cancel", please?\nToday?'),),
        ("In the portal", "By mail; or phone"),
        (Evidence("cancel.md", 3, 9), Evidence("plans.md")),
        "answer",
        ("billing", "hard; really"),
        {"level": 2, "when": "2024-01-01", "nested": {"none": None, "list": [1, 2.5, True]}},
        "c1",
    ),
    Example("b", (Message("user", "Что это? 🙂\u2028next"),), expected="abstain", cluster="b"),
)


@pytest.mark.parametrize("extension", written.WRITERS)
def test_same_content(extension: str, tmp_path: Path) -> None:
    """Every format gives the examples that its lines describe, field by field."""
    dataset = read_dataset(written.WRITERS[extension](tmp_path / f"d{extension}", LINES))
    assert dataset.examples[:2] == EXPECTED
    third = dataset.examples[2]
    assert [m.role for m in third.messages] == ["system", "user", "assistant", "user"]
    assert third.messages[2].content == "Hi\r\nthere"
    assert (third.question, third.expected) == ("null", "handoff")
    assert third.id == third.cluster == third.digest[:12]


def test_same_digest(tmp_path: Path) -> None:
    """Equal content has one digest, whatever its format and file name."""
    digests = {read_dataset(write(tmp_path / f"d{e}", LINES)).digest for e, write in written.WRITERS.items()}
    assert len(digests) == 1


def texts(least: int = 1) -> st.SearchStrategy[str]:
    """Any text that is not blank; JSON and Parquet hold no lone surrogates."""
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=12).filter(str.strip)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts(), inner, max_size=2),
    max_leaves=4,
)
evidence = st.builds(Evidence, texts()) | st.builds(
    lambda document, start, length: Evidence(document, start, start + length),
    texts(),
    st.integers(0, 10**6),
    st.integers(1, 10**6),
)
message = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), texts())
example = st.builds(
    lambda before, question, **others: Example(messages=(*before, Message("user", question)), **others),
    before=st.lists(message, max_size=2),
    question=texts(),
    id=texts(),
    references=st.lists(texts(), max_size=2).map(tuple),
    evidence=st.lists(evidence, max_size=2).map(tuple),
    expected=st.sampled_from(EXPECTATIONS),
    tags=st.lists(texts(), max_size=2).map(tuple),
    metadata=st.dictionaries(texts(), json_values, max_size=2),
    cluster=texts(),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(example, min_size=1, max_size=3, unique_by=lambda e: e.id))
def test_round_trip(examples: list[Example]) -> None:
    """Any examples survive the way JSONL -> CSV -> Parquet -> YAML unchanged."""
    current = tuple(examples)
    with tempfile.TemporaryDirectory() as folder:
        for extension, write in written.WRITERS.items():
            lines = [written.line(each) for each in current]
            current = read_dataset(write(Path(folder) / f"d{extension}", lines)).examples
            assert current == tuple(examples), extension


@pytest.mark.parametrize(
    ("cell", "references"),
    [("in the portal", ("in the portal",)), ('["a","b"]', ("a", "b")), ("a; b", ("a; b",)), ("", ())],
)
def test_csv_references(cell: str, references: tuple[str, ...], tmp_path: Path) -> None:
    """A CSV cell of references is one reference, or a JSON list, or not given."""
    path = written.csv_table(tmp_path / "d.csv", [{"question": "Why?", "references": cell}])
    assert read_dataset(path).examples[0].references == references


@pytest.mark.parametrize("cell", ["billing; refunds", "billing;refunds;", '["billing", "refunds"]'])
def test_csv_tags(cell: str, tmp_path: Path) -> None:
    """Tags in CSV are separated by semicolons or are a JSON list."""
    path = written.csv_table(tmp_path / "d.csv", [{"question": "Why?", "tags": cell}])
    assert read_dataset(path).examples[0].tags == ("billing", "refunds")


def test_csv_as_excel_saves_it(tmp_path: Path) -> None:
    """A byte order mark, CRLF line ends and blank lines do not disturb a CSV file."""
    path = tmp_path / "d.csv"
    path.write_bytes("\ufeffid,question\r\n\r\na,Why?\r\n".encode())
    assert [(e.id, e.question) for e in read_dataset(path).examples] == [("a", "Why?")]


def test_long_cell(tmp_path: Path) -> None:
    """A CSV cell may be longer than the csv module's own limit, which stays as it was."""
    before = csv.field_size_limit(131_072)
    path = written.csv_table(tmp_path / "d.csv", [{"question": "x" * 200_000}])
    assert len(read_dataset(path).examples[0].question) == 200_000
    assert csv.field_size_limit(before) == 131_072


def test_parquet_structs(tmp_path: Path) -> None:
    """What a struct column fills with nulls counts as not given."""
    path = tmp_path / "year=2024" / "d.parquet"
    path.parent.mkdir()
    lines = [{"question": "A?", "metadata": {"x": 1}}, {"question": "B?", "metadata": {"y": {"z": "t"}}}]
    pq.write_table(pa.Table.from_pylist(lines), path)
    assert [e.metadata for e in read_dataset(path).examples] == [{"x": 1}, {"y": {"z": "t"}}]


def test_parquet_with_json_text(tmp_path: Path) -> None:
    """A CSV that was only converted to Parquet, JSON cells and all, reads as the CSV did."""
    path = tmp_path / "d.parquet"
    row = {
        "question": "A?",
        "references": '["x"]',
        "tags": "p;q",
        "evidence": '[{"document": "d.md"}]',
        "id": "",
    }
    pq.write_table(pa.Table.from_pylist([row]), path)
    (found,) = read_dataset(path).examples
    assert (found.references, found.tags, found.evidence) == (("x",), ("p", "q"), (Evidence("d.md"),))


def test_yaml_dates_are_text(tmp_path: Path) -> None:
    """A date that YAML would make an object of stays what was written."""
    path = tmp_path / "d.yml"
    path.write_text("- question: When?\n  references: 2024-01-01\n  metadata: {day: 2024-01-02}\n")
    (found,) = read_dataset(path).examples
    assert (found.references, found.metadata) == (("2024-01-01",), {"day": "2024-01-02"})


@pytest.mark.parametrize("name", ["d.txt", "d", "folder.jsonl"])
def test_what_a_dataset_is(name: str, tmp_path: Path) -> None:
    """A folder or an unknown extension is refused with the list of what is allowed."""
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "d.txt").write_text("{}")
    with pytest.raises(UserError, match=r"\.jsonl.*\.csv.*\.parquet.*\.yaml"):
        read_dataset(tmp_path / name)


def test_missing_file(tmp_path: Path) -> None:
    """A file that does not exist is named with the one that was probably meant."""
    written.jsonl(tmp_path / "questions.jsonl", LINES)
    with pytest.raises(UserError, match=r"did you mean 'questions\.jsonl'"):
        read_dataset(tmp_path / "question.jsonl")


def test_light_imports(tmp_path: Path) -> None:
    """harness.data imports no heavy library, and reading Parquet does not import pandas."""
    path = written.parquet(tmp_path / "d.parquet", LINES)
    code = f"""
import json, pathlib, sys
import harness.data
heavy = [m for m in ("pandas", "pyarrow", "jinja2") if m in sys.modules]
harness.data.read_dataset(pathlib.Path({str(path)!r}))
print(json.dumps([heavy, "pandas" in sys.modules]))
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == [[], False]
