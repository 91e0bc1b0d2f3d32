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


def asked(model: Any, messages: Sequence[Message], sampling: Mapping[str, Any]) -> tuple[Request, str]:
    """The request by which a model is asked to write a query, and its key."""
    request = Request(tuple(messages), model.parameters(dict(sampling)), messages[-1].content)
    return request, keys.request_key(model, identity(model), request, 0)


class Lookups:
    """Asks the models that query writers have. Their answers are cached, limited and paid for like all others."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._asked: dict[str, asyncio.Task[tuple[str, float | None]]] = {}

    async def of(self, writer: Any, query: Query) -> tuple[list[Lookup], float | None]:
        """The texts to search with, and what they cost, whoever paid; None where a price is unknown.

        Raises ProviderError when the model did not write them.
        """
        costs: list[float | None] = []

        async def ask(messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
            text, usd = await self._ask(writer.model, messages, sampling)
            costs.append(usd)
            return text

        found: list[Lookup] = await writer.lookups(query, ask)
        known = [usd for usd in costs if usd is not None]
        return found, sum(known) if len(known) == len(costs) else None

    async def _ask(
        self, model: Any, messages: Sequence[Message], sampling: Mapping[str, Any]
    ) -> tuple[str, float | None]:
        request, key = asked(model, messages, sampling)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._text(model, request, key))
        return await self._asked[key]

    async def _text(self, model: Any, request: Request, key: str) -> tuple[str, float | None]:
        answer = await self._answer(model, request, key)
        if answer.reply is None:
            assert answer.failure is not None
            raise ProviderError(answer.failure.message, kind=answer.failure.kind)
        if answer.reply.finish_reason in _REFUSALS:
            raise ProviderError(
                f"{name(model)} refused to write the query ({answer.reply.finish_reason})", kind=_REFUSED
            )
        return answer.reply.text, answer.cost_usd

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
        served = answer.reply is not None and answer.reply.finish_reason not in _REFUSALS
        if not served and claims is not None:
            claims.drop([key])  # another process may try
        return answer
