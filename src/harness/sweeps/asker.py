"""How metrics ask models and embedders: one policy for replies that are of no use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.errors import ProviderError
from harness.plugins import name
from harness.records import Message
from harness.sweeps.cache import Cache
from harness.sweeps.gateway import Gateway
from harness.sweeps.questions import Questions, asked
from harness.sweeps.retrieval.embedding import vectors_of

T = TypeVar("T")
STAGE = "judge"
_REPAIRS = 1
"""How often a model is told what is wrong with its reply."""
_SHOWN = 80


class GatewayAsker:
    """The `harness.plugins.Asker` of a sweep."""

    def __init__(self, gateway: Gateway, cache: Cache) -> None:
        self._gateway = gateway
        self._cache = cache
        self._questions = Questions(gateway, STAGE)

    async def ask(
        self,
        model: Any,
        messages: Sequence[Message],
        sampling: Mapping[str, Any],
        read: Callable[[str], T],
        *,
        draw: int = 0,
    ) -> T:
        """See the protocol. Replies that `read` refused to the end are not served again."""
        spoiled: list[str] = []

        async def say(messages: Sequence[Message]) -> str:
            request, key = asked(model, messages, taken(model, sampling), draw)
            spoiled.append(key)
            text, _ = await self._questions.ask(model, request, key)
            return text

        try:
            return await repaired(say, messages, read, name(model))
        except ProviderError as error:
            if error.kind == "broken_answer":
                self._questions.forget(spoiled)
            raise

    async def settle(self) -> None:
        """Wait for calls whose metric no longer waits for them."""
        await self._questions.settle()

    async def embed(self, embedder: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        """See the protocol."""
        return await vectors_of(embedder, texts, "passage", self._cache, self._gateway)


def taken(model: Any, sampling: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings, without a temperature where the model takes none. Raises ValueError for any other it refuses."""
    if sampling.get("temperature") is not None:
        try:
            model.parameters(dict(sampling))
        except ValueError:
            return {key: value for key, value in sampling.items() if key != "temperature"}
    return {key: value for key, value in sampling.items() if value is not None}


async def repaired(
    say: Callable[[Sequence[Message]], Any], messages: Sequence[Message], read: Callable[[str], T], who: str
) -> T:
    """What `read` makes of a reply; one that it refuses is answered with the reason, and asked for again.

    Raises ProviderError of kind `broken_answer` when that did not help.
    """
    told = list(messages)
    for attempt in range(_REPAIRS + 1):
        text = await say(told)
        try:
            return read(text)
        except ValueError as error:
            if attempt == _REPAIRS:
                shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\u2026"
                said = f"{who}: {error}; its last reply, of {attempt + 1}: {shown!r}"
                raise ProviderError(said, kind="broken_answer") from error
            complaint = f"That reply cannot be used: {error}. Send the corrected reply and nothing else."
            told += [Message("assistant", text), Message("user", complaint)]
    raise AssertionError("unreachable")
