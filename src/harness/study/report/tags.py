"""The objective by tag: who is ahead there, and the winner against the baseline."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.study.choosing.bestset import holm
from harness.study.choosing.matrix import Matrix
from harness.study.choosing.ranking import ALPHA, rank
from harness.study.clusters import FEW_CLUSTERS
from harness.study.report.contest import Contest
from harness.study.report.material import NOT_YET, Material
from harness.study.summary import worst_of

MOST = 60
"""Tags that are shown, those of the most examples."""


def tags_section(material: Material, contest: Contest | None) -> dict[str, Any]:
    """`rows`, a row for each tag. `p` of the difference has Holm's correction over the tags."""
    examples = material.stored.examples
    rows_of: dict[str, list[int]] = {}
    for i, example in enumerate(examples):
        for tag in dict.fromkeys(example["tags"]):
            rows_of.setdefault(tag, []).append(i)
    if not rows_of:
        return {"note": "no example has a tag"}
    if not material.scored:
        return {"note": "no variant has a score"}
    if not material.whole:
        return {"note": NOT_YET}
    kept = sorted(sorted(rows_of, key=lambda tag: (-len(rows_of[tag]), tag))[:MOST])
    rows = [_row(material, contest, tag, np.array(rows_of[tag]), len(rows_of)) for tag in kept]
    tested = [row for row in rows if row["p"] is not None]
    if tested:
        for row, p in zip(tested, holm(np.array([row["p"] for row in tested])), strict=True):
            row["p"] = float(p)
            row["verdict"] = _verdict(row)
    return {
        "note": "",
        "metric": material.metric["name"],
        "baseline_label": contest.baseline[1]["label"] if contest else None,
        "looked_at": len(rows_of),
        "left_out": len(rows_of) - len(kept),
        "rows": rows,
        "method": "an example counts in each of its tags; best sets are corrected by Holm within a tag and Bonferroni "
        f"for {len(rows_of)} tags, differences by Holm over the tags; their intervals are not corrected",
    }


def _row(material: Material, contest: Contest | None, tag: str, rows: NDArray[np.int64], looks: int) -> dict[str, Any]:
    winner = material.ranking.places[0].variant
    ranking = rank(_restricted(material.matrix, rows), material.direction, worst_of(material.stored), ALPHA / looks)
    scores = {place.variant: place for place in ranking.places}
    clusters = ranking.clusters
    return {
        "tag": tag,
        "examples": len(rows),
        "clusters": clusters,
        "failed": int(material.matrix.failed[rows, material.matrix.variants.index(winner)].sum()),
        "caution": f"fewer than {FEW_CLUSTERS} clusters" if clusters < FEW_CLUSTERS else "",
        "winner_score": scores[winner].score if winner in scores else None,
        "ahead": ranking.best,
        "ahead_label": material.label(ranking.best) if ranking.best else None,
        "ahead_place": material.places.get(ranking.best) if ranking.best else None,
        "ahead_score": ranking.places[0].score if ranking.places else None,
        "best_set": len(ranking.best_set),
        "winner_in_best_set": winner in ranking.best_set,
    } | _difference(contest, tag)


def _difference(contest: Contest | None, tag: str) -> dict[str, Any]:
    """The winner less the baseline in a tag."""
    names = ("baseline_score", "difference", "low", "high", "p")
    nothing: dict[str, Any] = {**dict.fromkeys(names), "n": 0, "verdict": ""}
    if contest is None:
        return nothing
    rows = [i for i, example in enumerate(contest.examples) if tag in example["tags"]]
    found = contest.of(rows)
    if found is None:
        return nothing
    both = [i for i in rows if not np.isnan(contest.gains[i])]
    sign = 1.0 if contest.direction == "maximize" else -1.0
    return {
        "baseline_score": float(contest.there[both].mean()),
        "difference": found.difference,
        "better": sign * found.difference > 0,
        "low": contest.possible(found.low),
        "high": contest.possible(found.high),
        "p": found.p,
        "n": found.n,
        "verdict": "",
    }


def _verdict(row: dict[str, Any]) -> str:
    if row["p"] > ALPHA:
        return "no difference can be claimed"
    return "better" if row["better"] else "worse"


def _restricted(matrix: Matrix, rows: NDArray[np.int64]) -> Matrix:
    """The matrix of some examples."""
    parts = {name: getattr(matrix, name)[rows] for name in ("clusters", "values", "scored", "failed", "unanswered")}
    return dataclasses.replace(matrix, examples=[matrix.examples[i] for i in rows], **parts)
