"""Scores for outcomes that are stored: no answer is asked for anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from harness.config import Budget, Limits, NamedMetric
from harness.errors import Interrupted, UserError
from harness.plugins import CompositeMetric, identity, make, parts_within, registration
from harness.records import Outcome, Scale, Score, digest
from harness.store import Folder, PassWriter, StoredSweep
from harness.store.outcomes import examples_of, outcomes_of
from harness.sweeps import provenance
from harness.sweeps.asker import GatewayAsker
from harness.sweeps.cache import DiskCache
from harness.sweeps.claims import Claims
from harness.sweeps.description import metric_entries
from harness.sweeps.gateway import Gateway, Prices, Spent, check_environment, check_prices, trace_of
from harness.sweeps.judging import Judging
from harness.sweeps.progress import Progress
from harness.sweeps.scoring import Scored, Scorer
from harness.sweeps.session import WORK, scores_at_once
from harness.sweeps.stopping import stopping

_BATCH, _BATCHES_BEHIND = 256, 16
_NOT_STORED = ("evidence_chunks", "index_recall")
"""Fields of a Case that are made of the indexes of a running sweep, and kept nowhere."""
_CellId = tuple[str, str, int]


@dataclass(frozen=True)
class ScoringOptions:
    """How to score: prices and limits of the judges, where the work cache is, and whether judges are asked anew."""

    workspace: Path
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    prices: Prices = field(default_factory=lambda: Prices({}))
    fresh: bool = False


def score_sweep(
    stored: StoredSweep, metrics: Sequence[NamedMetric], options: ScoringOptions, progress: Progress
) -> StoredSweep:
    """Score all outcomes of a sweep that has ended, and keep the scores beside it; returns the sweep, read anew.

    Raises UserError before anything is spent; Incomplete, Interrupted or ProviderError where judging ended early: then
    nothing is added to the sweep, but what was paid for is kept in the work cache, and the same command goes on.
    """
    _check(stored, metrics)
    parts = list(dict.fromkeys(part for metric in metrics for part in parts_within(metric.part)))
    check_environment(parts)
    check_prices(parts, options.prices, options.budget)
    local = stored.folder.path if stored.folder.is_local else options.workspace / WORK / "staged-scores" / stored.id
    metrics = [*metrics, *_stale(stored, metrics, options.workspace)]
    key = digest("score", [(m.name, identity(m.part), m.at_least, m.at_most) for m in metrics], options.fresh)
    writer = PassWriter(local, key)
    progress.sweep, progress.cells = stored.id, stored.outcomes.num_rows
    try:
        asyncio.run(_Scoring(stored, metrics, options, progress, writer).run())
    finally:
        writer.close()
        if not stored.folder.is_local and writer.path.exists():
            stored.folder.upload(local)
    return StoredSweep(Folder(stored.folder.uri))


def _check(stored: StoredSweep, metrics: Sequence[NamedMetric]) -> None:
    if stored.status != "complete":
        todo = "wait for its end" if stored.status == "running" else "finish it first: run the same sweep command again"
        raise UserError(f"{stored.id} is {stored.status}, so scores would be lacking; {todo}")
    kinds = {entry["name"]: entry["identity"]["use"] for entry in stored.metrics}
    for metric in metrics:
        use = registration(metric.part).name
        if kinds.get(metric.name, use) != use:
            raise UserError(
                f"metric {metric.name}: that name is taken by {kinds[metric.name]} in this sweep, of which {use} would "
                "be no new version; give it another name: as: NAME"
            )
        lost = [name for name in _NOT_STORED if name in metric.part.reads]
        if lost:
            raise UserError(
                f"metric {metric.name} reads {', '.join(lost)}, which a run folder does not hold; "
                "name the metric in the sweep file and run the sweep again: answers come from the cache"
            )
    if not stored.outcomes.num_rows:
        raise UserError(f"{stored.id} has no outcome to score")


def _stale(stored: StoredSweep, metrics: Sequence[NamedMetric], workspace: Path) -> list[NamedMetric]:
    """The metrics of the sweep that are made of what is scored anew: they are made anew, too."""
    scored = {metric.name for metric in metrics}
    found = []
    for entry in stored.metrics:
        touched = entry.get("composite") and not entry.get("superseded") and scored & set(entry.get("members") or ())
        if touched and entry["name"] not in scored:
            spec = {name: value for name, value in entry["identity"].items() if name not in ("version", "members")}
            part = make("metric", spec, str(workspace))
            found.append(NamedMetric(entry["name"], part, entry.get("at_least"), entry.get("at_most")))
    return found


class _Scoring:
    """One pass over the outcomes of a sweep."""

    def __init__(
        self,
        stored: StoredSweep,
        metrics: Sequence[NamedMetric],
        options: ScoringOptions,
        progress: Progress,
        writer: PassWriter,
    ) -> None:
        self._stored = stored
        self._metrics = metrics
        self._options = options
        self._progress = progress
        self._writer = writer
        self._stop = asyncio.Event()
        self._scores: list[Score] = []
        self._error: BaseException | None = None
        self._before = _scores_of(stored, self._members())

    async def run(self) -> None:
        """Score, and write the pass."""
        options, maker = self._options, self._writer.id
        cache = DiskCache(options.workspace / WORK, maker)
        claims = None if options.fresh else Claims(options.workspace / WORK, maker)
        trace = trace_of(maker)
        gateway = Gateway(
            cache,
            maker,
            options.prices,
            options.budget,
            Spent(),
            fresh=options.fresh,
            limits=options.limits,
            trace=trace,
            claims=claims,
            on_spent=lambda spending: self._writer.spend(asdict(spending)),
            stop=self._stop,
        )
        try:
            with stopping(self._stop, self._say):
                gateway.open(p for m in self._metrics for p in parts_within(m.part) if p.local)
                await self._score(cache, gateway)
        finally:
            await gateway.close()
            if claims is not None:
                cache.flush()
                claims.close()
            cache.close()
            await asyncio.to_thread(trace.close)
        self._writer.finish(self._header(), self._scores)

    async def _score(self, cache: DiskCache, gateway: Gateway) -> None:
        variants = [(entry["id"], entry["label"]) for entry in self._stored.variants]
        at_once = scores_at_once(self._options.limits)
        scorer = Scorer(
            self._metrics,
            variants,
            cache,
            self._progress,
            known=self._known(),
            at_once=at_once,
            fresh=self._options.fresh,
        )
        asker = GatewayAsker(gateway, cache)
        judging = Judging(scorer, asker, self._keeper(scorer), self._end, self._stop)
        examples = examples_of(self._stored)
        if scorer.has_rivals:
            scorer.rivals.tell_all(outcomes_of(self._stored))
            scorer.rivals.end()
        outcomes = outcomes_of(self._stored)
        try:
            while not self._stop.is_set() and (batch := list(islice(outcomes, _BATCH))):
                cells = [Scored(examples[outcome.example], outcome) for outcome in batch]
                judging.begin(cells, await scorer.looked(cells))
                await asyncio.sleep(0)
                await judging.room(_BATCHES_BEHIND)
            await judging.finish()
        finally:
            await judging.close()
            await asker.settle()
        if self._stop.is_set():
            self._end(Interrupted())
        if self._error is not None:
            raise self._error

    def _keeper(self, scorer: Scorer) -> Callable[[Sequence[Scored], Sequence[Sequence[Score]]], None]:
        def keep(cells: Sequence[Scored], scores: Sequence[Sequence[Score]]) -> None:
            for cell, given in zip(cells, scores, strict=True):
                place = _place(cell.outcome)
                every = [*given, *scorer.composed(cell.example, place, [*self._before.get(place, ()), *given])]
                self._scores += every
                self._progress.cells_done += 1
                self._progress.step("score", len(every), made=False)

        return keep

    def _known(self) -> dict[str, Scale]:
        """How the stored metrics are read, of which others may be made."""
        return scales_of(self._stored)

    def _members(self) -> frozenset[str]:
        """The metrics of the sweep that composites may be made of, but for those that are computed anew."""
        if not any(isinstance(metric.part, CompositeMetric) for metric in self._metrics):
            return frozenset()
        return frozenset(entry["name"] for entry in self._stored.metrics) - {metric.name for metric in self._metrics}

    def _end(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
            self._stop.set()

    def _say(self, message: str) -> None:
        self._progress.message = message

    def _header(self) -> dict[str, object]:
        state, _ = provenance.git(self._options.workspace)
        identities = {entry["name"]: entry["identity"] for entry in self._stored.metrics}
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": provenance.who(),
            "metrics": metric_entries(self._metrics, self._known(), identities),
            "cells": self._progress.cells_done,
            "versions": provenance.versions(),
            "git": state,
        }


def _scores_of(stored: StoredSweep, names: frozenset[str]) -> dict[_CellId, list[Score]]:
    """The stored scores of some metrics, by cell."""
    found: dict[_CellId, list[Score]] = {}
    if names:
        for row in _rows(stored):
            if row.metric in names:
                found.setdefault((row.variant, row.example, row.repeat), []).append(row)
    return found


def _rows(stored: StoredSweep) -> Iterator[Score]:
    for batch in stored.scores.to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            yield Score(**row)


def _place(outcome: Outcome) -> _CellId:
    return outcome.variant, outcome.example, outcome.repeat


def scales_of(stored: StoredSweep) -> dict[str, Scale]:
    """How the metrics of a stored sweep are read that others can be made of: no composites, no earlier versions."""
    usable = [m for m in stored.metrics if not m.get("composite") and not m.get("superseded")]
    return {entry["name"]: _scale(entry) for entry in usable}


def _scale(entry: dict[str, object]) -> Scale:
    names = ("direction", "low", "high", "at_least", "at_most")
    return Scale(**{name: entry.get(name) for name in names})  # type: ignore[arg-type]
