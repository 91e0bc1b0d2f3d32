"""What a reader of a ranking must know first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.study.choosing.bestset import Gaps
from harness.study.choosing.matrix import Matrix
from harness.study.choosing.winner import LEAST_CLUSTERS
from harness.study.clusters import FEW_CLUSTERS

APART = "no example in common"
"""How the caution begins."""
_NAMED = 3


def apart_of(gaps: Gaps, names: list[str]) -> tuple[str, ...]:
    """A caution that names variants without a common example."""
    pairs = np.argwhere(np.triu(gaps.groups == 0, 1))
    if not len(pairs):
        return ()
    told = ", ".join(f"{names[i]} and {names[j]}" for i, j in pairs[:_NAMED])
    more = f", and {len(pairs) - _NAMED} pairs more" if len(pairs) > _NAMED else ""
    return (f"{APART}, so nothing is known of their difference: {told}{more}",)


def cautions_of(
    matrix: Matrix, order: list[int], scored: NDArray[np.bool_], worst: float | None, clusters: int
) -> tuple[str, ...]:
    """Cautions of a ranking of the columns `order`: few clusters, cells left out or counted as the worst, holes."""
    found = []
    if clusters < FEW_CLUSTERS:
        found.append(f"only {clusters} clusters: p-values and intervals from fewer than {FEW_CLUSTERS} are rough")
    if clusters < LEAST_CLUSTERS and len(order) > 1:
        found.append(f"the winner's score is not corrected: that needs {LEAST_CLUSTERS} clusters")
    lacking = int(matrix.unanswered.sum())
    if lacking and worst is None:
        found.append(
            f"{lacking} cells without an answer are left out: this range has no worst end, so failing may have helped"
        )
    elif lacking:
        found.append(f"{lacking} cells without an answer count as {worst:g}, the worst score")
    unscored = int(matrix.failed.sum()) - lacking
    if unscored:
        said = "if such answers are worse than others, scores are too high"
        found.append(f"{unscored} answers could not be scored, and are left out: {said}")
    lost = [name for i, name in enumerate(matrix.variants) if i not in set(order)]
    if lost:
        found.append(f"without any score, and left out: {', '.join(lost)}")
    counts = scored[:, order].sum(axis=0)
    if len(counts) and counts.min() < counts.max():
        found.append(
            f"means are over {counts.min()} to {counts.max()} examples; gaps are over those that both have, "
            "so they may disagree with the means"
        )
    return tuple(found)
