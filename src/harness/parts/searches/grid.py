"""Grid search: every combination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.plugins import part


@part("search", "grid")
@dataclass(frozen=True)
class Grid:
    """Runs all points."""

    version: ClassVar[int] = 1

    def choose(self, points: Sequence[Mapping[str, Any]], seed: int) -> list[Mapping[str, Any]]:
        """All of them."""
        return list(points)
