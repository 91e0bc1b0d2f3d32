"""Is the answer correct, by a reference, in whatever words?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from harness.parts.metrics.judges.judge import Judge, shipped
from harness.parts.metrics.panel import Opinion
from harness.plugins import Asker, part
from harness.records import Case, Example, Verdict

_WORTH = {"correct": 1.0, "partly": 0.5, "wrong": 0.0}


class _Form(BaseModel):
    reasoning: str
    verdict: Literal["correct", "partly", "wrong"]


@part("metric", "judged_correct")
@dataclass(frozen=True)
class JudgedCorrect(Judge):
    """1 when a model finds the answer correct by a reference, 0.5 when partly, 0 when wrong.

    Several references are alternatives. An answer that declines is wrong here; an empty one is 0, and nobody is asked.
    """

    form: ClassVar[type[BaseModel]] = _Form
    prompt: str = shipped("judged_correct")

    def applies(self, example: Example) -> bool:
        """Where an answer is expected and references say which."""
        return example.expected == "answer" and any(reference.strip() for reference in example.references)

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0, 0.5 or 1, or what is made of several opinions."""
        if not case.answer.strip():
            return Verdict(0.0, "the answer is empty")
        return await super().assess(case, asker)

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """What the verdict is worth."""
        found: _Form = await self.verdict(case, asker, model, draw)
        return Opinion(_WORTH[found.verdict], f"{found.verdict}: {found.reasoning}", {"verdict": found.verdict})
