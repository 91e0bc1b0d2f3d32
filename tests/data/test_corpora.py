"""Knowledge bases from folders, globs and JSONL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.data import read_corpus
from harness.errors import Mistake, UserError


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a small knowledge base and files that are none of it."""
    for name, content in {
        "kb/b.md": b"# B\r\nline\r\n",
        "kb/a/deep.RST": "\ufeffgrüße".encode(),
        "kb/a/c.txt": b"C",
        "kb/d.markdown": b"D",
        "kb/.hidden/e.md": b"E",
        "kb/logo.png": b"\x89PNG",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def mistakes(path: str, workspace: Path) -> tuple[Mistake, ...]:
    """What reading the corpus complains about."""
    with pytest.raises(UserError) as caught:
        read_corpus(path, workspace)
    return caught.value.mistakes


def test_folder(workspace: Path) -> None:
    """A folder gives its text files at any depth, named by relative path and in the order of the names."""
    assert [d.id for d in read_corpus("kb", workspace).documents] == [
        "a/c.txt",
        "a/deep.RST",
        "b.md",
        "d.markdown",
    ]


def test_texts_are_untouched(workspace: Path) -> None:
    """Line ends and a byte order mark stay, so that offsets count what is stored."""
    texts = {d.id: d.text for d in read_corpus("kb", workspace).documents}
    assert texts["b.md"] == "# B\r\nline\r\n"
    assert texts["a/deep.RST"] == "\ufeffgrüße"


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("kb/*.md", ["b.md"]),
        ("kb/**/*.[mt]*", ["a/c.txt", "b.md", "d.markdown"]),
        ("k?/a/*", ["kb/a/c.txt", "kb/a/deep.RST"]),
    ],
)
def test_glob(pattern: str, ids: list[str], workspace: Path) -> None:
    """A glob gives what it matches, named relative to its fixed part."""
    assert [d.id for d in read_corpus(pattern, workspace).documents] == ids
    assert [d.id for d in read_corpus(str(workspace / pattern), Path("/elsewhere")).documents] == ids


def test_jsonl(workspace: Path) -> None:
    """JSONL gives documents by id; a title and other keys become metadata and not text."""
    lines = [
        {"id": "z", "text": "Z\r\n", "title": "Last", "metadata": {"x": 1}, "collection": "c"},
        {"id": "y", "text": "Y", "title": None},
    ]
    (workspace / "kb.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    first, second = read_corpus("kb.jsonl", workspace).documents
    assert (first.id, first.text, first.metadata) == ("y", "Y", {})
    assert (second.id, second.text) == ("z", "Z\r\n")
    assert second.metadata == {"title": "Last", "x": 1, "collection": "c"}


def test_bad_jsonl(workspace: Path) -> None:
    """Every bad line of a JSONL corpus is named."""
    lines = [
        '{"id": "a", "text": "A"}',
        '{"id": "a", "text": "B"}',
        '{"id": "", "text": " "}',
        '{"id": 1, "text": "C", "title": []}',
        "[]",
        '{"id": "d", "text": "D", "x": 1, "metadata": {"x": 2}}',
        '{"id": "e", "text": "E"',
    ]
    (workspace / "kb.jsonl").write_text("\n".join(lines))
    assert [(m.place.line, m.found) for m in mistakes("kb.jsonl", workspace)][:-1] == [
        (2, "id 'a' is already that of line 1"),
        (3, "id: is empty"),
        (3, "text: is empty"),
        (4, "id: must be text, found a number"),
        (4, "title: must be text, found a list"),
        (5, "must be a JSON object, found a list"),
        (6, "x: is given both by itself and in metadata"),
    ]
    assert mistakes("kb.jsonl", workspace)[-1].place.line == 7


def test_bad_files(workspace: Path) -> None:
    """Empty files and files that are not UTF-8 are all named at once, the latter with the line."""
    (workspace / "kb/empty.md").write_text(" \n")
    (workspace / "kb/latin.txt").write_bytes("ein\nGruß".encode("latin-1"))
    found = [(Path(m.place.file).name, m.place.line, m.found) for m in mistakes("kb", workspace)]
    assert found == [("empty.md", 0, "is empty"), ("latin.txt", 2, "byte 0xdf is not UTF-8")]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none", "there is no such file or folder"),
        ("kb/logo.png", "is no document of a known format"),
        ("kb/.hidden/none/*.md", "the glob matches no file"),
        ("*.md", "the glob matches no file"),
        ("*.jsonl", "has no documents"),
        ("empty", "has no documents"),
        ("empty.jsonl", "has no documents"),
    ],
)
def test_no_corpus(path: str, said: str, workspace: Path) -> None:
    """What is no corpus, or an empty one, is a mistake that says so."""
    (workspace / "empty").mkdir()
    (workspace / "empty.jsonl").write_text("\n")
    (found,) = mistakes(path, workspace)
    assert found.found == said


def test_a_misspelt_folder_is_answered_with_the_one_beside_it(workspace: Path) -> None:
    """The nearest name in the same folder."""
    (found,) = mistakes("kbb", workspace)
    assert "did you mean 'kb'?" in found.advice


def test_a_picture_under_a_glob_is_no_text(workspace: Path) -> None:
    """It is of no known kind, and nobody is asked to save it as UTF-8; text in UTF-16 is."""
    (workspace / "kb/photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    (workspace / "kb/wide.log").write_bytes("Gruß".encode("utf-16"))
    picture, wide = (
        next(m for m in mistakes("kb/*", workspace) if m.place.file.endswith(name))
        for name in ("photo.png", "wide.log")
    )
    assert picture.found == "is no text, and of no known kind"
    assert ".pdf" in picture.advice
    assert wide.advice == "save the file as UTF-8"
