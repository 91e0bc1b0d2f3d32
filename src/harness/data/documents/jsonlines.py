"""JSONL: each line a document."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from harness.data.documents.entry import Entry
from harness.data.rows import Row, json_lines, kind
from harness.errors import Mistake, Place
from harness.records import Document

_OWN = ("id", "text", "metadata", "body")


def json_documents(path: Path, name: str) -> list[Entry]:
    """The lines of a JSONL file: `id` and `text`; `title`, the keys of `metadata` and all other keys are metadata.

    A title is not added to the text. A whole number `body` is the offset behind the text's front matter.
    Raises UserError for a file that cannot be read.
    """
    rows, mistakes = json_lines(path)
    entries = [Entry(mistake.place, "", mistakes=(mistake,)) for mistake in mistakes]
    entries += [_entry(row, Place(str(path), row.line)) for row in rows]
    return sorted(entries, key=lambda entry: entry.place.line)


def json_line(document: Document) -> bytes:
    """A document as a line that reads back as the same document."""
    body = {"body": document.body} if document.body else {}
    metadata = {"metadata": dict(document.metadata)} if document.metadata else {}
    return orjson.dumps({"id": document.id, "text": document.text, **body, **metadata}) + b"\n"


def _entry(row: Row, place: Place) -> Entry:
    given = row.fields.get("id")
    name = given if isinstance(given, str) and given.strip() else ""
    mistakes = tuple(Mistake(place, found) for found in _wrong(row.fields))
    return Entry(place, name, None if mistakes else _document(row.fields), mistakes)


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
    body, text = _body(fields), fields.get("text")
    if body is not None and isinstance(text, str) and not 0 <= body < len(text):
        yield f"body: {body} is no offset in a text of {len(text)} characters"
    elif body is not None and isinstance(text, str) and text.strip() and not text[body:].strip():
        yield f"text: has nothing behind its body, {body}"
    for field in sorted(fields.keys() & set(metadata if isinstance(metadata, dict) else ())):
        if field not in _OWN or (field == "body" and body is None):
            yield f"{field}: is given both by itself and in metadata"


def _body(fields: dict[str, Any]) -> int | None:
    """The offset; a `body` that is no whole number is metadata as any other key."""
    value = fields.get("body")
    return value if type(value) is int else None


def _document(fields: dict[str, Any]) -> Document:
    body = _body(fields)
    own = _OWN if body is not None else _OWN[:-1]
    others = {key: value for key, value in fields.items() if key not in (*own, "title")}
    title = {"title": fields["title"]} if fields.get("title") is not None else {}
    metadata = {**title, **others, **(fields.get("metadata") or {})}
    return Document(fields["id"], fields["text"], metadata, body or 0)
