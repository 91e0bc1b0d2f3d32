"""Every other provider, through litellm: Ollama, Gemini, Mistral, Azure, Bedrock, Vertex and a hundred more."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar

import orjson

from harness.parts.models.sampling import Rule, checked
from harness.plugins import ModelConnection, Tell, addresses, failures, headers, part, providers, setting
from harness.records import Reply, Request

_OLLAMA_SETTINGS = ("temperature", "top_p", "max_tokens", "stop", "seed")


@part("model", "litellm/", argument="name", fallback=True)
@dataclass(frozen=True)
class LiteLLM:
    """A model by its litellm name (`ollama_chat/llama3.2`, `gemini/…`), with or without `litellm/` before it.

    `stream` streams the answer, so that the time to its first token is known.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    name: str = ""
    api_base: str | None = None
    stream: bool = False
    timeout_s: float = setting(120.0, inert=True)

    def __post_init__(self) -> None:
        variable = providers.KEYS.get(self.provider)
        addresses.refuse_secrets_of_server("api_base", self.api_base, self.provider, variable)

    @property
    def provider(self) -> str:
        """The first part of the name."""
        return self.name.split("/", 1)[0]

    @property
    def server(self) -> str | None:
        """The server where it is not the provider's own: `api_base`, else the provider's variable for one."""
        return providers.server(self.provider, self.api_base)

    @property
    def price_name(self) -> str | None:
        """The litellm name; models of Ollama run on one's own machine and cost nothing."""
        return None if self.provider in providers.OWN_MACHINE else self.name

    @property
    def environment(self) -> tuple[str, ...]:
        """The provider's usual variable, where we know it; others are left to litellm."""
        known = providers.KEYS.get(self.provider)
        return (known,) if known and self.server is None else ()

    def identity_extra(self) -> dict[str, Any]:
        """The server, wherever it was named."""
        return {"api_base": self.server}

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """The sampling settings. ValueError for one that litellm says the model refuses; nothing is dropped."""
        given = {name: value for name, value in sampling.items() if value is not None}
        if self.provider in providers.OWN_MACHINE:
            return checked(self.name, Rule(""), given, _OLLAMA_SETTINGS)
        for refused in _refused(self.name, orjson.dumps(given)) if given else ():
            raise ValueError(f"{self.name} does not take {refused} as it is set; leave it out, or set it to null")
        return given

    def connect(self) -> ModelConnection:
        """Import litellm, quietly."""
        return _Connection(self)


@lru_cache(maxsize=1024)
def _refused(model: str, sampling: bytes) -> tuple[str, ...]:
    """The settings that litellm would refuse to send. Raises ValueError for a provider that it does not know."""
    litellm = providers.quiet_litellm()
    try:
        name, provider, *_ = litellm.get_llm_provider(model)
    except litellm.exceptions.BadRequestError:
        raise ValueError(f"litellm knows no provider for the model {model!r}") from None
    found = []
    for setting_name, value in orjson.loads(sampling).items():
        try:
            litellm.utils.get_optional_params(
                model=name, custom_llm_provider=provider, drop_params=False, **{setting_name: value}
            )
        except (litellm.exceptions.UnsupportedParamsError, litellm.exceptions.BadRequestError, TypeError):
            found.append(setting_name)
    return tuple(found)


class _Connection:
    def __init__(self, model: LiteLLM) -> None:
        self._model = model
        self._litellm = providers.use_litellm()
        self._warm_up()

    def _warm_up(self) -> None:
        """What litellm imports and builds at its first answer must not be taken for the provider's latency."""
        with contextlib.suppress(Exception):
            messages = [{"role": "user", "content": "x"}]
            self._litellm.completion(self._model.name, messages, mock_response="x", api_key=providers.NO_KEY)

    async def complete(self, request: Request) -> Reply:
        return await self._reply(request, _streamed if self._model.stream else _asked)

    async def stream(self, request: Request, tell: Tell) -> Reply:
        return await self._reply(request, partial(_streamed, tell=tell))

    async def _reply(self, request: Request, ask: Callable[..., Awaitable[Reply]]) -> Reply:
        model, litellm = self._model, self._litellm
        variable = providers.KEYS.get(model.provider)
        about = f"{model.name} (through litellm{f', key from {variable}' if variable else ''})"
        arguments = {
            "model": model.name,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "api_base": model.server,
            "api_key": providers.key(variable, model.server),
            "max_retries": 0,
            "timeout": model.timeout_s,
            **request.parameters,
        }
        with failures.of_litellm(litellm, model.timeout_s, about):
            async with asyncio.timeout(model.timeout_s):
                return await ask(litellm, arguments, time.perf_counter())

    async def close(self) -> None:
        await providers.leave_litellm()


async def _asked(litellm: Any, arguments: dict[str, Any], started: float) -> Reply:
    done = await litellm.acompletion(**arguments)
    return _reply(done, (time.perf_counter() - started) * 1000)


async def _streamed(litellm: Any, arguments: dict[str, Any], started: float, tell: Tell | None = None) -> Reply:
    """Put the answer together from its chunks. Raises ValueError when the stream breaks off."""
    first: float | None = None
    chunks = []
    stream = await litellm.acompletion(**arguments, stream=True, stream_options={"include_usage": True})
    async for chunk in stream:
        words = chunk.choices[0].delta.content if chunk.choices else None
        if words:
            first = first or (time.perf_counter() - started) * 1000
            if tell is not None:
                tell(words)
        chunks.append(chunk)
    latency_ms = (time.perf_counter() - started) * 1000
    if not any(choice.finish_reason for chunk in chunks for choice in chunk.choices):
        raise ValueError("the stream ended before the answer did")
    whole = litellm.stream_chunk_builder(chunks)
    return _reply(whole, latency_ms, first or latency_ms)


def _reply(done: Any, latency_ms: float, first_token_ms: float | None = None) -> Reply:
    choice, usage = done.choices[0], getattr(done, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    thought = getattr(usage, "completion_tokens_details", None)
    if choice.message.content is None and choice.finish_reason != "content_filter":
        raise TypeError("no content")
    return Reply(
        text=choice.message.content or "",
        input_tokens=getattr(usage, "prompt_tokens", None),
        output_tokens=getattr(usage, "completion_tokens", None),
        cached_tokens=getattr(details, "cached_tokens", None),
        reasoning_tokens=getattr(thought, "reasoning_tokens", None),
        finish_reason=choice.finish_reason or "stop",
        model=str(done.model or ""),
        latency_ms=latency_ms,
        first_token_ms=first_token_ms,
        written_tokens=getattr(usage, "cache_creation_input_tokens", None),
        quota=headers.quota(getattr(done, "_response_headers", None) or {}),
    )
