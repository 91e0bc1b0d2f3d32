"""The plan: what a sweep would do and cost, told before anything is spent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from harness.config import SweepConfig
from harness.errors import ProviderError
from harness.plugins import EmbeddingSplitter, identity, label, make, name
from harness.records import Message, Request
from harness.sweeps.accounts import Embeddings, embeddings_of
from harness.sweeps.cache import Overlay
from harness.sweeps.estimate import Call, estimate, to_ask
from harness.sweeps.gateway import Gateway, Prices, Spent
from harness.sweeps.inputs import Inputs
from harness.sweeps.keys import request_key
from harness.sweeps.progress import Progress
from harness.sweeps.retrieval.groups import parts_of, writer_of
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.workload import Workload

_LOCAL_CALL_S, _REMOTE_CALL_S = 0.001, 2.0


@dataclass
class Plan:
    """Counts of work. `naive` is what a tool that shares nothing would do, `distinct` what differs, `cached` what an
    earlier sweep made. `exact` is False where retrieval costs money and was not run: then `distinct` is an upper bound.

    `cost_usd` is None when a price is unknown; `cost_low` and `cost_high` bound it by the length of the answers.
    """

    variants: int
    examples: int
    cells: int
    calls: dict[str, int]
    embeddings: dict[str, int]
    stages: dict[str, dict[str, int]]
    exact: bool = True
    cost_usd: float | None = 0.0
    cost_low: float | None = 0.0
    cost_high: float | None = 0.0
    seconds: float = 0.0
    models: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def make_plan(config: SweepConfig, inputs: Inputs) -> Plan:
    """Plan a sweep. Local stages are run in memory, so that the counts are exact; nothing is written or spent."""
    return asyncio.run(_plan(config, inputs))


async def _plan(config: SweepConfig, inputs: Inputs) -> Plan:
    work = config.workspace / ".harness"
    cache, progress = Overlay(work), Progress()
    gateway = Gateway(cache, "", Prices(config.prices), config.budget, Spent())
    workload = Workload(config, inputs.corpus, inputs.dataset.examples)
    try:
        exact, embeddings = True, Embeddings()
        if inputs.corpus is not None:
            scopes, index = workload.groups.scopes, make("index", "exact")
            retrievals = Retrievals(inputs.corpus, scopes, cache, gateway, work, progress, in_memory=index)
            exact, embeddings = await _foreseen(workload, retrievals, cache)
            if exact:
                await workload.contexts.gather(retrievals, cache, gateway, progress)
                embeddings = await embeddings_of(workload, retrievals)
        if exact:
            await workload.resolve()
        return await _counted(config, workload, cache, gateway, embeddings, exact)
    finally:
        await gateway.close()
        cache.close()


async def _foreseen(workload: Workload, retrievals: Retrievals, cache: Overlay) -> tuple[bool, Embeddings]:
    """Whether retrieval can be run without spending, and the texts that it embeds, as far as they are known before."""
    settings = [group.settings for group in workload.groups.by_key.values()]
    settings += [v.chatbot.retrieval for v in workload.config.variants if v.chatbot.retrieval is not None]
    free = all(part.local for each in settings for part in parts_of(each))
    embeddings = await embeddings_of(workload, retrievals, free=all(each.embedder.local for each in settings))
    if free:
        return True, embeddings
    asks = any(not part.local for each in settings for part in parts_of(each) if part is not each.embedder)
    asks = asks or any(writer_of(each) is not None for each in settings)  # nobody knows what it will search with
    splits = any(isinstance(each.splitter, EmbeddingSplitter) for each in settings)
    known = len(cache.makers(list(embeddings.distinct))) == len(embeddings.distinct)
    return known and not asks and not splits, embeddings


async def _counted(
    config: SweepConfig,
    workload: Workload,
    cache: Overlay,
    gateway: Gateway,
    embeddings: Embeddings,
    exact: bool,
) -> Plan:
    cells = len(config.variants) * len(workload.examples) * config.repeats
    stages = stage_counts(workload, cache)
    if exact:
        requests = {cell.request: cell for cell in workload.cells if cell.request is not None}
        known = gateway.known(list(requests))
        todo = {key: cell for key, cell in requests.items() if key not in known}
        calls = {"naive": cells, "distinct": len(requests), "cached": len(known)}
    else:
        calls, todo = {"naive": cells, "distinct": cells, "cached": 0}, {}
    naive, distinct = embeddings.naive, embeddings.distinct
    known_vectors = len(cache.makers(list(distinct)))
    plan = Plan(
        variants=len(config.variants),
        examples=len(workload.examples),
        cells=cells,
        calls=calls,
        embeddings={"naive": naive, "distinct": len(distinct), "cached": known_vectors},
        stages=stages,
        exact=exact,
    )
    asked: list[Call] = list(to_ask(todo) if exact else _guessed(config, workload))
    asked += await _queries_to_write(workload, gateway)
    _price(plan, asked, gateway.prices, config)
    plan.notes += _notes(config, exact)
    return plan


def stage_counts(workload: Workload, cache: Any) -> dict[str, dict[str, int]]:
    """Chunkings, indexes and retrievals: naive, distinct, and known from before."""
    groups = workload.groups
    chunk_keys, index_keys, hits_keys = list(groups.chunk_keys()), list(groups.index_keys()), groups.hits_keys()
    retrievals = [v.chatbot.retrieval for v in workload.config.variants if v.chatbot.retrieval is not None]
    indexed = sum(retrieval.retriever.uses_vectors for retrieval in retrievals)
    counts = {
        "chunk": {"naive": len(retrievals), "distinct": len(chunk_keys), "cached": len(cache.makers(chunk_keys))},
        "index": {"naive": indexed, "distinct": len(index_keys), "cached": len(cache.makers(index_keys))},
        "retrieve": {"naive": len(retrievals) * len(workload.examples), "distinct": len(hits_keys)},
    }
    pairs = workload.contexts.pairs
    if pairs.naive:
        known = len(cache.makers(list(pairs.distinct)))
        counts["rerank"] = {"naive": pairs.naive, "distinct": len(pairs.distinct), "cached": known}
    return counts


async def _queries_to_write(workload: Workload, gateway: Gateway) -> list[Call]:
    """The calls by which models write queries that are not known yet."""
    calls: dict[str, Call] = {}

    for group in workload.groups.by_key.values():
        model = writer_of(group.settings)

        async def note(messages: Sequence[Message], sampling: Mapping[str, Any], model: Any = model) -> str:
            request = Request(tuple(messages), model.parameters(dict(sampling)))
            size = sum(len(message.content) for message in messages)
            calls[request_key(model, identity(model), request, 0)] = (model, request.parameters, size)
            return ""

        if model is not None:
            for query in group.queries:
                with suppress(ProviderError):  # a prompt that this query cannot fill
                    await group.settings.query.lookups(query, note)
    known = gateway.known(list(calls), cut=True)
    return [call for key, call in calls.items() if key not in known]


def _guessed(config: SweepConfig, workload: Workload) -> Iterator[Call]:
    """Requests of about the right length, where retrieval was not run: passages as long as chunks can be."""
    for variant in config.variants:
        retrieval, model = variant.chatbot.retrieval, variant.chatbot.model
        length = getattr(retrieval.splitter, "chunk_size", 1000) * retrieval.top_k if retrieval else 0
        prompt = len(variant.chatbot.system_prompt or "") + len(variant.chatbot.user_prompt) + length
        parameters = model.parameters(dict(variant.chatbot.sampling))
        for example in workload.examples:
            characters = prompt + sum(len(message.content) for message in example.messages)
            yield from [(model, parameters, characters)] * config.repeats


def _price(plan: Plan, asked: Iterable[Call], prices: Prices, config: SweepConfig) -> None:
    """What the calls would cost, and how long they would take."""
    found = estimate(asked, prices, batched=config.batch)
    plan.models = found.models
    plan.cost_usd, plan.cost_low, plan.cost_high = found.usd, found.low, found.high
    remote = {name(v.chatbot.model) for v in config.variants if not v.chatbot.model.local}
    for model, calls in found.models.items():
        plan.seconds += calls * (_REMOTE_CALL_S / config.limits.concurrency if model in remote else _LOCAL_CALL_S)
    plan.seconds += plan.embeddings["distinct"] * 0.0005
    if found.unknown:
        plan.notes.append(f"no price is known for {', '.join(found.unknown)}: set `prices:` to get a cost")
    if config.batch and remote:
        plan.notes.append("batch: answers come when the provider has time, within a day; the time is not foreseeable")


def _notes(config: SweepConfig, exact: bool) -> list[str]:
    """What a reader should know about the numbers."""
    notes = []
    if not exact:
        notes.append(
            "retrieval asks a provider, so nothing was retrieved: `distinct` calls are an upper bound, "
            "and the cost of embedding and reranking is not in the estimate"
        )
    retrievals = [v.chatbot.retrieval for v in config.variants if v.chatbot.retrieval is not None]
    if any(getattr(retrieval.index, "search", "exact") == "approximate" for retrieval in retrievals):
        notes.append("approximate search is planned as exact search: distinct calls may differ by a few")
    seen: dict[str, set[str]] = {}
    for variant in config.variants:
        model, given = variant.chatbot.model, set(variant.chatbot.sampling)
        sent = {
            key.replace("max_completion_tokens", "max_tokens")
            for key in model.parameters(dict(variant.chatbot.sampling))
        }
        seen.setdefault(label(model), set()).update(given - sent)
    notes += [f"{who} has no use for {', '.join(sorted(what))}" for who, what in seen.items() if what]
    return notes
