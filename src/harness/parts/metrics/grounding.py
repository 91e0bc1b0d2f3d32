"""Do the answer's words come from the passages? A cheap look at what judges of faithfulness ask a model about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from harness.parts.metrics.replies import ABSTENTIONS, abstains
from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.plugins.stems import stem
from harness.records import Case, Example, Verdict, digest

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_CONTENT = 4
_REMEMBERED = 16384
_SHOWN = 5


@part("metric", "lexical_groundedness")
@dataclass(frozen=True)
class LexicalGroundedness(Share):
    """The share of the answer's content words that occur in the passages; 0 when nothing was retrieved.

    Content words are figures, words of 4 letters or more, and single Chinese and Japanese characters, by their English
    stems. `n: 2` takes pairs of neighbouring words of any length instead, `n: 3` three in a row: nearer to quoting.

    It knows words, not meaning: a paraphrase scores lower though it is faithful, and "does support" and "does not
    support" score the same. What it finds well are figures and names out of nowhere, which the reason lists. Does not
    apply to abstentions and to answers without a content word.
    """

    cheap: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("answer", "passages")
    n: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.n <= 5:
            raise ValueError(f"n must be 1 (words) to 5 (five in a row), found {self.n}")

    def identity_extra(self) -> dict[str, str]:
        """The phrases that decide what is an abstention."""
        return {"abstentions": digest(ABSTENTIONS)}

    def applies(self, example: Example) -> bool:
        """Where an answer is expected."""
        return example.expected == "answer"

    def score(self, case: Case) -> Verdict | None:
        """Between 0 and 1; the reason lists what occurs in no passage. None where nothing can be looked for."""
        if abstains(case.answer, ABSTENTIONS):
            return None
        said = self._looked_for(case.answer)
        if not said:
            return None
        there = frozenset[tuple[str, ...]]().union(*(_grams(passage.text, self.n) for passage in case.passages))
        lacking = list(dict.fromkeys(word for gram, word in said if gram not in there))
        found = sum(gram in there for gram, _ in said)
        shown = ", ".join(lacking[:_SHOWN]) + (" …" if len(lacking) > _SHOWN else "")
        return Verdict(
            found / len(said), f"not in the passages: {shown}" if lacking else "all words are in the passages"
        )

    def _looked_for(self, text: str) -> list[tuple[tuple[str, ...], str]]:
        """What must be in the passages, as stems and as it is written."""
        words = _TOKEN.findall(text)
        grams = [words[i : i + self.n] for i in range(len(words) - self.n + 1)]
        return [(tuple(map(_stemmed, gram)), " ".join(gram)) for gram in grams if self.n > 1 or _is_content(gram[0])]


def _is_content(word: str) -> bool:
    return len(word) >= _CONTENT or not word.isascii() or word[0].isdigit()


@lru_cache(maxsize=_REMEMBERED)
def _grams(text: str, n: int) -> frozenset[tuple[str, ...]]:
    stems = list(map(_stemmed, _TOKEN.findall(text)))
    return frozenset(tuple(stems[i : i + n]) for i in range(len(stems) - n + 1))


def _stemmed(word: str) -> str:
    return stem(word.lower().replace("\u2019", "'"))
