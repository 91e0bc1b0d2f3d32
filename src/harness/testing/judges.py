"""An asker for tests of metrics that ask: a function gives the replies, and every call is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.plugins import name
from harness.records import Message
from harness.sweeps.asker import repaired, taken

T = TypeVar("T")


class Asked(NamedTuple):
    """One question as it would have gone to the model."""

    model: Any
    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    draw: int


@dataclass
class ScriptedAsker:
    """A `harness.plugins.Asker` without models: `reply(asked)` is the model's text, or raises what a call would.

    Embeddings are real, by the embedder's own connection.
    """

    reply: Callable[[Asked], str]
    asked: list[Asked] = field(default_factory=list)

    async def ask(
        self,
        model: Any,
        messages: Sequence[Message],
        sampling: Mapping[str, Any],
        read: Callable[[str], T],
        *,
        draw: int = 0,
    ) -> T:
        """As in a sweep, a reply that `read` refuses is asked for once more."""

        async def say(messages: Sequence[Message]) -> str:
            self.asked.append(Asked(model, tuple(messages), taken(model, sampling), draw))
            return self.reply(self.asked[-1])

        return await repaired(say, messages, read, name(model))

    async def embed(self, embedder: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors by the embedder itself."""
        connection = embedder.connect()
        try:
            made = await connection.embed(texts, "passage")
        finally:
            await connection.close()
        vectors: NDArray[np.float32] = made.vectors
        return vectors
