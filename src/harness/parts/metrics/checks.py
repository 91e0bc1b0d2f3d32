"""Is what is looked for in the answer, letter by letter? What other tools call assertions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Case, Example, Verdict


def kept_in(example: Example, key: str) -> tuple[str, ...]:
    """The texts that the example's metadata keeps under `key`: one, or a list. Raises ValueError for anything else."""
    found = example.metadata.get(key)
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"metadata {key!r} is {found!r}; expected a text or a list of texts")
    return tuple(texts)


@dataclass(frozen=True)
class _Sought(Share):
    """What these checks share: they look for `texts`, else for those in the example's `metadata`, else references."""

    texts: tuple[str, ...] = ()
    metadata: str = ""
    case: bool = True
    negate: bool = False

    def __post_init__(self) -> None:
        if any(not text.strip() for text in self.texts):
            raise ValueError("texts must not be empty: an empty one is in every answer; leave it out")
        if self.texts and self.metadata:
            raise ValueError("texts and metadata are both given; write one of them")

    def applies(self, example: Example) -> bool:
        """Everywhere with `texts`; where the `metadata` has the key; else where an answer is known."""
        if self.metadata:
            return self.metadata in example.metadata
        return bool(self.texts) or (example.expected == "answer" and bool(example.references))

    def _sought(self, example: Example) -> tuple[str, ...]:
        return self.texts or (kept_in(example, self.metadata) if self.metadata else example.references)

    def _folded(self, text: str) -> str:
        return text if self.case else text.casefold()

    def _verdict(self, held: bool, reason: str) -> Verdict:
        return Verdict(float(held != self.negate), reason)


@part("metric", "contains")
@dataclass(frozen=True)
class Contains(_Sought):
    """1 when the answer holds one of `texts`, or with `need: all` each of them.

    Without `texts`, those are looked for that the example's metadata keeps under the key `metadata` (a text or a list),
    and without that its references. `case: false` ignores case; `negate` turns the result round. Unlike `answer_match`
    it looks for characters, not for words: `10` is in `100`.
    """

    need: Literal["any", "all"] = "any"

    def score(self, case: Case) -> Verdict | None:
        """0 or 1; the reason names what was found or is lacking. None where nothing is looked for."""
        sought = self._sought(case.example)
        if not sought:
            return None
        answer = self._folded(case.answer)
        lacking = [text for text in sought if not text.strip() or self._folded(text) not in answer]
        if self.need == "all":
            return self._verdict(not lacking, f"lacks {lacking[0]!r}" if lacking else f"holds all {len(sought)}")
        found = [text for text in sought if text not in lacking]
        return self._verdict(bool(found), f"holds {found[0]!r}" if found else f"holds none of {len(sought)}")


@part("metric", "starts_with")
@dataclass(frozen=True)
class StartsWith(_Sought):
    """1 when the answer, without whitespace around it, starts with one of `texts`, found as in `contains`."""

    def score(self, case: Case) -> Verdict | None:
        """0 or 1. None where nothing is looked for."""
        sought = self._sought(case.example)
        answer = self._folded(case.answer.strip())
        found = next((text for text in sought if text.strip() and answer.startswith(self._folded(text))), None)
        if not sought:
            return None
        return self._verdict(found is not None, f"starts with {found!r}" if found else f"starts with {answer[:20]!r}")


@part("metric", "equals")
@dataclass(frozen=True)
class Equals(_Sought):
    """1 when the answer is one of `texts`, found as in `contains`, but for whitespace around them.

    Unlike in `exact_match`, punctuation, articles and case count.
    """

    def score(self, case: Case) -> Verdict | None:
        """0 or 1. None where nothing is looked for."""
        sought = self._sought(case.example)
        if not sought:
            return None
        answer = self._folded(case.answer.strip())
        equal = any(answer == self._folded(text.strip()) for text in sought)
        return self._verdict(equal, "equal" if equal else f"equals none of {len(sought)}")
