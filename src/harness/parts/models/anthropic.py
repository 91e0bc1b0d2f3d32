"""Anthropic's messages."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.models.hosted import Hosted
from harness.parts.models.sampling import ANTHROPIC, checked, rule_of
from harness.plugins import ModelConnection, failures, part, providers, setting
from harness.records import Reply, Request

_DEFAULT_MAX_TOKENS = 1024
_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "refusal": "refusal"}
_SETTINGS = ("temperature", "top_p", "top_k", "max_tokens", "stop")
_NOT_IN_THE_SDK = ("temperature", "top_p", "top_k")


@part("model", "anthropic/", argument="name")
@dataclass(frozen=True)
class Anthropic(Hosted):
    """A Claude model (`anthropic/claude-haiku-4-5`). Without `max_tokens`, 1024 is sent: the API wants a number."""

    home: ClassVar[str] = "anthropic"
    api_key_variable: str = setting("ANTHROPIC_API_KEY", inert=True)

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


class _Connection:
    def __init__(self, model: Anthropic) -> None:
        import anthropic

        self._model = model
        self._anthropic = anthropic
        self._client = anthropic.AsyncAnthropic(
            api_key=os.environ.get(model.api_key_variable) or providers.NO_KEY,
            base_url=model.server,
            max_retries=0,
            timeout=model.timeout_s,
        )

    async def complete(self, request: Request) -> Reply:
        model, sdk = self._model, self._anthropic
        about = f"anthropic/{model.name} (key from {model.api_key_variable})"
        started = time.perf_counter()
        try:
            async with asyncio.timeout(model.timeout_s):
                done = await self._client.messages.create(model=model.name, **_arguments(request))
            return _reply(done, (time.perf_counter() - started) * 1000)
        except sdk.APIStatusError as error:
            raise failures.of_sdk(error, about) from error
        except (TimeoutError, sdk.APIConnectionError) as error:
            raise failures.of_no_answer(error, model.timeout_s, about) from error
        except (sdk.APIResponseValidationError, ValueError, TypeError, AttributeError) as error:
            raise failures.of_broken(error, about) from error

    async def close(self) -> None:
        await self._client.close()


def _arguments(request: Request) -> dict[str, Any]:
    """The arguments of the call: the system prompt apart; sampling in the body, the SDK having no argument for it."""
    sent = dict(request.parameters)
    extra = {name: sent.pop(name) for name in _NOT_IN_THE_SDK if name in sent}
    system = "\n\n".join(m.content for m in request.messages if m.role == "system")
    arguments: dict[str, Any] = {
        **sent,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"],
    }
    if system:
        arguments["system"] = system
    if extra:
        arguments["extra_body"] = extra
    return arguments


def _reply(done: Any, latency_ms: float) -> Reply:
    """The reply out of a message; tokens read from and written to the prompt cache count as input."""
    usage = done.usage
    read = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    return Reply(
        text="".join(block.text for block in done.content if block.type == "text"),
        input_tokens=usage.input_tokens + read + written,
        output_tokens=usage.output_tokens,
        cached_tokens=read,
        finish_reason=_REASONS.get(done.stop_reason or "", done.stop_reason or "stop"),
        model=str(done.model),
        latency_ms=latency_ms,
    )
