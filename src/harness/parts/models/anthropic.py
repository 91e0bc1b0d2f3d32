"""Anthropic's messages."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from harness.parts.models import failures
from harness.plugins import ModelConnection, part, setting
from harness.records import Reply, Request

_DEFAULT_MAX_TOKENS = 1024
_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "refusal": "refusal"}
_REFUSE_SAMPLING = re.compile(r"^claude-(?:opus-4-[7-9]|(?:opus|sonnet|haiku|fable|mythos)-[5-9])")
"""Models that refuse temperature and top_p, for names that the price table does not know."""


@part("model", "anthropic/", argument="name")
@dataclass(frozen=True)
class Anthropic:
    """A Claude model (`anthropic/claude-haiku-4-5`). Without `max_tokens`, 1024 is sent: the API wants a number."""

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    name: str = ""
    base_url: str | None = None
    api_key_variable: str = setting("ANTHROPIC_API_KEY", inert=True)
    timeout_s: float = setting(60.0, inert=True)

    @property
    def provider(self) -> str:
        """Anthropic, or the server."""
        return self.base_url or "anthropic"

    @property
    def price_name(self) -> str | None:
        """The model's name."""
        return self.name

    @property
    def environment(self) -> tuple[str, ...]:
        """The key, unless a server of one's own is named."""
        return (self.api_key_variable,) if self.base_url is None else ()

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """The sampling settings as this model takes them. ValueError for one that it refuses."""
        sent = {"max_tokens": _DEFAULT_MAX_TOKENS, **sampling}
        if refuses_sampling(self.name):
            for refused in ("temperature", "top_p"):
                if refused in sent:
                    raise ValueError(f"anthropic/{self.name} does not take {refused}; leave it out, or set it to null")
        if sent.get("temperature", 0) > 1:
            raise ValueError(f"anthropic/{self.name} takes a temperature between 0 and 1")
        if "stop" in sent:
            sent["stop_sequences"] = sent.pop("stop")
        return sent

    def connect(self) -> ModelConnection:
        """A client of the SDK, its own retries off."""
        return _Connection(self)


@lru_cache(maxsize=256)
def refuses_sampling(name: str) -> bool:
    """Whether a model refuses temperature and top_p, by litellm's table, else by its name."""
    import orjson

    spec = importlib.util.find_spec("litellm")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0])
        entry = orjson.loads((folder / "model_prices_and_context_window_backup.json").read_bytes()).get(name, {})
        if "supports_sampling_params" in entry:
            return not entry["supports_sampling_params"]
    return _REFUSE_SAMPLING.match(name) is not None


class _Connection:
    def __init__(self, model: Anthropic) -> None:
        import anthropic

        self._model = model
        self._anthropic = anthropic
        self._client = anthropic.AsyncAnthropic(
            api_key=os.environ.get(model.api_key_variable) or "none",
            base_url=model.base_url,
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
        except (TimeoutError, sdk.APITimeoutError) as error:
            raise failures.of_timeout(model.timeout_s, about) from error
        except sdk.APIConnectionError as error:
            raise failures.of_connection(error, about) from error
        except (sdk.APIResponseValidationError, ValueError, TypeError, AttributeError) as error:
            raise failures.of_broken(error, about) from error

    async def close(self) -> None:
        await self._client.close()


def _arguments(request: Request) -> dict[str, Any]:
    """The arguments of the call: the system prompt apart; sampling in the body, the SDK having no argument for it."""
    sent = dict(request.parameters)
    extra = {name: sent.pop(name) for name in ("temperature", "top_p") if name in sent}
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
