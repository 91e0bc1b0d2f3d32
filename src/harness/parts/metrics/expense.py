"""What an answer takes: time, tokens, money."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from harness.plugins import part, setting
from harness.plugins.lengths import Length, Measured, Unit
from harness.records import Case, Example, Verdict

_REMEMBERED = 16384
"""Passages to remember: the variants of a sweep retrieve the same ones over and over."""


@dataclass(frozen=True)
class _Minimized:
    """What the metrics of expense share: less is better, and there is no upper end."""

    version: ClassVar[int] = 1
    cheap: ClassVar[bool] = True
    direction: ClassVar[str] = "minimize"
    low: ClassVar[float | None] = 0.0
    high: ClassVar[float | None] = None

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True


@part("metric", "latency_ms")
@dataclass(frozen=True)
class Latency(_Minimized):
    """Milliseconds on the wire of the attempt that succeeded; waiting and retries are not in it.

    Does not apply where nothing was measured.
    """

    unit: ClassVar[str] = "ms"
    reads: ClassVar[tuple[str, ...]] = ("latency_ms",)

    def score(self, case: Case) -> float | None:
        """Milliseconds."""
        return case.latency_ms


@part("metric", "first_token_ms")
@dataclass(frozen=True)
class FirstToken(_Minimized):
    """Milliseconds on the wire until the first words came.

    Does not apply where the answer was not streamed: set `stream: true` on the model.
    """

    unit: ClassVar[str] = "ms"
    reads: ClassVar[tuple[str, ...]] = ("first_token_ms",)

    def score(self, case: Case) -> float | None:
        """Milliseconds."""
        return case.first_token_ms


@dataclass(frozen=True)
class _Slow:
    """What the metrics of slowness share: 1 for a time above `over_ms`, so that a mean is the share of slow answers."""

    version: ClassVar[int] = 1
    cheap: ClassVar[bool] = True
    direction: ClassVar[str] = "minimize"
    low: ClassVar[float | None] = 0.0
    high: ClassVar[float | None] = 1.0
    unit: ClassVar[str] = ""
    over_ms: float = 10_000.0

    def __post_init__(self) -> None:
        if not 0 < self.over_ms < math.inf:
            raise ValueError(f"over_ms must be above 0, found {self.over_ms:g}; it is in milliseconds")

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    def _verdict(self, found: float | None) -> Verdict | None:
        if found is None:
            return None
        return Verdict(float(found > self.over_ms), f"{found:.0f} ms, {self.over_ms:g} are allowed")


@part("metric", "slow")
@dataclass(frozen=True)
class Slow(_Slow):
    """1 when the answer took more than `over_ms` milliseconds on the wire, as `latency_ms` measures it.

    The default of 10 seconds is the time for which people keep their attention on one thing; source: J. Nielsen,
    "Usability Engineering" (1993), chapter 5. Does not apply where nothing was measured.
    """

    reads: ClassVar[tuple[str, ...]] = ("latency_ms",)

    def score(self, case: Case) -> Verdict | None:
        """0 or 1; the reason tells the milliseconds."""
        return self._verdict(case.latency_ms)


@part("metric", "slow_first_token")
@dataclass(frozen=True)
class SlowFirstToken(_Slow):
    """1 when the first words took more than `over_ms` milliseconds on the wire, as `first_token_ms` measures it.

    The default of 1 second is what leaves a train of thought unbroken; source as of `slow`. Does not apply where the
    answer was not streamed: set `stream: true` on the model.
    """

    reads: ClassVar[tuple[str, ...]] = ("first_token_ms",)
    over_ms: float = 1_000.0

    def score(self, case: Case) -> Verdict | None:
        """0 or 1; the reason tells the milliseconds."""
        return self._verdict(case.first_token_ms)


@part("metric", "answer_tokens")
@dataclass(frozen=True)
class AnswerTokens(_Minimized):
    """Tokens of the answer as the provider counted them; does not apply where it gave no count."""

    unit: ClassVar[str] = "tokens"
    reads: ClassVar[tuple[str, ...]] = ("output_tokens",)

    def score(self, case: Case) -> float | None:
        """Tokens."""
        return case.output_tokens


@part("metric", "context_tokens")
@dataclass(frozen=True)
class ContextTokens(Measured, _Minimized):
    """Tokens of the passages' texts together; 0 when nothing was retrieved. `length` names the tokenizer.

    What stands around them in the prompt is not in it.
    """

    unit: ClassVar[str] = "tokens"
    reads: ClassVar[tuple[str, ...]] = ("passages",)
    length: Unit = "cl100k_base"
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
        self.check_length()
        if self.length == "characters":
            raise ValueError("length must name a tokenizer, found 'characters'; write cl100k_base or tokenizer:PATH")

    def score(self, case: Case) -> float:
        """Tokens."""
        length = self.measure()
        return sum(_measured(length, p.text) for p in case.passages)


@lru_cache(maxsize=_REMEMBERED)
def _measured(length: Length, text: str) -> int:
    return length(text)


@part("metric", "cost_usd")
@dataclass(frozen=True)
class Cost(_Minimized):
    """What the answer costs in USD; does not apply where the price is unknown."""

    unit: ClassVar[str] = "USD"
    reads: ClassVar[tuple[str, ...]] = ("cost_usd",)

    def score(self, case: Case) -> float | None:
        """US dollars."""
        return case.cost_usd
