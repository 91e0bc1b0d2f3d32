"""The knowledge base and its pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from harness.records.digest import digest


class Span(NamedTuple):
    """A half-open range of characters of one document."""

    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """One file (or line) of the knowledge base. Offsets everywhere count characters of `text`."""

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Corpus:
    """All documents, in the order of their ids."""

    documents: tuple[Document, ...]

    @cached_property
    def digest(self) -> str:
        """Digest of ids and texts: what decides every chunk."""
        return digest("corpus", [(d.id, d.text) for d in self.documents])

    @cached_property
    def by_id(self) -> dict[str, Document]:
        """The documents by their id."""
        return {document.id: document for document in self.documents}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document as the splitter cut it: `document.text[start:end] == text`."""

    document: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk retrieved for an example. `similarity` is the retriever's score, cosine where it is dense."""

    document: str
    start: int
    end: int
    text: str
    similarity: float
