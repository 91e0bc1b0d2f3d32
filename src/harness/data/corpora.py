"""The knowledge base, read from files."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.data.rows import Row, json_lines, kind
from harness.data.textfile import read_text
from harness.errors import Mistake, Place, UserError
from harness.records import Corpus, Document

TEXTS = (".md", ".txt", ".markdown", ".rst")
JSON_LINES = (".jsonl", ".ndjson")


def read_corpus(path: str, workspace: Path) -> Corpus:
    r"""Read a knowledge base from a folder, a glob or a JSONL file; a relative path is one of the workspace.

    - A folder: all *.md, *.txt, *.markdown and *.rst files in it, at any depth, but for hidden ones. A
      document's id is its path relative to the folder, with forward slashes.
    - A glob (`*`, `?`, `[…]`, `**`): all files it matches; ids are relative to the part before the first
      wildcard.
    - JSONL: `id` and `text`; `title`, the keys of `metadata` and all other keys become the document's
      metadata. A title is not added to the text.
    - One text file: a corpus of one document, named as the file.

    Texts are UTF-8 and are taken as they are: `\r\n` is not translated and a byte order mark not dropped,
    because the offsets of evidence count characters of the document as it is stored.
    Raises UserError with all mistakes: not UTF-8, empty, the same id twice, no document at all.
    """
    where = workspace / path
    place = Place(str(where))
    if where.is_dir():
        documents, mistakes = _files(where, _texts_in(where))
    elif where.suffix.lower() in JSON_LINES and where.is_file():
        documents, mistakes = _json_documents(where)
    elif where.suffix.lower() in TEXTS and where.is_file():
        documents, mistakes = _files(where.parent, [where])
    elif glob.has_magic(path):
        documents, mistakes = _files(*_matches(Path(path), workspace))
    else:
        found = "is no text file and no JSONL" if where.exists() else "there is no such file or folder"
        raise UserError(Mistake(place, found, "a corpus is a folder, a glob or a JSONL file"))
    if not documents and not mistakes:
        mistakes = [Mistake(place, "has no documents", f"a folder is searched for {', '.join(TEXTS)}")]
    if mistakes:
        raise UserError(mistakes)
    return Corpus(tuple(sorted(documents, key=lambda document: document.id)))


def _texts_in(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in TEXTS and path.is_file())
    return [p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts)]


def _matches(pattern: Path, workspace: Path) -> tuple[Path, list[Path]]:
    """The fixed part of a glob and the files that it matches."""
    fixed = Path()
    for part in pattern.parts:
        if glob.has_magic(part):
            break
        fixed /= part
    base = workspace / fixed
    names = glob.glob(str(pattern.relative_to(fixed)), root_dir=base, recursive=True)
    return base, [base / name for name in sorted(names) if (base / name).is_file()]


def _files(base: Path, paths: Iterable[Path]) -> tuple[list[Document], list[Mistake]]:
    documents: list[Document] = []
    mistakes: list[Mistake] = []
    for path in paths:
        if path.suffix.lower() in JSON_LINES:
            mistakes.append(Mistake(Place(str(path)), "is JSONL, not a text", "name one JSONL file, without wildcards"))
            continue
        try:
            text = read_text(path)
        except UserError as error:
            mistakes += error.mistakes
            continue
        if text.strip("\ufeff \t\r\n"):
            documents.append(Document(path.relative_to(base).as_posix(), text))
        else:
            mistakes.append(Mistake(Place(str(path)), "is empty", "fill it, or take it out of the corpus"))
    return documents, mistakes


def _json_documents(path: Path) -> tuple[list[Document], list[Mistake]]:
    rows, mistakes = json_lines(path)
    documents: list[Document] = []
    first: dict[str, int] = {}
    for row in rows:
        place = Place(str(path), row.line)
        wrong = list(_wrong(row.fields))
        name = row.fields.get("id")
        if isinstance(name, str) and name and first.setdefault(name, row.line) != row.line:
            wrong.append(f"id {name!r} is already that of line {first[name]}")
        mistakes += [Mistake(place, found) for found in wrong]
        if not wrong:
            documents.append(_json_document(row))
    return documents, sorted(mistakes, key=lambda mistake: mistake.place.line)


def _wrong(fields: dict[str, Any]) -> Iterable[str]:
    for field in ("id", "text"):
        value = fields.get(field)
        if not isinstance(value, str):
            yield f"{field}: must be text, found {kind(value)}"
        elif not value.strip():
            yield f"{field}: is empty"
    title = fields.get("title")
    if title is not None and not isinstance(title, str):
        yield f"title: must be text, found {kind(title)}"
    metadata = fields.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        yield f"metadata: must be a mapping, found {kind(metadata)}"
    for field in sorted(fields.keys() & set(metadata if isinstance(metadata, dict) else ())):
        if field not in ("id", "text", "metadata"):
            yield f"{field}: is given both by itself and in metadata"


def _json_document(row: Row) -> Document:
    others = {k: v for k, v in row.fields.items() if k not in ("id", "text", "title", "metadata")}
    title = {"title": row.fields["title"]} if row.fields.get("title") is not None else {}
    return Document(row.fields["id"], row.fields["text"], {**title, **others, **(row.fields.get("metadata") or {})})
