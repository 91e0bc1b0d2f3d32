"""One number made of several: each metric brought to 0..1, then weighed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

from harness.errors import advice
from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Example, Scale, Verdict

_KEYS = ("weight", "worst", "best")


class _Weights:
    """A field that takes a mapping of metric to weight, or its JSON text, and keeps a text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self._text, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        number = {"type": "number"}
        weight = {"type": "number", "exclusiveMinimum": 0}
        whole = {
            "type": "object",
            "additionalProperties": False,
            "required": ["weight"],
            "properties": {"weight": weight, "worst": number, "best": number},
        }
        return {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"anyOf": [weight, whole]},
            "description": "Weights by metric; {weight, worst, best} where its values have no ends.",
        }

    def _text(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


@dataclass(frozen=True)
class _Member:
    """How much a metric weighs, and the values that count as 0 and as 1 (None: the ends of its own range)."""

    weight: float
    worst: float | None = None
    best: float | None = None

    def ends(self, name: str, scale: Scale) -> tuple[float, float]:
        """The values that count as 0 and as 1. Raises ValueError where there is no such value."""
        up = scale.direction == "maximize"
        worst = self.worst if self.worst is not None else scale.low if up else scale.high
        best = self.best if self.best is not None else scale.high if up else scale.low
        lacking = [key for key, end in (("worst", worst), ("best", best)) if end is None]
        if worst is None or best is None:
            needed = " and ".join(lacking)
            shown = ", ".join(f"{key}: …" for key in lacking)
            raise ValueError(
                f"{name!r} has no {needed} value of its own; write {name}: {{weight: {self.weight:g}, {shown}}}"
            )
        if worst == best or (worst < best) != up:
            raise ValueError(f"{name!r} is {scale.direction}d, but worst is {worst:g} and best is {best:g}")
        return worst, best


@part("metric", "weighted")
@dataclass(frozen=True)
class Weighted(Share):
    """The weighted mean of other metrics, each brought to 0..1 by its range and direction.

    `of` maps metrics, by the names of their columns, to weights, of which only the ratio counts; or to `{weight, worst,
    best}`, the values that count as 0 and 1, beyond which nothing counts: `latency_ms: {weight: 0.2, worst: 5000}`. A
    metric that does not apply to an example is left out there, and the others weigh more.
    """

    reads: ClassVar[tuple[str, ...]] = ()
    of: Annotated[str, _Weights()]

    def __post_init__(self) -> None:
        _ = self._parts

    @cached_property
    def _parts(self) -> dict[str, _Member]:
        try:
            given = json.loads(self.of)
        except ValueError:
            given = self.of
        if not isinstance(given, dict) or not given:
            raise ValueError(f"expected weights by metric, such as {{token_f1: 0.7, …}}, found {given!r}")
        return {name: _member(name, entry) for name, entry in given.items()}

    def applies(self, example: Example) -> bool:
        """Wherever one of its metrics does."""
        return True

    def members(self, scales: Mapping[str, Scale]) -> tuple[str, ...]:
        """The metrics of `of`. Raises ValueError, with an argument for each that is unknown or cannot be weighed."""
        wrong = []
        for name, member in self._parts.items():
            if name not in scales:
                wrong.append(f"{name!r} is not among the metrics; {advice(name, list(scales), 'metrics')}")
                continue
            try:
                member.ends(name, scales[name])
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise ValueError(*wrong)
        return tuple(self._parts)

    def combine(self, values: Mapping[str, float], scales: Mapping[str, Scale]) -> Verdict | None:
        """From 0 to 1; the reason tells each metric's place between its worst and its best, and its weight."""
        present = {name: member for name, member in self._parts.items() if name in values}
        if not present:
            return None
        total = math.fsum(member.weight for member in present.values())
        terms, reasons = [], []
        for name, member in present.items():
            worst, best = member.ends(name, scales[name])
            level = min(1.0, max(0.0, (values[name] - worst) / (best - worst)))
            terms.append(level * member.weight)
            reasons.append(f"{name} {level:.3g} x {member.weight / total:.3g}")
        absent = [name for name in self._parts if name not in values]
        left_out = f"; left out, not applying: {', '.join(absent)}" if absent else ""
        return Verdict(min(1.0, math.fsum(terms) / total), " + ".join(reasons) + left_out)


def _member(name: str, given: Any) -> _Member:
    entry = given if isinstance(given, dict) else {"weight": given}
    for key in entry:
        if key not in _KEYS:
            raise ValueError(f"{name!r} has no {key!r}; {advice(key, _KEYS, 'keys')}")
    if "weight" not in entry:
        raise ValueError(f"{name!r} needs a weight: {{weight: 0.5, …}}")
    for key, value in entry.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or (key == "weight" and value <= 0):
            raise ValueError(f"the {key} of {name!r} must be a number{' above 0' * (key == 'weight')}, found {value!r}")
    return _Member(**{key: float(value) for key, value in entry.items()})
