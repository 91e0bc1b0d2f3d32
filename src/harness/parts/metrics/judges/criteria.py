"""A list of criteria, each met or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel

from harness.parts.metrics.checks import kept_in
from harness.parts.metrics.judges.judge import Judge, numbered, shipped
from harness.parts.metrics.panel import Opinion
from harness.plugins import Asker, part
from harness.records import Case, Example, Verdict


class _Met(BaseModel):
    criterion: int
    reason: str
    met: bool


class _Form(BaseModel):
    verdicts: list[_Met]


@part("metric", "criteria")
@dataclass(frozen=True)
class Criteria(Judge):
    """The share of `criteria` that a model says the answer meets, each weighed by `weights` where those are given.

    Without `criteria`, they are those that the example's metadata keeps under the key `metadata` (a text or a list);
    the metric applies where there are such. With `all: true` it is 1 when all are met, else 0. The prompt may also name
    `criteria`, a list of texts. An empty answer is 0, and nobody is asked.
    """

    form: ClassVar[type[BaseModel]] = _Form
    added: ClassVar[Mapping[str, Any]] = {**Judge.added, "criteria": ["is clear"]}
    prompt: str = shipped("criteria")
    criteria: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    metadata: str = ""
    all: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.criteria) == bool(self.metadata):
            raise ValueError("give either criteria, or metadata, the key under which each example keeps its own")
        if any(not text.strip() for text in self.criteria):
            raise ValueError("criteria must not be empty; leave an empty one out")
        if self.weights and (self.metadata or self.all):
            raise ValueError("weights are for a share of criteria that are given here, not for metadata or all: true")
        if self.weights and len(self.weights) != len(self.criteria):
            raise ValueError(
                f"weights: expected {len(self.criteria)}, one for each criterion, found {len(self.weights)}"
            )
        if any(not 0 < weight < float("inf") for weight in self.weights):
            raise ValueError(f"weights must be above 0, found {list(self.weights)}")

    def applies(self, example: Example) -> bool:
        """Everywhere with `criteria`; else where the metadata has the key."""
        return not self.metadata or self.metadata in example.metadata

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0 to 1; None where the example has no criteria."""
        if not self._wanted(case.example):
            return None
        if not case.answer.strip():
            return Verdict(0.0, "the answer is empty")
        return await super().assess(case, asker)

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """The share of criteria that are met, and which are not."""
        wanted = self._wanted(case.example)

        def check(found: _Form) -> None:
            numbered([entry.criterion for entry in found.verdicts], len(wanted), "criterion")

        found: _Form = await self.verdict(case, asker, model, draw, check=check, criteria=list(wanted))
        verdicts = sorted(found.verdicts, key=lambda entry: entry.criterion)
        weights = self.weights or (1.0,) * len(wanted)
        met = sum(weight for weight, entry in zip(weights, verdicts, strict=True) if entry.met) / sum(weights)
        lacking = [f"not met: {wanted[entry.criterion - 1]} ({entry.reason})" for entry in verdicts if not entry.met]
        details = [{"criterion": wanted[e.criterion - 1], "met": e.met, "reason": e.reason} for e in verdicts]
        return Opinion(
            float(not lacking) if self.all else 1.0 if not lacking else met,
            "; ".join(lacking) or f"meets all {len(wanted)}",
            {"criteria": details},
        )

    def _wanted(self, example: Example) -> tuple[str, ...]:
        """Raises ValueError where the metadata holds no texts."""
        if self.criteria:
            return self.criteria
        return tuple(text for text in kept_in(example, self.metadata) if text.strip())
