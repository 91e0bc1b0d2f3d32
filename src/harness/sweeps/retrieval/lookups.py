"""Stage 3: queries -> texts to search with; where a model writes them, each distinct request is asked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.records import Lookup, Message, Query
from harness.sweeps.gateway import Gateway
from harness.sweeps.questions import Questions, asked


class Lookups:
    """Asks the models that query writers have. Their answers are cached, limited and paid for like all others."""

    def __init__(self, gateway: Gateway) -> None:
        self._questions = Questions(gateway, "query")

    async def of(self, writer: Any, query: Query) -> tuple[list[Lookup], float | None]:
        """The texts to search with, and what they cost, whoever paid; None where a price is unknown.

        Raises ProviderError when the model did not write them.
        """
        costs: list[float | None] = []

        async def ask(messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
            request, key = asked(writer.model, messages, sampling)
            text, usd = await self._questions.ask(writer.model, request, key)
            costs.append(usd)
            return text

        found: list[Lookup] = await writer.lookups(query, ask)
        known = [usd for usd in costs if usd is not None]
        return found, sum(known) if len(known) == len(costs) else None
