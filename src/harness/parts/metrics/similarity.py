"""How near are the characters of the answer to those of a reference? Distances of the library RapidFuzz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from harness.parts.metrics.share import Share
from harness.plugins import part
from harness.records import Case, Example

_CLASSES = {
    "levenshtein": "Levenshtein",
    "damerau_levenshtein": "DamerauLevenshtein",
    "indel": "Indel",
    "jaro": "Jaro",
    "jaro_winkler": "JaroWinkler",
}


@dataclass(frozen=True)
class WithReferences(Share):
    """What metrics share that compare with references: they apply where an answer is expected and there are some."""

    def applies(self, example: Example) -> bool:
        """Where an answer is expected and there are references."""
        return example.expected == "answer" and bool(example.references)


@part("metric", "edit_similarity")
@dataclass(frozen=True)
class EditSimilarity(WithReferences):
    """1 less the edits between the answer and the nearest reference, by the length of the longer one.

    `distance` counts edits in another way: `indel` without replacements, `damerau_levenshtein` with swaps of
    neighbours; `jaro` and `jaro_winkler` are similarities of their own. `case: false` ignores case.
    """

    distance: Literal["levenshtein", "damerau_levenshtein", "indel", "jaro", "jaro_winkler"] = "levenshtein"
    case: bool = True

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        import rapidfuzz.distance

        distance: Any = getattr(rapidfuzz.distance, _CLASSES[self.distance])
        answer = self._folded(case.answer.strip())
        return max(
            float(distance.normalized_similarity(answer, self._folded(reference.strip())))
            for reference in case.example.references
        )

    def _folded(self, text: str) -> str:
        return text if self.case else text.casefold()
