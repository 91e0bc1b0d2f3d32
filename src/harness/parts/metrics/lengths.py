"""Is the answer as long as it should be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.metrics.share import Share
from harness.plugins import part, setting
from harness.plugins.lengths import Measured
from harness.records import Case, Example, Verdict


@dataclass(frozen=True)
class _Counted(Measured, Share):
    """What metrics of length share: texts are measured in words, which whitespace divides, or in another `length`."""

    length: str = "words"
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
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

    def count(self, text: str) -> int:
        """How long a text is."""
        return len(text.split()) if self.length == "words" else self.measure()(text)

    @property
    def counted(self) -> str:
        """What is counted, for reasons."""
        return self.length if self.length in ("words", "characters") else "tokens"


@part("metric", "length_within")
@dataclass(frozen=True)
class LengthWithin(_Counted):
    """1 when the answer has at least `least` and at most `most` (null: no upper end) words.

    `length` names another unit: `characters`, or a tokenizer as in `context_tokens`. Words are what whitespace divides.
    """

    least: int = 1
    most: int | None = None

    def __post_init__(self) -> None:
        if self.least < 0:
            raise ValueError(f"least must not be negative, found {self.least}")
        if self.most is not None and self.most < self.least:
            raise ValueError(f"most {self.most} is below least {self.least}; exchange them")
        super().__post_init__()

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    def score(self, case: Case) -> Verdict:
        """0 or 1; the reason tells the length."""
        found = self.count(case.answer)
        return Verdict(
            float(self.least <= found <= (found if self.most is None else self.most)), f"{found} {self.counted}"
        )


@part("metric", "verbosity")
@dataclass(frozen=True)
class Verbosity(_Counted):
    """How many times as long as it should be the answer is: its words, divided by those of the longest reference.

    With `limit`, divided by so many words. 2 is twice as long; below 1 it is shorter, which is no praise of it: read it
    beside a metric of what the answer says. `length` names another unit than words, as in `length_within`; languages
    that put no spaces between words need `characters`, or a tokenizer.
    """

    direction: ClassVar[str] = "minimize"
    high: ClassVar[float | None] = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be at least 1, found {self.limit}; leave it out to compare with references")
        super().__post_init__()

    def applies(self, example: Example) -> bool:
        """With `limit` everywhere; else where an answer is expected and there are references."""
        return self.limit is not None or (example.expected == "answer" and bool(example.references))

    def score(self, case: Case) -> Verdict | None:
        """From 0 on; the reason tells both lengths. None where all references are empty."""
        wanted = self.limit or max(map(self.count, case.example.references), default=0)
        if not wanted:
            return None
        found = self.count(case.answer)
        what = "are allowed" if self.limit else "in the longest reference"
        return Verdict(found / wanted, f"{found} {self.counted}, {wanted} {what}")
