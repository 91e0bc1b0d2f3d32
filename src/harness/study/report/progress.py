"""What may be said of a sweep that is not whole: what is in, what is missing, and claims that hold at any look."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.study.report import amounts
from harness.study.report.doubts import DOUBT, GOOD, PLAIN, Sentences
from harness.study.report.material import Material
from harness.study.report.texts import named

_NAMES = 5
"""Labels that a sentence names."""


def of_unmeasured(material: Material) -> str:
    """Which variants have no score, by label; empty where all have one."""
    lacking = material.unmeasured
    if not lacking:
        return ""
    labels = [named(material.label(name)) for name in lacking[:_NAMES]]
    more = f" and {len(lacking) - _NAMES:,} more" if len(lacking) > _NAMES else ""
    were, them = ("was", "it") if len(lacking) == 1 else ("were", "them")
    return (
        f"{len(lacking):,} of {amounts.plural(len(material.variants), 'variant')} {were} not measured (no score of "
        f"{material.metric['name']}): {', '.join(labels)}{more}. Nothing is claimed about {them}."
    )


def of_cells(material: Material) -> str:
    """How many examples and clusters of an unfinished sweep are in, and in how many all measured variants are."""
    matrix = material.matrix
    there = matrix.scored + matrix.failed > 0
    measured = [i for i, name in enumerate(matrix.variants) if name in material.places]
    each = there[:, measured].all(axis=1) if measured else np.zeros(len(there), dtype=bool)
    examples, clusters = size_of(material)
    open_clusters = np.unique(matrix.clusters[~each])
    whole = int((~np.isin(np.unique(matrix.clusters), open_clusters)).sum())
    return (
        f"Of {amounts.plural(len(there), 'example')} in {_clusters(len(np.unique(matrix.clusters)))}, "
        f"{examples:,} in {_clusters(clusters)} have a result of any variant, and "
        f"{int(each.sum()):,} of every measured one ({_clusters(whole)} whole)."
    )


def size_of(material: Material) -> tuple[int, int]:
    """How many examples have a result of any variant, and in how many clusters they are."""
    matrix = material.matrix
    some = (matrix.scored + matrix.failed > 0).any(axis=1)
    return int(some.sum()), len(np.unique(matrix.clusters[some]))


def of_claims(material: Material) -> Sentences:
    """Who is known to be worse, by confidence sequences, which hold at every look and count whole clusters only."""
    found, rows = material.live, {row["variant"]: row for row in material.live["variants"]}
    others = len(material.places) - 1
    if others < 1:
        return
    leader = found["leader"]
    behind = [row["behind"] for name, row in rows.items() if name in material.places and row["behind"]]
    if leader is None or not any(each["clusters"] for each in behind):
        said = "Nothing can be claimed yet: only whole clusters compare, and none counts with two variants."
        yield "sure", f"{said} {_ORDER}", DOUBT
        return
    out = [name for name in found["ruled_out"] if name in material.places]
    counts = [each["clusters"] for each in behind]
    size = f"{min(counts):,} to {max(counts):,}" if min(counts) < max(counts) else f"{max(counts):,}"
    basis = f"{size} of {_clusters(found['clusters'])}; sequences that hold at every look, 5% for all variants together"
    name = named(material.label(leader))
    if out:
        who = _these(material, out)
        all_of = "; that is every other one that was measured" if len(out) == others else ""
        tone = GOOD if len(out) == others and not material.unmeasured else DOUBT
        are = "is" if len(out) == 1 else "are"
        yield "sure", f"{who} {are} worse than {name}{all_of} ({basis}). {_ORDER}", tone
    else:
        yield "sure", f"No difference from {name} can be claimed yet ({basis}). {_ORDER}", DOUBT
    yield "part", "Everything else that compares variants is left out until all cells are there.", PLAIN


_ORDER = "Only whole clusters compare, in the order that was drawn."


def score_so_far(material: Material) -> str:
    """The mean of the one that is ahead, which is of what is in and is not corrected."""
    figure = material.ranking.places[0]
    unit = f" {material.metric['unit']}" if material.metric.get("unit") else ""
    return (
        f"Its {material.metric['name']} so far is {amounts.number(figure.score)}{unit}, the mean of "
        f"{amounts.plural(figure.n, 'example')}; cells that are missing may change it."
    )


def settled(material: Material) -> bool:
    """Whether every other variant was measured and is known to be worse than the one that is ahead by the mean."""
    first = material.ranking.places[0].variant
    return not material.unmeasured and {*material.live["ruled_out"], first} == set(material.variants)


def ruled_out(material: Material) -> set[str]:
    """The variants that are known to be worse, at whatever look."""
    return set(material.live["ruled_out"])


def blank(row: dict[str, Any], out: set[str]) -> dict[str, Any]:
    """A row of the ranking without what holds for all cells alone."""
    return row | {**dict.fromkeys(("low", "high", "p", "most_lost")), "in_best_set": row["variant"] not in out}


def _these(material: Material, names: list[str]) -> str:
    shown = ", ".join(named(material.label(name)) for name in names[:_NAMES])
    return shown + (f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else "")


def _clusters(count: int) -> str:
    return amounts.plural(count, "cluster")
