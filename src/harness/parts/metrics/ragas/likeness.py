"""The metric of ragas that asks an embedder and no judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from harness.parts.metrics.ragas.judge import Vectors, admit
from harness.parts.metrics.ragas.judged import evaluated, tidy
from harness.parts.metrics.ragas.library import collections, release
from harness.plugins import Asker, PartOf, part
from harness.records import Case, Example, Verdict


@part("metric", "ragas/semantic_similarity")
@dataclass(frozen=True)
class SemanticSimilarity:
    """The cosine, by `embedder`, between the answer and the reference that is nearest to it.

    With `threshold` it is 1 from there on, and 0 below.
    """

    version: ClassVar[int] = 1
    direction: ClassVar[str] = "maximize"
    low: ClassVar[float | None] = -1.0
    high: ClassVar[float | None] = 1.0
    unit: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ("answer",)
    embedder: Annotated[Any, PartOf("embedder")]
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be above 0 and at most 1, found {self.threshold}")

    def ready(self) -> None:
        """Raise UserError where ragas is missing."""
        collections()

    def identity_extra(self) -> dict[str, Any]:
        """The release of ragas, which decides the formula."""
        return {"ragas": release()}

    def applies(self, example: Example) -> bool:
        """Where an answer is expected, with references."""
        return example.expected == "answer" and any(text.strip() for text in example.references)

    async def assess(self, case: Case, asker: Asker) -> Verdict:
        """The cosine to the nearest reference; 0 for an empty answer."""
        if not case.answer.strip():
            return Verdict(0.0, "the answer is empty")
        admit()
        vectors = Vectors(asker, self.embedder)
        references = [text for text in case.example.references if text.strip()]
        await vectors.aembed_texts(list(dict.fromkeys([case.answer, *references])))  # ragas would not wait for it
        metric = collections().SemanticSimilarity(embeddings=vectors, threshold=self.threshold)
        found = [await evaluated(metric, {"reference": text, "response": case.answer}, vectors) for text in references]
        best = max(range(len(found)), key=found.__getitem__)
        value = tidy(found[best], self)
        if value is None:
            raise ValueError(f"ragas made {found[best]} of the vectors; they are no use")
        nearest = f"nearest to reference {best + 1} of {len(references)}" if len(references) > 1 else None
        return Verdict(value, nearest)
