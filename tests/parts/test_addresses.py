"""Addresses with a password in them are refused by every part that takes one, and the password is never repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.config import load
from harness.errors import UserError
from harness.plugins import identity, make
from harness.plugins.addresses import refuse_secrets
from tests.workspaces import CONFIG, make_workspace

SECRET = "hunter2"
ADDRESS = f"http://ann:{SECRET}@there:8000/v1"
PARTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "openai": ("model", {"use": "openai/m", "base_url": ADDRESS}, "the environment variable OPENAI_API_KEY"),
    "own key": ("model", {"use": "openai/m", "base_url": ADDRESS, "api_key_variable": "MINE"}, "variable MINE"),
    "anthropic": ("model", {"use": "anthropic/m", "base_url": ADDRESS}, "the environment variable ANTHROPIC_API_KEY"),
    "litellm": ("model", {"use": "mistral/m", "api_base": ADDRESS}, "the environment variable MISTRAL_API_KEY"),
    "litellm, no key": ("model", {"use": "ollama/m", "api_base": ADDRESS}, "the environment that litellm reads"),
    "http": ("model", {"use": ADDRESS}, "headers: {Authorization"),
    "https": ("model", {"use": ADDRESS.replace("http", "https")}, "headers: {Authorization"),
    "embedder openai": ("embedder", {"use": "openai/m", "base_url": ADDRESS}, "variable OPENAI_API_KEY"),
    "embedder litellm": ("embedder", {"use": "voyage/m", "api_base": ADDRESS}, "variable VOYAGE_API_KEY"),
    "reranker": ("reranker", {"use": "cohere/m", "api_base": ADDRESS}, "variable COHERE_API_KEY"),
    "index": ("index", {"use": "chroma", "url": ADDRESS}, "headers: {Authorization"),
    "index, other scheme": ("index", {"use": "chroma", "url": ADDRESS.replace("http", "ftp")}, "headers: {"),
    "judge": ("metric", {"use": "judged_correct", "judge": {"use": "openai/m", "base_url": ADDRESS}}, "OPENAI_API_KEY"),
}


@pytest.mark.parametrize("case", PARTS)
def test_a_password_in_an_address_is_refused(case: str) -> None:
    """The sentence says which setting it is and where the secret belongs, and does not tell it."""
    kind, spec, instead = PARTS[case]
    with pytest.raises(ValidationError) as caught:
        make(kind, spec)
    [problem] = caught.value.errors()
    assert "holds a user name or a password" in problem["msg"] and instead in problem["msg"]
    assert SECRET not in problem["msg"] and "ann" not in problem["msg"]


@pytest.mark.parametrize(
    ("variable", "kind", "use"),
    [
        ("OPENAI_BASE_URL", "model", "openai/m"),
        ("ANTHROPIC_BASE_URL", "model", "anthropic/m"),
        ("OLLAMA_API_BASE", "model", "ollama/m"),
        ("OPENAI_BASE_URL", "embedder", "openai/m"),
        ("OLLAMA_API_BASE", "embedder", "ollama/m"),
    ],
)
def test_so_is_one_that_the_environment_names(
    variable: str, kind: str, use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would enter the identity like one of the settings; a setting that takes its place is looked at instead."""
    monkeypatch.setenv(variable, ADDRESS)
    with pytest.raises(ValidationError) as caught:
        make(kind, use)
    assert f"the environment variable {variable} holds" in (said := caught.value.errors()[0]["msg"])
    assert SECRET not in said
    field = "base_url" if use in ("openai/m", "anthropic/m") else "api_base"
    assert SECRET not in str(identity(make(kind, {"use": use, field: "http://there/v1"})))


@pytest.mark.parametrize(
    "address",
    [
        "https://ann@there",
        "http://:x@there",
        "//ann:x@there",
        "ann:x@there:80/v1",
        "HTTP://ann:x@there",
        " http://ann:x@there",
        "http://ann:a/b@there",
        "http://ann:a#b@there",
        "http://ann:a?b@there",
        "http://ann:x@[::1]:80",
    ],
)
def test_however_it_is_written(address: str) -> None:
    """A name alone, without a scheme, or with a password that was not escaped."""
    with pytest.raises(ValueError, match="url holds a user name or a password"):
        refuse_secrets("url", address, "headers")


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "http://there",
        "http://there:8000/v1",
        "there:8000",
        "http://there/models/m@001",
        "http://there:80/@ann/chat?to=a@b",
        "http://[::1]:8000/@ann",
    ],
)
def test_other_addresses_pass(address: str | None) -> None:
    """An @ may stand behind the host."""
    refuse_secrets("url", address, "headers")


CHATBOT = [
    (f"model: '{ADDRESS}'", "chatbot.model"),
    (f"model: {{use: openai/m, base_url: '{ADDRESS}'}}", "chatbot.model"),
    (f"model: local/extractive, retrieval: {{index: {{use: chroma, url: '{ADDRESS}'}}}}", "chatbot.retrieval.index"),
]


@pytest.mark.parametrize(("setting", "where"), CHATBOT)
def test_a_sweep_file_with_one_is_refused_without_telling_it(setting: str, where: str, tmp_path: Path) -> None:
    """The mistake is placed in the file."""
    text = CONFIG[: CONFIG.index("chatbot:")] + f"chatbot: {{{setting}}}\nmetrics: [correct]\n"
    with pytest.raises(UserError) as caught:
        load(make_workspace(tmp_path, text))
    [mistake] = caught.value.mistakes
    assert "holds a user name or a password" in mistake.found and mistake.found.startswith(where)
    assert mistake.place.line == 5
    assert SECRET not in str(caught.value)


def test_so_is_a_level_of_an_axis(tmp_path: Path) -> None:
    """Before anything is asked or written."""
    axes = f"sweep: {{axes: {{base_url: ['http://there/v1', '{ADDRESS}']}}}}\n"
    text = CONFIG[: CONFIG.index("chatbot:")] + "chatbot: {model: openai/m}\n" + axes + "metrics: [correct]\n"
    with pytest.raises(UserError, match="base_url holds a user name or a password") as caught:
        load(make_workspace(tmp_path, text))
    assert SECRET not in str(caught.value)
