"""The figures of a sweep for each tag of its examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.store import StoredSweep
from harness.study.cells import cells
from harness.study.choosing.matrix import Matrix, matrices
from harness.study.choosing.ranking import ALPHA, rank
from harness.study.clusters import FEW_CLUSTERS
from harness.study.figures import scale_of, whole_figures
from harness.study.summary import worst_of


def slices(stored: StoredSweep) -> dict[str, Any]:
    """The ranking and every figure for each tag.

    `count` slices were looked at, as `note` says; `slices` has for each `tag` its `examples` and `clusters`, a
    `caution` (empty: none), `best_set` and `places` (best first, with `p` for the difference from the first) by the
    objective, and `runs`: for each variant its `metrics`, as in a summary. An example with several tags is in several
    slices.

    The p-values are corrected by Holm within a slice, and by Bonferroni for the number of slices.
    """
    found = matrices(stored)
    scales = {metric["name"]: scale_of(metric) for metric in stored.metrics}
    scored = cells(stored, list(scales))
    tags = sorted({tag for example in stored.examples for tag in example["tags"]})
    entries = []
    for tag in tags:
        rows = np.array([i for i, example in enumerate(stored.examples) if tag in example["tags"]], dtype=np.int64)
        parts = {name: matrix.of_examples(rows) for name, matrix in found.items()}
        metrics = {
            name: whole_figures(parts[name], scale, scored[name].of_examples(rows)) for name, scale in scales.items()
        }
        runs = [
            {
                "run": f"{stored.id}/{entry['id']}",
                "variant": entry["id"],
                "label": entry["label"],
                "metrics": {name: by_variant[entry["id"]].as_json() for name, by_variant in metrics.items()},
            }
            for entry in stored.variants
        ]
        clusters = len({stored.examples[i]["cluster"] for i in rows})
        entries.append(
            {"tag": tag, "examples": len(rows), "clusters": clusters, "caution": _caution(clusters)}
            | _ranked(stored, parts, len(tags))
            | {"runs": runs}
        )
    return {"count": len(tags), "note": _note(len(tags)), "slices": entries}


def slices_of_run(found: dict[str, Any], variant: str) -> dict[str, Any]:
    """What `slices` found, of one variant alone: its `metrics` stand in each slice, the ranking does not."""
    kept = ("tag", "examples", "clusters", "caution")
    entries = [
        {key: entry[key] for key in kept}
        | {"metrics": next(run["metrics"] for run in entry["runs"] if run["variant"] == variant)}
        for entry in found["slices"]
    ]
    return {**found, "slices": entries}


def _ranked(stored: StoredSweep, parts: dict[str, Matrix], looks: int) -> dict[str, Any]:
    """The ranking of a slice by the objective, corrected for all slices that are looked at."""
    objective = stored.header["objective"]
    ranking = rank(parts[objective["metric"]], objective["direction"], worst_of(stored), ALPHA / looks)
    places = [
        {
            "variant": place.variant,
            "score": place.score,
            "gap": place.gap,
            "p": None if place.p is None else min(1.0, place.p * looks),
        }
        for place in ranking.places
    ]
    return {"best_set": ranking.best_set, "detectable": ranking.detectable, "places": places}


def _caution(clusters: int) -> str:
    if clusters >= FEW_CLUSTERS:
        return ""
    noun = "cluster" if clusters == 1 else "clusters"
    return f"only {clusters} {noun}: intervals from fewer than {FEW_CLUSTERS} are rough"


def _note(count: int) -> str:
    if count == 0:
        return "no example has a tag"
    if count == 1:
        return "one slice; its interval is a 95% one"
    return (
        f"{count} slices were looked at: with so many, some intervals of 95% miss by chance; "
        f"the sets that cannot be told from the best are corrected for {count} slices (Holm within one, Bonferroni)"
    )
