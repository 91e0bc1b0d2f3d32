"""Asking for what no cache has: model by model, each distinct request once, also next to other processes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from harness.plugins import name, provider_of
from harness.records.drawing import drawn
from harness.sweeps.gateway import Answer, Batches, Gateway
from harness.sweeps.gateway.answers import NOT_SERVED_AGAIN
from harness.sweeps.stopping import GRACE_S
from harness.sweeps.workload import Cell, Workload

_CLAIMED_AT_ONCE = 256
_LOOK_AGAIN_S = 0.2
_BLOCKS, _BLOCK = 10, 50
"""A sweep is asked in so many blocks of clusters of questions, of so many clusters at least: after each block, live
figures compare all variants on the same questions."""
_SPARE = 2
"""Workers for each slot: a call that waits to be asked again holds up no other."""

Finished = Callable[[str, Answer], Awaitable[None]]


class Asking:
    """Asks for the answers of one sweep. `finished` gets each answer with its request's key."""

    def __init__(
        self,
        workload: Workload,
        gateway: Gateway,
        batches: Batches | None,
        at_once: int,
        stop: asyncio.Event,
        finished: Finished,
    ) -> None:
        self._workload = workload
        self._gateway = gateway
        self._claims = gateway.claims
        self._batches = batches
        self._at_once = at_once
        self._stop = stop
        self._finished = finished
        self._error: BaseException | None = None

    async def run(self, todo: Mapping[str, Cell]) -> BaseException | None:
        """Ask for all, by a cell that wants it; returns the first error, after what was in flight has arrived."""
        # Each model has workers of its own, so that a slow one holds up no other.
        models: dict[tuple[str, str], dict[str, Cell]] = {}
        for key, cell in todo.items():
            model = cell.variant.chatbot.model
            models.setdefault((provider_of(model), name(model)), {})[key] = cell
        tasks = [asyncio.create_task(self._guarded(self._model(cells))) for cells in models.values()]
        if not tasks:
            return None
        stopped = asyncio.create_task(self._stop.wait())
        everything = asyncio.create_task(asyncio.wait(tasks))
        waited: list[asyncio.Task[Any]] = [stopped, everything]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        # What is in flight is paid for: it gets a moment to arrive before it is given up.
        await asyncio.wait(tasks, timeout=GRACE_S if self._stop.is_set() else None)
        for task in tasks:
            task.cancel()
        stopped.cancel()
        await asyncio.gather(*tasks, *waited, return_exceptions=True)
        return self._error

    async def _model(self, cells: Mapping[str, Cell]) -> None:
        """All that is to be asked of one model; what another process asks is awaited at the end."""
        ordered = self._ordered(cells)
        elsewhere: list[str] = []
        if self._batches is not None and self._batches.takes(cells[ordered[0]].variant.chatbot.model):
            ordered = await self._in_batches(ordered, cells, elsewhere)
        await self._one_by_one(self._mine(ordered, elsewhere), cells, len(ordered))
        while elsewhere and not self._ended():
            elsewhere = await self._look_again(elsewhere, cells)

    async def _in_batches(self, keys: Sequence[str], cells: Mapping[str, Cell], elsewhere: list[str]) -> list[str]:
        """Have them answered in batches; returns those that must be asked for one by one."""
        assert self._batches is not None
        groups: dict[Any, list[str]] = {}
        for key in self._mine(keys, elsewhere):
            groups.setdefault(cells[key].variant.chatbot.model, []).append(key)
        alone: list[str] = []
        for model, chosen in groups.items():
            requests = {key: self._request_later(cells[key]) for key in chosen}
            alone += await self._batches.run(model, requests, self._finished)
        return alone

    def _request_later(self, cell: Cell) -> Callable[[], Any]:
        return lambda: self._workload.request(cell)

    async def _one_by_one(self, keys: Iterator[str], cells: Mapping[str, Cell], most: int) -> None:
        local = all(cell.variant.chatbot.model.local for cell in islice(cells.values(), 1))
        workers = min(most, self._at_once * (1 if local else _SPARE))
        tasks = [asyncio.create_task(self._guarded(self._worker(keys, cells))) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _worker(self, keys: Iterator[str], cells: Mapping[str, Cell]) -> None:
        for key in keys:
            if self._ended():
                return
            model = cells[key].variant.chatbot.model
            answer = await self._gateway.complete(model, self._workload.request(cells[key]), key)
            await self._finished(key, answer)
            if self._claims is not None and (answer.reply is None or answer.reply.finish_reason in NOT_SERVED_AGAIN):
                self._claims.drop([key])
            if model.local:
                await asyncio.sleep(0)  # a local model never waits: the others get their turn here

    async def _look_again(self, keys: Sequence[str], cells: Mapping[str, Cell]) -> list[str]:
        """Take what other processes have answered by now, and ask for what they gave up."""
        known = self._gateway.known(keys)
        for key, answer in known.items():
            await self._finished(key, answer)
        rest = [key for key in keys if key not in known]
        elsewhere: list[str] = []
        await self._one_by_one(self._mine(rest, elsewhere), cells, len(rest))
        if elsewhere:
            await asyncio.sleep(_LOOK_AGAIN_S)
        return elsewhere

    def _mine(self, keys: Sequence[str], elsewhere: list[str]) -> Iterator[str]:
        """The keys that this process is to ask for, claimed a few at a time; the rest go to `elsewhere`."""
        if self._claims is None:
            yield from keys
            return
        rest = iter(keys)
        while slab := list(islice(rest, _CLAIMED_AT_ONCE)):
            free = self._claims.take(slab)
            made = self._gateway.known(slab)
            for key in slab:
                if key in free and key not in made:
                    yield key
                else:
                    elsewhere.append(key)

    def _ordered(self, cells: Mapping[str, Cell]) -> list[str]:
        """The keys, block by block of questions, in the order in which live figures count them.

        Within a block, those with a common beginning stand together: the providers' prompt caches like that.
        """
        clusters = list(dict.fromkeys(cell.example.cluster for cell in cells.values()))
        size = max(_BLOCK, math.ceil(len(clusters) / _BLOCKS))
        order = drawn(clusters, self._workload.config.seed)
        rank = {clusters[at]: place // size for place, at in enumerate(order)}
        if next(iter(cells.values())).variant.chatbot.model.local:
            return sorted(cells, key=lambda key: rank[cells[key].example.cluster])

        def beginning(key: str) -> tuple[Any, ...]:
            cell = cells[key]
            chatbot = cell.variant.chatbot
            passages = tuple((p.document, p.start, p.end) for p in cell.context.passages)
            return rank[cell.example.cluster], chatbot.system_prompt or "", chatbot.user_prompt, passages

        return sorted(cells, key=beginning)

    async def _guarded(self, work: Awaitable[None]) -> None:
        """The first error ends the sweep; `run` returns it."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001
            self._error = self._error or error
            self._stop.set()

    def _ended(self) -> bool:
        return self._stop.is_set() or self._error is not None
