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
    """One file (or line) of the knowledge base. Offsets everywhere count characters of `text`.

    What lies before `body` (front matter) is no content: nothing of it becomes a chunk.
    """

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    body: int = 0


@dataclass(frozen=True)
class Corpus:
    """All documents, in the order of their ids."""

    documents: tuple[Document, ...]

    @cached_property
    def digest(self) -> str:
        """Digest of ids and texts: what decides every chunk."""
        return digest("corpus", [(d.id, d.text, d.body) if d.body else (d.id, d.text) for d in self.documents])

    @cached_property
    def by_id(self) -> dict[str, Document]:
        """The documents by their id."""
        return {document.id: document for document in self.documents}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document as the splitter cut it: `document.text[start:end] == text`.

    `given` is the larger span that the model gets where this one was found (its parent, its window); None: itself.
    """

    document: str
    start: int
    end: int
    text: str
    given: Span | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """What was retrieved for an example and is given to the model.

    `similarity` is the cosine between the question and the chunk that was found, None where nobody measured it.
    `score` is what the passages are ranked by: the reranker's, else the retriever's.
    """

    document: str
    start: int
    end: int
    text: str
    similarity: float | None
    score: float | None = None


class Hit(NamedTuple):
    """A chunk that a retriever found, by its number: the `score` that it is ranked by, and its cosine `similarity`.

    The similarity is None where the retriever does not measure it.
    """

    number: int
    score: float
    similarity: float | None = None


@dataclass(frozen=True)
class Context:
    """The passages that the model gets, best first, and the text that is made of them.

    `order` are their positions as the text has them. The number of a passage, by which an answer may cite it, is its
    rank: 1 is `passages[0]`, wherever it stands in the text.
    """

    passages: tuple[Passage, ...] = ()
    text: str = ""
    order: tuple[int, ...] = ()
