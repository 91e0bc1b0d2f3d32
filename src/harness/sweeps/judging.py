"""Judging goes on behind the answers: no answer waits for a judge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from harness.plugins import Asker
from harness.records import Score
from harness.sweeps.scoring import Scored, Scorer
from harness.sweeps.stopping import GRACE_S

Judged = Callable[[Sequence[Scored], Sequence[Sequence[Score]]], None]
"""What is told of cells whose scores are all there: the cells and, for each, its scores."""


class Judging:
    """Has cells judged, all that are begun at once; how many calls go out is the limiter's to say.

    `on_judged` is told of cells that are done; `on_error` of what ends the sweep, once; `stop` is set by it, or by the
    user.
    """

    def __init__(
        self,
        scorer: Scorer,
        asker: Asker,
        on_judged: Judged,
        on_error: Callable[[BaseException], None],
        stop: asyncio.Event,
    ) -> None:
        self._scorer = scorer
        self._asker = asker
        self._on_judged = on_judged
        self._on_error = on_error
        self._stop = stop
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = False

    def begin(self, cells: Sequence[Scored], scores: Sequence[Sequence[Score]]) -> None:
        """Judge cells, whose other scores are `scores`."""
        task = asyncio.create_task(self._judge(cells, scores))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def room(self, most: int) -> None:
        """Wait until at most `most` of what was begun is not yet judged. Only where no rival is waited for."""
        while len(self._tasks) > most:
            await asyncio.wait(set(self._tasks), return_when=asyncio.FIRST_COMPLETED)

    async def finish(self) -> None:
        """Wait until all are judged. After a stop, what is on its way was paid for: it gets a moment to arrive."""
        self._scorer.rivals.end(early=self._stop.is_set())
        stopped = asyncio.create_task(self._stop.wait())
        while self._tasks and not self._stop.is_set():
            await asyncio.wait({stopped, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=GRACE_S)

    async def close(self) -> None:
        """End what still waits."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _judge(self, cells: Sequence[Scored], scores: Sequence[Sequence[Score]]) -> None:
        try:
            judged = await self._scorer.judged(cells, self._asker)
            self._on_judged(cells, [[*a, *b] for a, b in zip(scores, judged, strict=True)])
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  (the first one ends the sweep)
            if not self._ended:
                self._ended = True
                self._on_error(error)
