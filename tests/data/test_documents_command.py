"""Documents as a sweep file names them, as the command line lists them, and as a run records them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from harness.cli import main
from harness.config import load, schema
from harness.config.sweepfile import CorpusChoice
from harness.errors import UserError
from harness.store import StoredSweep
from tests.workspaces import CONFIG, make_workspace

from .papers import pdf, put

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in a folder: exit code, stdout, stderr."""

    def call(folder: Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        code = main._run()
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good documents and one that is encrypted."""
    files: dict[str, bytes | str] = {"a.md": "---\nx: 1\n---\nText.", "b.pdf": pdf(["Paper."], title="B")}
    return put(tmp_path / "kb", {**files, "c.pdf": pdf(["Secret."], password="pw")})


def test_documents_are_listed_with_what_is_wrong(folder: Path, harness: Command) -> None:
    """All are listed, and the exit code says that a sweep would stop."""
    code, out, err = harness(folder, "data", "documents", ".")
    assert code == 2
    assert [line.split() for line in out.splitlines()[2:]] == [
        ["a.md", "text", "18", "x"],
        ["b.pdf", "pdf", "6", "title,", "pages"],
    ]
    assert "c.pdf: is encrypted" in err


def test_documents_as_json(folder: Path, harness: Command) -> None:
    """One document on stdout: texts, problems and the libraries used."""
    code, out, _ = harness(folder, "data", "documents", "a.md", "*.pdf", "--problems", "skip", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["paths"] == ["a.md", "*.pdf"]
    assert found["documents"] == [
        {"id": "a.md", "format": "text", "characters": 18, "body": 13, "metadata": ["x"]},
        {"id": "b.pdf", "format": "pdf", "characters": 6, "body": 0, "metadata": ["title", "pages"]},
    ]
    assert [(p["document"], p["found"]) for p in found["problems"]] == [("c.pdf", "is encrypted")]
    assert found["loaders"] == {"pypdf": metadata.version("pypdf")}
    code, out, _ = harness(folder, "data", "documents", ".", "--json")
    assert code == 2
    assert [d["id"] for d in json.loads(out)["documents"]] == ["a.md", "b.pdf"]


def test_documents_are_written_unless_one_stops(folder: Path, harness: Command) -> None:
    """`-o` writes what reads back as the same documents; where a problem stops, nothing is written."""
    code, _, _ = harness(folder, "data", "documents", ".", "-o", "out.jsonl")
    assert code == 2
    assert not (folder / "out.jsonl").exists()
    code, out, _ = harness(folder, "data", "documents", ".", "-o", "out.jsonl", "--problems", "skip")
    assert code == 0
    assert "Left out:" in out
    assert "out.jsonl: 2 documents" in out
    _, before, _ = harness(folder, "data", "documents", ".", "--json", "--problems", "skip")
    _, after, _ = harness(folder, "data", "documents", "out.jsonl", "--json")
    assert json.loads(after)["digest"] == json.loads(before)["digest"]


def test_nothing_left_is_an_error_even_when_skipping(folder: Path, harness: Command) -> None:
    """An empty corpus is never fine."""
    code, _, err = harness(folder, "data", "documents", "c.pdf", "--problems", "skip")
    assert code == 2
    assert "is encrypted" in err


def test_a_dataset_is_checked_against_every_format(folder: Path, harness: Command) -> None:
    """`validate` and `stats` take several corpora, and what to do about problems."""
    line = {"question": "A?", "evidence": [{"document": "b.pdf", "start": 0, "end": 5, "text": "Paper"}]}
    put(folder, {"d.jsonl": json.dumps(line)})
    code, _, err = harness(folder, "data", "validate", "d.jsonl", "--corpus", ".")
    assert code == 2
    assert "c.pdf: is encrypted" in err
    both = ["d.jsonl", "--corpus", "a.md", "--corpus", "*.pdf", "--problems", "skip", "--json"]
    code, out, _ = harness(folder, "data", "validate", *both)
    found = json.loads(out)
    assert (code, found["valid"], found["documents"], found["corpus"]) == (0, True, 2, ["a.md", "*.pdf"])
    assert [mistake["found"] for mistake in found["left_out"]] == ["is encrypted"]
    code, out, _ = harness(folder, "data", "stats", *both)
    assert (code, json.loads(out)["corpus"]["documents"]) == (0, 2)


def _with(corpus: str) -> str:
    return CONFIG.replace("corpus: datasets/articles", f"corpus: {corpus}")


@pytest.mark.parametrize(
    ("written", "choice"),
    [
        ("datasets/articles", CorpusChoice(("datasets/articles",))),
        ("{path: datasets/articles}", CorpusChoice(("datasets/articles",), "stop")),
        ("{path: ['*.md', datasets/articles], problems: skip}", CorpusChoice(("*.md", "datasets/articles"), "skip")),
    ],
)
def test_a_corpus_in_the_sweep_file(written: str, choice: CorpusChoice, tmp_path: Path) -> None:
    """A path, or a mapping; the schema agrees."""
    assert load(make_workspace(tmp_path, _with(written))).corpus == choice
    jsonschema.Draft202012Validator(schema._top()["corpus"]).validate(yaml.safe_load(written))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[datasets/articles]", "corpus: expected text, found a list of 1"),
        ("{problems: skip}", "corpus: needs a path"),
        ("{path: []}", "corpus.path: needs at least one path"),
        ("{path: [datasets/articles, nowhere]}", "corpus.path: no such file or folder: nowhere"),
        ("{path: 5}", "corpus.path: expected text, found 5"),
        ("{path: datasets/articles, problems: skpi}", "corpus.problems: unknown value 'skpi'"),
        ("{path: datasets/articles, problem: skip}", "corpus: unknown key 'problem'"),
    ],
)
def test_a_wrong_corpus_in_the_sweep_file(written: str, said: str, tmp_path: Path) -> None:
    """Each mistake is named with its line."""
    with pytest.raises(UserError) as caught:
        load(make_workspace(tmp_path, _with(written)))
    (mistake,) = caught.value.mistakes
    assert mistake.found == said
    assert mistake.place.line == 4


def test_a_run_records_what_was_left_out(run: Callable[..., StoredSweep], tmp_path: Path) -> None:
    """The header has paths, libraries and reasons, with files as seen from the workspace."""
    put(tmp_path, {"datasets/articles/x.pdf": pdf([""]), "more/fees.pdf": pdf(["Fees are low."])})
    corpus = "{path: [datasets/articles, more], problems: skip}"
    with pytest.raises(UserError, match="has no text"):
        run(_with("{path: [datasets/articles, more]}"))
    header: dict[str, Any] = run(_with(corpus)).header["corpus"]
    assert header["paths"] == ["datasets/articles", "more"]
    assert header["documents"] == 4
    assert header["loaders"] == {"pypdf": metadata.version("pypdf")}
    assert header["skipped"] == [
        {"file": "datasets/articles/x.pdf", "document": "x.pdf", "reason": "has no text in its 1 page"}
    ]
