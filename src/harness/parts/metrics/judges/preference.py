"""Is the answer better than that of another variant? Asked in both orders, because judges favour a place.

Source: L. Zheng et al., "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena" (2023), section 3.4: a win counts only
where it holds in both orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from harness.parts.metrics.judges.judge import Judge, shipped
from harness.parts.metrics.panel import Opinion
from harness.plugins import Asker, part
from harness.records import Case, Verdict

_SAYS = {1.0: "better", 0.5: "as good", 0.0: "worse"}


class _Form(BaseModel):
    reasoning: str
    better: Literal["first", "second", "tie"]


@part("metric", "preference")
@dataclass(frozen=True)
class Preference(Judge):
    """1 when a model finds the answer better than that of the variant `against` (empty: the first one), 0 when worse.

    Each judge is asked twice in every draw, with the answers in both orders; 0.5 is a tie, and so is a verdict that
    changes with the order. `criteria` say what makes a reply better. The prompt may also name `first`, `second` and
    `criteria`, but not `answer`. Equal answers are a tie, as are those of the variant itself; an empty answer
    loses. Nobody is asked about these.
    """

    reads: ClassVar[tuple[str, ...]] = ("answer", "rival")
    asks: ClassVar[int] = 2
    form: ClassVar[type[BaseModel]] = _Form
    added: ClassVar[Mapping[str, Any]] = {"first": "an answer", "second": "another", "criteria": "clear"}
    prompt: str = shipped("preference")
    against: str = ""
    criteria: str = "it is correct, answers what was asked, and serves the user better"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.criteria.strip():
            raise ValueError("criteria is empty; leave it out for the default")
        if not {"first", "second"} <= self._names():
            raise ValueError("prompt: must show both answers, {{ first }} and {{ second }}")

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0 to 1; None where there is no other answer."""
        if case.rival is None:
            return None
        answer, rival = case.answer.strip(), case.rival.strip()
        if answer == rival:
            return Verdict(0.5, "both answers are equal")
        if not answer or not rival:
            return Verdict(float(bool(answer)), f"the {'other ' if answer else ''}answer is empty")
        return await super().assess(case, asker)

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """Win, tie or loss, from both orders."""
        rival = case.rival or ""
        ahead = await self._asked(case, asker, model, draw, first=case.answer, second=rival)
        behind = await self._asked(case, asker, model, draw, first=rival, second=case.answer)
        values = [_value(ahead, "first"), _value(behind, "second")]
        orders = [{"first": "answer", **ahead.model_dump()}, {"first": "rival", **behind.model_dump()}]
        details = {"orders": orders}
        if values[0] != values[1]:
            found = " and ".join(
                f"{_SAYS[value]} {place}" for value, place in zip(values, ("first", "second"), strict=True)
            )
            return Opinion(0.5, f"a tie, for the verdict changes with the order: {found}", details)
        return Opinion(values[0], f"{_SAYS[values[0]]} in both orders: {ahead.reasoning}", details)

    async def _asked(self, case: Case, asker: Asker, model: Any, draw: int, **texts: str) -> _Form:
        found: _Form = await self.verdict(case, asker, model, draw, texts=texts, criteria=self.criteria)
        return found


def _value(found: _Form, place: str) -> float:
    """What the verdict is worth for the answer that stood in a place."""
    return 0.5 if found.better == "tie" else float(found.better == place)
