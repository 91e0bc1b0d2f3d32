"""Every other provider, through litellm: Ollama, Gemini, Mistral, Azure, Bedrock, Vertex and a hundred more."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.models import failures
from harness.plugins import ModelConnection, part, setting
from harness.records import Reply, Request

_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
"""Without these, importing litellm looks up the network and loads a `.env` file."""
_KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "azure": "AZURE_API_KEY",
    "cohere": "COHERE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks_ai": "FIREWORKS_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "together_ai": "TOGETHERAI_API_KEY",
    "xai": "XAI_API_KEY",
}
_SUPPORTED: dict[str, list[str]] = {"ollama": [], "ollama_chat": []}


@part("model", "litellm/", argument="name", fallback=True)
@dataclass(frozen=True)
class LiteLLM:
    """A model by its litellm name (`ollama_chat/llama3.2`, `gemini/…`), with or without `litellm/` before it."""

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    name: str = ""
    api_base: str | None = None
    timeout_s: float = setting(120.0, inert=True)

    @property
    def provider(self) -> str:
        """The first part of the name."""
        return self.name.split("/", 1)[0]

    @property
    def price_name(self) -> str | None:
        """The litellm name; models of Ollama run on one's own machine and cost nothing."""
        return None if self.provider in _SUPPORTED else self.name

    @property
    def environment(self) -> tuple[str, ...]:
        """The provider's usual variable, where we know it; others are left to litellm."""
        known = _KEYS.get(self.provider)
        return (known,) if known and self.api_base is None else ()

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """The sampling settings. ValueError for one that litellm says the model refuses; nothing is dropped."""
        if not sampling or self.provider in _SUPPORTED:
            return dict(sampling)
        litellm = quiet_litellm()
        try:
            allowed = litellm.get_supported_openai_params(model=self.name)
        except litellm.exceptions.BadRequestError as error:
            raise ValueError(f"litellm does not know the model {self.name!r}") from error
        for name in sampling:
            if allowed is not None and name not in allowed:
                raise ValueError(f"{self.name} does not take {name}; leave it out, or set it to null")
        return dict(sampling)

    def connect(self) -> ModelConnection:
        """Import litellm, quietly."""
        return _Connection(self)


def quiet_litellm() -> Any:
    """litellm, imported so that it looks up nothing, reports nothing and retries nothing."""
    for variable, value in _QUIET.items():
        os.environ.setdefault(variable, value)
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    return litellm


class _Connection:
    def __init__(self, model: LiteLLM) -> None:
        self._model = model
        self._litellm = quiet_litellm()
        import openai

        self._base_error = openai.OpenAIError

    async def complete(self, request: Request) -> Reply:
        model, litellm = self._model, self._litellm
        about = f"{model.name} (through litellm)"
        started = time.perf_counter()
        try:
            async with asyncio.timeout(model.timeout_s):
                done = await litellm.acompletion(
                    model=model.name,
                    messages=[{"role": m.role, "content": m.content} for m in request.messages],
                    api_base=model.api_base,
                    max_retries=0,
                    timeout=model.timeout_s,
                    **request.parameters,
                )
            return _reply(done, (time.perf_counter() - started) * 1000)
        except (TimeoutError, litellm.exceptions.Timeout) as error:
            raise failures.of_timeout(model.timeout_s, about) from error
        except litellm.exceptions.APIConnectionError as error:
            raise failures.of_connection(error, about) from error
        except self._base_error as error:
            if isinstance(getattr(error, "status_code", None), int):
                raise failures.of_sdk(error, about) from error
            raise failures.of_broken(error, about) from error
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            raise failures.of_broken(error, about) from error

    async def close(self) -> None:
        return None


def _reply(done: Any, latency_ms: float) -> Reply:
    choice, usage = done.choices[0], getattr(done, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    thought = getattr(usage, "completion_tokens_details", None)
    if choice.message.content is None:
        raise TypeError("no content")
    return Reply(
        text=choice.message.content,
        input_tokens=getattr(usage, "prompt_tokens", None),
        output_tokens=getattr(usage, "completion_tokens", None),
        cached_tokens=getattr(details, "cached_tokens", None),
        reasoning_tokens=getattr(thought, "reasoning_tokens", None),
        finish_reason=choice.finish_reason or "stop",
        model=str(done.model or ""),
        latency_ms=latency_ms,
    )
