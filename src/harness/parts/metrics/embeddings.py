"""Is the answer near a reference in the space of an embedder?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.plugins import Asker, PartOf, label, part
from harness.records import Case, Example, Verdict

_DIGITS = 6
"""Decimals that are kept: the last ones of a cosine differ between machines."""


@part("metric", "embedding_similarity")
@dataclass(frozen=True)
class EmbeddingSimilarity:
    """The cosine of the answer's vector and that of the nearest reference, by `embedder`.

    It tells closeness of topic and words, not truth: "It costs 14 EUR" and "It costs 41 EUR" are near. What is near
    differs between embedders; compare values of the same one only. An empty answer is 0.
    """

    version: ClassVar[int] = 1
    direction: ClassVar[str] = "maximize"
    low: ClassVar[float | None] = -1.0
    high: ClassVar[float | None] = 1.0
    unit: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ("answer",)
    embedder: Annotated[Any, PartOf("embedder")]

    def applies(self, example: Example) -> bool:
        """Where an answer is expected and there are references."""
        return example.expected == "answer" and bool(example.references)

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """Between -1 and 1; the reason shows the nearest reference. None where all references are empty.

        Raises ValueError where a vector has no direction, ProviderError where the embedder failed.
        """
        references = [reference for reference in case.example.references if reference.strip()]
        if not references:
            return None
        if not case.answer.strip():
            return Verdict(0.0, "the answer is empty")
        texts = [case.answer, *references]
        units = self._units(await asker.embed(self.embedder, texts), texts)
        cosines = np.clip(units[1:] @ units[0], -1.0, 1.0)
        best = int(cosines.argmax())
        return Verdict(round(float(cosines[best]), _DIGITS), f"nearest reference: {references[best][:60]!r}")

    def _units(self, vectors: NDArray[np.float32], texts: list[str]) -> NDArray[np.float64]:
        """The vectors at length 1, in double precision."""
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        for length, text, what in zip(
            lengths[:, 0], texts, ["the answer", *["a reference"] * len(texts)], strict=False
        ):
            if not np.isfinite(length) or length == 0:
                found = "is zero" if length == 0 else "holds what is no number"
                raise ValueError(
                    f"embedder {label(self.embedder)}: the vector of {what} ({text[:40]!r}) {found}, so that nothing "
                    "is near it or far from it; take an embedder that knows such texts"
                )
        units: NDArray[np.float64] = vectors.astype(np.float64) / lengths
        return units
