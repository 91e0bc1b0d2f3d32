"""The mean of a metric as a test compares it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.errors import UserError
from harness.pytest_plugin.bound import Bound
from harness.pytest_plugin.cell import Cell


class Mean(float):
    """A plain number that knows its figure, so that a failing assertion can tell what it rests on."""

    figure: Figure


@dataclass(frozen=True, eq=False)
class Figure:
    """A metric's mean for one run, over all examples or those of a tag.

    `mean`, `low` and `high` are as `harness show` has them: over the `n` scored of `planned` cells, with the 95%
    interval (None from fewer than two clusters); `failed` cells have no score.

    Compared with a number it is true only where the data bear it out: `figure >= x` where `at_least` is, `figure <= x`
    where `at_most` is. A mean close to x is neither. It equals no number, and has no truth of its own.
    """

    metric: str
    run: str
    tag: str | None
    mean: Mean
    low: float | None
    high: float | None
    n: int
    planned: int
    failed: int
    lower: Bound | None = field(repr=False)
    upper: Bound | None = field(repr=False)
    cells: Callable[[bool], list[Cell]] = field(repr=False)
    """All cells, the lowest scores first, or (True) the highest; those without a score before them."""

    def __post_init__(self) -> None:
        self.mean.figure = self

    @property
    def at_least(self) -> float | None:
        """What the mean surely is above (97.5%), cells without a score counted at the lower end of the range."""
        return None if self.lower is None else self.lower.value

    @property
    def at_most(self) -> float | None:
        """What the mean surely is below (97.5%), cells without a score counted at the upper end of the range."""
        return None if self.upper is None else -self.upper.value

    def __ge__(self, asked: object) -> bool:
        return self._asked(asked) and self.at_least is not None and self.at_least >= asked  # type: ignore[operator]

    def __gt__(self, asked: object) -> bool:
        return self._asked(asked) and self.at_least is not None and self.at_least > asked  # type: ignore[operator]

    def __le__(self, asked: object) -> bool:
        return self._asked(asked) and self.at_most is not None and self.at_most <= asked  # type: ignore[operator]

    def __lt__(self, asked: object) -> bool:
        return self._asked(asked) and self.at_most is not None and self.at_most < asked  # type: ignore[operator]

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        if isinstance(other, int | float):
            raise UserError(f"{self!r} has an interval and equals no number; compare its .mean, or use >= or <=")
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        __tracebackhide__ = True
        raise UserError(f"{self!r} is neither true nor false; compare it with a number")

    def __repr__(self) -> str:
        of = f"{self.metric} of {self.tag}" if self.tag is not None else self.metric
        failed = f", {self.failed} failed" if self.failed else ""
        return f"<{of}: {self.mean:.4g}, {self.interval}, n {self.n}{failed}>"

    @property
    def interval(self) -> str:
        """The interval in words."""
        if self.low is None or self.high is None:
            return "no interval (one cluster)"
        return f"95% interval {self.low:.4g} to {self.high:.4g}"

    def _asked(self, asked: Any) -> bool:
        """That this can be compared with a figure. Raises UserError otherwise."""
        __tracebackhide__ = True
        if isinstance(asked, Figure):
            raise UserError("two figures are compared example by example: run.no_worse_than(OTHER)")
        if isinstance(asked, bool) or not isinstance(asked, int | float) or math.isnan(asked):
            raise UserError(f"{self!r} is compared with {asked!r}; give a number")
        return True
