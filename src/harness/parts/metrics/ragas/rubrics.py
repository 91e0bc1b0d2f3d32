"""Metrics of ragas that give 1 to 5 by what a user wrote of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.metrics.ragas.flaws import outside
from harness.parts.metrics.ragas.judge import Judge, Reply, Vectors
from harness.parts.metrics.ragas.judged import Judged, reference
from harness.plugins import part
from harness.records import Case, Example

_LEVELS = (1, 2, 3, 4, 5)


@part("metric", "ragas/rubrics")
@dataclass(frozen=True)
class Rubrics(Judged):
    """1 to 5 by a rubric: five texts in `rubric`, or those of each example's metadata under `metadata`. 1 call.

    Without either it is one of ragas' own. `with_reference` and `with_passages` show the judge these too. An empty
    answer is judged like any other.
    """

    low: ClassVar[float | None] = 1.0
    high: ClassVar[float | None] = 5.0
    reads: ClassVar[tuple[str, ...]] = ("answer",)
    takes: ClassVar[tuple[str, ...]] = ("user_input", "response", "retrieved_contexts", "reference")
    prompts: ClassVar[int] = 1
    rubric: tuple[str, ...] = ()
    metadata: str = ""
    with_reference: bool = False
    with_passages: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rubric and self.metadata:
            raise ValueError("rubric and metadata are both given; write one of them")
        if self.rubric:
            _levels(self.rubric, "rubric")
        if self.with_passages:
            object.__setattr__(self, "reads", ("answer", "passages"))

    def applies(self, example: Example) -> bool:
        """Everywhere; where the `metadata` has the key, and a reference if it is shown."""
        kept = not self.metadata or self.metadata in example.metadata
        return kept and (not self.with_reference or bool(reference(example)))

    def lacking(self, case: Case) -> str | None:
        return None

    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        if self.metadata:
            return library.InstanceSpecificRubrics(llm=judge)
        rubrics = _levels(self.rubric, "rubric") if self.rubric else None
        return library.DomainSpecificRubrics(llm=judge, rubrics=rubrics, with_reference=self.with_reference)

    def sample(self, case: Case) -> dict[str, Any]:
        hidden = {"reference": not self.with_reference, "retrieved_contexts": not self.with_passages}
        shown = {key: value for key, value in super().sample(case).items() if not hidden.get(key)}
        if not self.metadata:
            return shown
        return {**shown, "rubrics": _levels(case.example.metadata.get(self.metadata), f"metadata {self.metadata!r}")}

    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        return outside(reply, "score", _LEVELS)

    def told(self, replies: Sequence[Reply], value: float) -> str:
        return str(replies[0]["feedback"])


def _levels(given: Any, where: str) -> dict[str, str]:
    """A rubric as ragas has it. Raises ValueError for anything but five texts, or a mapping from 1 to 5 to them."""
    if isinstance(given, Mapping):
        texts = [given.get(f"score{n}_description", given.get(str(n))) for n in _LEVELS]
    else:
        texts = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    if len(texts) != len(_LEVELS) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"{where} is {given!r}; expected five texts, for the values 1 to 5")
    return {f"score{n}_description": str(text) for n, text in zip(_LEVELS, texts, strict=True)}
