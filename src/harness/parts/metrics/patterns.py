"""Does the answer fit a regular expression?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.parts.metrics.checks import kept_in
from harness.parts.metrics.share import Share
from harness.plugins import part, setting
from harness.records import Case, Example, Verdict

_SHOWN = 40


@part("metric", "regex")
@dataclass(frozen=True)
class Regex(Share):
    """1 when `pattern` matches somewhere in the answer; with `whole: true`, when it matches all of it.

    Python's syntax, and what the package `regex` adds to it (`\\p{L}`). With `metadata` in place of `pattern` the
    example's metadata keeps the pattern, or a list of which one must match, under that key. `case: false` ignores case;
    `negate` turns the result round. A search of more than `timeout_s` seconds is a failed score: some patterns take
    ages on some answers.
    """

    pattern: str = ""
    metadata: str = ""
    whole: bool = False
    case: bool = True
    negate: bool = False
    timeout_s: float = setting(1.0, inert=True)

    def __post_init__(self) -> None:
        if bool(self.pattern) == bool(self.metadata):
            raise ValueError(
                "needs a pattern, or metadata (the key under which each example's metadata keeps it); write one of them"
            )
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s must be above 0, found {self.timeout_s:g}")
        if self.pattern:
            _compiled(self.pattern, self.case)

    def applies(self, example: Example) -> bool:
        """Everywhere, or where the metadata has the key."""
        return not self.metadata or self.metadata in example.metadata

    def score(self, case: Case) -> Verdict | None:
        """0 or 1; the reason shows what was matched. None where nothing is looked for."""
        patterns = (self.pattern,) if self.pattern else kept_in(case.example, self.metadata)
        if not patterns:
            return None
        found = next((match for match in (self._match(p, case.answer) for p in patterns) if match is not None), None)
        return Verdict(float((found is not None) != self.negate), "no match" if found is None else f"matches {found!r}")

    def _match(self, pattern: str, answer: str) -> str | None:
        compiled = _compiled(pattern, self.case)
        try:
            found = (compiled.fullmatch if self.whole else compiled.search)(answer, timeout=self.timeout_s)
        except TimeoutError:
            raise TimeoutError(
                f"{pattern!r} took more than {self.timeout_s:g} s on an answer of {len(answer)} characters; "
                "avoid repetitions of repetitions such as (a+)+, or raise timeout_s"
            ) from None
        return None if found is None else str(found[0])[:_SHOWN]


@lru_cache(maxsize=512)
def _compiled(pattern: str, case: bool) -> Any:
    """The pattern, ready to match. Raises ValueError for one that is no regular expression."""
    import regex

    try:
        return regex.compile(pattern, 0 if case else regex.IGNORECASE)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
