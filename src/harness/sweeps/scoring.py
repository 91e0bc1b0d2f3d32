"""Stage 6: outcomes -> scores, once for each metric and what it reads."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from harness.config import NamedMetric
from harness.errors import HarnessError
from harness.plugins import identity
from harness.records import Case, Example, Outcome, Score, Verdict, digest
from harness.records.outcome import NO_ANSWER
from harness.sweeps import keys
from harness.sweeps.cache import Cache
from harness.sweeps.progress import Progress
from harness.sweeps.retrieval.findings import Findings
from harness.sweeps.workload import Cell

Value = tuple[float | None, str | None, str | None]
"""A score's value, reason and failure; all None where the metric turned out not to apply."""


_SHARED = frozenset({"answer", "passages"})
"""Fields that many cells have in common: a cheap metric that reads no others is computed once for all of them."""
_MOST_SHARED = 1_000_000
_AT_ONCE = 64
"""Scores to wait for at a time."""


@dataclass(frozen=True)
class _Prepared:
    name: str
    part: Any
    identity: str
    cheap: bool
    shared: bool


@dataclass(slots=True)
class _Wanted:
    """A score to find: its key, empty where it is computed anew, and its value once that is known."""

    key: str
    metric: _Prepared
    case: Case
    value: Value | None = None


class Scorer:
    """Scores outcomes. Equal cases are scored once, in this sweep and in later ones, unless that is cheap.

    Raises UserError where a metric needs something made ready (a user's file) that fails.
    """

    def __init__(self, metrics: Sequence[NamedMetric], cache: Cache, progress: Progress, findings: Findings) -> None:
        for metric in metrics:
            if hasattr(metric.part, "ready"):
                metric.part.ready()
        self._metrics = [
            _Prepared(
                m.name,
                m.part,
                digest(identity(m.part)),
                getattr(m.part, "cheap", False),
                set(m.part.reads) <= _SHARED,
            )
            for m in metrics
        ]
        self._cache = cache
        self._findings = findings
        self._progress = progress
        self._known: dict[str, Value] = {}
        self._making: dict[str, asyncio.Task[Value]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._at_once: dict[tuple[Any, ...], Value] = {}

    async def scores(self, cells: Sequence[tuple[Cell, Outcome]]) -> list[list[Score]]:
        """The scores of each cell. A failed outcome fails every metric that applies to its example."""
        wanted = [self._wanted(cell, outcome) for cell, outcome in cells]
        await self._fill([entry for entries in wanted for entry in entries])
        found = []
        for (cell, outcome), entries in zip(cells, wanted, strict=True):
            if outcome.failure is not None:
                found.append(self._failed(cell.example, outcome))
            else:
                found.append(self._of(outcome, entries))
        return found

    def _wanted(self, cell: Cell, outcome: Outcome) -> list[_Wanted]:
        if outcome.failure is not None or outcome.answer is None:
            return []
        example = cell.example
        case = Case(
            example,
            outcome.answer,
            outcome.passages,
            outcome.latency_ms,
            _cost(outcome),
            outcome.input_tokens,
            outcome.output_tokens,
            outcome.first_token_ms,
            **self._findings.of(cell.variant, example),
        )
        metrics = [metric for metric in self._metrics if metric.part.applies(example)]
        passages = "" if all(metric.cheap for metric in metrics) else keys.passages_digest(outcome.passages)
        return [_Wanted("" if m.cheap else _key(m, case, passages), m, case) for m in metrics]

    async def _fill(self, wanted: list[_Wanted]) -> None:
        """Find every value: what is cheap by computing it, the rest once for each key."""
        self._progress.stages["score"].made += sum(not entry.key for entry in wanted)
        for entry in wanted:
            if not entry.key:
                entry.value = self._cheaply(entry.metric, entry.case)
        unknown = {entry.key: entry for entry in wanted if entry.key and entry.key not in self._known}
        if unknown:
            await self._find(unknown)
        for entry in wanted:
            entry.value = entry.value or self._known[entry.key]

    def _cheaply(self, metric: _Prepared, case: Case) -> Value:
        """A cheap score. Passages are told from others by their identity: the cells keep them alive."""
        if not metric.shared:
            return _score_at_once(metric.part, case)
        reads = metric.part.reads
        answer = case.answer if "answer" in reads else None
        key = (metric.name, case.example.id, answer, id(case.passages) if "passages" in reads else 0)
        value = self._at_once.get(key)
        if value is None:
            if len(self._at_once) >= _MOST_SHARED:
                self._at_once.clear()
            value = self._at_once[key] = _score_at_once(metric.part, case)
        return value

    async def _find(self, unknown: dict[str, _Wanted]) -> None:
        for key, stored in self._cache.get(list(unknown)).items():
            value, reason = orjson.loads(stored.value)
            self._known[key] = (value, reason, None)
            del unknown[key]
        mine = [key for key in unknown if key not in self._making]  # the others another answer brought a moment ago
        self._progress.stages["score"].made += len(mine)
        for key in mine:
            self._making[key] = asyncio.create_task(self._make(unknown[key]))
        values = await asyncio.gather(*(self._making[key] for key in unknown))
        self._known.update(zip(unknown, values, strict=True))
        made = {key: orjson.dumps(self._known[key][:2]) for key in mine if self._known[key][2] is None}
        self._cache.put("score", made)
        for key in mine:
            del self._making[key]

    async def _make(self, entry: _Wanted) -> Value:
        async with self._slots:
            return await _score(entry.metric.part, entry.case)

    def _of(self, outcome: Outcome, entries: list[_Wanted]) -> list[Score]:
        cell = (outcome.variant, outcome.example, outcome.repeat)
        found = []
        for entry in entries:
            value, reason, failure = entry.value or (None, None, None)
            if value is not None or failure is not None:
                found.append(Score(*cell, entry.metric.name, value, reason, failure))
        return found

    def _failed(self, example: Example, outcome: Outcome) -> list[Score]:
        cell = (outcome.variant, outcome.example, outcome.repeat)
        reason = f"{NO_ANSWER}{outcome.failure}"
        return [Score(*cell, m.name, None, None, reason) for m in self._metrics if m.part.applies(example)]


def _cost(outcome: Outcome) -> float | None:
    """What a cell costs, whoever paid: its answer and the queries that were written for it."""
    if outcome.cost_usd is None or outcome.query_usd is None:
        return None
    return outcome.cost_usd + outcome.query_usd


def _key(metric: _Prepared, case: Case, passages: str) -> str:
    return keys.score_key(metric.identity, metric.part.reads, case.example.digest, case, passages)


async def _score(metric: Any, case: Case) -> Value:
    """One verdict. Whatever a metric raises is recorded: a stranger's metric must not end a paid sweep."""
    try:
        verdict = metric.score(case)
        if inspect.isawaitable(verdict):
            verdict = await verdict
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001
        return _raised(error)
    return _value(verdict)


def _score_at_once(metric: Any, case: Case) -> Value:
    """The same for a metric that never waits."""
    try:
        verdict = metric.score(case)
    except Exception as error:  # noqa: BLE001
        return _raised(error)
    return _value(verdict)


def _raised(error: Exception) -> Value:
    told = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
    return None, None, told


def _value(verdict: Verdict | float | None) -> Value:
    if verdict is None:
        return None, None, None
    value, reason = (verdict.value, verdict.reason) if isinstance(verdict, Verdict) else (verdict, None)
    number = float(value)
    if not math.isfinite(number):
        return None, None, f"the metric gave {number}, which is no value"
    return number, reason, None
