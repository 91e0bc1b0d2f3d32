"""What an answer takes: time, tokens, money."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from harness.plugins import part, setting
from harness.plugins.lengths import Length, Measured, Unit
from harness.records import Case, Example

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
