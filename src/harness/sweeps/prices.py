"""What a call costs. Prices come with litellm's package (no network) and can be overridden in the sweep file."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from harness.records import Reply

_FILE = "model_prices_and_context_window_backup.json"


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return {}
    loaded: dict[str, dict[str, Any]] = orjson.loads((Path(spec.submodule_search_locations[0]) / _FILE).read_bytes())
    return loaded


class Prices:
    """Costs by model name, in USD. `overrides` are USD per million tokens: `input`, `output`, `cached`."""

    def __init__(self, overrides: Mapping[str, Mapping[str, float]]) -> None:
        self._overrides = overrides

    def per_token(self, name: str | None) -> dict[str, float] | None:
        """USD per token (`input`, `output`, `cached`); None when the price is unknown; zeros when it is free."""
        if name is None:
            return {"input": 0.0, "output": 0.0, "cached": 0.0}
        if name in self._overrides:
            given = {kind: price / 1e6 for kind, price in self._overrides[name].items()}
            return {"input": given.get("input", 0.0), "output": given.get("output", 0.0), **_cached(given)}
        # A server of one's own that offers a provider's model by its name is a way to that model, at its price.
        entry = _table().get(name) or _table().get(name.removeprefix("openai/").removeprefix("anthropic/"))
        if entry is None or "input_cost_per_token" not in entry:
            return None
        known = {
            "input": float(entry["input_cost_per_token"]),
            "output": float(entry.get("output_cost_per_token", 0)),
        }
        if "cache_read_input_token_cost" in entry:
            known["cached"] = float(entry["cache_read_input_token_cost"])
        return {**known, **_cached(known)}

    def cost(self, name: str | None, reply: Reply) -> float | None:
        """What one reply costs; None when the price or a token count is unknown."""
        return self.of_tokens(name, reply.input_tokens, reply.output_tokens, reply.cached_tokens)

    def of_tokens(
        self, name: str | None, sent: int | None, received: int | None, cached: int | None = 0
    ) -> float | None:
        """What so many tokens cost; `sent` includes `cached`."""
        price = self.per_token(name)
        if name is None:
            return 0.0
        if price is None or sent is None or received is None:
            return None
        from_cache = cached or 0
        return (sent - from_cache) * price["input"] + from_cache * price["cached"] + received * price["output"]


def _cached(price: Mapping[str, float]) -> dict[str, float]:
    return {"cached": price.get("cached", price.get("input", 0.0))}
