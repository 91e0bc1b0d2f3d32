"""Several paths, and what cannot be read: to stop, or to go on without it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import freeze, read_corpus, read_dataset, read_documents
from harness.data.documents import json_line
from harness.data.documents.jsonlines import json_documents
from harness.errors import UserError
from harness.records import Document

from . import written
from .papers import pdf, put, saved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A knowledge base of all formats in which some files are broken."""
    word = docx.Document()
    word.add_paragraph("Word.")
    return put(
        tmp_path,
        {
            "kb/a.md": "---\nx: 1\n---\nText.",
            "kb/b.HTML": "<p>Page.",
            "kb/c.pdf": pdf(["Paper."]),
            "kb/d/e.docx": saved(word),
            "kb/d/~$e.docx": b"x",
            "kb/.f.pdf": b"x",
            "kb/locked.pdf": pdf(["Secret."], password="pw"),
            "kb/empty.txt": " ",
            "more/rows.csv": "id,text\nr,Row.\nbad,\n",
        },
    )


def test_a_folder_takes_every_kind_of_file(folder: Path) -> None:
    """At any depth; hidden files and Word's locks are no documents."""
    found = read_documents(["kb"], folder, "skip")
    assert {d.id: (d.text, found.formats[d.id].name) for d in found.corpus.documents} == {
        "a.md": ("---\nx: 1\n---\nText.", "text"),
        "b.HTML": ("Page.", "html"),
        "c.pdf": ("Paper.", "pdf"),
        "d/e.docx": ("Word.", "docx"),
    }


def test_stop_names_all(folder: Path) -> None:
    """By default everything that is wrong is one error, across all paths."""
    with pytest.raises(UserError) as caught:
        read_documents(["kb", "more/rows.csv"], folder)
    assert [(Path(m.place.file).name, m.place.line, m.found) for m in caught.value.mistakes] == [
        ("empty.txt", 0, "is empty"),
        ("locked.pdf", 0, "is encrypted"),
        ("rows.csv", 3, "text: is empty"),
    ]


def test_skip_goes_on_and_tells(folder: Path) -> None:
    """What is wrong is left out and kept by its id; only the good documents make the digest."""
    found = read_documents(["kb", "more/*"], folder, "skip")
    assert [p.document for p in found.problems] == ["empty.txt", "locked.pdf", "bad"]
    assert [d.id for d in found.corpus.documents] == ["a.md", "b.HTML", "c.pdf", "d/e.docx", "r"]
    for name in ("kb/locked.pdf", "kb/empty.txt"):
        (folder / name).unlink()
    (folder / "more/rows.csv").write_text("id,text\nr,Row.\n")
    assert read_documents(["kb", "more/*"], folder).corpus.digest == found.corpus.digest


def test_nothing_left_is_an_error(folder: Path) -> None:
    """Skipping everything is not going on."""
    with pytest.raises(UserError, match="is encrypted"):
        read_documents(["kb/locked.pdf", "kb/empty.txt"], folder, "skip")


@pytest.mark.parametrize("problems", ["stop", "skip"])
def test_a_path_without_documents_is_an_error(problems: str, folder: Path) -> None:
    """A path is a part of the config: each has to lead to something, and all that do not are named."""
    with pytest.raises(UserError) as caught:
        read_documents(["kb", "none", "kb/*.rst"], folder, problems)
    assert [m.found for m in caught.value.mistakes] == ["there is no such file or folder", "the glob matches no file"]


def test_ids_are_relative_to_each_path_and_unique_over_all(folder: Path) -> None:
    """Two folders may not have a document of the same name; skip keeps the first."""
    put(folder, {"old/a.md": "Old."})
    with pytest.raises(UserError, match=r"id 'a.md' is already that of .*kb/a.md"):
        read_documents(["kb/*.md", "old"], folder)
    found = read_documents(["kb/*.md", "old"], folder, "skip")
    assert [d.text for d in found.corpus.documents] == ["---\nx: 1\n---\nText."]
    assert [p.document for p in found.problems] == ["a.md"]


def test_a_file_of_two_paths_is_read_once(folder: Path) -> None:
    """It keeps the name that the first path gives it."""
    found = read_documents(["kb/d", "kb/**/*.docx", "./kb/d/e.docx"], folder)
    assert [d.id for d in found.corpus.documents] == ["e.docx"]


def test_only_the_libraries_that_were_used_are_told(folder: Path) -> None:
    """Those of formats that are in the corpus, with their versions."""
    assert read_documents(["kb/a.md"], folder).loaders == {}
    assert set(read_documents(["kb/*.pdf"], folder, "skip").loaders) == {"pypdf"}
    assert set(read_documents(["kb"], folder, "skip").loaders) == {
        "beautifulsoup4",
        "lxml",
        "markdownify",
        "pypdf",
        "python-docx",
    }


def test_the_libraries_are_imported_when_they_are_needed() -> None:
    """Reading text files loads none of them."""
    code = "import sys, harness.data\nprint([m for m in 'pypdf bs4 markdownify docx lxml'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_name_that_is_not_utf8(folder: Path) -> None:
    """It is a problem as any other, and one that can be shown."""
    Path(os.fsdecode(os.fsencode(folder / "kb") + b"/gr\xfc.md")).write_text("x")
    found = read_documents(["kb/*.md"], folder, "skip")
    assert [(p.document, p.mistake.found) for p in found.problems] == [("gr\ufffd.md", "has a name that is not UTF-8")]
    assert str(found.problems[0].mistake).encode()


def test_evidence_in_a_document_that_was_left_out(folder: Path) -> None:
    """The dataset's mistake says that it was left out, and why."""
    found = read_documents(["kb"], folder, "skip")
    path = written.jsonl(folder / "d.jsonl", [{"question": "A?", "evidence": [{"document": "locked.pdf"}]}])
    with pytest.raises(UserError) as caught:
        read_dataset(path, found.corpus, found.problems)
    (mistake,) = caught.value.mistakes
    assert mistake.found == ("evidence[0]: the document 'locked.pdf' was left out of the corpus: is encrypted")
    assert mistake.place.line == 1


def test_frozen_texts_are_the_same_corpus(folder: Path) -> None:
    """Written as JSONL and read back, every document is what it was: text, body and metadata."""
    corpus = read_documents(["kb", "more/*"], folder, "skip").corpus
    freeze(corpus, folder / "new/frozen.jsonl")
    again = read_corpus("new/frozen.jsonl", folder)
    assert again == corpus
    assert again.digest == corpus.digest
    assert again.by_id["a.md"].body == len("---\nx: 1\n---\n")
    assert [p.name for p in (folder / "new").iterdir()] == ["frozen.jsonl"]


_TEXT = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)
_KEYS = st.one_of(st.sampled_from(["id", "text", "title", "metadata", "body"]), st.text("ab"))
_JSON = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("ab"), st.lists(st.integers(0, 3)))


@given(_TEXT, _TEXT, st.dictionaries(_KEYS, _JSON), st.text("-\n"))
def test_any_document_comes_back_from_its_line(
    name: str, content: str, metadata: dict[str, object], front: str
) -> None:
    """Whatever its metadata are called and wherever its body starts."""
    document = Document(name, front + content, metadata, len(front))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.jsonl"
        path.write_bytes(json_line(document))
        (entry,) = json_documents(path, "line.jsonl")
    assert entry.document == document
