"""BEIR: https://github.com/beir-cellar/beir, a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.data.importers.imported import Imported
from harness.data.rows import json_lines, kind
from harness.data.textfile import read_text
from harness.errors import Mistake, Place, UserError, advice
from harness.records import Document

_DEFAULT = "test"


def convert(source: Path, split: str | None = None, titles: bool = True) -> Imported:
    """Convert one split (default: `test`, or the only one) of a BEIR folder: one line per judged query.

    A query's evidence is every document judged above 0, without a span; where a judgement is above 1, all of
    them are kept in `metadata.relevance`. A title becomes the first line of its document's text, since BEIR's
    queries are judged against both, unless `titles` is false. Empty documents, and queries without a relevant
    document, are left out and counted in the notes.
    Raises UserError with every line that is wrong, and for ids that are judged but not there.
    """
    if not source.is_dir():
        raise UserError(Mistake(Place(str(source)), "is not a folder", "BEIR is a folder with corpus.jsonl"))
    file = _qrels_file(source, split)
    mistakes: list[Mistake] = []
    documents = _documents(source / "corpus.jsonl", titles, mistakes)
    queries = _texts(source / "queries.jsonl", mistakes)
    judged = _judgements(file, set(documents), set(queries), mistakes)
    if mistakes:
        raise UserError(mistakes)
    empty = {name for name, document in documents.items() if not document.text.strip()}
    lines = [line for query, grades in judged.items() if (line := _line(query, queries[query]["text"], grades, empty))]
    if not lines:
        raise UserError(Mistake(Place(str(file)), "judges no document relevant"))
    notes = [f"{len(empty)} documents are empty and were left out"] if empty else []
    if unanswered := len(judged) - len(lines):
        notes.append(f"{unanswered} queries have no text or no relevant document and were left out")
    kept = tuple(document for name, document in documents.items() if name not in empty)
    return Imported(kept, lines, tuple(notes))


def _qrels_file(source: Path, split: str | None) -> Path:
    splits = sorted(path.stem for path in (source / "qrels").glob("*.tsv"))
    if split is None:
        split = splits[0] if len(splits) == 1 else _DEFAULT
    if split not in splits:
        found = f"there is no split {split!r}"
        raise UserError(Mistake(Place(str(source / "qrels")), found, advice(split, splits, "splits")))
    return source / "qrels" / f"{split}.tsv"


def _texts(path: Path, mistakes: list[Mistake]) -> dict[str, dict[str, Any]]:
    """The lines of a JSONL file with `_id` and `text`, by id."""
    rows, wrong = json_lines(path)
    mistakes += wrong
    found: dict[str, dict[str, Any]] = {}
    for line, fields, _ in rows:
        place = Place(str(path), line)
        broken = [field for field in ("_id", "text") if not isinstance(fields.get(field), str)]
        mistakes += [Mistake(place, f"{field}: must be text, found {kind(fields.get(field))}") for field in broken]
        if broken:
            continue
        if not fields["_id"] or fields["_id"] in found:
            mistakes.append(Mistake(place, f"_id {fields['_id']!r} is {'used twice' if fields['_id'] else 'empty'}"))
        found[fields["_id"]] = fields
    return found


def _documents(path: Path, titles: bool, mistakes: list[Mistake]) -> dict[str, Document]:
    documents = {}
    for name, fields in _texts(path, mistakes).items():
        title = fields.get("title") or ""
        others = fields.get("metadata") or {}
        text = f"{title}\n\n{fields['text']}".strip() if title and titles else fields["text"]
        metadata = {**({"title": title} if title else {}), **(others if isinstance(others, dict) else {})}
        documents[name] = Document(name, text, metadata)
    return documents


def _judgements(
    path: Path, documents: set[str], queries: set[str], mistakes: list[Mistake]
) -> dict[str, dict[str, int]]:
    """Grades by query and document, in the order of the file."""
    judged: dict[str, dict[str, int]] = {}
    for number, text in enumerate(read_text(path).removeprefix("\ufeff").split("\n"), start=1):
        cells = text.rstrip("\r").split("\t")
        place = Place(str(path), number)
        if not text.strip() or (number == 1 and len(cells) == 3 and not _is_grade(cells[2])):
            continue
        if len(cells) != 3 or not _is_grade(cells[2]):
            mistakes.append(Mistake(place, "is no judgement", "query, document and whole grade between tabs"))
            continue
        query, document, grade = cells
        mistakes += _missing(place, "query", query, queries)
        mistakes += _missing(place, "document", document, documents)
        if document in judged.get(query, ()):
            mistakes.append(Mistake(place, f"query {query!r} and document {document!r} are judged twice"))
        judged.setdefault(query, {})[document] = int(grade)
    return judged


def _is_grade(text: str) -> bool:
    return text.strip().removeprefix("-").isdecimal()


def _missing(place: Place, noun: str, name: str, known: set[str]) -> Iterable[Mistake]:
    if name not in known:
        yield Mistake(place, f"there is no {noun} {name!r}")


def _line(query: str, text: str, grades: dict[str, int], empty: set[str]) -> dict[str, Any] | None:
    relevant = [document for document, grade in grades.items() if grade > 0 and document not in empty]
    if not relevant or not text.strip():
        return None
    line = {"id": query, "question": text, "evidence": [{"document": document} for document in relevant]}
    return line | ({"metadata": {"relevance": grades}} if max(grades.values()) > 1 else {})
