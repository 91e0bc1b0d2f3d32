"""Random search: a sample of the combinations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from harness.plugins import part


@part("search", "random")
@dataclass(frozen=True)
class Random:
    """Runs `samples` points, drawn without replacement; the sweep's seed decides which."""

    version: ClassVar[int] = 1
    samples: int = 20

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"samples must be at least 1, found {self.samples}")

    def choose(self, points: Sequence[Mapping[str, Any]], seed: int) -> list[Mapping[str, Any]]:
        """A sample, in the order of the grid."""
        count = min(self.samples, len(points))
        drawn = np.random.default_rng(seed).choice(len(points), size=count, replace=False)
        return [points[i] for i in sorted(drawn.tolist())]
