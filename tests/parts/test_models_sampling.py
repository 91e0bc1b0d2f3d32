"""Which model refuses which sampling setting, known before anything is spent."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.plugins import make


def sent(use: str, **sampling: Any) -> dict[str, Any]:
    """What the model would send."""
    parameters: dict[str, Any] = make("model", use).parameters(sampling)
    return parameters


@pytest.mark.parametrize(
    ("use", "setting", "value"),
    [
        ("openai/gpt-5-mini", "temperature", 0.5),
        ("openai/gpt-5.6-sol", "temperature", 0),
        ("openai/gpt-6-luna", "top_p", 0.5),
        ("openai/o3", "top_p", 0.5),
        ("openai/o4-mini", "stop", ["X"]),
        ("openai/ft:o4-mini-2025-04-16:me", "temperature", 0.5),
        ("openai/gpt-4o", "top_k", 5),
        ("anthropic/claude-opus-4-7", "temperature", 0.5),
        ("anthropic/claude-opus-4-7-20260416", "top_p", 0.5),
        ("anthropic/claude-sonnet-5", "top_p", 0.5),
        ("anthropic/claude-opus-5-5", "temperature", 0),
        ("anthropic/claude-haiku-4-5", "temperature", 1.5),
        ("anthropic/claude-haiku-4-5", "seed", 3),
        ("litellm/openai/gpt-5-mini", "temperature", 0.5),
        ("litellm/anthropic/claude-opus-4-7", "top_p", 0.5),
        ("ollama/llama3.2", "presence_penalty", 0.5),
    ],
)
def test_a_setting_that_a_model_refuses_is_an_error_that_names_it(use: str, setting: str, value: Any) -> None:
    """Never dropped silently, never sent to be refused."""
    with pytest.raises(ValueError, match=setting):
        sent(use, **{setting: value})


@pytest.mark.parametrize(
    ("use", "sampling"),
    [
        ("openai/gpt-4o-mini", {"temperature": 0.2, "top_p": 0.9, "max_tokens": 5, "stop": ["X"]}),
        ("openai/gpt-5-chat-latest", {"temperature": 0.2, "max_tokens": 5}),
        ("openai/gpt-5-mini", {"temperature": 1}),
        ("openai/gpt-5.1", {"temperature": 0.2}),
        ("anthropic/claude-opus-4-7", {"temperature": 1, "max_tokens": 5}),
        ("anthropic/claude-opus-4-20250514", {"temperature": 0.2, "top_p": 0.9, "max_tokens": 5}),
        ("ollama/llama3.2", {"temperature": 0.2, "max_tokens": 5, "stop": ["X"]}),
        ("litellm/openai/gpt-5-mini", {"temperature": 1, "max_tokens": 5}),
        ("litellm/gemini/gemini-2.5-flash", {"temperature": 0.2, "top_p": 0.9}),
    ],
)
def test_what_a_model_takes_is_sent_as_it_is(use: str, sampling: dict[str, Any]) -> None:
    """A default value says nothing, and is no reason to refuse."""
    assert sent(use, **sampling) == sampling


def test_newer_claude_models_take_only_one_of_temperature_and_top_p() -> None:
    """Each alone is fine; both together would be HTTP 400."""
    for name in ("claude-opus-4-1-20250805", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-6"):
        assert sent(f"anthropic/{name}", top_p=0.5)["top_p"] == 0.5
        with pytest.raises(ValueError, match="only one of temperature and top_p"):
            sent(f"anthropic/{name}", temperature=0.5, top_p=0.5)


def test_a_setting_of_null_is_not_sent() -> None:
    """null in the sweep file means: leave it to the model."""
    assert sent("openai/o3", temperature=None, max_tokens=7) == {"max_completion_tokens": 7}
    assert sent("litellm/openai/o3", temperature=None) == {}


def test_claude_gets_a_max_tokens_in_any_case() -> None:
    """The API wants a number; what is sent without one is on record."""
    assert sent("anthropic/claude-haiku-4-5") == {"max_tokens": 1024}
    assert sent("anthropic/claude-haiku-4-5", max_tokens=5, stop="X") == {"max_tokens": 5, "stop_sequences": ["X"]}


def test_a_provider_that_litellm_does_not_know_is_an_error() -> None:
    """A misspelt provider is found before the first call, where sampling settings are given."""
    with pytest.raises(ValueError, match="nonsense/model"):
        sent("nonsense/model", temperature=0)


def catalogue() -> dict[str, Any]:
    """litellm's table of models."""
    spec = importlib.util.find_spec("litellm")
    assert spec is not None and spec.submodule_search_locations
    file = Path(spec.submodule_search_locations[0]) / "model_prices_and_context_window_backup.json"
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def refuses_temperature(use: str) -> bool:
    """Whether our table refuses a temperature."""
    try:
        sent(use, temperature=0.2)
    except ValueError:
        return True
    return False


def test_our_table_agrees_with_litellms_about_every_claude_model() -> None:
    """A new model that contradicts the table is found when litellm is updated."""
    models = {k: v for k, v in catalogue().items() if v.get("litellm_provider") == "anthropic" and "claude" in k}
    refused = {name for name, entry in models.items() if entry.get("supports_sampling_params") is False}
    assert len(models) > 10
    assert {name for name in models if refuses_temperature(f"anthropic/{name}")} == refused


def test_our_table_agrees_with_litellms_about_openais_reasoning_models() -> None:
    """A reasoning model takes a temperature only when it does not think by default; others take one."""
    chat = {
        name: entry
        for name, entry in catalogue().items()
        if entry.get("litellm_provider") == "openai"
        and entry.get("mode") == "chat"
        and re.match(r"gpt-[3-9]|o\d", name)
        and not re.search(r"chat|search|audio|realtime", name)
    }
    thinking = {name for name, entry in chat.items() if entry.get("supports_reasoning")}
    refusing = {name for name in thinking if chat[name].get("default_reasoning_effort") != "none"}
    assert len(refusing) > 10
    assert {name for name in chat if refuses_temperature(f"openai/{name}")} == refusing
