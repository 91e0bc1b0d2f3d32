"""A rubric: criteria in words and a scale.

Source: Y. Liu et al., "G-Eval: NLG Evaluation using GPT-4 with Better Human Alignment" (2023), for criteria, steps and
a score after the reasoning. Unlike there, the steps are the user's, and the score is not weighed by the probabilities
of tokens; several draws at a temperature above 0 come near to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel

from harness.parts.metrics.judges.judge import Judge, shipped
from harness.parts.metrics.panel import Opinion
from harness.plugins import Asker, part, setting
from harness.records import Case, Verdict

Levels = tuple[tuple[int, str], ...]


class _Scale:
    """A field that takes `[1, 5]` or a mapping of levels to what they mean, and keeps pairs, the lowest first."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self._levels)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        ends = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}}
        meanings = {"type": "object", "minProperties": 2, "additionalProperties": {"type": "string"}}
        return {"anyOf": [ends, meanings], "description": "The lowest and the highest level, or levels: meanings."}

    def _levels(self, value: Any) -> Levels:
        if isinstance(value, dict):
            return tuple(sorted((_whole(level), _meaning(meaning)) for level, meaning in value.items()))
        if isinstance(value, list | tuple) and all(isinstance(e, list | tuple) and len(e) == 2 for e in value):
            return tuple(sorted((_whole(level), _meaning(meaning)) for level, meaning in value))
        if isinstance(value, list | tuple) and len(value) == 2:
            return tuple((_whole(level), "") for level in value)
        raise ValueError(f"expected the lowest and the highest level, or levels with their meanings, found {value!r}")


def _whole(level: Any) -> int:
    try:
        if isinstance(level, str | int) and not isinstance(level, bool):
            return int(level)
    except ValueError:
        pass
    raise ValueError(f"a level is a whole number, found {level!r}")


def _meaning(meaning: Any) -> str:
    if isinstance(meaning, str):
        return meaning
    raise ValueError(f"the meaning of a level is a text, found {meaning!r}")


class _Form(BaseModel):
    reasoning: str
    score: int


@part("metric", "rubric")
@dataclass(frozen=True)
class Rubric(Judge):
    """A model rates the answer by `criteria` on a scale of whole numbers; the lowest is 0, the highest 1.

    `scale` is its lowest and highest number, or a mapping of numbers to what they mean (`{1: useless, 5: perfect}`;
    those in between may be given too). `steps` say how to go about it. The prompt may also name `criteria`, `steps`,
    `low`, `high`, and `levels`, pairs of a number and its meaning. An empty answer is 0, and nobody is asked.
    """

    form: ClassVar[type[BaseModel]] = _Form
    added: ClassVar[Mapping[str, Any]] = {
        **Judge.added,
        "criteria": "clear",
        "steps": ["read"],
        "low": 1,
        "high": 5,
        "levels": [(1, "bad"), (5, "good")],
    }
    prompt: str = shipped("rubric")
    criteria: str = setting(kw_only=True)
    scale: Annotated[Levels, _Scale()] = ((1, ""), (5, ""))
    steps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.criteria.strip():
            raise ValueError("criteria is empty; say what is to be judged")
        if any(not step.strip() for step in self.steps):
            raise ValueError("steps must not be empty; leave an empty one out")
        numbers = [level for level, _ in self.scale]
        if len(numbers) < 2 or any(high <= low for low, high in pairwise(numbers)):
            raise ValueError(f"scale: needs two different levels or more, from low to high, found {numbers}")

    def schema(self, case: Case | None = None) -> dict[str, Any]:
        """With the ends of the scale."""
        found = super().schema(case)
        found["properties"]["score"].update(minimum=self.scale[0][0], maximum=self.scale[-1][0])
        return found

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0 to 1."""
        if not case.answer.strip():
            return Verdict(0.0, "the answer is empty")
        return await super().assess(case, asker)

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """The score, brought to 0..1."""
        low, high = self.scale[0][0], self.scale[-1][0]

        def check(found: _Form) -> None:
            if not low <= found.score <= high:
                raise ValueError(f"score: expected a whole number from {low} to {high}, found {found.score}")

        found: _Form = await self.verdict(
            case,
            asker,
            model,
            draw,
            check=check,
            criteria=self.criteria,
            steps=list(self.steps),
            low=low,
            high=high,
            levels=[(level, meaning) for level, meaning in self.scale if meaning],
        )
        value = (found.score - low) / (high - low)
        return Opinion(value, f"{found.score} on {low} to {high}: {found.reasoning}", {"score": found.score})
