"""Anthropic's models."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from harness.parts.models import anthropic_messages
from harness.parts.models.anthropic_batches import Batches
from harness.parts.models.hosted import Hosted
from harness.parts.models.sampling import ANTHROPIC, checked, rule_of
from harness.plugins import ModelConnection, Tell, part, providers, setting
from harness.records import Reply, Request

_DEFAULT_MAX_TOKENS = 1024
_SETTINGS = ("temperature", "top_p", "top_k", "max_tokens", "stop")


@part("model", "anthropic/", argument="name")
@dataclass(frozen=True)
class Anthropic(Hosted):
    """A Claude model (`anthropic/claude-haiku-4-5`). Without `max_tokens`, 1024 is sent: the API wants a number.

    `prompt_cache` asks the provider to keep what the prompts have in common; writing there costs more than plain input,
    reading less. `stream` streams the answer, so that the time to its first token is known.
    """

    home: ClassVar[str] = "anthropic"
    api_key_variable: str = setting("ANTHROPIC_API_KEY", inert=True)
    prompt_cache: bool = setting(False, inert=True)

    @property
    def price_name(self) -> str | None:
        """The model's name."""
        return self.name

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """The sampling settings as this model takes them. ValueError for one that it refuses."""
        about = f"anthropic/{self.name}"
        given = checked(about, rule_of(self.name, ANTHROPIC), sampling, _SETTINGS)
        if not 0 <= given.get("temperature", 0) <= 1:
            raise ValueError(f"{about} takes a temperature between 0 and 1, found {given['temperature']}")
        sent = {"max_tokens": _DEFAULT_MAX_TOKENS, **given}
        if "stop" in sent:
            stop = sent.pop("stop")
            sent["stop_sequences"] = [stop] if isinstance(stop, str) else stop
        return sent

    def connect(self) -> ModelConnection:
        """A client of the SDK, its own retries off."""
        return _Connection(self)


class _Connection(Batches):
    def __init__(self, model: Anthropic) -> None:
        import anthropic

        self._model = model
        self._sdk = anthropic
        self._about = f"anthropic/{model.name} (key from {model.api_key_variable})"
        self._client = anthropic.AsyncAnthropic(
            api_key=os.environ.get(model.api_key_variable) or providers.NO_KEY,
            base_url=model.server,
            max_retries=0,
            timeout=model.timeout_s,
        )

    async def complete(self, request: Request) -> Reply:
        return await self._reply(
            request, anthropic_messages.streamed if self._model.stream else anthropic_messages.asked
        )

    async def stream(self, request: Request, tell: Tell) -> Reply:
        return await self._reply(request, partial(anthropic_messages.streamed, tell=tell))

    async def _reply(self, request: Request, ask: Callable[..., Awaitable[Reply]]) -> Reply:
        body = anthropic_messages.body(self._model.name, request, self._model.prompt_cache)
        started = time.perf_counter()
        with self._failures():
            async with asyncio.timeout(self._model.timeout_s):
                return await ask(self._client, body, started)

    async def close(self) -> None:
        await self._client.close()
