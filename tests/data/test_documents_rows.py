"""CSV and JSONL: several documents in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import read_corpus, read_documents
from harness.errors import UserError
from harness.records import Document

from .papers import put


def table(content: str, folder: Path) -> tuple[Document, ...]:
    """The documents of a CSV file."""
    put(folder, {"kb/t.csv": content})
    return read_corpus("kb/t.csv", folder).documents


def wrong(content: str, folder: Path, name: str = "t.csv") -> list[tuple[int, str]]:
    """Lines, and what is found wrong with them."""
    put(folder, {name: content})
    with pytest.raises(UserError) as caught:
        read_corpus(name, folder)
    return [(mistake.place.line, mistake.found) for mistake in caught.value.mistakes]


def test_a_column_text_is_the_text(tmp_path: Path) -> None:
    """The other columns are metadata, an empty cell is none, and a text is taken as it is."""
    first, second = table('\ufeffid,text,lang,n\r\nb,"two\r\nlines",de,\r\na," A",,1\r\n', tmp_path)
    assert first == Document("a", " A", {"n": "1"})
    assert second == Document("b", "two\r\nlines", {"lang": "de"})


def test_without_it_every_cell_is_a_line(tmp_path: Path) -> None:
    """`column: value` for every cell; ids count the rows of data."""
    content = "name,price\nCard,5\n\nLoan,\n"
    assert table(content, tmp_path) == (
        Document("t.csv#1", "name: Card\nprice: 5"),
        Document("t.csv#2", "name: Loan"),
    )
    assert [d.id for d in read_corpus("k*/t.csv", tmp_path).documents] == ["kb/t.csv#1", "kb/t.csv#2"]


def test_bad_csv(tmp_path: Path) -> None:
    """Bad rows are named by their line; a bad header is named once."""
    assert wrong("id,text\n1,a\n2\n3,\n1,b\n", tmp_path) == [
        (3, "has 1 cells where the header has 2"),
        (4, "text: is empty"),
        (5, "id '1' is already that of line 2"),
    ]
    assert wrong("id;text\n1;a\n", tmp_path) == [(1, "is one column")]
    assert wrong("a,b,a\n1,2,3\n", tmp_path) == [(1, "a: is a column twice")]
    assert wrong("id,x\n1,\n", tmp_path) == [(2, "is empty")]
    assert wrong("id,x\n", tmp_path) == [(0, "has no documents")]
    assert wrong('id,text\n1,"open\n', tmp_path) == [(2, "is not CSV: unexpected end of data")]


def test_a_row_that_is_wrong_does_not_rename_the_others(tmp_path: Path) -> None:
    """Rows are counted whether they are good or not."""
    put(tmp_path, {"t.csv": "a,b\n1\n1,2\n"})
    found = read_documents(["t.csv"], tmp_path, "skip")
    assert [d.id for d in found.corpus.documents] == ["t.csv#2"]
    assert [p.document for p in found.problems] == ["t.csv#1"]


def test_a_folder_is_not_searched_for_rows(tmp_path: Path) -> None:
    """A dataset may lie beside the articles."""
    put(tmp_path, {"a.md": "A", "questions.jsonl": '{"question": "A?"}', "t.csv": "question\nA?\n"})
    assert [d.id for d in read_corpus(".", tmp_path).documents] == ["a.md"]


def test_several_files_of_lines(tmp_path: Path) -> None:
    """A glob takes several; ids are as given, and no two are the same."""
    put(tmp_path, {"1.jsonl": '{"id": "b", "text": "B"}', "2.jsonl": '\n{"id": "a", "text": "A"}'})
    assert [d.id for d in read_corpus("*.jsonl", tmp_path).documents] == ["a", "b"]
    put(tmp_path, {"3.jsonl": '{"id": "a", "text": "C"}'})
    with pytest.raises(UserError) as caught:
        read_corpus("*.jsonl", tmp_path)
    (mistake,) = caught.value.mistakes
    assert mistake.found == f"id 'a' is already that of {tmp_path / '2.jsonl'}:2"


def test_a_body_of_a_line(tmp_path: Path) -> None:
    """A whole number is an offset; anything else under that key is metadata as before."""
    put(tmp_path, {"t.jsonl": '{"id": "a", "text": "head text", "body": 5}\n{"id": "b", "text": "B", "body": "x"}'})
    first, second = read_corpus("t.jsonl", tmp_path).documents
    assert first == Document("a", "head text", {}, 5)
    assert second == Document("b", "B", {"body": "x"})
    assert wrong('{"id": "a", "text": "A", "body": 1}', tmp_path, "t.jsonl") == [
        (1, "body: 1 is no offset in a text of 1 characters")
    ]
    assert wrong('{"id": "a", "text": "A ", "body": 1}', tmp_path, "t.jsonl") == [
        (1, "text: has nothing behind its body, 1")
    ]
