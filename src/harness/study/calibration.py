"""How the scores of a metric stand to what people found: agreement, consistency, corrected means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from harness.errors import UserError, advice
from harness.store import StoredSweep
from harness.study.agreement import Agreement, agreement
from harness.study.consistency import disagreement, self_consistency
from harness.study.judgements import Judgement, judgements_of, judges_in
from harness.study.labels import Label, Settled, settle
from harness.study.prediction_powered import Corrected, Judged, corrected_difference, corrected_mean
from harness.study.sights import Cell, Sight, sights_of


@dataclass(frozen=True)
class _Rated:
    """The answers of a sweep with a score of one metric, and the labels of some of them by sight."""

    entry: dict[str, Any]
    cells: dict[Cell, Judgement]
    sights: list[Sight]
    settled: dict[str, Settled]
    clusters: dict[str, str]
    at: float

    @property
    def ends(self) -> tuple[float | None, float | None]:
        return self.entry["low"], self.entry["high"]

    @property
    def labelled(self) -> list[Sight]:
        return [sight for sight in self.sights if sight.id in self.settled]

    def score(self, sight: Sight, judge: str | None = None) -> float | None:
        """The mean score of a sight's cells, or of one judge's opinions in them; None without any."""
        found = [self.cells[cell] for cell in sight.cells]
        if judge is None:
            return float(np.mean([each.value for each in found]))
        values = [opinion.value for each in found for opinion in each.opinions if opinion.judge == judge]
        return float(np.mean(values)) if values else None


def calibrate(stored: StoredSweep, metric: str, labels: Sequence[Label], at: float | None = None) -> dict[str, Any]:
    """Compare a metric's scores with labels; plain JSON.

    Values at or above `at` count as a yes: by default the metric's threshold, else the middle of its scale. Raises
    UserError for a metric that the sweep has not, or where no label fits an answer with a score.
    """
    rated = _rated(stored, metric, labels, at)
    labelled = rated.labelled
    if not labelled:
        given = sum(label.metric == metric for label in labels)
        raise UserError(
            f"{stored.id}: none of {given} labels of {metric} is of an answer with a score; "
            f"harness labels sample {stored.id} --metric {metric} draws answers to label"
        )
    judgements = list(rated.cells.values())
    panel = disagreement(judgements, *rated.ends)
    names = judges_in(judgements)
    people = sorted({name for each in rated.settled.values() for name in each.by})
    return {
        "sweep": stored.id,
        "metric": metric,
        "identity": rated.entry["identity"],
        "judge": bool(rated.entry.get("judge")),
        "labels": len(labelled),
        "answers": len(rated.sights),
        "by": people,
        "agreement": _agreement(rated, None).as_json(),
        "judges": [{"judge": name, **_agreement(rated, name).as_json()} for name in names if len(names) > 1],
        "people": _people(rated, people),
        "consistency": [row.as_json() for row in self_consistency(judgements, *rated.ends)],
        "panel": None if panel is None else panel.as_json(),
        **_corrected(stored, rated),
        "cautions": _cautions(rated),
    }


def _rated(stored: StoredSweep, metric: str, labels: Sequence[Label], at: float | None) -> _Rated:
    entries = {entry["name"]: entry for entry in stored.metrics}
    if metric not in entries:
        raise UserError(f"{stored.id} has no metric {metric!r}; {advice(metric, list(entries), 'metrics')}")
    entry, mine = entries[metric], [label for label in labels if label.metric == metric]
    sights, cells = sights_of(stored), judgements_of(stored, metric)
    cells = {cell: judgement for cell, judgement in cells.items() if cell in sights.of_cell}
    units = sights.of(cells, any(label.context for label in mine))
    clusters = {example["id"]: example["cluster"] for example in stored.examples}
    return _Rated(entry, cells, units, settle(mine, units), clusters, _cut(entry) if at is None else at)


def _cut(entry: dict[str, Any]) -> float:
    """Where a value becomes a yes: the metric's own threshold, else the middle of its scale."""
    for name in ("at_least", "at_most"):
        if entry.get(name) is not None:
            return float(entry[name])
    low, high = entry["low"], entry["high"]
    return (low + high) / 2 if low is not None and high is not None else 0.5


def _agreement(rated: _Rated, judge: str | None) -> Agreement:
    pairs = [(sight, rated.score(sight, judge)) for sight in rated.labelled]
    known = [(sight, value) for sight, value in pairs if value is not None]
    return agreement(
        [value for _, value in known],
        [rated.settled[sight.id].value for sight, _ in known],
        [rated.clusters[sight.example] for sight, _ in known],
        rated.at,
    )


def _people(rated: _Rated, people: Sequence[str]) -> list[dict[str, Any]]:
    """How each two people agree in the answers that both labelled."""
    rows = []
    for a, b in combinations(people, 2):
        both = [s for s in rated.labelled if a in rated.settled[s.id].by and b in rated.settled[s.id].by]
        if both:
            first, second = ([rated.settled[s.id].by[name] for s in both] for name in (a, b))
            found = agreement(first, second, [rated.clusters[s.example] for s in both], rated.at)
            rows.append({"people": [a, b], **found.as_json()})
    return rows


def _corrected(stored: StoredSweep, rated: _Rated) -> dict[str, Any]:
    """Corrected means, of all cells and by variant, and how the variants differ from the one with the best mean."""
    overall = corrected_mean(_judged(rated, None), rated.ends)
    parts = {entry["id"]: _judged(rated, entry["id"]) for entry in stored.variants}
    means = {name: corrected_mean(part, rated.ends) for name, part in parts.items() if len(part.scores)}
    told = {name: found.mean for name, found in means.items() if found.mean is not None}
    sign = 1.0 if rated.entry["direction"] == "maximize" else -1.0
    best = max(told, key=lambda name: sign * told[name]) if told else None
    differences = {
        name: corrected_difference(parts[name], parts[best], rated.ends) for name in told if best and name != best
    }
    return {
        "overall": overall.as_json(),
        "variants": [_row(stored, name, found) for name, found in means.items()],
        "best": best,
        "differences": [_row(stored, name, found) for name, found in differences.items()],
    }


def _judged(rated: _Rated, variant: str | None) -> Judged:
    """The answers of one variant, or of all; each weighs as many cells as it has there."""
    counts = [sum(variant in (None, cell[0]) for cell in sight.cells) for sight in rated.sights]
    used = [(sight, count) for sight, count in zip(rated.sights, counts, strict=True) if count]
    labels = [rated.settled.get(sight.id) for sight, _ in used]
    return Judged.of(
        [rated.score(sight) or 0.0 for sight, _ in used],
        [np.nan if label is None else label.value for label in labels],
        [rated.clusters[sight.example] for sight, _ in used],
        [float(count) for _, count in used],
        [1.0 if label is None or label.weight is None else label.weight for label in labels],
    )


def _row(stored: StoredSweep, variant: str, found: Corrected) -> dict[str, Any]:
    names = {entry["id"]: entry["label"] for entry in stored.variants}
    return {"variant": variant, "label": names[variant], **found.as_json()}


def _cautions(rated: _Rated) -> list[str]:
    """What a reader must know before trusting the corrected means."""
    found = []
    chosen = sum(each.weight is None for each in rated.settled.values())
    if chosen:
        found.append(
            f"{chosen} of {len(rated.settled)} labels are not of answers drawn at random from this sweep: corrected "
            "means hold only if these answers might as well have been"
        )
    return found
