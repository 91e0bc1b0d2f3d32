"""What came of one distinct request, and the form in which the cache keeps it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import orjson

from harness.records import Failure, Reply
from harness.sweeps.gateway.prices import Prices

NOT_SERVED_AGAIN = ("content_filter", "refusal", "length")
"""Finish reasons of replies that are kept as what they are, but are no answers for another sweep."""
_KEPT = tuple(f.name for f in fields(Reply) if f.name != "quota")


@dataclass(frozen=True)
class Answer:
    """A reply or a failure, where it came from and what it took."""

    reply: Reply | None
    source: str
    cost_usd: float | None = None
    wait_ms: float = 0.0
    attempts: int = 1
    failure: Failure | None = None


def dumped(reply: Reply, price: str | None, wait_ms: float, attempts: int, batched: bool = False) -> bytes:
    """The stored form."""
    kept = {name: getattr(reply, name) for name in _KEPT}
    stored = {"reply": kept, "price": price, "wait_ms": wait_ms, "attempts": attempts}
    return orjson.dumps({**stored, "batched": True} if batched else stored)


def loaded(value: bytes, mine: bool, prices: Prices, *, cut: bool = False) -> Answer | None:
    """The answer; None for one that another sweep does not take as such. Its cost is told at today's prices.

    `cut`: one that ended for its length is taken too.
    """
    stored = orjson.loads(value)
    reply = Reply(**stored["reply"])
    price = stored["price"]
    taken = mine or price is None or (cut and reply.finish_reason == "length")
    if reply.finish_reason in NOT_SERVED_AGAIN and not taken:
        return None
    cost = prices.cost(price, reply, batched=stored.get("batched", False))
    return Answer(reply, "made" if mine else "cached", cost, stored["wait_ms"], stored["attempts"])
