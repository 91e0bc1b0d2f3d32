"""Did the conversation get where it should?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from harness.parts.metrics.judges.judge import Judge, shipped
from harness.parts.metrics.panel import Opinion
from harness.plugins import Asker, part
from harness.records import Case, Example, Verdict

_WORTH = {"yes": 1.0, "partly": 0.5, "no": 0.0}


class _Form(BaseModel):
    reasoning: str
    reached: Literal["yes", "partly", "no"]


@part("metric", "goal")
@dataclass(frozen=True)
class Goal(Judge):
    """1 when a model finds that the whole conversation, with the answer, reached `goal`, 0.5 when partly, 0 when not.

    Without `goal`, it is the text that the example's metadata keeps under the key `metadata`; the metric applies where
    there is one. The prompt may also name `goal`. An empty answer is 0, and nobody is asked.
    """

    form: ClassVar[type[BaseModel]] = _Form
    added: ClassVar[Mapping[str, Any]] = {**Judge.added, "goal": "a seat is booked"}
    prompt: str = shipped("goal")
    goal: str = ""
    metadata: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.goal.strip()) == bool(self.metadata):
            raise ValueError("give either goal, or metadata, the key under which each example keeps its own")

    def applies(self, example: Example) -> bool:
        """Everywhere with `goal`; else where the metadata has the key."""
        return not self.metadata or self.metadata in example.metadata

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0, 0.5 or 1, or what is made of several opinions."""
        self._wanted(case.example)
        if not case.answer.strip():
            return Verdict(0.0, "the answer is empty")
        return await super().assess(case, asker)

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """What the verdict is worth."""
        found: _Form = await self.verdict(case, asker, model, draw, goal=self._wanted(case.example))
        return Opinion(_WORTH[found.reached], f"{found.reached}: {found.reasoning}", {"reached": found.reached})

    def _wanted(self, example: Example) -> str:
        """Raises ValueError where the metadata holds no text."""
        found = self.goal or example.metadata.get(self.metadata)
        if not isinstance(found, str) or not found.strip():
            raise ValueError(f"metadata {self.metadata!r} is {found!r}; expected a text, the goal of the conversation")
        return found
