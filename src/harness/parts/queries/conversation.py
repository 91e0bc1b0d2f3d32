"""The question with what was said before it: for follow-ups, without a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.plugins import Ask, part
from harness.records import Lookup, Message, Query


@part("query", "conversation")
@dataclass(frozen=True)
class Conversation:
    """The user's last `turns` messages in one text, the newest first.

    `assistant` adds what the assistant said between them. The newest comes first because embedders cut a long text at
    its end.
    """

    version: ClassVar[int] = 1
    reads_history: ClassVar[bool] = True
    turns: int = 3
    assistant: bool = False

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ValueError(f"turns must be at least 1, found {self.turns}; 1 is the question alone")

    async def lookups(self, query: Query, ask: Ask) -> list[Lookup]:
        """One text, a line break between messages; no model is asked."""
        return [Lookup("\n".join([query.question, *self._earlier(query.history)]))]

    def _earlier(self, history: tuple[Message, ...]) -> list[str]:
        texts: list[str] = []
        left = self.turns - 1
        for message in reversed(history):
            if not left:
                break
            left -= message.role == "user"
            if message.content.strip() and (message.role == "user" or (self.assistant and message.role == "assistant")):
                texts.append(message.content)
        return texts
