"""Questions to models besides those of the dataset: a query to write, an answer to judge. Each is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import Interrupted, ProviderError
from harness.plugins import identity, name
from harness.records import Message, Request
from harness.sweeps import keys
from harness.sweeps.gateway import Answer, Gateway
from harness.sweeps.stopping import GRACE_S

_LOOK_AGAIN_S = 0.2
_REFUSALS = ("content_filter", "refusal")


def asked(model: Any, messages: Sequence[Message], sampling: Mapping[str, Any], draw: int = 0) -> tuple[Request, str]:
    """The request that messages come to, and its key; `draw` numbers independent replies to the same messages."""
    request = Request(tuple(messages), model.parameters(dict(sampling)), messages[-1].content)
    return request, keys.request_key(model, identity(model), request, draw)


class Questions:
    """Asks for one `stage`. Replies are cached, limited and paid for like all others, and shared between processes."""

    def __init__(self, gateway: Gateway, stage: str) -> None:
        self._gateway = gateway
        self._stage = stage
        self._asked: dict[str, asyncio.Task[Answer]] = {}

    async def ask(self, model: Any, request: Request, key: str) -> tuple[str, float | None]:
        """The reply and what it costs, whoever paid; None where the price is unknown.

        Raises ProviderError where there is none, of kind `content_filter` where the model refused.
        """
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._answer(model, request, key))
            self._asked[key].add_done_callback(lambda _: self._asked.pop(key, None))  # from now on it is in the cache
        answer = await asyncio.shield(self._asked[key])
        if answer.reply is None:
            assert answer.failure is not None
            raise ProviderError(answer.failure.message, kind=answer.failure.kind)
        if answer.reply.finish_reason in _REFUSALS:
            raise ProviderError(f"{name(model)} refused to reply ({answer.reply.finish_reason})", kind="content_filter")
        return answer.reply.text, answer.cost_usd

    async def settle(self) -> None:
        """Wait a moment for what was asked by those who no longer wait for it: it was paid for."""
        tasks = set(self._asked.values())
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def forget(self, keys: Sequence[str]) -> None:
        """Drop replies that turned out to be of no use: asked again, the model may do better."""
        self._gateway.forget(keys)

    async def _answer(self, model: Any, request: Request, key: str) -> Answer:
        claims = self._gateway.claims
        while True:
            known = self._gateway.known([key], cut=True)
            if key in known:
                return known[key]
            if claims is None or model.local or key in claims.take([key]):
                break
            if self._gateway.stopped:
                raise Interrupted
            await asyncio.sleep(_LOOK_AGAIN_S)  # another process is asking
        again = self._gateway.known([key], cut=True)
        if key in again:
            return again[key]
        answer = await self._gateway.complete(model, request, key, stage=self._stage)
        served = answer.reply is not None and answer.reply.finish_reason not in _REFUSALS
        if not served and claims is not None:
            claims.drop([key])  # another process may try
        return answer
