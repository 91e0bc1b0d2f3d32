"""Metrics of ragas that judge what was retrieved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.metrics.ragas.flaws import empty, outside
from harness.parts.metrics.ragas.judge import Judge, Reply, Vectors
from harness.parts.metrics.ragas.judged import Judged, shares
from harness.plugins import part
from harness.records import Case


@dataclass(frozen=True)
class _OfPassages(Judged):
    reads: ClassVar[tuple[str, ...]] = ("passages",)
    takes: ClassVar[tuple[str, ...]] = ("user_input", "retrieved_contexts", "reference")


@part("metric", "ragas/context_precision")
@dataclass(frozen=True)
class ContextPrecision(_OfPassages):
    """Mean precision at the ranks of the passages that help to get to the reference. A call for each passage."""

    digits: ClassVar[int | None] = 6

    def asks(self, case: Case) -> int:
        return len(case.passages)

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.ContextPrecision(llm=judge)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        return None

    def told(self, replies: Sequence[Reply], value: float) -> str:
        useful = [str(rank) for rank, reply in enumerate(replies, start=1) if reply["verdict"]]
        return f"{len(useful)} of {len(replies)} passages useful" + (f": {', '.join(useful)}" if useful else "")


@part("metric", "ragas/context_utilization")
@dataclass(frozen=True)
class ContextUtilization(ContextPrecision):
    """Mean precision at the ranks of the passages that help to get to the answer. A call for each passage."""

    reads: ClassVar[tuple[str, ...]] = ("answer", "passages")
    takes: ClassVar[tuple[str, ...]] = ("user_input", "response", "retrieved_contexts")

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.ContextUtilization(llm=judge)


@part("metric", "ragas/context_recall")
@dataclass(frozen=True)
class ContextRecall(_OfPassages):
    """The share of the reference's statements that the passages support. 1 call."""

    prompts: ClassVar[int] = 1

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.ContextRecall(llm=judge)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        return empty(reply, "classifications")

    def told(self, replies: Sequence[Reply], value: float) -> str:
        found = replies[0]["classifications"]
        without = [str(entry["statement"]) for entry in found if not entry["attributed"]]
        right = len(found) - len(without)
        return shares(right, len(found), "statements of the reference in the passages", "not in them", without)


@part("metric", "ragas/context_entity_recall")
@dataclass(frozen=True)
class ContextEntityRecall(_OfPassages):
    """The share of the names and figures of the reference that the passages hold, by their spelling. 2 calls."""

    takes: ClassVar[tuple[str, ...]] = ("retrieved_contexts", "reference")
    digits: ClassVar[int | None] = 6

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.ContextEntityRecall(llm=judge)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        return None if before else empty(reply, "entities")  # passages may hold none; a share of none is no number

    def told(self, replies: Sequence[Reply], value: float) -> str:
        wanted, there = (dict.fromkeys(reply["entities"]) for reply in replies)
        without = [entity for entity in wanted if entity not in there]
        return shares(len(wanted) - len(without), len(wanted), "entities in the passages", "not in them", without)


@part("metric", "ragas/context_relevance")
@dataclass(frozen=True)
class ContextRelevance(_OfPassages):
    """Do the passages hold what answers the question: not, in part (0.5), fully? The mean of two prompts. 2 calls."""

    takes: ClassVar[tuple[str, ...]] = ("user_input", "retrieved_contexts")

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        return library.ContextRelevance(llm=judge)

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        return outside(reply, "rating", (0, 1, 2))

    def told(self, replies: Sequence[Reply], value: float) -> str:
        if not replies:
            return "the passages say no more than the question"
        return f"rated {' and '.join(str(reply['rating']) for reply in replies)} of 2"
