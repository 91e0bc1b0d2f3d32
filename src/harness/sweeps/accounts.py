"""How many texts are embedded: what a tool that shares nothing would embed, and what really differs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.plugins import EmbeddingSplitter
from harness.records import Lookup, Message
from harness.sweeps.retrieval.chunking import Chunking
from harness.sweeps.retrieval.embedding import vector_keys
from harness.sweeps.retrieval.groups import Group, needs_vectors, writer_of
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.retrieval.retrieved import Retrieved
from harness.sweeps.workload import Workload

Demand = tuple[Any, str, Iterable[str]]
"""An embedder, a purpose, and texts."""


@dataclass
class Embeddings:
    """`naive` counts texts; `distinct` holds those that differ by key: the embedder's name in the price table (None: it
    is free) and the text's characters."""

    naive: int = 0
    distinct: dict[str, tuple[str | None, int]] = field(default_factory=dict)


async def embeddings_of(workload: Workload, retrievals: Retrievals, *, free: bool = True) -> Embeddings:
    """Count texts. Before anything is retrieved it is taken that questions are searched with as they are where a
    model writes queries.

    `free` False: a chunking that would have to embed first is left out, so that nothing is spent.
    """
    counted = Embeddings()
    sizes: dict[str, int] = {}
    for key, group in workload.groups.by_key.items():
        if free or not isinstance(group.settings.splitter, EmbeddingSplitter):
            chunking = await retrievals.chunking(group.settings)
            sizes[key] = len(chunking.chunks) + len(chunking.embedded)
            found = workload.contexts.retrieved.get(key)
            searched = dict.fromkeys([lookup async for lookup in _searched(group, found)])
            for embedder, purpose, texts in _demands(group, chunking, found, searched):
                every, price = list(texts), embedder.price_name
                sizes_of = ((price, len(text)) for text in every)
                counted.distinct.update(zip(vector_keys(embedder, every, purpose), sizes_of, strict=True))
    for variant in workload.config.variants:
        settings = variant.chatbot.retrieval
        if settings is not None and needs_vectors(settings):
            counted.naive += sizes.get(workload.groups.key_of(variant) or "", 0) + len(workload.examples)
    return counted


def _demands(group: Group, chunking: Chunking, found: Retrieved | None, searched: Iterable[Lookup]) -> Iterator[Demand]:
    """What a group has embedded: for its splitter, its index, its queries, and the similarities it measures.

    Before anything is retrieved, these may be measured to any chunk.
    """
    embedder, texts = group.settings.embedder, [chunk.text for chunk in chunking.chunks]
    yield embedder, "passage", chunking.embedded
    if group.settings.retriever.uses_vectors:
        yield embedder, "passage", set(texts)
        yield from _by_purpose(embedder, searched)
    for measure in group.measures:
        if found is None:
            yield measure, "passage", set(texts)
            yield from _by_purpose(measure, searched)
        else:
            yield measure, "passage", {texts[hit.number] for hits in found.hits.values() for hit in hits}
            yield from _by_purpose(measure, [found.probe(query) for query in found.hits])


async def _searched(group: Group, found: Retrieved | None) -> AsyncIterator[Lookup]:
    """The texts that queries are searched with, and those that similarity is measured to."""
    if found is not None:
        for query, lookups in found.lookups.items():
            for lookup in (*lookups, found.probe(query)):
                yield lookup
    elif writer_of(group.settings) is not None:
        for query in group.queries:
            yield Lookup(query.question)
    else:
        for query in group.queries:
            for lookup in await group.settings.query.lookups(query, _nobody):
                yield lookup


async def _nobody(messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
    raise TypeError("a query writer that asks a model must have it in a field called `model`")


def _by_purpose(embedder: Any, lookups: Iterable[Lookup]) -> Iterator[Demand]:
    every = list(lookups)
    for purpose in dict.fromkeys(lookup.purpose for lookup in every):
        yield embedder, purpose, [lookup.text for lookup in every if lookup.purpose == purpose]
