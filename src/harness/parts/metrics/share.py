"""What most metrics are: a number between 0 and 1, more being better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Share:
    """The declarations of such a metric; `reads` is overridden by those that look at passages."""

    version: ClassVar[int] = 1
    cheap: ClassVar[bool] = True
    direction: ClassVar[str] = "maximize"
    low: ClassVar[float | None] = 0.0
    high: ClassVar[float | None] = 1.0
    unit: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ("answer",)
