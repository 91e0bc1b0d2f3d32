"""What each variant would retrieve for one question, with times; nothing is answered and no run is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.config import Retrieval, SweepConfig, Variant
from harness.config.expressions import Expression
from harness.data import read_documents
from harness.errors import UserError, advice
from harness.plugins import label
from harness.records import Chunk, Context, Corpus, Evidence, Example, Failure, Message, Passage, Query, digest
from harness.sweeps.cache import DiskCache
from harness.sweeps.claims import Claims
from harness.sweeps.gateway import Gateway, Prices, Spent, check_environment, check_prices
from harness.sweeps.inputs import read_inputs
from harness.sweeps.progress import Progress
from harness.sweeps.retrieval.groups import parts_of
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.retrieval.neighbours import Comparison, compared
from harness.sweeps.retrieval.retrieved import Retrieved
from harness.sweeps.workload import Workload

_MAKER = "search"
_SHOWN = 5


@dataclass(frozen=True)
class Found:
    """What one variant retrieves, and the `others` that retrieve as it does.

    `searched` are the texts that were searched with. `context` is None where there is a `failure`. `exact` tells
    whether the ranking rests on exact search; where it does not, `given_up` are the chunks among the exact nearest that
    the index did not find. `milliseconds` tells the time of each step that was done now. `missed` is the evidence that
    no passage covers. `left` is how many documents the filter leaves; None without one.
    """

    variant: Variant
    others: tuple[Variant, ...]
    searched: tuple[str, ...]
    context: Context | None
    failure: Failure | None = None
    exact: bool = True
    given_up: tuple[Chunk, ...] = ()
    missed: tuple[Evidence, ...] = ()
    milliseconds: dict[str, float] = field(default_factory=dict)
    left: int | None = None

    @property
    def label(self) -> str:
        """The settings that the variant has in common with all others that retrieve as it does."""
        alike = {
            name: value
            for name, value in self.variant.params.items()
            if all(other.params.get(name) == value for other in self.others)
        }
        return ", ".join(f"{name}={value}" for name, value in alike.items()) or self.variant.label


@dataclass(frozen=True)
class Search:
    """What all variants found for one example, in the order of the sweep, and what that cost now.

    `usd` is None where a price is unknown. `documents` counts those of the corpus. `of_dataset`: the example is one of
    the dataset, not a question that was just asked.
    """

    example: Example
    found: tuple[Found, ...]
    calls: int
    usd: float | None
    documents: int = 0
    of_dataset: bool = True

    def holds_evidence(self, passage: Passage) -> bool:
        """Whether a passage shares a character with a piece of the example's evidence, or its document where it is no
        span.
        """
        return any(
            piece.document == passage.document
            and (
                piece.start is None
                or piece.end is None
                or max(passage.start, piece.start) < min(passage.end, piece.end)
            )
            for piece in self.example.evidence
        )


def search(config: SweepConfig, question: str | None, example: str | None, variants: Sequence[str] = ()) -> Search:
    """Look a question up, or an example of the dataset with the turns before it.

    Texts that are not embedded yet are embedded, and indexes that are not there are built: this costs what it costs in
    a sweep, which then finds them made. `variants` narrows to those whose ids begin so. Raises UserError.
    """
    corpus, asked = _inputs(config, question, example)
    if corpus is None:
        raise UserError(f"{config.path}: there is no corpus, so nothing is retrieved")
    chosen = _distinct(config, variants)
    wanted = [settings for variant, _ in chosen if (settings := variant.chatbot.retrieval) is not None]
    if not wanted:
        raise UserError(f"{config.path}: no variant has a retrieval")
    if example is None:
        _check_filters(config, wanted)
    parts = list(dict.fromkeys(part for settings in wanted for part in parts_of(settings)))
    check_environment([*parts, *dict.fromkeys(settings.index for settings in wanted)])
    check_prices(parts, Prices(config.prices), config.budget)
    found = asyncio.run(_search(config, corpus, asked, chosen))
    return replace(found, of_dataset=example is not None)


def _check_filters(config: SweepConfig, wanted: Sequence[Retrieval]) -> None:
    for condition in dict.fromkeys(settings.filter for settings in wanted if settings.filter is not None):
        if "metadata" in Expression(condition).names:
            raise UserError(
                f"retrieval.filter {condition!r} reads the metadata of an example, and a question has none; "
                f"take an example: harness search {config.path} --example ID"
            )


def _inputs(config: SweepConfig, question: str | None, example: str | None) -> tuple[Corpus | None, Example]:
    if example is not None:
        inputs = read_inputs(config)
        by_id = {entry.id: entry for entry in inputs.dataset.examples}
        if example not in by_id:
            raise UserError(f"no example is called {example!r}; {advice(example, list(by_id), 'examples')[:300]}")
        return inputs.corpus, by_id[example]
    asked = Example("question", (Message("user", question or ""),))
    if config.corpus is None:
        return None, asked
    return read_documents(config.corpus.paths, config.workspace, config.corpus.problems).corpus, asked


def _distinct(config: SweepConfig, wanted: Sequence[str]) -> list[tuple[Variant, tuple[Variant, ...]]]:
    """The variants whose retrievals differ, each with the others that retrieve as it does."""
    chosen = [v for v in config.variants if not wanted or any(v.id.startswith(start) for start in wanted)]
    if not chosen:
        some = [f"{variant.id}  {variant.label}" for variant in config.variants[:_SHOWN]]
        more = len(config.variants) - len(some)
        lines = "\n    ".join([*some, *([f"and {more} more"] if more else [])])
        raise UserError(f"the id of no variant begins with {' or '.join(wanted)}; there are\n    {lines}")
    groups: dict[str, list[Variant]] = {}
    for variant in chosen:
        settings = variant.chatbot.retrieval
        groups.setdefault(digest(settings.content() if settings else None), []).append(variant)
    return [(first, tuple(rest)) for first, *rest in groups.values()]


async def _search(
    config: SweepConfig, corpus: Corpus, example: Example, chosen: Sequence[tuple[Variant, tuple[Variant, ...]]]
) -> Search:
    narrowed = replace(config, variants=tuple(variant for variant, _ in chosen))
    folder, progress = config.workspace / ".harness", Progress()
    maker = f"{_MAKER}-{time.time_ns()}"
    cache, claims = DiskCache(folder, maker), Claims(folder, maker)
    spent = Spent()
    prices, limits = Prices(config.prices), config.limits
    gateway = Gateway(cache, maker, prices, config.budget, spent, limits=limits, claims=claims)
    try:
        workload = Workload(narrowed, corpus, [example])
        retrievals = Retrievals(corpus, workload.groups.scopes, cache, gateway, folder, progress, anew=True)
        await workload.contexts.gather(retrievals, cache, gateway, progress)
        found = []
        comparisons: dict[str, Comparison] = {}
        for variant, others in chosen:
            retrieved, settings = workload.contexts.of(variant), variant.chatbot.retrieval
            if retrieved is None or settings is None:
                continue
            if retrieved.key not in comparisons:
                comparisons[retrieved.key] = await compared(retrieved, retrievals, cache)
            found.append(_found(workload, example, variant, others, retrieved, settings, comparisons[retrieved.key]))
        usd = None if spent.unknown else spent.usd
        return Search(example, tuple(found), spent.calls, usd, len(corpus.documents))
    finally:
        await gateway.close()
        cache.close()
        claims.close()


def _found(
    workload: Workload,
    example: Example,
    variant: Variant,
    others: tuple[Variant, ...],
    retrieved: Retrieved,
    settings: Retrieval,
    comparison: Comparison,
) -> Found:
    contexts = workload.contexts
    query = contexts.query(variant, example)
    made = contexts.context(variant, example)
    searched = tuple(lookup.text for lookup in retrieved.lookups.get(query, ()))
    took = dict(retrieved.milliseconds)
    if (relevance := contexts.relevance_of(settings)) is not None:
        took["rerank"] = relevance.milliseconds
    left = len(workload.groups.scopes.documents(query.scope)) if query.scope else None
    if isinstance(made, Failure):
        return Found(variant, others, searched, None, made, retrieved.exact, milliseconds=took, left=left)
    missed = workload.findings.missed(example, made)
    given_up = tuple(_given_up(retrieved, query, settings.top_k, comparison))
    return Found(variant, others, searched, made, None, retrieved.exact, given_up, missed, took, left)


def _given_up(retrieved: Retrieved, query: Query, k: int, comparison: Comparison) -> list[Chunk]:
    """The chunks that exact search finds and the index does not."""
    lost: dict[int, None] = {}
    for lookup in retrieved.lookups.get(query, ()):
        if lookup in comparison.by_lookup:
            lost.update(dict.fromkeys(comparison.by_lookup[lookup].missed(k)))
    return [retrieved.chunks[number] for number in lost]


def described(settings: Retrieval) -> str:
    """A retrieval in a line: its parts with the settings that differ from their defaults."""
    parts = [
        label(part) for name, part in settings.parts.items() if label(part) not in ("question", "none", "passages")
    ]
    cut = [f"top_k={settings.top_k}", f"threshold={settings.similarity_threshold}", f"filter={settings.filter}"]
    return " > ".join(parts) + "  " + ", ".join(text for text in cut if not text.endswith("=None"))
