"""Stage 6: outcomes -> scores, once for each metric and what it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from harness.config import NamedMetric
from harness.plugins import Asker, CompositeMetric, JudgingMetric, identity
from harness.records import Case, Example, Outcome, Scale, Score, digest
from harness.records.outcome import NO_ANSWER
from harness.sweeps import keys, rivals, verdicts
from harness.sweeps.cache import Cache
from harness.sweeps.progress import Progress
from harness.sweeps.rivals import Candidate, Rivals
from harness.sweeps.verdicts import Value

_SHARED = frozenset({"answer", "passages"})
"""Fields that many cells have in common: a cheap metric that reads no others is computed once for all of them."""
_MOST_SHARED = 1_000_000
_AT_ONCE = 64
"""Scores to wait for at a time."""


class Scored(NamedTuple):
    """An outcome with its example, and what metrics may read of it besides."""

    example: Example
    outcome: Outcome
    findings: Mapping[str, Any] = {}


@dataclass(frozen=True)
class _Prepared:
    name: str
    part: Any
    identity: str
    cheap: bool
    shared: bool
    rival: str | None = None
    """The variant whose answers are held against; None for a metric that needs none."""


@dataclass(slots=True)
class _Wanted:
    """A score to find: its key, empty where it is computed anew, and its value once that is known."""

    key: str
    metric: _Prepared
    case: Case
    value: Value | None = None


class Scorer:
    """Scores outcomes. Equal cases are scored once, in this sweep and in later ones, unless that is cheap.

    `variants` are those of the sweep, among which a metric may hold answers against one. `known` are scales of metrics
    that are not computed here, of which a composite may be made. `fresh`: judges are asked anew.
    Raises UserError where a metric needs something made ready (a user's file) that fails.
    """

    def __init__(
        self,
        metrics: Sequence[NamedMetric],
        variants: Sequence[Candidate],
        cache: Cache,
        progress: Progress,
        *,
        known: Mapping[str, Scale] | None = None,
        at_once: int = _AT_ONCE,
        fresh: bool = False,
    ) -> None:
        for metric in metrics:
            if hasattr(metric.part, "ready"):
                metric.part.ready()
        composites = [m for m in metrics if isinstance(m.part, CompositeMetric)]
        plain = [m for m in metrics if m not in composites]
        prepared = [_prepared(metric, variants) for metric in plain]
        self._lookers = [m for m in prepared if not isinstance(m.part, JudgingMetric)]
        self._judges = [m for m in prepared if isinstance(m.part, JudgingMetric)]
        scales = {**(known or {}), **{m.name: m.scale for m in plain}}
        self._composites = [(m.name, m.part, m.part.members(scales)) for m in composites]
        self._scales = scales
        self._cache = cache
        self._progress = progress
        self._fresh = fresh
        self.rivals = Rivals(m.rival for m in self._judges if m.rival is not None)
        self._known: dict[str, Value] = {}
        self._making: dict[str, asyncio.Task[Value]] = {}
        self._looking, self._judging = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(at_once)
        self._at_once: dict[tuple[Any, ...], Value] = {}

    @property
    def has_rivals(self) -> bool:
        """Whether answers are held against those of another variant."""
        return any(metric.rival is not None for metric in self._judges)

    def asks(self, example: Example) -> bool:
        """Whether models are asked about an answer to this example."""
        return any(metric.part.applies(example) for metric in self._judges)

    async def looked(self, cells: Sequence[Scored]) -> list[list[Score]]:
        """The scores of each cell by the metrics that ask nobody. A failed outcome fails every metric that applies."""
        return await self._scores(cells, self._lookers, verdicts.look)

    async def judged(self, cells: Sequence[Scored], asker: Asker) -> list[list[Score]]:
        """The scores of each cell by the metrics that ask models.

        Waits for the answers that others are held against. Raises what ends a sweep.
        """
        if not self._judges:
            return [[] for _ in cells]

        async def make(metric: Any, case: Case) -> Value:
            value = await verdicts.assess(metric, case, asker)
            self._progress.step("judge", made=True)
            return value

        alone = [m for m in self._judges if m.rival is None]
        rivalling = [m for m in self._judges if m.rival is not None]
        first, second = await asyncio.gather(self._scores(cells, alone, make), self._against(cells, rivalling, make))
        return [[*a, *b] for a, b in zip(first, second, strict=True)]

    def composed(self, example: Example, cell: tuple[str, str, int], scores: Iterable[Score]) -> list[Score]:
        """The scores of the metrics that are made of others, from the others of the same cell."""
        by_name = {score.metric: score for score in scores}
        found = []
        for name, part, members in self._composites:
            given = [by_name[member] for member in members if member in by_name]
            if not given or not part.applies(example):
                continue
            failed = next((score for score in given if score.failure is not None), None)
            if failed is None:
                values = {score.metric: score.value for score in given if score.value is not None}
                value = verdicts.combine(part, values, self._scales)
            elif str(failed.failure).startswith(NO_ANSWER):
                value = Value(failure=failed.failure)
            else:
                value = Value(failure=f"{failed.metric}: {failed.failure}")
            if value.says_something:
                found.append(_score_of(cell, name, value))
        return found

    async def _against(
        self, cells: Sequence[Scored], metrics: Sequence[_Prepared], make: Callable[..., Awaitable[Value]]
    ) -> list[list[Score]]:
        """The scores of metrics that hold answers against those of another variant, each as soon as it is there."""

        async def one(cell: Scored) -> list[Score]:
            o, found = cell.outcome, []
            for metric in metrics:
                rival = o.answer  # a variant is as good as itself
                if metric.rival is not None and metric.rival != o.variant and o.failure is None:
                    rival = await self.rivals.answer(metric.rival, o.example, o.repeat)
                if rival is None and o.failure is None:
                    if metric.part.applies(cell.example):
                        said = f"the variant {metric.rival} has no answer to hold this one against"
                        found.append(_score_of((o.variant, o.example, o.repeat), metric.name, Value(failure=said)))
                    continue
                against = Scored(cell.example, o, {**cell.findings, "rival": rival})
                found += (await self._scores([against], [metric], make))[0]
            return found

        return list(await asyncio.gather(*(one(cell) for cell in cells))) if metrics else [[] for _ in cells]

    async def _scores(
        self, cells: Sequence[Scored], metrics: Sequence[_Prepared], make: Callable[..., Awaitable[Value]]
    ) -> list[list[Score]]:
        wanted = [self._wanted(cell, metrics) for cell in cells]
        await self._fill([entry for entries in wanted for entry in entries], make)
        return [
            _of(cell.outcome, entries) if cell.outcome.answer is not None else _failed(cell, metrics)
            for cell, entries in zip(cells, wanted, strict=True)
        ]

    def _wanted(self, cell: Scored, metrics: Sequence[_Prepared]) -> list[_Wanted]:
        if cell.outcome.failure is not None or cell.outcome.answer is None:
            return []
        applying = [metric for metric in metrics if metric.part.applies(cell.example)]
        case = case_of(cell)
        passages = "" if all(metric.cheap for metric in applying) else keys.passages_digest(cell.outcome.passages)
        return [_Wanted("" if m.cheap else _key(m, case, passages), m, case) for m in applying]

    async def _fill(self, wanted: list[_Wanted], make: Callable[..., Awaitable[Value]]) -> None:
        """Find every value: what is cheap by computing it, the rest once for each key."""
        self._progress.stages["score"].made += sum(not entry.key for entry in wanted)
        for entry in wanted:
            if not entry.key:
                entry.value = self._cheaply(entry.metric, entry.case)
        unknown = {entry.key: entry for entry in wanted if entry.key and entry.key not in self._known}
        found = await self._find(unknown, make) if unknown else {}
        for entry in wanted:
            entry.value = entry.value or found.get(entry.key) or self._known[entry.key]

    def _cheaply(self, metric: _Prepared, case: Case) -> Value:
        """A cheap score. Passages are told from others by their identity: the cells keep them alive."""
        if not metric.shared:
            return verdicts.look_at_once(metric.part, case)
        reads = metric.part.reads
        answer = case.answer if "answer" in reads else None
        key = (metric.name, case.example.id, answer, id(case.passages) if "passages" in reads else 0)
        value = self._at_once.get(key)
        if value is None:
            if len(self._at_once) >= _MOST_SHARED:
                self._at_once.clear()
            value = self._at_once[key] = verdicts.look_at_once(metric.part, case)
        return value

    async def _find(self, unknown: dict[str, _Wanted], make: Callable[..., Awaitable[Value]]) -> dict[str, Value]:
        """The values of some keys. An error that ends the sweep is raised after all that was begun has ended."""
        judging = isinstance(next(iter(unknown.values())).metric.part, JudgingMetric)
        stored = self._cache.get(list(unknown), only_own=judging and self._fresh)
        found = {key: verdicts.loaded(entry.value) for key, entry in stored.items()}
        lacking = [key for key in unknown if key not in found]
        mine = [key for key in lacking if key not in self._making]  # the others another answer brought a moment ago
        self._progress.stages["score"].made += len(mine)
        self._progress.stages["judge"].total += len(mine) if judging else 0
        for key in mine:
            self._making[key] = asyncio.create_task(self._make(key, unknown[key], make, judging))
        making = {key: self._making[key] for key in lacking}
        values = await asyncio.gather(*making.values(), return_exceptions=True)
        for key, value in zip(making, values, strict=True):
            if isinstance(value, BaseException):
                raise value
            found[key] = value
        if not judging:
            self._known.update(found)
        return found

    async def _make(self, key: str, entry: _Wanted, make: Callable[..., Awaitable[Value]], judging: bool) -> Value:
        """Make one value, and keep it at once: it may have been paid for. Judges hold up no other metric."""
        try:
            async with self._judging if judging else self._looking:
                value = await make(entry.metric.part, entry.case)
            if value.lasts:
                self._cache.put("score", {key: verdicts.dumped(value)})
            else:
                self._known[key] = value  # equal cases of this sweep share it
            return value
        finally:
            del self._making[key]


def case_of(cell: Scored) -> Case:
    """What a metric sees of an outcome that has an answer."""
    o = cell.outcome
    case = Case(
        cell.example,
        o.answer or "",
        o.passages,
        o.latency_ms,
        _cost(o),
        o.input_tokens,
        o.output_tokens,
        o.first_token_ms,
    )
    return replace(case, **cell.findings) if cell.findings else case


def _prepared(metric: NamedMetric, variants: Sequence[Candidate]) -> _Prepared:
    part = metric.part
    against = rivals.against(part)
    return _Prepared(
        metric.name,
        part,
        digest(identity(part)),
        getattr(part, "cheap", False) and not isinstance(part, JudgingMetric),
        set(part.reads) <= _SHARED,
        None if against is None else rivals.rival_of(metric.name, against, variants),
    )


def _of(outcome: Outcome, entries: list[_Wanted]) -> list[Score]:
    cell = (outcome.variant, outcome.example, outcome.repeat)
    found = []
    for entry in entries:
        value = entry.value or Value()
        if value.says_something:
            found.append(_score_of(cell, entry.metric.name, value))
    return found


def _score_of(cell: tuple[str, str, int], metric: str, value: Value) -> Score:
    return Score(*cell, metric, value.value, value.reason, value.failure, value.details)


def _failed(cell: Scored, metrics: Sequence[_Prepared]) -> list[Score]:
    o = cell.outcome
    value = Value(failure=f"{NO_ANSWER}{o.failure or 'none is stored'}")
    found = [m.name for m in metrics if m.part.applies(cell.example)]
    return [_score_of((o.variant, o.example, o.repeat), name, value) for name in found]


def _cost(outcome: Outcome) -> float | None:
    """What a cell costs, whoever paid: its answer and the queries that were written for it."""
    if outcome.cost_usd is None or outcome.query_usd is None:
        return None
    return outcome.cost_usd + outcome.query_usd


def _key(metric: _Prepared, case: Case, passages: str) -> str:
    return keys.score_key(metric.identity, metric.part.reads, case.example.digest, case, passages)
