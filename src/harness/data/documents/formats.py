"""The formats of documents, by the endings of their files."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.data.documents.entry import Entry, broken, content, storable
from harness.data.documents.jsonlines import json_documents
from harness.data.documents.metadata import Sidecars
from harness.data.documents.pdf import load_pdf
from harness.data.documents.plain import load_other_text, load_text
from harness.data.documents.table import csv_documents
from harness.data.documents.webpage import load_html
from harness.data.documents.word import load_docx
from harness.errors import Mistake, Place, UserError
from harness.records import Document


@dataclass(frozen=True)
class Format:
    """How files of one kind are read: `one` document each, or `many`.

    `named` are endings that a folder is not searched for. `libraries` decide the text and its offsets.
    """

    name: str
    endings: tuple[str, ...] = ()
    one: Callable[[Path, str], Document] | None = None
    many: Callable[[Path, str], list[Entry]] | None = None
    libraries: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def read(self, path: Path, name: str, sidecars: Sidecars) -> list[Entry]:
        """All documents of a file, with what its sidecar says; `name` is the file's own id."""
        place = Place(str(path))
        if (shown := storable(name)) != name:
            place = Place(storable(str(path)))
            mistake = Mistake(place, "has a name that is not UTF-8", "rename it")
            return [Entry(place, shown, mistakes=(mistake,))]
        try:
            said = sidecars.of(path)
            if self.one is not None:
                document = self.one(path, name)
                return [Entry(place, name, replace(document, metadata={**document.metadata, **said}))]
            entries = self.many(path, name) if self.many is not None else []
        except UserError as error:
            return [Entry(place, name, mistakes=error.mistakes)]
        return [_described(entry, said) for entry in entries] if said else entries


def _described(entry: Entry, said: Mapping[str, Any]) -> Entry:
    """A line says more about its document than a sidecar about all lines."""
    document = entry.document
    return replace(entry, document=replace(document, metadata={**said, **document.metadata})) if document else entry


FORMATS = (
    Format("text", (".md", ".markdown", ".txt", ".rst"), one=load_text),
    Format("html", (".html", ".htm"), one=load_html, libraries=("beautifulsoup4", "lxml", "markdownify")),
    Format("pdf", (".pdf",), one=load_pdf, libraries=("pypdf",)),
    Format("docx", (".docx",), one=load_docx, libraries=("lxml", "python-docx"), named=(".doc",)),
    Format("csv", many=csv_documents, named=(".csv",)),
    Format("jsonl", many=json_documents, named=(".jsonl", ".ndjson")),
)
IN_FOLDERS = tuple(ending for format_ in FORMATS for ending in format_.endings)
ENDINGS = {ending: format_ for format_ in FORMATS for ending in (*format_.endings, *format_.named)}

_BEGINNING = 8192
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _load_unknown(path: Path, name: str) -> Document:
    """A text of no known kind. Raises UserError for what is binary."""
    beginning = content(path)[:_BEGINNING]
    if b"\0" in beginning and not beginning.startswith(_MARKS):
        raise broken(
            path, "is no text, and of no known kind", f"leave it out; known are {', '.join(ENDINGS)}, and text"
        )
    return load_other_text(path, name)


OTHER = Format("other text", one=_load_unknown)
