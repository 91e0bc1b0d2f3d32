"""Providers' batch APIs: half the price for answers within a day. A batch is written down before it is waited for.

The journal has a line when a batch is about to be handed in, when its id is known, and when it is done with. Where a
process died between the first and the second, the provider is asked whether it has the batch, so that none is handed in
twice.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import Incomplete, ProviderError
from harness.plugins import BatchConnection, name
from harness.records import Reply, Request
from harness.store.folder import Folder
from harness.store.journal import Journal, lines
from harness.sweeps.gateway.answers import Answer
from harness.sweeps.gateway.gateway import Gateway, tokens_of
from harness.sweeps.gateway.purse import Bill

_FIRST_POLL_S, _LONGEST_POLL_S = 1.0, 60.0
_SUBMITS = 4
_HOPELESS = ("auth", "quota")

Finished = Callable[[str, Answer], Awaitable[None]]


@dataclass
class _Batch:
    """A batch that was or is to be handed in: its requests by key, and since when."""

    tag: str
    keys: Sequence[str]
    since: float
    id: str | None = None
    bills: dict[str, Bill] = field(default_factory=dict)


class Batches:
    """The batches of one sweep, those of an earlier process included."""

    def __init__(self, gateway: Gateway, path: Path, stop: asyncio.Event, on_waiting: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._stop = stop
        self._path = path
        self._journal: Journal | None = None
        self._open, self._ids = _opened(path)
        self._on_waiting = on_waiting

    def takes(self, model: Any) -> bool:
        """Whether the model's provider has batches."""
        return isinstance(self._gateway.connection(model), BatchConnection)

    async def run(self, model: Any, requests: Mapping[str, Callable[[], Request]], finished: Finished) -> list[str]:
        """Have requests answered; returns the keys of those that must be asked for one by one.

        Raises Incomplete when the budget is spent, ProviderError when the key is wrong.
        """
        connection: BatchConnection = self._gateway.connection(model)
        rest = dict(requests)
        alone: list[str] = []
        waiting = await self._taken_up(model, connection, rest)
        for key in (key for batch in waiting for key in batch.keys):
            rest.pop(key, None)
        stopped: Incomplete | None = None
        while rest or waiting:
            try:
                while rest:
                    batch = await self._handed_in(model, connection, rest)
                    if batch is None:
                        break
                    for key in batch.keys:
                        del rest[key]
                    if batch.id is None:
                        alone += batch.keys
                    else:
                        waiting.append(batch)
            except Incomplete as error:
                stopped, rest = error, {}
            results = await asyncio.gather(
                *(self._collected(model, connection, batch, finished) for batch in waiting), return_exceptions=True
            )
            waiting = []
            for result in results:
                if isinstance(result, BaseException):
                    raise result
                alone += result
        if stopped is not None:
            raise stopped
        return [key for key in alone if key in requests]

    async def _taken_up(
        self, model: Any, connection: BatchConnection, requests: Mapping[str, Callable[[], Request]]
    ) -> list[_Batch]:
        """The open batches of an earlier process; one that the provider does not know was never handed in.

        A batch is the model's if it holds one of its requests: these tell servers and endpoints apart, names do not.
        """
        found = []
        for batch in [batch for batch in self._open if not requests.keys().isdisjoint(batch.keys)]:
            self._open.remove(batch)
            if batch.id is None:
                batch.id = await self._found(connection, batch)
                if batch.id is None:
                    self._write({"done": batch.tag})
                    continue
                self._write({"tag": batch.tag, "id": batch.id})
            for key in filter(requests.__contains__, batch.keys):
                bill = self._gateway.purse.book(self._guess(model, requests[key]()), already=True)
                assert bill is not None
                batch.bills[key] = bill
            found.append(batch)
        return found

    async def _handed_in(
        self, model: Any, connection: BatchConnection, requests: Mapping[str, Callable[[], Request]]
    ) -> _Batch | None:
        """A new batch of as much as the provider takes and the budget allows; without an id if it was refused."""
        chosen: dict[str, Request] = {}
        batch = _Batch(f"harness-{secrets.token_hex(8)}", [], time.time())
        for key, request in requests.items():
            made = request()
            bill = self._gateway.purse.book(self._guess(model, made))
            if bill is None:
                break
            chosen[key], batch.bills[key] = made, bill
            if len(chosen) == connection.most:
                break
        if not chosen:
            return None
        batch.keys = list(chosen)
        self._write({"tag": batch.tag, "model": name(model), "keys": batch.keys, "since": batch.since})
        submitted = await self._submitted(connection, chosen, batch)
        if isinstance(submitted, str):
            batch.id = submitted
            self._write({"tag": batch.tag, "id": batch.id})
            return batch
        await self._gateway.purse.close(batch.bills.values(), sent=False)
        self._write({"done": batch.tag})
        if submitted.kind in _HOPELESS:
            raise submitted
        return batch

    async def _submitted(
        self, connection: BatchConnection, chosen: Mapping[str, Request], batch: _Batch
    ) -> str | ProviderError:
        """The id, or why the provider does not have the batch. After a failure that leaves it open it is looked for.

        Raises ProviderError where even that fails: the batch stays open in the journal, and the next process looks.
        """
        for attempt in range(_SUBMITS):
            try:
                return await connection.submit(chosen, batch.tag)
            except ProviderError as error:
                failure = error
            if not failure.retryable:
                break
            await asyncio.sleep(max(_FIRST_POLL_S * 2**attempt, failure.retry_after or 0.0))
            found = await self._found(connection, batch)
            if found is not None:
                return found
        return failure

    async def _found(self, connection: BatchConnection, batch: _Batch) -> str | None:
        """The id of a batch that was lost, among those that are not known to be another's."""
        return await connection.find(batch.tag, len(batch.keys), batch.since, self._ids)

    async def _collected(self, model: Any, connection: BatchConnection, batch: _Batch, finished: Finished) -> list[str]:
        """Wait for a batch, and pass its answers on; returns the keys that have none."""
        assert batch.id is not None
        results = await self._waited(connection, batch, batch.id)
        alone: list[str] = []
        if results is None:
            return alone
        for key in batch.bills:
            reply = results.get(key)
            if not isinstance(reply, Reply):
                alone.append(key)
                continue
            wait_ms = max(0.0, time.time() - batch.since) * 1000
            answer = self._gateway.keep(model, key, reply, wait_ms, 1, batched=True)
            self._gateway.purse.pay(batch.bills[key], answer.cost_usd, tokens_of(reply))
            await finished(key, answer)
        await self._gateway.purse.close(batch.bills.values())
        self._write({"done": batch.tag})
        return alone

    async def _waited(
        self, connection: BatchConnection, batch: _Batch, batch_id: str
    ) -> Mapping[str, Reply | ProviderError] | None:
        """What came of it; None when the sweep is stopped before that."""
        pause = _FIRST_POLL_S
        while not self._stop.is_set():
            self._on_waiting(f"waiting for the batch {batch_id} of {len(batch.keys)} requests")
            try:
                results = await connection.collect(batch_id)
            except ProviderError as error:
                if error.kind == "not_found":  # the provider keeps results for some weeks only
                    return {}
                if not error.retryable:
                    raise
                results = None
            if results is not None:
                self._on_waiting("")
                return results
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            pause = min(_LONGEST_POLL_S, pause * 1.5)
        return None

    def _guess(self, model: Any, request: Request) -> Bill:
        return self._gateway.guess(model, request, batched=True)

    def _write(self, line: Mapping[str, Any]) -> None:
        if "id" in line:
            self._ids.add(line["id"])
        if self._journal is None:
            self._journal = Journal(self._path)
        self._journal.append(line)
        self._journal.flush()

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()


def _opened(path: Path) -> tuple[list[_Batch], set[str]]:
    """The batches that the journal leaves open, and the ids of all."""
    found: dict[str, _Batch] = {}
    ids: set[str] = set()
    for line in lines(Folder(path.parent).read(path.name)):
        ids.update(filter(None, [line.get("id")]))
        if "done" in line:
            found.pop(line["done"], None)
        elif "keys" in line:
            found[line["tag"]] = _Batch(line["tag"], line["keys"], line["since"])
        elif line["tag"] in found:
            found[line["tag"]].id = line["id"]
    return list(found.values()), ids
