"""One line of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

from harness.records.digest import digest

Expectation = Literal["answer", "abstain", "handoff"]
EXPECTATIONS: tuple[str, ...] = get_args(Expectation)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the knowledge base holds the answer. Without start and end the whole document is meant."""

    document: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Example:
    """A question or a conversation that ends with a user's message, and what a good reply to it is."""

    id: str
    messages: tuple[Message, ...]
    references: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    expected: Expectation = "answer"
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    cluster: str = ""

    @property
    def question(self) -> str:
        """The user's last message."""
        return self.messages[-1].content

    @cached_property
    def digest(self) -> str:
        """Digest of all that a metric may read; the id, which names but does not decide, is left out."""
        return digest("example", self.messages, self.references, self.evidence, self.expected, self.tags, self.metadata)
