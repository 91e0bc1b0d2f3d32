"""What network parts of every kind must know of providers: variables of the environment, and how to import litellm."""

from __future__ import annotations

import os
from typing import Any

KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "azure": "AZURE_API_KEY",
    "cohere": "COHERE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks_ai": "FIREWORKS_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "jina_ai": "JINA_AI_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "together_ai": "TOGETHERAI_API_KEY",
    "voyage": "VOYAGE_API_KEY",
    "xai": "XAI_API_KEY",
}
"""The variable that holds a provider's key, for those with one key; what others need is left to litellm."""
SERVERS = {
    "anthropic": "ANTHROPIC_BASE_URL",
    "ollama": "OLLAMA_API_BASE",
    "ollama_chat": "OLLAMA_API_BASE",
    "openai": "OPENAI_BASE_URL",
}
"""The variable by which the SDKs let a user name another server. It decides results, so it enters the identity."""
OWN_MACHINE = ("ollama", "ollama_chat")
"""Providers whose models run on one's own machine: no key, no price."""
NO_KEY = "none"
"""What is sent to a server that may need no key when there is none."""
_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
"""Without these, importing litellm looks up the network and loads a `.env` file."""
_users = 0


def server(provider: str, given: str | None) -> str | None:
    """The server to ask where it is not the provider's own: what the settings say, else what the environment says."""
    return given or os.environ.get(SERVERS.get(provider, "")) or None


def key(variable: str | None, server_: str | None) -> str | None:
    """The key to send. None leaves it to the SDK; a server of one's own gets a word where there is no key."""
    found = os.environ.get(variable) if variable else None
    return found or (NO_KEY if server_ else None)


def quiet_litellm() -> Any:
    """litellm, imported so that it looks up nothing, reports nothing, drops nothing and retries nothing."""
    for variable, value in _QUIET.items():
        os.environ.setdefault(variable, value)
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.DEFAULT_MAX_RETRIES = 0  # its embeddings take a max_retries of 0 for "not given"
    return litellm


def use_litellm() -> Any:
    """litellm, for a connection that will `leave_litellm` when it is closed."""
    global _users
    _users += 1
    return quiet_litellm()


async def leave_litellm() -> None:
    """Close litellm's HTTP clients, which all connections share, when the last connection is closed."""
    global _users
    _users -= 1
    if _users == 0:
        litellm = quiet_litellm()
        await litellm.close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()
