"""Stage 1: documents -> chunks, once for each corpus and splitter."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from harness.records import Chunk, Corpus
from harness.sweeps.cache import Cache


async def chunks_of(corpus: Corpus, splitter: Any, key: str, cache: Cache) -> tuple[list[Chunk], bool]:
    """The chunks in the order of document and start, and whether they were made now."""
    stored = cache.get([key])
    if key in stored:
        return _from_spans(corpus, orjson.loads(stored[key].value)), False
    spans = []
    for document in corpus.documents:
        spans.append(sorted((start, end) for start, end in splitter.split(document.text)))
        await asyncio.sleep(0)
    cache.put("chunk", {key: orjson.dumps(spans)})
    return _from_spans(corpus, spans), True


def _from_spans(corpus: Corpus, spans: list[Any]) -> list[Chunk]:
    return [
        Chunk(document.id, start, end, document.text[start:end])
        for document, found in zip(corpus.documents, spans, strict=True)
        for start, end in found
    ]
