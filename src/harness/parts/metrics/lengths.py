"""Is the answer as long as it should be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.parts.metrics.share import Share
from harness.plugins import part, setting
from harness.plugins.lengths import Measured
from harness.records import Case, Example, Verdict


@part("metric", "length_within")
@dataclass(frozen=True)
class LengthWithin(Measured, Share):
    """1 when the answer has at least `least` and at most `most` (null: no upper end) words.

    `length` names another unit: `characters`, or a tokenizer as in `context_tokens`. Words are what whitespace divides.
    """

    least: int = 1
    most: int | None = None
    length: str = "words"
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
        if self.least < 0:
            raise ValueError(f"least must not be negative, found {self.least}")
        if self.most is not None and self.most < self.least:
            raise ValueError(f"most {self.most} is below least {self.least}; exchange them")
        if self.length == "words":
            object.__setattr__(self, "workspace", "")  # it decides nothing, and stays out of run records
            return
        try:
            self.check_length()
        except ValueError as error:
            raise ValueError(f"{error}; or write words") from None

    def identity_extra(self) -> dict[str, Any]:
        """The digest of a tokenizer's file in place of its path."""
        return {} if self.length == "words" else super().identity_extra()

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    def score(self, case: Case) -> Verdict:
        """0 or 1; the reason tells the length."""
        found = len(case.answer.split()) if self.length == "words" else self.measure()(case.answer)
        unit = self.length if self.length in ("words", "characters") else "tokens"
        return Verdict(float(self.least <= found <= (found if self.most is None else self.most)), f"{found} {unit}")
