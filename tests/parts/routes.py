"""The routes to models over the network: a model of each kind that asks the loopback server."""

from __future__ import annotations

from typing import Any

from harness.plugins import make
from harness.records import Message, Reply, Request
from tests.loopback import Loopback
from tests.parts.asking import ask

REQUEST = Request((Message("system", "Be brief."), Message("user", "Hello There")), {"max_tokens": 50})
KINDS = ("openai", "responses", "anthropic", "ollama", "ollama_generate", "litellm_openai", "gemini", "bot")
STREAMING = ("openai", "responses", "anthropic", "ollama", "litellm_openai", "gemini")
LIMITS = {"responses": "max_output_tokens", "gemini": "max_output_tokens"}
BOT: dict[str, Any] = {
    "request": {
        "question": "{{ question }}",
        "messages": "{{ messages }}",
        "settings": "{{ parameters }}",
    },
    "input_tokens": "usage.in",
    "output_tokens": "usage.out",
}


def model_for(kind: str, server: Loopback, **settings: Any) -> Any:
    """A model of each kind that asks the loopback server."""
    use: dict[str, Any] = {
        "openai": {"use": "openai/gpt-4o-mini", "base_url": f"{server.url}/v1"},
        "responses": {"use": "openai/gpt-4o-mini", "base_url": f"{server.url}/v1", "api": "responses"},
        "anthropic": {"use": "anthropic/claude-haiku-4-5", "base_url": server.url},
        "ollama": {"use": "ollama_chat/llama3.2", "api_base": server.url},
        "ollama_generate": {"use": "litellm/ollama/llama3.2", "api_base": server.url},
        "litellm_openai": {"use": "litellm/openai/gpt-4o-mini", "api_base": f"{server.url}/v1"},
        "gemini": {"use": "gemini/gemini-2.5-flash", "api_base": f"{server.url}/v1beta"},
        "bot": {"use": f"{server.url}/bot", "response": "data.answers[0].text", **BOT},
    }[kind]
    return make("model", {**use, **settings})


def send(model: Any) -> Reply:
    """The request, its settings as the model takes them."""
    return ask(model, Request(REQUEST.messages, model.parameters({"max_tokens": 50})))
