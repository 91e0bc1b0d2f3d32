"""What the tests of parts share: a server, and an environment without keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.loopback import Loopback


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no other server from outside."""
    for name in ("OPENAI", "ANTHROPIC", "OLLAMA", "MISTRAL", "GEMINI", "GOOGLE"):
        for ending in ("_API_KEY", "_BASE_URL", "_API_BASE"):
            monkeypatch.delenv(name + ending, raising=False)


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A provider on loopback."""
    with Loopback() as running:
        yield running
