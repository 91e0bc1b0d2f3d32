"""The metric of ragas for answers that are summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.metrics.ragas.flaws import empty, not_each
from harness.parts.metrics.ragas.judge import Judge, Reply, Vectors
from harness.parts.metrics.ragas.judged import Judged, shares
from harness.plugins import part
from harness.records import Case, Example


@part("metric", "ragas/summary_score")
@dataclass(frozen=True)
class SummaryScore(Judged):
    """How many questions about a text the answer, a summary of it, answers, and how much shorter it is. 3 calls.

    The text, or a list of texts, is what the example's metadata keeps under the key `metadata`. `coeff` is the weight
    of the shortness, which `length_penalty: false` leaves out.
    """

    reads: ClassVar[tuple[str, ...]] = ("answer",)
    takes: ClassVar[tuple[str, ...]] = ("response",)
    digits: ClassVar[int | None] = 6
    prompts: ClassVar[int] = 3
    metadata: str = "reference_contexts"
    length_penalty: bool = True
    coeff: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.coeff <= 1:
            raise ValueError(f"coeff must be between 0 and 1, found {self.coeff}")

    def applies(self, example: Example) -> bool:
        """Where an answer is expected, and the metadata has the text."""
        return example.expected == "answer" and self.metadata in example.metadata

    def sample(self, case: Case) -> dict[str, Any]:
        return {**super().sample(case), "reference_contexts": self._texts(case.example)}

    def _texts(self, example: Example) -> list[str]:
        found = example.metadata[self.metadata]
        texts = [found] if isinstance(found, str) else found
        usable = isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts)
        if not usable or not any(text.strip() for text in texts):
            raise ValueError(
                f"metadata {self.metadata!r} is {found!r}; expected the text that is summarised, or a list"
            )
        return list(texts)

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.SummaryScore(llm=judge, length_penalty=self.length_penalty, coeff=self.coeff)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        if "questions" in reply:
            return empty(reply, "questions")
        if "answers" not in reply:
            return None
        if not set(reply["answers"]) <= {"0", "1"}:
            return f'answers holds {sorted(set(reply["answers"]) - {"0", "1"})[0]!r}; each must be "0" or "1"'
        return not_each(reply, "answers", len(before[-1]["questions"]))

    def told(self, replies: Sequence[Reply], value: float) -> str:
        asked, found = replies[1]["questions"], replies[2]["answers"]
        without = [question for question, answer in zip(asked, found, strict=True) if answer == "0"]
        return shares(len(asked) - len(without), len(asked), "questions answered", "not answered", without)
