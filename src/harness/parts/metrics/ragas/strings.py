"""Metrics of ragas that compare characters and words, and ask nobody."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.parts.metrics.ragas.judged import tidy
from harness.parts.metrics.ragas.library import collections, release, require
from harness.parts.metrics.share import Share
from harness.plugins import name, part
from harness.records import Case, Example, Verdict


@dataclass(frozen=True)
class _Computed(Share, ABC):
    """`package` is what the metric needs besides ragas: the module and the name by which pip knows it."""

    cheap: ClassVar[bool] = False
    package: ClassVar[tuple[str, str] | None] = None

    def ready(self) -> None:
        """Raise UserError where ragas, or what it needs for this, is missing."""
        if self.package is not None:
            require(name(self), *self.package)
        collections()

    def identity_extra(self) -> dict[str, Any]:
        """The release of ragas, which decides the formula."""
        return {"ragas": release()}

    @abstractmethod
    def _made(self, library: Any) -> Any:
        """The metric's object of ragas."""

    def _value(self, **sample: Any) -> float:
        """ragas' value. Raises ValueError where it is no number."""
        found = float(_now(self._made(collections()).ascore(**sample)).value)
        value = tidy(found, self)
        if value is None:
            raise ValueError(f"ragas gave {found}, which is no value of {name(self)}")
        return value


def _now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise RuntimeError("ragas waits for something in a metric that is computed at once")


@dataclass(frozen=True)
class _Compared(_Computed):
    """What these share: the best value over the references; 0 for an empty answer."""

    def applies(self, example: Example) -> bool:
        """Where an answer is expected, with references."""
        return example.expected == "answer" and any(text.strip() for text in example.references)

    def score(self, case: Case) -> Verdict | float:
        """The value of the reference that fits best."""
        if not case.answer.strip():
            return Verdict(0.0, "the answer is empty")
        references = [text for text in case.example.references if text.strip()]
        return max(self._value(reference=text, response=case.answer) for text in references)


@part("metric", "ragas/exact_match")
@dataclass(frozen=True)
class ExactMatch(_Compared):
    """1: the answer is a reference, letter by letter."""

    def _made(self, library: Any) -> Any:
        return library.ExactMatch()


@part("metric", "ragas/string_presence")
@dataclass(frozen=True)
class StringPresence(_Compared):
    """1: a reference stands in the answer, letter by letter."""

    def _made(self, library: Any) -> Any:
        return library.StringPresence()


@part("metric", "ragas/string_similarity")
@dataclass(frozen=True)
class StringSimilarity(_Compared):
    """1 less the edits between the answer and the nearest reference, by the length of the longer one."""

    package: ClassVar[tuple[str, str] | None] = ("rapidfuzz", "rapidfuzz")
    distance: Literal["levenshtein", "hamming", "jaro", "jaro_winkler"] = "levenshtein"

    def _made(self, library: Any) -> Any:
        return library.NonLLMStringSimilarity(distance_measure=library.DistanceMeasure(self.distance))


@part("metric", "ragas/bleu")
@dataclass(frozen=True)
class Bleu(_Compared):
    """BLEU as ragas asks sacreBLEU for it: of the first sentences, unsmoothed by length. `bleu` is the better one."""

    package: ClassVar[tuple[str, str] | None] = ("sacrebleu", "sacrebleu")
    lowercase: bool = False
    use_effective_order: bool = False

    def _made(self, library: Any) -> Any:
        chosen = {"lowercase": self.lowercase, "use_effective_order": self.use_effective_order}
        return library.BleuScore(kwargs=chosen)


@part("metric", "ragas/chrf")
@dataclass(frozen=True)
class Chrf(_Compared):
    """The F-score of n-grams of characters that the answer has in common with a reference."""

    package: ClassVar[tuple[str, str] | None] = ("sacrebleu", "sacrebleu")
    char_order: int = 6
    word_order: int = 0
    beta: int = 2

    def __post_init__(self) -> None:
        if self.char_order < 1 or self.word_order < 0 or self.beta < 1:
            raise ValueError("char_order and beta must be at least 1, and word_order not negative")

    def _made(self, library: Any) -> Any:
        return library.CHRFScore(
            kwargs={"char_order": self.char_order, "word_order": self.word_order, "beta": self.beta}
        )


@part("metric", "ragas/rouge")
@dataclass(frozen=True)
class Rouge(_Compared):
    """Stemmed words that the answer has in common with a reference: single ones, or in sequence."""

    package: ClassVar[tuple[str, str] | None] = ("rouge_score", "rouge-score")
    rouge_type: Literal["rouge1", "rougeL"] = "rougeL"
    mode: Literal["fmeasure", "precision", "recall"] = "fmeasure"

    def _made(self, library: Any) -> Any:
        return library.RougeScore(rouge_type=self.rouge_type, mode=self.mode)


@part("metric", "ragas/quoted_spans")
@dataclass(frozen=True)
class QuotedSpans(_Computed):
    """The share of what the answer quotes, from `min_span_words` words on, that stands in the passages.

    An answer that quotes nothing is not judged.
    """

    reads: ClassVar[tuple[str, ...]] = ("answer", "passages")
    casefold: bool = True
    min_span_words: int = 3

    def __post_init__(self) -> None:
        if self.min_span_words < 1:
            raise ValueError(f"min_span_words must be at least 1, found {self.min_span_words}")

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    def _made(self, library: Any) -> Any:
        return library.QuotedSpansAlignment(casefold=self.casefold, min_span_words=self.min_span_words)

    def score(self, case: Case) -> Verdict | None:
        """None where nothing is quoted, of which ragas makes 1."""
        collections()
        from ragas.metrics.collections.quoted_spans.util import extract_quoted_spans

        spans = extract_quoted_spans(case.answer, min_len=self.min_span_words)
        if not spans:
            return None
        value = self._value(response=case.answer, retrieved_contexts=[passage.text for passage in case.passages])
        return Verdict(value, f"{round(value * len(spans))} of {len(spans)} quotations in the passages")
