"""What calls are thought to cost: from the length of the prompts and the room for the answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.plugins import name
from harness.sweeps.gateway import Prices
from harness.sweeps.workload import Cell

CHARACTERS_PER_TOKEN = 4.0
_USUAL_ANSWER_TOKENS = 200
_ROOM = ("max_tokens", "max_completion_tokens", "max_output_tokens")

Call = tuple[Any, Mapping[str, Any], int]
"""A model, the settings that are sent to it, the characters of the prompt."""


@dataclass
class Estimate:
    """Calls by model and what they cost in USD, about `usd`, between `low` and `high`; None when a price is unknown.

    The bounds are not statistical: `low` is answers of one token to prompts of few tokens (0.8 of a quarter of the
    characters), `high` answers that take all their room (or 800 tokens, where none is set) to prompts of many (1.3).
    """

    calls: int = 0
    usd: float | None = 0.0
    low: float | None = 0.0
    high: float | None = 0.0
    models: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the run's record."""
        return {"calls": self.calls, "usd": self.usd, "low": self.low, "high": self.high}


def to_ask(todo: Mapping[str, Cell]) -> Iterator[Call]:
    """The calls behind requests, by a cell for each."""
    parameters: dict[str, Mapping[str, Any]] = {}
    for cell in todo.values():
        chatbot = cell.variant.chatbot
        if cell.variant.id not in parameters:
            parameters[cell.variant.id] = chatbot.model.parameters(dict(chatbot.sampling))
        yield chatbot.model, parameters[cell.variant.id], cell.characters


def estimate(asked: Iterable[Call], prices: Prices, *, batched: bool = False) -> Estimate:
    """Add up calls."""
    found = Estimate()
    low = middle = high = 0.0
    unknown: set[str] = set()
    for model, parameters, characters in asked:
        found.calls += 1
        found.models[name(model)] = found.models.get(name(model), 0) + 1
        price = prices.per_token(model.price_name, batched=batched)
        if price is None:
            unknown.add(name(model))
            continue
        sent = characters / CHARACTERS_PER_TOKEN * price.input
        room = next((parameters[key] for key in _ROOM if parameters.get(key)), None)
        most = float(room or 4 * _USUAL_ANSWER_TOKENS)
        low += 0.8 * sent + price.output
        middle += sent + min(most, _USUAL_ANSWER_TOKENS) * price.output
        high += 1.3 * sent + most * price.output
    found.unknown = sorted(unknown)
    if unknown:
        found.usd = found.low = found.high = None
    else:
        found.usd, found.low, found.high = round(middle, 6), round(low, 6), round(high, 6)
    return found
