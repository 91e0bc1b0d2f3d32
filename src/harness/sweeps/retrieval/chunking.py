"""Stage 1: documents -> chunks, once for each corpus and splitter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harness.plugins import EmbeddingSplitter, GivingSplitter
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
    if isinstance(splitter, EmbeddingSplitter):
        found = await splitter.split_by(text, embed)
    else:
        found = splitter.split(text)
    found = sorted(found)
    given = splitter.given(text, found) if isinstance(splitter, GivingSplitter) else found
    return [_row(span, larger, document.body) for span, larger in zip(found, given, strict=True)]


def _row(span: Span, given: Span, shift: int) -> list[int]:
    numbers = span if given == span else (*span, *given)
    return [number + shift for number in numbers]


def _chunks(corpus: Corpus, spans: list[Any]) -> list[Chunk]:
    return [
        Chunk(document.id, row[0], row[1], document.text[row[0] : row[1]], Span(*row[2:]) if row[2:] else None)
        for document, rows in zip(corpus.documents, spans, strict=True)
        for row in rows
    ]
