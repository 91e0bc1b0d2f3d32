"""Text files: front matter in them, sidecars beside them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.data import read_corpus, read_dataset
from harness.errors import Mistake, UserError
from harness.records import Document

from . import written
from .complaints import mistakes as dataset_mistakes
from .papers import pdf, put


def read(content: str, folder: Path, name: str = "a.md") -> Document:
    """The document that a text file becomes."""
    put(folder, {name: content})
    (document,) = read_corpus(name, folder).documents
    return document


def mistakes(folder: Path, path: str = ".") -> list[Mistake]:
    """What reading a corpus complains about."""
    with pytest.raises(UserError) as caught:
        read_corpus(path, folder)
    return list(caught.value.mistakes)


_CONTENT = st.text(st.characters(codec="utf-8")).filter(lambda text: text.strip("\ufeff \t\r\n"))
_VALUES = st.one_of(st.text("abc: #'\"é\n"), st.integers(-9, 9), st.booleans(), st.none(), st.lists(st.text("ab")))


@given(st.dictionaries(st.text("abcé", min_size=1), _VALUES), _CONTENT, st.sampled_from(["", "\ufeff"]), st.booleans())
def test_the_body_starts_behind_the_front_matter(said: dict[str, Any], content: str, mark: str, windows: bool) -> None:
    """The text is the file as it is, the body exactly what was written behind the front matter."""
    front = f"---\n{yaml.safe_dump(said, allow_unicode=True) if said else ''}---\n"
    whole = mark + (front.replace("\n", "\r\n") if windows else front) + content
    with tempfile.TemporaryDirectory() as folder:
        document = read(whole, Path(folder))
    assert document.text == whole
    assert document.text[document.body :] == content
    assert document.metadata == said


@pytest.mark.parametrize(
    "content",
    ["# Title\n---\ntext", "---\nno end\n", "----\na: 1\n----\n", "\n---\na: 1\n---\nx", " ---\na: 1\n---\nx"],
)
def test_what_is_no_front_matter(content: str, tmp_path: Path) -> None:
    """Rules between paragraphs, and a first line that nothing closes, are text."""
    document = read(content, tmp_path)
    assert (document.text, document.body, document.metadata) == (content, 0, {})


@pytest.mark.parametrize("name", ["a.md", "a.markdown", "a.txt", "a.rst"])
def test_every_kind_of_text_may_have_front_matter(name: str, tmp_path: Path) -> None:
    """Not only Markdown."""
    assert read("---\na: 1\n---\nx", tmp_path, name).body == len("---\na: 1\n---\n")


def test_front_matter_is_read_as_it_looks(tmp_path: Path) -> None:
    """Dates, times, `no` and numbers with leading zeros stay text; numbers and truth values are what they are."""
    front = "---\nday: 2024-05-01\nat: 12:30\ncountry: no\nzip: 01234\nn: 5\nx: 1e-3\nok: true\nnone:\n---\n"
    assert read(front + "x", tmp_path).metadata == {
        "day": "2024-05-01",
        "at": "12:30",
        "country": "no",
        "zip": "01234",
        "n": 5,
        "x": 0.001,
        "ok": True,
        "none": None,
    }


@pytest.mark.parametrize(
    ("front", "line", "said"),
    [
        ("- a\n- b\n", 2, "must be a mapping, found a list"),
        ("just words\n", 2, "must be a mapping, found text or a number"),
        ("a: 1\nb: [\n", 4, "is not YAML"),
        ("a: 1\n\n2: x\n", 4, "key 2 is a number"),
        ("a: 1\nb: !!binary aGk=\n", 3, "b: holds what JSON cannot hold"),
        ("a: 1\na: 2\n", 2, "a: given 2 times"),
        ("a: !!int x\n", 2, "is not YAML"),
        ("a: !!python/object/apply:os.getcwd []\n", 2, "is not YAML"),
    ],
)
def test_broken_front_matter(front: str, line: int, said: str, tmp_path: Path) -> None:
    """What is between the fences and is no mapping is named with its line in the file."""
    put(tmp_path, {"a.md": f"---\n{front}---\ntext"})
    (mistake,) = mistakes(tmp_path)
    assert mistake.found.startswith(f"front matter: {said}")
    assert mistake.place.line == line
    assert mistake.place.file == str(tmp_path / "a.md")


def test_nothing_behind_the_front_matter(tmp_path: Path) -> None:
    """A file of front matter alone is empty."""
    put(tmp_path, {"a.md": "---\na: 1\n---\n \n"})
    assert [m.found for m in mistakes(tmp_path)] == ["has nothing behind its front matter"]


def test_evidence_counts_from_the_start_of_the_file(tmp_path: Path) -> None:
    """A span is one of the file, front matter included; one that lies in the front matter can never be found."""
    put(tmp_path, {"kb/a.md": "---\na: 1\n---\nRefunds take five days."})
    corpus = read_corpus("kb", tmp_path)
    good = {"document": "a.md", "start": 26, "end": 35, "text": "five days"}
    path = written.jsonl(tmp_path / "d.jsonl", [{"question": "A?", "evidence": [good]}])
    (evidence,) = read_dataset(path, corpus).examples[0].evidence
    assert (evidence.start, evidence.end) == (26, 35)
    path = written.jsonl(tmp_path / "d.jsonl", [{"question": "A?", "evidence": [{**good, "start": 4, "end": 8}]}])
    (mistake,) = dataset_mistakes(path, corpus)
    assert "is in the front matter of 'a.md'" in mistake.found


@pytest.mark.parametrize(
    ("ending", "content"),
    [(".meta.yaml", "b: 2\nday: 2024-05-01\n"), (".meta.yml", "{b: 2, day: 2024-05-01}"), (".meta.json", "")],
)
def test_a_sidecar_wins_key_by_key(ending: str, content: str, tmp_path: Path) -> None:
    """What a sidecar says stands over front matter, key by key, and is no document itself."""
    put(
        tmp_path,
        {"a.md": "---\na: 1\nb: 1\n---\nx", f"a.md{ending}": content or '{"b": 2, "day": "2024-05-01"}'},
    )
    for path in (".", "*", "a.md"):
        (document,) = read_corpus(path, tmp_path).documents
        assert document.metadata == {"a": 1, "b": 2, "day": "2024-05-01"}


def test_any_file_may_have_a_sidecar(tmp_path: Path) -> None:
    """It adds to what a PDF or a page says of itself; of rows and lines it says what they do not."""
    lines = '{"id": "1", "text": "x", "a": 0}\n{"id": "2", "text": "y"}\n'
    put(tmp_path, {"a.pdf": pdf(["x"]), "a.html": "<title>T</title>x", "a.jsonl": lines})
    put(tmp_path, {f"a.{ending}.meta.yaml": "a: 1" for ending in ("pdf", "html", "jsonl")})
    assert read_corpus("a.pdf", tmp_path).documents[0].metadata == {"pages": [0], "a": 1}
    assert read_corpus("a.html", tmp_path).documents[0].metadata == {"title": "T", "a": 1}
    assert [d.metadata["a"] for d in read_corpus("a.jsonl", tmp_path).documents] == [0, 1]


@pytest.mark.parametrize(
    ("files", "place", "said"),
    [
        ({"a.md.meta.yaml": "- a"}, "a.md.meta.yaml:1", "must be a mapping, found a list"),
        ({"a.md.meta.yaml": "b: 1\na: b: c"}, "a.md.meta.yaml:2", "is not YAML"),
        ({"a.md.meta.json": "{\n1}"}, "a.md.meta.json:2", "is not JSON"),
        ({"a.md.meta.json": "[]"}, "a.md.meta.json", "must be a mapping, found a list"),
        ({"a.md.meta.json": "{}", "a.md.meta.yml": ""}, "a.md", "has 2 sidecars: a.md.meta.yml, a.md.meta.json"),
        ({"b.md.meta.yml": "a: 1"}, "b.md.meta.yml", "describes b.md, which is not there"),
    ],
)
def test_broken_sidecars(files: dict[str, bytes | str], place: str, said: str, tmp_path: Path) -> None:
    """A sidecar that cannot be read, a second one, and one without its document are named."""
    put(tmp_path, {"a.md": "x", **files})
    (mistake,) = mistakes(tmp_path)
    assert str(mistake.place).startswith(str(tmp_path / place))
    assert mistake.found.startswith(said)
