"""Metrics of ragas that judge the answer as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from harness.parts.metrics.ragas.flaws import outside
from harness.parts.metrics.ragas.judge import Judge, Reply, Vectors
from harness.parts.metrics.ragas.judged import Judged, Stated, quoted
from harness.plugins import Asker, PartOf, part
from harness.records import Case


@part("metric", "ragas/answer_relevancy")
@dataclass(frozen=True)
class AnswerRelevancy(Judged):
    """How near the question is to those that the answer would answer, by the cosine of `embedder`; 0 if evasive.

    The judge makes up a question in each of `strictness` calls; they differ with a `temperature` only.
    """

    low: ClassVar[float | None] = -1.0
    reads: ClassVar[tuple[str, ...]] = ("answer",)
    takes: ClassVar[tuple[str, ...]] = ("user_input", "response")
    embedder: Annotated[Any, PartOf("embedder")] = field(kw_only=True)
    strictness: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strictness < 1:
            raise ValueError(f"strictness must be at least 1, found {self.strictness}")

    def asks(self, case: Case) -> int:
        return self.strictness

    def vectors(self, asker: Asker) -> Vectors | None:
        return Vectors(asker, self.embedder)

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.AnswerRelevancy(llm=judge, embeddings=vectors, strictness=self.strictness)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        return None if reply["question"].strip() or reply["noncommittal"] else "question is empty"

    def told(self, replies: Sequence[Reply], value: float) -> str:
        evasive = sum(reply["noncommittal"] for reply in replies)
        head = f"evasive by {evasive} of {len(replies)} replies; " if evasive else ""
        questions = dict.fromkeys(reply["question"] for reply in replies if reply["question"])
        return f"{head}it answers: {quoted(questions)}" if questions else head.removesuffix("; ")


@part("metric", "ragas/response_groundedness")
@dataclass(frozen=True)
class ResponseGroundedness(Stated):
    """Do the passages support the answer: not, in part (0.5), fully? The mean of two prompts. 2 calls.

    A reply that rightly abstains or hands over states nothing, and is not judged.
    """

    takes: ClassVar[tuple[str, ...]] = ("response", "retrieved_contexts")

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.ResponseGroundedness(llm=judge)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        return outside(reply, "rating", (0, 1, 2))

    def told(self, replies: Sequence[Reply], value: float) -> str:
        return f"rated {' and '.join(str(reply['rating']) for reply in replies)} of 2"


@part("metric", "ragas/answer_accuracy")
@dataclass(frozen=True)
class AnswerAccuracy(Judged):
    """Does the answer say what the reference says: not, in part (0.5), fully? The mean of two prompts. 2 calls."""

    reads: ClassVar[tuple[str, ...]] = ("answer",)
    takes: ClassVar[tuple[str, ...]] = ("user_input", "response", "reference")

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.AnswerAccuracy(llm=judge)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        return outside(reply, "rating", (0, 2, 4))

    def told(self, replies: Sequence[Reply], value: float) -> str:
        return f"rated {' and '.join(str(reply['rating']) for reply in replies)} of 4"
