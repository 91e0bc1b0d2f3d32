"""SQuAD and BEIR, converted and written down."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data import read_corpus, read_dataset
from harness.data.importers import convert, write
from harness.errors import UserError
from harness.records import Evidence

FIRST = "The Normans came from Denmark. The Normans stayed."
SECOND = "Ωmega 🙂 is last."
SQUAD: dict[str, Any] = {
    "version": "v2.0",
    "data": [
        {
            "title": "Normans",
            "paragraphs": [
                {
                    "context": FIRST,
                    "qas": [
                        {
                            "id": "q1",
                            "question": "Who stayed?",
                            "is_impossible": False,
                            "answers": [
                                {"text": "Normans", "answer_start": 4},
                                {"text": "The Normans", "answer_start": 31},
                                {"text": "The Normans", "answer_start": 31},
                            ],
                        },
                        {
                            "id": "q2",
                            "question": "Who left?",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"text": "Normans", "answer_start": 4}],
                        },
                    ],
                },
                {
                    "context": SECOND,
                    "qas": [{"id": "q3", "question": "Last?", "answers": [{"text": "is last", "answer_start": 8}]}],
                },
            ],
        }
    ],
}


def squad_file(folder: Path, content: Any) -> Path:
    """A SQuAD file with this content."""
    path = folder / "squad.json"
    path.write_text(json.dumps(content))
    return path


def test_squad(tmp_path: Path) -> None:
    """SQuAD becomes documents and lines that read back, spans exact behind the first paragraph too."""
    imported = convert("squad", squad_file(tmp_path, SQUAD))
    write(imported, tmp_path / "out")
    corpus = read_corpus("out/corpus.jsonl", tmp_path)
    dataset = read_dataset(tmp_path / "out" / "questions.jsonl", corpus)
    (document,) = corpus.documents
    assert (document.id, document.text) == ("Normans", f"{FIRST}\n\n{SECOND}")
    first, second, third = dataset.examples
    assert [e.cluster for e in dataset.examples] == ["Normans#0", "Normans#0", "Normans#1"]
    assert (first.references, first.evidence) == (("The Normans", "Normans"), (Evidence("Normans", 31, 42),))
    assert (second.id, second.expected, second.references, second.evidence) == ("q2", "abstain", (), ())
    (item,) = third.evidence
    assert document.text[item.start : item.end] == "is last"


def broken(change: Callable[[Any], Any]) -> Any:
    """The SQuAD file with one thing changed."""
    content = copy.deepcopy(SQUAD)
    change(content["data"][0]["paragraphs"])
    return content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "data: must be a list, found nothing"),
        ({"data": []}, "has no questions"),
        ({"data": ["x"]}, r"data\[0\]: must be a mapping, found text"),
        ({"data": [{"title": "T"}]}, r"data\[0\].paragraphs: must be a list, found nothing"),
        (broken(lambda p: p[1].pop("context")), r"data\[0\].paragraphs\[1\].context: must be text"),
        (broken(lambda p: p[0]["qas"][1].pop("id")), r"paragraphs\[0\].qas\[1\].id: must be text"),
        (broken(lambda p: p[0]["qas"][1].update(question=" ")), r"qas\[1\]: the question is empty"),
        (broken(lambda p: p[0]["qas"][1].update(is_impossible=False)), r"qas\[1\]: has no answers"),
        (broken(lambda p: p[1]["qas"][0].update(id="q1")), "question id 'q1' is used 2 times"),
        (
            broken(lambda p: p[1]["qas"][0]["answers"][0].update(answer_start=9)),
            r"answers\[0\]: 'is last' does not stand at 9",
        ),
        (
            broken(lambda p: p[1]["qas"][0]["answers"][0].update(answer_start=-8)),
            "does not stand at -8",
        ),
        (
            broken(lambda p: p[1]["qas"][0]["answers"][0].update(answer_start="8")),
            "must be a number, found text",
        ),
    ],
)
def test_broken_squad(content: Any, said: str, tmp_path: Path) -> None:
    """What is not SQuAD is named by its path in the file."""
    with pytest.raises(UserError, match=said):
        convert("squad", squad_file(tmp_path, content))


def test_squad_that_is_not_json(tmp_path: Path) -> None:
    """A file that is not JSON is named with line and column."""
    (tmp_path / "x.json").write_text('{\n "data": [}\n')
    with pytest.raises(UserError, match=r"x\.json:2:\d+: is not JSON"):
        convert("squad", tmp_path / "x.json")


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """A BEIR folder with two splits."""
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    documents = [
        {"_id": "d1", "title": "Cats", "text": "They purr.", "metadata": {"url": "u"}},
        {"_id": "d2", "title": "", "text": "Dogs bark."},
        {"_id": "d3", "title": "", "text": ""},
    ]
    queries = [{"_id": f"q{n}", "text": f"Query {n}"} for n in range(1, 5)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(line) + "\n" for line in documents))
    (folder / "queries.jsonl").write_text("".join(json.dumps(line) + "\n" for line in queries))
    head = "query-id\tcorpus-id\tscore\n"
    (folder / "qrels/test.tsv").write_text(head + "q2\td1\t2\nq1\td2\t1\nq2\td2\t0\nq2\td3\t1\nq3\td1\t0\n")
    (folder / "qrels/dev.tsv").write_text(head + "q4\td2\t1\n")
    return folder


def test_beir(beir: Path, tmp_path: Path) -> None:
    """BEIR becomes one line per judged query with whole documents as evidence; what is left out is noted."""
    imported = convert("beir", beir)
    write(imported, tmp_path / "out")
    corpus = read_corpus("out/corpus.jsonl", tmp_path)
    dataset = read_dataset(tmp_path / "out/questions.jsonl", corpus)
    assert {d.id: d.text for d in corpus.documents} == {"d1": "Cats\n\nThey purr.", "d2": "Dogs bark."}
    assert corpus.by_id["d1"].metadata == {"title": "Cats", "url": "u"}
    assert [(e.id, e.question, e.evidence) for e in dataset.examples] == [
        ("q2", "Query 2", (Evidence("d1"),)),
        ("q1", "Query 1", (Evidence("d2"),)),
    ]
    assert dataset.examples[0].metadata == {"relevance": {"d1": 2, "d2": 0, "d3": 1}}
    assert [note.split()[0] for note in imported.notes] == ["1", "1"]


def test_beir_options(beir: Path) -> None:
    """Another split can be chosen, and titles left out of the text."""
    imported = convert("beir", beir, split="dev", titles=False)
    assert [line["id"] for line in imported.lines] == ["q4"]
    assert imported.documents[0].text == "They purr."


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("corpus.jsonl", '{"_id": "d1", "text": "x"}\n{"_id": 2}\n', r"corpus\.jsonl:2: _id: must be text"),
        ("queries.jsonl", '{"_id": "q1", "text": "x"}\n' * 2, r"queries\.jsonl:2: _id 'q1' is used twice"),
        ("queries.jsonl", "{\n", r"queries\.jsonl:1:\d+: is not JSON"),
        ("qrels/test.tsv", "q1\td2\t1\nq1\td1\tyes\n", r"test\.tsv:2: is no judgement"),
        ("qrels/test.tsv", "q1\td2\t1\nq1 d2 1\n", r"test\.tsv:2: is no judgement"),
        ("qrels/test.tsv", "q1\td2\t1\nq1\td2\t0\n", r"test\.tsv:2: .* judged twice"),
        ("qrels/test.tsv", "q9\td9\t1\n", r"(?s)test\.tsv:1: there is no query 'q9'.*no document 'd9'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td2\t0\n", "judges no document relevant"),
    ],
)
def test_broken_beir(name: str, content: str, said: str, beir: Path) -> None:
    """What is wrong in a BEIR folder is named with file and line; a missing header swallows no judgement."""
    (beir / name).write_text(content)
    with pytest.raises(UserError, match=said):
        convert("beir", beir)


def test_missing_split(beir: Path) -> None:
    """A split that is not there is answered with those that are."""
    with pytest.raises(UserError, match=r"(?s)no split 'tets'.*did you mean 'test'.*dev, test"):
        convert("beir", beir, split="tets")


def test_names(tmp_path: Path) -> None:
    """Unknown importers and options are answered with the nearest."""
    with pytest.raises(UserError, match="did you mean 'squad'"):
        convert("sqaud", tmp_path)
    with pytest.raises(UserError, match=r"no option 'splits'.*did you mean 'split'"):
        convert("beir", tmp_path, splits="test")


def test_write_refuses(beir: Path, tmp_path: Path) -> None:
    """Neither file is touched when one of them is there, unless it is forced."""
    imported = convert("beir", beir)
    (tmp_path / "questions.jsonl").write_text("mine")
    with pytest.raises(UserError, match=re.escape("questions.jsonl: is there already")):
        write(imported, tmp_path)
    assert (tmp_path / "questions.jsonl").read_text() == "mine"
    assert not (tmp_path / "corpus.jsonl").exists()
    write(imported, tmp_path, force=True)
    assert len((tmp_path / "questions.jsonl").read_text().splitlines()) == 2


def test_write_is_whole_or_nothing(beir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails midway leaves the old files and no others."""
    write(convert("beir", beir), tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    calls: list[int] = []

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(UserError, match="No space left"):
        write(convert("beir", beir, split="dev"), tmp_path / "out", force=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
