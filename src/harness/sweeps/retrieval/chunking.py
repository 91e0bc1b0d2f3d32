"""Stage 1: documents -> chunks, once for each corpus and splitter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harness.errors import HarnessError, UserError
from harness.plugins import EmbeddingSplitter, GivingSplitter, label
from harness.records import Chunk, Corpus, Document, Span
from harness.sweeps.cache import Cache

Embed = Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]]


@dataclass
class Chunking:
    """The chunks of a corpus in the order of document and start; `embedded` are the texts that were embedded for it."""

    key: str
    chunks: list[Chunk]
    embedded: list[str] = field(default_factory=list)
    made: bool = False


async def chunking_of(corpus: Corpus, splitter: Any, key: str, cache: Cache, embed: Embed) -> Chunking:
    """The chunks, from the cache where they were made before."""
    stored = cache.get([key])
    if key in stored:
        content = orjson.loads(stored[key].value)
        if isinstance(content, list):  # as it was kept before there were given spans
            content = {"spans": content, "embedded": []}
        return Chunking(key, _chunks(corpus, content["spans"]), content["embedded"])
    embedded: dict[str, None] = {}

    async def noting(texts: Sequence[str]) -> NDArray[np.float32]:
        embedded.update(dict.fromkeys(texts))
        return await embed(texts)

    spans = []
    for document in corpus.documents:
        spans.append(await _spans(document, splitter, noting))
        await asyncio.sleep(0)
    cache.put("chunk", {key: orjson.dumps({"spans": spans, "embedded": list(embedded)})})
    return Chunking(key, _chunks(corpus, spans), list(embedded), made=True)


async def _spans(document: Document, splitter: Any, embed: Embed) -> list[list[int]]:
    """The chunks of a document as [start, end], or [start, end, start given, end given]."""
    text = document.text[document.body :] if document.body else document.text
    try:
        if isinstance(splitter, EmbeddingSplitter):
            found = _checked(await splitter.split_by(text, embed), text)
        else:
            found = _checked(splitter.split(text), text)
        given = _checked(splitter.given(text, found), text, len(found)) if _gives(splitter) else found
    except HarnessError:
        raise
    except Exception as error:
        # A stranger's splitter; ours raise nothing.
        said = f"{type(error).__name__}: {error}"
        raise UserError(f"splitter {label(splitter)} failed on document {document.id!r}: {said}") from error
    return [_row(span, larger, document.body) for span, larger in zip(found, given, strict=True)]


def _gives(splitter: Any) -> bool:
    return isinstance(splitter, GivingSplitter)


def _checked(spans: Any, text: str, count: int | None = None) -> list[Span]:
    """The spans that a splitter gave, in order unless `count` says how many there must be. Raises ValueError."""
    if not isinstance(spans, list) or not all(isinstance(span, tuple) and len(span) == 2 for span in spans):
        raise ValueError(f"expected a list of Span, found {str(spans)[:80]}")
    for start, end in spans:
        if not 0 <= start < end <= len(text):
            raise ValueError(f"the span {start} to {end} is empty or outside of {len(text)} characters")
    if count is None:
        return sorted(spans)
    if len(spans) != count:
        raise ValueError(f"{len(spans)} given spans for {count} chunks")
    return spans


def _row(span: Span, given: Span, shift: int) -> list[int]:
    numbers = span if given == span else (*span, *given)
    return [number + shift for number in numbers]


def _chunks(corpus: Corpus, spans: list[Any]) -> list[Chunk]:
    return [
        Chunk(document.id, row[0], row[1], document.text[row[0] : row[1]], Span(*row[2:]) if row[2:] else None)
        for document, rows in zip(corpus.documents, spans, strict=True)
        for row in rows
    ]
