"""Is the answer good enough in every respect at once?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import advice
from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Example, Scale, Verdict


@part("metric", "all_pass")
@dataclass(frozen=True)
class AllPass(Share):
    """1 when every metric with a threshold (`at_least`, `at_most`) passes; `of` names some of them, else all count.

    A metric that does not apply to an example is left out there.
    """

    reads: ClassVar[tuple[str, ...]] = ()
    of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.of:
            if self.of.count(name) > 1:
                raise ValueError(f"{name!r} is named twice")

    def applies(self, example: Example) -> bool:
        """Wherever one of its metrics does."""
        return True

    def members(self, scales: Mapping[str, Scale]) -> tuple[str, ...]:
        """The metrics that must pass. Raises ValueError, with an argument for each that is unknown or always passes."""
        if not self.of:
            found = tuple(name for name, scale in scales.items() if scale.has_threshold)
            if not found:
                raise ValueError("no metric has a threshold; give one at_least or at_most")
            return found
        wrong = []
        for name in self.of:
            if name not in scales:
                wrong.append(f"{name!r} is not among the metrics; {advice(name, list(scales), 'metrics')}")
            elif not scales[name].has_threshold:
                wrong.append(f"{name!r} has no threshold; give it at_least or at_most")
        if wrong:
            raise ValueError(*wrong)
        return self.of

    def combine(self, values: Mapping[str, float], scales: Mapping[str, Scale]) -> Verdict | None:
        """0 or 1; the reason names what does not pass."""
        names = [name for name in self.members(scales) if name in values]
        if not names:
            return None
        failing = [name for name in names if not scales[name].passes(values[name])]
        if failing:
            told = "; ".join(f"{name} {values[name]:.4g}, not {_wanted(scales[name])}" for name in failing)
            return Verdict(0.0, told)
        return Verdict(1.0, f"passes: {', '.join(names)}")


def _wanted(scale: Scale) -> str:
    ends = (("at least", scale.at_least), ("at most", scale.at_most))
    return " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)
