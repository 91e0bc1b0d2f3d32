"""The engine: answers every distinct request once, scores every cell, records both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.errors import Incomplete, Interrupted
from harness.plugins import Asker
from harness.records import Failure, Outcome, Score
from harness.store import Writer
from harness.sweeps.asking import Asking, Finished
from harness.sweeps.gateway import Answer, Gateway
from harness.sweeps.judging import Judging
from harness.sweeps.progress import Progress
from harness.sweeps.scoring import Scored, Scorer
from harness.sweeps.workload import Cell, CellId, Workload

_BATCH, _BATCHES_BEHIND = 256, 16


class Engine:
    """Runs the cells of one sweep in one event loop.

    `asking` makes what asks for answers; `on_todo` is told before that what is to be asked, by a cell each.
    """

    def __init__(
        self,
        workload: Workload,
        gateway: Gateway,
        scorer: Scorer,
        asker: Asker,
        writer: Writer,
        progress: Progress,
        asking: Callable[[Finished], Asking],
        on_todo: Callable[[Mapping[str, Cell]], None],
        failures_allowed: int,
        stop: asyncio.Event,
    ) -> None:
        self._workload = workload
        self._gateway = gateway
        self._scorer = scorer
        self._writer = writer
        self._progress = progress
        self._asking = asking
        self._on_todo = on_todo
        self._failures_allowed = failures_allowed
        self._stop = stop
        self._error: BaseException | None = None
        self._judging = Judging(scorer, asker, self._record, self._end, stop)

    async def run(self, done: dict[CellId, str | None], known: dict[str, Answer]) -> None:
        """Run all cells but those `done` (by id, with their request); `known` are answers that they brought.

        Raises Interrupted, Incomplete or a fatal ProviderError after everything that was finished is written.
        """
        owners = self._owners()
        waiting: dict[str, list[Cell]] = {}
        ready: list[Cell] = []
        for cell in self._workload.cells:
            if cell.id in done:
                answer = known.get(done[cell.id] or "")
                self._scorer.rivals.tell(*cell.id, answer.reply.text if answer and answer.reply else None)
            elif cell.request is None:
                ready.append(cell)
            else:
                waiting.setdefault(cell.request, []).append(cell)
        known = {**self._gateway.known([key for key in waiting if key not in known]), **known}
        self._progress.stages["generate"].total = len(owners)
        self._progress.stages["generate"].done = len(owners) - len(waiting)
        try:
            await self._answer(ready, waiting, known, owners)
            await self._judging.finish()
        finally:
            await self._judging.close()
        self._writer.flush()
        self._check()

    async def _answer(
        self,
        ready: Sequence[Cell],
        waiting: Mapping[str, list[Cell]],
        known: Mapping[str, Answer],
        owners: dict[str, CellId],
    ) -> None:
        """Find an answer for every cell: those that have failed already, those that are known, the rest."""
        await self._finish([(cell, None) for cell in ready], owners)
        hits = [key for key in waiting if key in known]
        for start in range(0, len(hits), _BATCH):
            self._check()
            batch = hits[start : start + _BATCH]
            await self._finish([(cell, known[key]) for key in batch for cell in waiting[key]], owners)
            self._count(known[key] for key in batch)
            self._writer.flush()
            if not self._scorer.has_rivals:
                await self._judging.room(_BATCHES_BEHIND)
        await self._ask({key: cells for key, cells in waiting.items() if key not in known}, owners)

    def _owners(self) -> dict[str, CellId]:
        """The first cell of each distinct request; the others share its answer."""
        owners: dict[str, CellId] = {}
        for cell in self._workload.cells:
            if cell.request is not None:
                owners.setdefault(cell.request, cell.id)
        return owners

    async def _ask(self, todo: Mapping[str, list[Cell]], owners: dict[str, CellId]) -> None:
        self._gateway.open(dict.fromkeys(cells[0].variant.chatbot.model for cells in todo.values()))
        self._progress.begin_asking()

        async def finished(key: str, answer: Answer) -> None:
            self._count([answer])
            await self._finish([(cell, answer) for cell in todo[key]], owners)
            self._writer.flush()  # it was paid for: a kill must find it on disk

        wanted = {key: cells[0] for key, cells in todo.items()}
        self._on_todo(wanted)
        error = await self._asking(finished).run(wanted)
        self._progress.end_asking()
        if error is not None:
            self._end(error)

    async def _finish(self, cells: Sequence[tuple[Cell, Answer | None]], owners: dict[str, CellId]) -> None:
        """Score and record cells whose answer (or failure) is there. Judges are asked behind the answers."""
        found = [self._scored(cell, answer, owners) for cell, answer in cells]
        self._scorer.rivals.tell_all(cell.outcome for cell in found)
        for cell in found:
            if cell.outcome.failure is not None:
                self._failed(cell.outcome)
        scores = await self._scorer.looked(found)
        to_judge = [self._scorer.asks(cell.example) for cell in found]
        rest = [i for i, asks in enumerate(to_judge) if not asks]
        self._record([found[i] for i in rest], [scores[i] for i in rest])
        waiting = [i for i, asks in enumerate(to_judge) if asks]
        for i in waiting:
            self._writer.add(found[i].outcome, scores[i], whole=False)
        if waiting:
            self._judging.begin([found[i] for i in waiting], [scores[i] for i in waiting])

    def _record(self, cells: Sequence[Scored], scores: Sequence[Sequence[Score]]) -> None:
        """Write cells with all their scores."""
        for cell, given in zip(cells, scores, strict=True):
            outcome = cell.outcome
            place = (outcome.variant, outcome.example, outcome.repeat)
            every = [*given, *self._scorer.composed(cell.example, place, given)]
            self._writer.add(outcome, every)
            self._progress.cells_done += 1
            self._progress.step("score", len(every), made=False)
            if outcome.source == "shared":
                self._progress.calls_shared += 1
            self._progress.scored(every)

    def _failed(self, outcome: Outcome) -> None:
        """A cell failed: too many of them end the sweep."""
        self._progress.cells_failed += 1
        failed = self._progress.cells_failed
        if failed > self._failures_allowed:
            self._end(
                Incomplete(
                    f"stopped at {failed} failed cells, max_failures allows {self._failures_allowed}; "
                    f"the last failure: {outcome.failure}"
                )
            )

    def _end(self, error: BaseException) -> None:
        """The first error ends the sweep."""
        if self._error is None:
            self._error = error
            self._stop.set()

    def _scored(self, cell: Cell, answer: Answer | None, owners: dict[str, CellId]) -> Scored:
        findings = self._workload.findings.of(cell.variant, cell.example)
        return Scored(cell.example, self._outcome(cell, answer, owners), findings)

    def _outcome(self, cell: Cell, answer: Answer | None, owners: dict[str, CellId]) -> Outcome:
        passages = cell.context.passages
        variant, example, repeat = cell.id
        if cell.request is None or answer is None:
            failure = cell.failure or Failure("generate", "missing", "no answer")
            return Outcome(variant, example, repeat, passages, failure=failure)
        missed = self._workload.findings.missed(cell.example, cell.context)
        query_usd = self._workload.contexts.query_usd(cell.variant, cell.example)
        source = answer.source if owners[cell.request] == cell.id else "shared"
        reply = answer.reply
        if reply is None:
            return Outcome(
                variant,
                example,
                repeat,
                passages,
                request=cell.request,
                source=source,
                wait_ms=answer.wait_ms,
                attempts=answer.attempts,
                missed=missed,
                query_usd=query_usd,
                failure=answer.failure,
            )
        return Outcome(
            variant,
            example,
            repeat,
            passages,
            answer=reply.text,
            request=cell.request,
            source=source,
            finish_reason=reply.finish_reason,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            cached_tokens=reply.cached_tokens,
            reasoning_tokens=reply.reasoning_tokens,
            cost_usd=answer.cost_usd,
            latency_ms=reply.latency_ms,
            first_token_ms=reply.first_token_ms,
            wait_ms=answer.wait_ms,
            attempts=answer.attempts,
            missed=missed,
            query_usd=query_usd,
        )

    def _count(self, answers: Iterable[Answer]) -> None:
        for answer in answers:
            made = answer.source == "made"
            self._progress.step("generate", made=made)
            self._progress.calls_made += made
            self._progress.calls_cached += not made
            if made and answer.cost_usd is None:
                self._progress.cost_unknown = True
            elif made:
                self._progress.cost_usd += answer.cost_usd or 0.0

    def _check(self) -> None:
        """Raise what ended the sweep early."""
        if self._error is not None:
            self._writer.flush()
            raise self._error
        if self._stop.is_set():
            self._writer.flush()
            raise Interrupted
