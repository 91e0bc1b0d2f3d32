"""What all judges have in common: one model or several that give opinions, once or in several draws."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Any, ClassVar

from harness.errors import ProviderError
from harness.plugins import Asker, PartsOf, label
from harness.records import Case, Example, Verdict


@dataclass(frozen=True)
class Opinion:
    """What one judge found in one draw: a value, why, and plain JSON of what that rests on."""

    value: float
    reason: str = ""
    details: Any = None


@dataclass(frozen=True)
class Panel(ABC):
    """A metric whose value is the mean of the opinions of `judge`, one model or a list of them.

    Each is asked `draws` times; more than one shows whether it agrees with itself (give it a `temperature`). More than
    half of the opinions must come, else the score is a failure. `max_tokens` is the room for a reply; `temperature` is
    left out for a model that takes none.
    """

    version: ClassVar[int] = 1
    direction: ClassVar[str] = "maximize"
    low: ClassVar[float | None] = 0.0
    high: ClassVar[float | None] = 1.0
    unit: ClassVar[str] = ""
    judge: Annotated[tuple[Any, ...], PartsOf("model")]
    draws: int = 1
    temperature: float | None = 0.0
    max_tokens: int = 2048

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, found {self.draws}")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, found {self.max_tokens}")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature must be between 0 and 2, found {self.temperature}")
        if len(set(self.judge)) < len(self.judge):
            raise ValueError("judge names a model twice; use draws to ask one again")

    @property
    def sampling(self) -> dict[str, Any]:
        """What is sent beside the messages."""
        chosen = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        return {name: value for name, value in chosen.items() if value is not None}

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    @abstractmethod
    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion | None:
        """What `model` finds; None where the metric turns out not to apply.

        Raises ProviderError where the model gave nothing of use.
        """

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """The mean of the opinions; the reasons of all; every opinion in the details."""
        asked = [(model, draw) for model in self.judge for draw in range(self.draws)]
        found = await asyncio.gather(*(self._opinion(case, asker, *each) for each in asked))
        if all(opinion is None for opinion in found):
            return None
        given = [entry for entry in found if isinstance(entry, Opinion)]
        failed = [entry for entry in found if isinstance(entry, ProviderError)]
        if 2 * len(given) <= len(found):
            raise failed[0]
        opinions = [
            _entry(label(model), draw, opinion)
            for (model, draw), opinion in zip(asked, found, strict=True)
            if opinion is not None
        ]
        return Verdict(
            fmean(opinion.value for opinion in given), self._reason(given, len(found)), {"opinions": opinions}
        )

    async def _opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion | ProviderError | None:
        """An opinion, or the failure in its place; what ends the sweep is raised."""
        try:
            return await self.opinion(case, asker, model, draw)
        except ProviderError as error:
            if error.fatal:
                raise
            return error

    def _reason(self, given: Sequence[Opinion], asked: int) -> str:
        reasons = list(dict.fromkeys(opinion.reason for opinion in given if opinion.reason))
        if asked == 1:
            return " ".join(reasons)
        values = ", ".join(f"{opinion.value:g}" for opinion in given)
        head = f"{len(given)} of {asked} opinions: {values}"
        return ". ".join([head, *reasons])


def _entry(judge: str, draw: int, found: Opinion | ProviderError) -> dict[str, Any]:
    """An opinion as the details keep it."""
    if isinstance(found, ProviderError):
        return {"judge": judge, "draw": draw, "failure": str(found)}
    entry: dict[str, Any] = {"judge": judge, "draw": draw, "value": found.value}
    if found.reason:
        entry["reason"] = found.reason
    if found.details is not None:
        entry["details"] = found.details
    return entry
