"""What to add more of (examples, repeats, judgements) to narrow the interval of a difference at the least cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from harness.errors import UserError
from harness.study.inference.components import Component, Components


@dataclass(frozen=True)
class Outlay:
    """A plan for two variants: so many examples, repeats of each and judgements of each answer.

    `half_width` is half the 1 - alpha interval of the difference to be expected, `now` what it is before. `cost` is
    what is added, in the unit of the prices. `alone` gives the added cost of each kind if only it were added, None
    where no amount would do.
    """

    examples: int
    repeats: int
    draws: int
    half_width: float
    now: float
    cost: float
    alone: dict[str, float | None]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        ways = [f"{kind} alone {'never' if cost is None else f'{cost:.4g}'}" for kind, cost in self.alone.items()]
        text = (
            f"{self.examples:,} examples x {self.repeats} repeats x {self.draws} judgements narrow the interval of a "
            f"difference from ±{self.now:.3g} to ±{self.half_width:.3g} for {self.cost:.4g} more ({', '.join(ways)})"
        )
        return "; ".join([text, *self.notes])


def outlay(
    found: Components,
    *,
    answer: float,
    judgement: float = 0.0,
    example: float = 0.0,
    half_width: float | None = None,
    most_examples: int | None = None,
    most: int = 20,
    alpha: float = 0.05,
) -> Outlay:
    """The cheapest addition that narrows the interval of a difference to `half_width` (default: half of what it is).

    Prices: of an answer, of a judgement of it, of one more example. Added examples come in clusters like those there
    are. At most `most` repeats and as many judgements, and `most_examples` examples, are considered.
    Raises UserError for one variant alone, prices below zero or all zero, or a width that no such plan reaches.
    """
    if found.difference is None:
        raise UserError("outlay: the components are of one variant; a difference needs two")
    if min(answer, judgement, example) < 0 or answer + judgement + example <= 0:
        raise UserError(f"outlay: prices must not be below zero, nor all zero: {answer}, {judgement}, {example}")
    parts = found.difference
    n, repeats, draws = found.examples, max(1, round(found.repeats)), max(1, round(found.draws))

    def width(examples: int, repeats: int, draws: int) -> float:
        return _half_width(parts, found.size, examples, repeats, draws, alpha)

    def fits(repeats: int, draws: int, examples: int) -> bool:
        return width(examples, repeats, draws) <= target

    def price(examples: int, repeats: int, draws: int) -> float:
        return examples * (example + 2 * repeats * (answer + draws * judgement))

    now = width(n, repeats, draws)
    target = now / 2 if half_width is None else half_width
    if not target > 0:
        raise UserError(f"outlay: a half width is above 0, got {target}")
    bound = most_examples if most_examples is not None else 10_000_000
    r_range = range(repeats, max(most, repeats) + 1) if "repeat" in parts else range(repeats, repeats + 1)
    d_range = range(draws, max(most, draws) + 1) if "draw" in parts else range(draws, draws + 1)

    def cheapest(rs: range, ds: range, bound: int) -> tuple[float, int, int, int] | None:
        plans = []
        for r in rs:
            for d in ds:
                examples = _least(partial(fits, r, d), n, bound)
                if examples is not None:
                    plans.append((price(examples, r, d), examples, r, d))
        return min(plans, default=None)

    best = cheapest(r_range, d_range, bound)
    if best is None:
        least = width(max(bound, n), r_range[-1], d_range[-1])
        raise UserError(f"outlay: no plan within these bounds reaches ±{target:.3g}; the narrowest is ±{least:.3g}")
    fixed_r, fixed_d = range(repeats, repeats + 1), range(draws, draws + 1)
    ways = {
        "examples": cheapest(fixed_r, fixed_d, bound),
        "repeats": cheapest(r_range, fixed_d, n),
        "judgements": cheapest(fixed_r, d_range, n),
    }
    spent = price(n, repeats, draws)
    return Outlay(
        *best[1:],
        half_width=width(*best[1:]),
        now=now,
        cost=best[0] - spent,
        alone={kind: None if way is None else way[0] - spent for kind, way in ways.items()},
        notes=tuple(
            f"what more {kind} would do cannot be told from one"
            for kind, name in (("repeats", "repeat"), ("judgements", "draw"))
            if name not in parts
        ),
    )


def _half_width(
    parts: dict[str, Component], size: float, examples: int, repeats: int, draws: int, alpha: float
) -> float:
    from scipy.special import stdtrit

    variance = {name: part.variance for name, part in parts.items()}
    noise = (variance.get("repeat", 0.0) + variance.get("draw", 0.0) / draws) / repeats
    each = size * variance.get("cluster", 0.0) + variance["example"] + noise
    if examples / size <= 1:
        return math.inf
    return -float(stdtrit(examples / size - 1, alpha / 2)) * math.sqrt(each / examples)


def _least(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """The least number from low to high that holds, where all above it do; None when none does."""
    if high < low or not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
