"""Does the answer speak as the brand does?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from harness.parts.metrics.judges.judge import Judge, shipped
from harness.parts.metrics.panel import Opinion
from harness.plugins import Asker, part, setting
from harness.records import Case, Verdict

_WORTH = {"yes": 1.0, "partly": 0.5, "no": 0.0}


class _Form(BaseModel):
    reasoning: str
    fits: Literal["yes", "partly", "no"]


@part("metric", "tone")
@dataclass(frozen=True)
class Tone(Judge):
    """1 when a model finds that the answer has the tone that `tone` describes, 0.5 when partly, 0 when not.

    The prompt may also name `tone`. To an empty answer, which has none, it does not apply.
    """

    form: ClassVar[type[BaseModel]] = _Form
    added: ClassVar[Mapping[str, Any]] = {**Judge.added, "tone": "friendly"}
    prompt: str = shipped("tone")
    tone: str = setting(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tone.strip():
            raise ValueError("tone is empty; describe how the answer should speak")

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0, 0.5 or 1, or what is made of several opinions; None for an empty answer."""
        return await super().assess(case, asker) if case.answer.strip() else None

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """What the verdict is worth."""
        found: _Form = await self.verdict(case, asker, model, draw, tone=self.tone)
        return Opinion(_WORTH[found.fits], f"{found.fits}: {found.reasoning}", {"fits": found.fits})
