"""OpenAI's models, and every server that speaks their protocol."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from harness.parts.models import openai_chat, openai_responses
from harness.parts.models.hosted import Hosted
from harness.parts.models.openai_batches import Batches
from harness.parts.models.sampling import OPENAI, checked, rule_of
from harness.plugins import ModelConnection, Tell, part, providers, setting
from harness.records import Reply, Request

APIS: dict[str, Any] = {"chat": openai_chat, "responses": openai_responses}


@part("model", "openai/", argument="name")
@dataclass(frozen=True)
class OpenAI(Hosted):
    """A model of OpenAI (`openai/gpt-4o-mini`), or of a compatible server at `base_url`, which may need no key.

    `api` is the endpoint: `chat` (completions) or `responses`. `reasoning_effort` is sent as given, to models that
    think. `stream` streams the answer, so that the time to its first token is known.
    """

    home: ClassVar[str] = "openai"
    api: Literal["chat", "responses"] = "chat"
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    api_key_variable: str = setting("OPENAI_API_KEY", inert=True)

    @property
    def price_name(self) -> str | None:
        """The model's name; at a server of one's own `openai/NAME`, so that the sweep file can give it a price."""
        return self.name if self.server is None else f"openai/{self.name}"

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """The sampling settings as this model takes them. ValueError for one that it refuses."""
        rule, spoken = rule_of(self.name, OPENAI), APIS[self.api]
        sent = checked(f"openai/{self.name}", rule, sampling, spoken.SETTINGS)
        if self.reasoning_effort and self.server is None and not rule.thinks:
            raise ValueError(f"openai/{self.name} does not think: it takes no reasoning_effort")
        return dict(spoken.parameters(sent, self.reasoning_effort))

    def connect(self) -> ModelConnection:
        """A client of the SDK, its own retries off."""
        return _Connection(self)


class _Connection(Batches):
    def __init__(self, model: OpenAI) -> None:
        import openai

        self._model = model
        self._sdk = openai
        self._api = APIS[model.api]
        self._about = f"openai/{model.name} (key from {model.api_key_variable})"
        self._client = openai.AsyncOpenAI(
            api_key=os.environ.get(model.api_key_variable) or providers.NO_KEY,
            base_url=model.server,
            max_retries=0,
            timeout=model.timeout_s,
            http_client=openai.DefaultAioHttpClient(),
        )

    async def complete(self, request: Request) -> Reply:
        return await self._reply(request, self._api.streamed if self._model.stream else self._api.asked)

    async def stream(self, request: Request, tell: Tell) -> Reply:
        return await self._reply(request, partial(self._api.streamed, tell=tell))

    async def _reply(self, request: Request, ask: Callable[..., Awaitable[Reply]]) -> Reply:
        body = self._api.body(self._model.name, request)
        started = time.perf_counter()
        with self._failures():
            async with asyncio.timeout(self._model.timeout_s):
                return await ask(self._client, body, started)

    async def close(self) -> None:
        await self._client.close()
