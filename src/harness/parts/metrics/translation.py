"""The measures of machine translation, by the library sacreBLEU, on its scale divided by 100.

Sources: K. Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation" (2002); M. Popović,
"chrF: character n-gram F-score for automatic MT evaluation" (2015); M. Post, "A Call for Clarity in Reporting BLEU
Scores" (2018). Of several references BLEU takes n-grams from all, chrF the one that fits best, as their authors do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar, Literal

from harness.parts.metrics.similarity import WithReferences
from harness.plugins import part
from harness.records import Case


@cache
def _library() -> str:
    from importlib.metadata import version

    return f"sacrebleu {version('sacrebleu')}"


@lru_cache(maxsize=16)
def _bleu(tokenize: str, lowercase: bool) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(lowercase=lowercase, tokenize=tokenize, effective_order=True)


@lru_cache(maxsize=16)
def _chrf(word_order: int, lowercase: bool) -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(word_order=word_order, lowercase=lowercase)


@dataclass(frozen=True)
class _OfSacrebleu(WithReferences, ABC):
    cheap: ClassVar[bool] = False
    case: bool = True

    def identity_extra(self) -> dict[str, Any]:
        """The library's version, which its authors ask to be told with every value."""
        return {"library": _library()}

    def score(self, case: Case) -> float:
        """Between 0 and 1."""
        found = self._scorer().sentence_score(case.answer, list(case.example.references))
        return min(float(found.score) / 100, 1.0)  # rounding may end just above

    @abstractmethod
    def _scorer(self) -> Any:
        """The library's metric."""


@part("metric", "bleu")
@dataclass(frozen=True)
class Bleu(_OfSacrebleu):
    """BLEU of one answer: n-grams up to 4 words, smoothed (`exp`), of fewer orders where the answer is shorter.

    Its mean is no corpus BLEU. `tokenize` divides into words: `13a` suits languages of Latin script, `intl` all that
    put spaces, `zh` Chinese, `char` any. `case: false` ignores case.
    """

    tokenize: Literal["13a", "intl", "zh", "char", "none"] = "13a"

    def _scorer(self) -> Any:
        return _bleu(self.tokenize, not self.case)


@part("metric", "chrf")
@dataclass(frozen=True)
class Chrf(_OfSacrebleu):
    """chrF2 of one answer: F2 of n-grams up to 6 characters; `word_order: 2` adds words and makes it chrF++.

    `case: false` ignores case.
    """

    word_order: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.word_order <= 4:
            raise ValueError(f"word_order must be 0 (chrF) to 4, found {self.word_order}; chrF++ has 2")

    def _scorer(self) -> Any:
        return _chrf(self.word_order, not self.case)
