"""What all judges have in common: one model or several that give opinions, once or in several draws."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, multimode
from typing import Annotated, Any, ClassVar, Literal

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
    """A metric whose value is made of the opinions of `judge`, one model or a list of them.

    Each is asked `draws` times; more than one shows whether it agrees with itself, and needs a `temperature` above 0,
    or None, the provider's own. `combine` makes one value of the opinions: their `mean`, their `median`, or `majority`,
    the value that most of them have (the mean of those that share the lead). More than half of the opinions must come,
    else the score is a failure; where more of them find that the metric does not apply than find a value, it does not.
    `max_tokens` is the room for a reply; `temperature` is left out for a model that takes none.
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
    combine: Literal["mean", "median", "majority"] = "mean"

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, found {self.draws}")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, found {self.max_tokens}")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature must be between 0 and 2, found {self.temperature}")
        if self.draws > 1 and self.temperature == 0:
            raise ValueError(
                f"draws is {self.draws} at temperature 0, where every draw is the same call; give a temperature above "
                "0, or temperature: null for the provider's own"
            )
        if len(set(self.judge)) < len(self.judge):
            raise ValueError("judge names a model twice; use draws to ask one again")
        for model in self.judge:
            model.parameters({"max_tokens": self.max_tokens})  # a temperature that it does not take is left out

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
        """One value of all opinions; their reasons; every opinion in the details. It is partial where some failed.

        Raises ProviderError where half of the opinions or more failed, or where those that failed would decide whether
        the metric applies; whatever else an opinion raised, once all of them have ended.
        """
        asked = [(model, draw) for model in self.judge for draw in range(self.draws)]
        found = await self._opinions(case, asker, asked)
        failed = [entry for entry in found if isinstance(entry, ProviderError)]
        if 2 * len(failed) >= len(found):
            raise _all_told(failed, len(found))
        given = [
            (label(model), opinion)
            for (model, _), opinion in zip(asked, found, strict=True)
            if isinstance(opinion, Opinion)
        ]
        none = sum(opinion is None for opinion in found)
        if len(given) < none or not given:
            if none <= len(given) + len(failed):
                raise _all_told(failed, len(found))
            return None
        opinions = [
            _entry(label(model), draw, opinion)
            for (model, draw), opinion in zip(asked, found, strict=True)
            if opinion is not None
        ]
        value = self._combined([opinion.value for _, opinion in given])
        return Verdict(value, _reason(given, len(found)), {"opinions": opinions}, partial=bool(failed))

    def _combined(self, values: Sequence[float]) -> float:
        if self.combine == "median":
            return float(median(values))
        return fmean(multimode(values) if self.combine == "majority" else values)

    async def _opinions(
        self, case: Case, asker: Asker, asked: Sequence[tuple[Any, int]]
    ) -> list[Opinion | ProviderError | None]:
        """The opinions, or the failures in their places; all calls have ended when what ends the sweep is raised."""
        calls = (self.opinion(case, asker, *each) for each in asked)
        found = await asyncio.gather(*calls, return_exceptions=True)
        kept: list[Opinion | ProviderError | None] = []
        for entry in found:
            if isinstance(entry, BaseException) and (not isinstance(entry, ProviderError) or entry.fatal):
                raise entry
            kept.append(entry)
        return kept


def _all_told(failed: Sequence[ProviderError], asked: int) -> ProviderError:
    """The failure of a score; of several, the first, with their number."""
    first = failed[0]
    if asked == 1:
        return first
    message = f"{len(failed)} of {asked} opinions failed; the first: {first}"
    return ProviderError(message, kind=first.kind, retryable=first.retryable, retry_after=first.retry_after)


def _reason(given: Sequence[tuple[str, Opinion]], asked: int) -> str:
    """Why, in words: of several opinions their values, whether they differ, and each reason once."""
    reasons = list(dict.fromkeys(opinion.reason for _, opinion in given if opinion.reason))
    if asked == 1:
        return " ".join(reasons)
    values = ", ".join(f"{opinion.value:.3g}" for _, opinion in given)
    head = f"{len(given)} of {asked} opinions: {values}{_disagreement(given)}"
    return ". ".join(text.strip().removesuffix(".") for text in (head, *reasons))


def _disagreement(given: Sequence[tuple[str, Opinion]]) -> str:
    """How far the judges are apart, each by the mean of its draws; else how far one is from itself."""
    by_judge: dict[str, list[float]] = {}
    for judge, opinion in given:
        by_judge.setdefault(judge, []).append(opinion.value)
    means = [fmean(values) for values in by_judge.values()]
    if max(means) > min(means):
        return f"; judges differ: {min(means):.3g} to {max(means):.3g}"
    values = [opinion.value for _, opinion in given]
    return f"; draws differ: {min(values):.3g} to {max(values):.3g}" if max(values) > min(values) else ""


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
