"""OpenAI's chat completions, and every server that speaks them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.models.hosted import Hosted
from harness.parts.models.sampling import OPENAI, checked, rule_of
from harness.plugins import ModelConnection, failures, part, providers, setting
from harness.records import Reply, Request

_SETTINGS = ("temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty")


@part("model", "openai/", argument="name")
@dataclass(frozen=True)
class OpenAI(Hosted):
    """A model of OpenAI (`openai/gpt-4o-mini`), or of a compatible server at `base_url`, which may need no key."""

    home: ClassVar[str] = "openai"
    api_key_variable: str = setting("OPENAI_API_KEY", inert=True)

    @property
    def price_name(self) -> str | None:
        """The model's name; at a server of one's own `openai/NAME`, so that the sweep file can give it a price."""
        return self.name if self.server is None else f"openai/{self.name}"

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """The sampling settings as this model takes them. ValueError for one that it refuses."""
        rule = rule_of(self.name, OPENAI)
        return checked(f"openai/{self.name}", rule, sampling, _SETTINGS)

    def connect(self) -> ModelConnection:
        """A client of the SDK, its own retries off."""
        return _Connection(self)


class _Connection:
    def __init__(self, model: OpenAI) -> None:
        import openai

        self._model = model
        self._openai = openai
        self._client = openai.AsyncOpenAI(
            api_key=os.environ.get(model.api_key_variable) or providers.NO_KEY,
            base_url=model.server,
            max_retries=0,
            timeout=model.timeout_s,
            http_client=openai.DefaultAioHttpClient(),
        )

    async def complete(self, request: Request) -> Reply:
        model, sdk = self._model, self._openai
        about = f"openai/{model.name} (key from {model.api_key_variable})"
        messages: Any = [{"role": m.role, "content": m.content} for m in request.messages]
        started = time.perf_counter()
        try:
            async with asyncio.timeout(model.timeout_s):
                done = await self._client.chat.completions.create(
                    model=model.name, messages=messages, **request.parameters
                )
            return _reply(done, (time.perf_counter() - started) * 1000)
        except sdk.APIStatusError as error:
            raise failures.of_sdk(error, about) from error
        except (TimeoutError, sdk.APIConnectionError) as error:
            raise failures.of_no_answer(error, model.timeout_s, about) from error
        except (sdk.APIResponseValidationError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise failures.of_broken(error, about) from error

    async def close(self) -> None:
        await self._client.close()


def _reply(done: Any, latency_ms: float) -> Reply:
    """The reply out of a completion. Raises TypeError, AttributeError or IndexError when it is broken."""
    choice = done.choices[0]
    refusal = getattr(choice.message, "refusal", None)
    text = choice.message.content
    if text is None and refusal is None and choice.finish_reason not in ("content_filter", "length"):
        raise TypeError("no content")
    usage = done.usage
    given = getattr(usage, "prompt_tokens_details", None)
    thought = getattr(usage, "completion_tokens_details", None)
    return Reply(
        text=text if text is not None else refusal or "",
        input_tokens=getattr(usage, "prompt_tokens", None),
        output_tokens=getattr(usage, "completion_tokens", None),
        cached_tokens=getattr(given, "cached_tokens", None),
        reasoning_tokens=getattr(thought, "reasoning_tokens", None),
        finish_reason="refusal" if refusal else choice.finish_reason or "stop",
        model=str(done.model or ""),
        latency_ms=latency_ms,
    )
