"""The plan: what a sweep would do and cost, told before anything is spent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from harness.config import SweepConfig
from harness.errors import ProviderError
from harness.plugins import EmbeddingSplitter, label, make, name
from harness.records import Message
from harness.sweeps.accounts import Embeddings, embeddings_of
from harness.sweeps.cache import Overlay
from harness.sweeps.estimate import CHARACTERS_PER_TOKEN, Call, estimate, to_ask
from harness.sweeps.gateway import Answer, Gateway, Prices, Spent
from harness.sweeps.inputs import Inputs
from harness.sweeps.judgements import Judgements, foreseen
from harness.sweeps.progress import Progress
from harness.sweeps.questions import asked
from harness.sweeps.retrieval.groups import parts_of, writer_of
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.workload import Workload

_LOCAL_CALL_S, _REMOTE_CALL_S = 0.001, 2.0
_JUDGED = (
    "judging: distinct scores are counted as if all unknown answers differed; the cost takes answers of the usual "
    "length and as many questions as a metric says it asks; its lower bound leaves out what hangs on unknown answers"
)


@dataclass
class Plan:
    """Counts of work. `naive` is what a tool that shares nothing would do, `distinct` what differs, `cached` what an
    earlier sweep made. `exact` is False where retrieval costs money and was not run: then `distinct` is an upper bound.

    `judgements` counts scores that models are asked for; empty where none is.

    `cost_usd` is None when a price is unknown; `cost_low` and `cost_high` bound it by the length of the answers.
    """

    variants: int
    examples: int
    cells: int
    calls: dict[str, int]
    embeddings: dict[str, int]
    stages: dict[str, dict[str, int]]
    exact: bool = True
    judgements: dict[str, int] = field(default_factory=dict)
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
        writing = await queries_to_write(workload, gateway)
        exact, embeddings = True, Embeddings()
        if inputs.corpus is not None:
            scopes, index = workload.groups.scopes, make("index", "exact")
            retrievals = Retrievals(inputs.corpus, scopes, cache, gateway, work, progress, in_memory=index)
            exact, embeddings = await _foreseen(workload, retrievals, cache, bool(writing.unknown))
            if exact:
                await workload.contexts.gather(retrievals, cache, gateway, progress)
                embeddings = await embeddings_of(workload, retrievals)
        if exact:
            await workload.resolve()
        known = gateway.known([c.request for c in workload.cells if c.request is not None]) if exact else {}
        judgements = await foreseen(config, workload, known, cache)
        return _counted(config, workload, cache, gateway, embeddings, writing, known if exact else None, judgements)
    finally:
        await gateway.close()
        cache.close()


async def _foreseen(
    workload: Workload, retrievals: Retrievals, cache: Overlay, unwritten: bool
) -> tuple[bool, Embeddings]:
    """Whether retrieval can be run without spending, and the texts that it embeds, as far as they are known before."""
    settings = [group.settings for group in workload.groups.by_key.values()]
    settings += [v.chatbot.retrieval for v in workload.config.variants if v.chatbot.retrieval is not None]
    written = not unwritten
    remote = [part for each in settings for part in parts_of(each) if part is not writer_of(each) and not part.local]
    free = written and not remote
    embeddings = await embeddings_of(workload, retrievals, free=all(each.embedder.local for each in settings))
    if free:
        return True, embeddings
    asks = any(part is not each.embedder for each in settings for part in parts_of(each) if part in remote)
    asks = asks or any(writer_of(each) is not None for each in settings)  # nobody knows what it will search with
    splits = any(isinstance(each.splitter, EmbeddingSplitter) for each in settings)
    known = len(cache.makers(list(embeddings.distinct))) == len(embeddings.distinct)
    return known and not asks and not splits, embeddings


def _counted(
    config: SweepConfig,
    workload: Workload,
    cache: Overlay,
    gateway: Gateway,
    embeddings: Embeddings,
    writing: Writing,
    known: Mapping[str, Answer] | None,
    judgements: Judgements | None,
) -> Plan:
    """The plan; `known` are the answers that are there, None where nothing was retrieved."""
    exact = known is not None
    cells = len(config.variants) * len(workload.examples) * config.repeats
    stages = stage_counts(workload, cache, writing)
    if known is not None:
        requests = {cell.request: cell for cell in workload.cells if cell.request is not None}
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
    asked += writing.unknown.values()
    _price(plan, asked, gateway.prices, config)
    _price_embeddings(plan, embeddings, cache, gateway.prices)
    if judgements is not None:
        _price_judging(plan, judgements, gateway.prices, config, answered=exact and not todo)
    plan.notes += [*_notes(config, exact), *workload.groups.cautions()]
    return plan


def stage_counts(workload: Workload, cache: Any, writing: Writing) -> dict[str, dict[str, int]]:
    """Chunkings, indexes, written queries, retrievals, reranked pairs: naive, distinct, and known from before."""
    groups = workload.groups
    chunk_keys, index_keys, hits_keys = list(groups.chunk_keys()), list(groups.index_keys()), groups.hits_keys()
    retrievals = [v.chatbot.retrieval for v in workload.config.variants if v.chatbot.retrieval is not None]
    indexed = sum(retrieval.retriever.uses_vectors for retrieval in retrievals)
    counts = {
        "chunk": {"naive": len(retrievals), "distinct": len(chunk_keys), "cached": len(cache.makers(chunk_keys))},
        "index": {"naive": indexed, "distinct": len(index_keys), "cached": len(cache.makers(index_keys))},
        "retrieve": {"naive": len(retrievals) * len(workload.examples), "distinct": len(hits_keys)},
    }
    if writing.calls:
        known = len(writing.calls) - len(writing.unknown)
        counts["query"] = {"naive": writing.naive, "distinct": len(writing.calls), "cached": known}
    pairs = workload.contexts.pairs
    if pairs.naive:
        known = len(cache.makers(list(pairs.distinct)))
        counts["rerank"] = {"naive": pairs.naive, "distinct": len(pairs.distinct), "cached": known}
    return counts


@dataclass
class Writing:
    """The calls by which models write queries, by key; `unknown` are yet to be made, `naive` counts one for each query
    of each variant."""

    naive: int = 0
    calls: dict[str, Call] = field(default_factory=dict)
    unknown: dict[str, Call] = field(default_factory=dict)


async def queries_to_write(workload: Workload, gateway: Gateway) -> Writing:
    """Find the calls without making them: the writers are asked with a model that only notes."""
    calls: dict[str, Call] = {}

    for group in workload.groups.by_key.values():
        model = writer_of(group.settings)

        async def note(messages: Sequence[Message], sampling: Mapping[str, Any], model: Any = model) -> str:
            request, key = asked(model, messages, sampling)
            calls[key] = (model, request.parameters, sum(len(message.content) for message in messages))
            return ""

        if model is not None:
            for query in group.queries:
                with suppress(ProviderError):  # a prompt that this query cannot fill
                    await group.settings.query.lookups(query, note)
    known = gateway.known(list(calls), cut=True)
    written = [v.chatbot.retrieval for v in workload.config.variants if v.chatbot.retrieval is not None]
    naive = sum(writer_of(settings) is not None for settings in written) * len(workload.examples)
    return Writing(naive, calls, {key: call for key, call in calls.items() if key not in known})


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


def _price_embeddings(plan: Plan, embeddings: Embeddings, cache: Overlay, prices: Prices) -> None:
    """Add what the texts would cost that are not embedded yet: a token for four characters, more or less."""
    known = cache.makers(list(embeddings.distinct))
    sizes: dict[str | None, int] = {}
    for key, (price_name, characters) in embeddings.distinct.items():
        if key not in known:
            sizes[price_name] = sizes.get(price_name, 0) + characters
    for price_name, characters in sizes.items():
        price = prices.per_token(price_name)
        if price is None:
            plan.notes.append(f"no price is known for {price_name}: set `prices:` to get a cost")
            plan.cost_usd = plan.cost_low = plan.cost_high = None
        elif plan.cost_usd is not None and plan.cost_low is not None and plan.cost_high is not None:
            usd = characters / CHARACTERS_PER_TOKEN * price.input
            plan.cost_usd = round(plan.cost_usd + usd, 6)
            plan.cost_low, plan.cost_high = round(plan.cost_low + 0.8 * usd, 6), round(plan.cost_high + 1.3 * usd, 6)


def _price_judging(plan: Plan, judgements: Judgements, prices: Prices, config: SweepConfig, *, answered: bool) -> None:
    """Add what judging is thought to take; while not all is `answered`, nobody knows how little that can be."""
    found = estimate(judgements.calls, prices)
    plan.judgements = judgements.counts
    plan.notes.append(_JUDGED)
    for model, calls in found.models.items():
        plan.models[model] = plan.models.get(model, 0) + calls
    plan.seconds += found.calls * _REMOTE_CALL_S / config.limits.concurrency
    if found.usd is None or found.low is None or found.high is None:
        plan.notes.append(f"no price is known for {', '.join(found.unknown)}: set `prices:` to get a cost")
        plan.cost_usd = plan.cost_low = plan.cost_high = None
    elif plan.cost_usd is not None and plan.cost_low is not None and plan.cost_high is not None:
        plan.cost_usd = round(plan.cost_usd + found.usd, 6)
        plan.cost_low = round(plan.cost_low + (found.low if answered else 0.0), 6)
        plan.cost_high = round(plan.cost_high + found.high, 6)


def _notes(config: SweepConfig, exact: bool) -> list[str]:
    """What a reader should know about the numbers."""
    notes = []
    if not exact:
        notes.append(
            "retrieval asks a model or a provider for what is not known yet, so nothing was retrieved: `distinct` "
            "calls are an upper bound, and the cost of reranking is not in the estimate"
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
