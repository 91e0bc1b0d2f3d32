"""The answers that metrics hold others against: those of one variant to the same questions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from harness.errors import Interrupted, UserError, advice
from harness.records import Outcome

Candidate = tuple[str, str]
"""A variant's id and its label."""
_Key = tuple[str, str, int]


def rival_of(metric: str, against: str, variants: Sequence[Candidate]) -> str:
    """The id of the variant that a metric's `against` names: by id, by its beginning, or by label; "" is the first.

    Raises UserError where no variant, or more than one, fits.
    """
    if not against:
        return variants[0][0]
    found = [known for known, label in variants if against in (known, label)]
    found = found or [known for known, _ in variants if known.startswith(against)]
    if len(found) != 1:
        what = "no variant" if not found else f"{len(found)} variants"
        names = [label for _, label in variants][:40]
        raise UserError(f"metric {metric}: against: {what} called {against!r}; {advice(against, names, 'variants')}")
    return found[0]


class Rivals:
    """Hands answers of the variants `wanted` to those who wait for them; None stands for an answer that failed."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self._wanted = frozenset(wanted)
        self._known: dict[_Key, str | None] = {}
        self._waiting: dict[_Key, asyncio.Future[str | None]] = {}
        self._ended: Literal["", "whole", "early"] = ""

    def tell(self, variant: str, example: str, repeat: int, answer: str | None) -> None:
        """An answer is there."""
        key = (variant, example, repeat)
        if variant in self._wanted:
            self._known[key] = answer
            waiting = self._waiting.pop(key, None)
            if waiting is not None:
                waiting.set_result(answer)

    def tell_all(self, outcomes: Iterable[Outcome]) -> None:
        """Answers are there, or have failed."""
        if self._wanted:
            for o in outcomes:
                self.tell(o.variant, o.example, o.repeat, None if o.failure is not None else o.answer)

    def end(self, *, early: bool = False) -> None:
        """No answer comes any more: who waits for one that never came gets None, or where it ended `early` an error."""
        self._ended = "early" if early else "whole"
        for waiting in self._waiting.values():
            if early:
                waiting.set_exception(Interrupted())
                waiting.exception()  # seen, even if nobody waits any more
            else:
                waiting.set_result(None)
        self._waiting.clear()

    async def answer(self, variant: str, example: str, repeat: int) -> str | None:
        """The answer, as soon as it is there. Raises Interrupted where it will not come."""
        key = (variant, example, repeat)
        if key in self._known or self._ended == "whole":
            return self._known.get(key)
        if self._ended:
            raise Interrupted
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._waiting[key])


def against(metric: Any) -> str | None:
    """What a metric's attribute `against` says; None where it holds no answer against another."""
    return str(metric.against) if "rival" in metric.reads and hasattr(metric, "against") else None
