"""Metrics of ragas that take texts apart into statements and have each one judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from harness.parts.metrics.ragas.flaws import empty, not_each, too_few
from harness.parts.metrics.ragas.judge import Judge, Reply, Vectors
from harness.parts.metrics.ragas.judged import Judged, Stated, quoted, shares
from harness.plugins import Asker, PartOf, part
from harness.records import Case


def _rejected(reply: Reply) -> list[str]:
    return [str(entry["statement"]) for entry in reply["statements"] if not entry["verdict"]]


@part("metric", "ragas/faithfulness")
@dataclass(frozen=True)
class Faithfulness(Stated):
    """The share of the answer's statements that the passages support. 2 calls.

    A reply that rightly abstains or hands over states nothing, and is not judged.
    """

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.Faithfulness(llm=judge)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        if not before:
            return empty(reply, "statements")
        return too_few(reply, "statements", len(before[0]["statements"]))

    def told(self, replies: Sequence[Reply], value: float) -> str:
        total, without = len(replies[1]["statements"]), _rejected(replies[1])
        return shares(total - len(without), total, "statements supported", "not supported", without)


@part("metric", "ragas/factual_correctness")
@dataclass(frozen=True)
class FactualCorrectness(Judged):
    """How the claims of the answer and of the reference agree, to two digits. 4 calls; 2 with `mode: precision`.

    `mode` is f1 (weighted by `beta`: above 1 towards recall), precision or recall; `atomicity` and `coverage` say how
    finely and how fully texts are taken apart.
    """

    reads: ClassVar[tuple[str, ...]] = ("answer",)
    takes: ClassVar[tuple[str, ...]] = ("response", "reference")
    mode: Literal["f1", "precision", "recall"] = "f1"
    beta: float = 1.0
    atomicity: Literal["low", "high"] = "low"
    coverage: Literal["low", "high"] = "low"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_beta(self.beta)

    def asks(self, case: Case) -> int:
        return 2 if self.mode == "precision" else 4

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.FactualCorrectness(
            llm=judge, mode=self.mode, beta=self.beta, atomicity=self.atomicity, coverage=self.coverage
        )

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        if "claims" in reply:
            return empty(reply, "claims")
        return too_few(reply, "statements", len(before[-1]["claims"]))

    def told(self, replies: Sequence[Reply], value: float) -> str:
        parts = []
        for claims, whose in zip(replies[1::2], ("answer", "reference"), strict=False):
            total, without = len(claims["statements"]), _rejected(claims)
            parts.append(shares(total - len(without), total, f"claims of the {whose} confirmed", "not", without))
        return "; ".join(parts)


@part("metric", "ragas/answer_correctness")
@dataclass(frozen=True)
class AnswerCorrectness(Judged):
    """How right and complete the answer's statements are by the reference, and how alike both are. 3 calls.

    `weights` are those of the statements (F-score with `beta`) and of the cosine by `embedder`, which is needed unless
    its weight is 0.
    """

    low: ClassVar[float | None] = -1.0
    reads: ClassVar[tuple[str, ...]] = ("answer",)
    takes: ClassVar[tuple[str, ...]] = ("user_input", "response", "reference")
    prompts: ClassVar[int] = 3
    embedder: Annotated[Any, PartOf("embedder")] | None = None
    weights: tuple[float, float] = (0.75, 0.25)
    beta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_beta(self.beta)
        if min(self.weights) < 0 or not any(self.weights):
            raise ValueError(f"weights must not be negative, and not all 0, found {list(self.weights)}")
        if self.weights[1] and self.embedder is None:
            raise ValueError("needs an embedder for the second of its weights; name one, or write weights: [1.0, 0.0]")

    def vectors(self, asker: Asker) -> Vectors | None:
        return Vectors(asker, self.embedder) if self.weights[1] else None

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.AnswerCorrectness(
            llm=judge, embeddings=vectors, weights=list(self.weights), beta=float(self.beta)
        )

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        if "statements" in reply:
            return empty(reply, "statements")
        if any(reply[key] for key in ("TP", "FP", "FN")):
            return None
        return "TP, FP and FN are all empty; each statement belongs in one of them"

    def told(self, replies: Sequence[Reply], value: float) -> str:
        said = {key: [str(entry["statement"]) for entry in replies[2][key]] for key in ("TP", "FP", "FN")}
        counts = f"{len(said['TP'])} statements right, {len(said['FP'])} wrong, {len(said['FN'])} missing"
        lists = [f"{word}: {quoted(said[key])}" for key, word in (("FP", "wrong"), ("FN", "missing")) if said[key]]
        return "; ".join([counts, *lists])


@part("metric", "ragas/noise_sensitivity")
@dataclass(frozen=True)
class NoiseSensitivity(Judged):
    """The share of the answer's statements that are wrong by the reference and follow passages. 3 calls and 2 each.

    `mode: relevant` looks at passages that support something of the reference, `irrelevant` at the others. An empty
    answer, or one without passages, was misled by none: it does not apply.
    """

    direction: ClassVar[str] = "minimize"
    takes: ClassVar[tuple[str, ...]] = ("user_input", "response", "reference", "retrieved_contexts")
    if_lacking: ClassVar[float | None] = None
    mode: Literal["relevant", "irrelevant"] = "relevant"

    def asks(self, case: Case) -> int:
        return 3 + 2 * len(case.passages)

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.NoiseSensitivity(llm=judge, mode=self.mode)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        asked = len(before) - 2
        if asked < 0:
            return empty(reply, "statements")
        of_reference = asked % 2 == 0 and asked < 2 * len(case.passages)  # the last is the answer by the reference
        return not_each(reply, "statements", len(before[0 if of_reference else 1]["statements"]))

    def told(self, replies: Sequence[Reply], value: float) -> str:
        total, wrong = len(replies[1]["statements"]), _rejected(replies[-1])
        misled = f"{round(value * total)} of {total} statements are wrong and follow {self.mode} passages"
        return misled + (f"; wrong: {quoted(wrong)}" if wrong else "")


def _check_beta(beta: float) -> None:
    if beta <= 0:
        raise ValueError(f"beta must be above 0, found {beta}")
