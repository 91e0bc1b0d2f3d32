"""What a call costs. Prices come with litellm's package (no network) and can be overridden in the sweep file."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from harness.records import Reply

_FILE = "model_prices_and_context_window_backup.json"
_BATCH_SHARE = 0.5


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return {}
    loaded: dict[str, dict[str, Any]] = orjson.loads((Path(spec.submodule_search_locations[0]) / _FILE).read_bytes())
    return loaded


@dataclass(frozen=True)
class Price:
    """USD per token: plain input, output, input read from the provider's prompt cache, input written to it.

    `search` is USD per search, for rerankers that are billed so.
    """

    input: float = 0.0
    output: float = 0.0
    cached: float = 0.0
    written: float = 0.0
    search: float = 0.0


class Prices:
    """Costs by model name, in USD.

    `overrides` are USD per million tokens (`input`, `output`, `cached`) and per thousand searches (`search`).
    """

    def __init__(self, overrides: Mapping[str, Mapping[str, float]]) -> None:
        self._overrides = overrides
        self._known: dict[tuple[str, bool], Price | None] = {}

    def per_token(self, name: str | None, *, batched: bool = False) -> Price | None:
        """The price; None when it is unknown; zeros when it is free. In a batch it is half, if not said otherwise."""
        if name is None:
            return Price()
        key = (name, batched)
        if key not in self._known:
            self._known[key] = self._find(name, batched)
        return self._known[key]

    def cost(self, name: str | None, reply: Reply, *, batched: bool = False) -> float | None:
        """What one reply costs; None when the price or a token count is unknown."""
        price = self.per_token(name, batched=batched)
        if name is None:
            return 0.0
        if price is None or reply.input_tokens is None or reply.output_tokens is None:
            return None
        cached, written = reply.cached_tokens or 0, reply.written_tokens or 0
        plain = max(0, reply.input_tokens - cached - written)
        sent = plain * price.input + cached * price.cached + written * price.written
        return sent + reply.output_tokens * price.output

    def of_tokens(
        self, name: str | None, sent: int | None, received: int | None, cached: int = 0, *, batched: bool = False
    ) -> float | None:
        """What so many tokens cost; `sent` includes `cached`."""
        return self.cost(name, Reply("", sent, received, cached), batched=batched)

    def of_reranking(self, name: str | None, tokens: int | None, searches: int | None) -> float | None:
        """What a reranking costs, by searches or by tokens; None when the price or the count it needs is unknown."""
        price = self.per_token(name)
        if price is None or (price.search and searches is None) or (price.input and tokens is None):
            return None
        return price.search * (searches or 0) + price.input * (tokens or 0)

    def _find(self, name: str, batched: bool) -> Price | None:
        share = _BATCH_SHARE if batched else 1.0
        if name in self._overrides:
            given = {kind: share * price / 1e6 for kind, price in self._overrides[name].items()}
            plain = given.get("input", 0.0)
            search = self._overrides[name].get("search", 0.0) / 1e3
            return Price(plain, given.get("output", 0.0), given.get("cached", plain), plain, search)
        # A server of one's own that offers a provider's model by its name is a way to that model, at its price.
        entry = _table().get(name) or _table().get(name.removeprefix("openai/").removeprefix("anthropic/"))
        if entry is None and _table().get(name.partition("/")[2], {}).get("mode") == "rerank":
            entry = _table()[name.partition("/")[2]]  # rerankers stand there without their provider
        if entry is None or not entry.keys() & {"input_cost_per_token", "input_cost_per_query"}:
            return None

        def of(kind: str, default: float) -> float:
            field = f"{kind}_cost_per_token" if kind in ("input", "output") else f"{kind}_token_cost"
            usual = float(entry.get(field, default))
            return float(entry.get(f"{field}_batches", usual * share)) if batched else usual

        plain = of("input", 0.0)
        rest = {kind: of(kind, plain / share) for kind in ("cache_read_input", "cache_creation_input")}
        search = float(entry.get("input_cost_per_query") or 0.0)
        return Price(plain, of("output", 0.0), rest["cache_read_input"], rest["cache_creation_input"], search)
