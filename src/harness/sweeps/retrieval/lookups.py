"""Stage 3: queries -> texts to search with; where a model writes them, each distinct request is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import ProviderError
from harness.plugins import identity, name
from harness.records import Lookup, Message, Query, Request
from harness.sweeps import keys
from harness.sweeps.gateway import Answer, Gateway

_LOOK_AGAIN_S = 0.2
_REFUSALS = ("content_filter", "refusal")
_REFUSED = "content_filter"


class Lookups:
    """Asks the models that query writers have. Their answers are cached, limited and paid for like all others."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._asked: dict[str, asyncio.Task[str]] = {}

    async def of(self, writer: Any, query: Query) -> list[Lookup]:
        """The texts to search with. Raises ProviderError when the model did not write them."""

        async def ask(messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
            return await self._ask(writer.model, messages, sampling)

        found: list[Lookup] = await writer.lookups(query, ask)
        return found

    async def _ask(self, model: Any, messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
        request = Request(tuple(messages), model.parameters(dict(sampling)), messages[-1].content)
        key = keys.request_key(model, identity(model), request, 0)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._text(model, request, key))
        return await self._asked[key]

    async def _text(self, model: Any, request: Request, key: str) -> str:
        answer = await self._answer(model, request, key)
        if answer.reply is None:
            assert answer.failure is not None
            raise ProviderError(answer.failure.message, kind=answer.failure.kind)
        if answer.reply.finish_reason in _REFUSALS:
            raise ProviderError(
                f"{name(model)} refused to write the query ({answer.reply.finish_reason})", kind=_REFUSED
            )
        return answer.reply.text

    async def _answer(self, model: Any, request: Request, key: str) -> Answer:
        claims = self._gateway.claims
        while True:
            known = self._gateway.known([key], cut=True)
            if key in known:
                return known[key]
            if claims is None or model.local or key in claims.take([key]):
                break
            await asyncio.sleep(_LOOK_AGAIN_S)  # another process is asking
        again = self._gateway.known([key], cut=True)
        if key in again:
            return again[key]
        answer = await self._gateway.complete(model, request, key, stage="query")
        if answer.reply is None and claims is not None:
            claims.drop([key])
        return answer
