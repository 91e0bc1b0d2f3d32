"""How the scores of a metric stand to what people found: agreement, consistency, corrected means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from harness.errors import UserError, advice
from harness.records import Scale
from harness.store import StoredSweep
from harness.study.figures import scale_of
from harness.study.judging.agreement import Agreement, agreement
from harness.study.judging.consistency import disagreement, self_consistency
from harness.study.judging.judgements import Judgement, judgements_of, judges_in
from harness.study.judging.labels import Label, Settled, labels_of, settle, with_draws
from harness.study.judging.prediction_powered import Corrected, Judged, corrected_difference, corrected_mean
from harness.study.judging.sights import Cell, Sight, sights_of


@dataclass(frozen=True)
class _Rated:
    """The answers of a sweep with a score of one metric, and the labels of some of them by sight.

    `unseen` are example and answer of the labels that were given without passages. `drawn_for` are the metrics that
    answers were drawn for, where that was not the metric itself.
    """

    entry: dict[str, Any]
    cells: dict[Cell, Judgement]
    sights: list[Sight]
    settled: dict[str, Settled]
    unseen: set[tuple[str, str]]
    drawn_for: dict[str, set[Cell]]
    clusters: dict[str, str]
    at: float
    at_most: float

    @property
    def ends(self) -> tuple[float | None, float | None]:
        return self.entry["low"], self.entry["high"]

    @property
    def labelled(self) -> list[Sight]:
        return [sight for sight in self.sights if sight.id in self.settled]

    def score(self, sight: Sight, variant: str | None = None) -> float:
        """The mean score of a sight's cells, or of those of one variant.

        Equal answers over other passages may be worth something else, so a sight that shows no passages has no single
        score: each variant has its own.
        """
        return float(np.mean([self.cells[cell].value for cell in _cells_of(sight, variant)]))

    def opinion(self, sight: Sight, judge: str) -> float | None:
        """The mean of what one judge said of a sight's cells; None where it said nothing."""
        found = [self.cells[cell].opinions for cell in sight.cells]
        values = [opinion.value for opinions in found for opinion in opinions if opinion.judge == judge]
        return float(np.mean(values)) if values else None

    def compared(
        self, rated: Sequence[float], labels: Sequence[float], sights: Sequence[Sight], *, alike: bool = False
    ) -> Agreement:
        """How two raters of these sights agree; `alike`: two people."""
        clusters = [self.clusters[sight.example] for sight in sights]
        return agreement(rated, labels, clusters, self.at, self.at_most, alike=alike)


def _cells_of(sight: Sight, variant: str | None) -> list[Cell]:
    """The cells of a sight, or those of one variant."""
    return [cell for cell in sight.cells if variant in (None, cell[0])]


def calibrate(stored: StoredSweep, metric: str, labels: Sequence[Label], at: float | None = None) -> dict[str, Any]:
    """Compare a metric's scores with labels; plain JSON.

    Values at or above `at` count as a yes. Without it, those do that pass the metric's thresholds; where it has none,
    those from the middle of its scale on. Raises UserError for a metric that the sweep has not, for an `at` that cuts
    nothing off its scale, or where no label fits an answer with a score.
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
    entry, own = entries[metric], [label for label in labels if label.metric == metric]
    others = [label for label in (*labels_of(stored), *labels) if label.weight is not None]
    mine = with_draws(own, others)
    sights, cells = sights_of(stored), judgements_of(stored, metric)
    cells = {cell: judgement for cell, judgement in cells.items() if cell in sights.of_cell}
    units = sights.of(cells, any(label.context for label in mine))
    clusters = {example["id"]: example["cluster"] for example in stored.examples}
    unseen = {(label.example, label.answer) for label in mine if not label.context}
    drawn_for = {} if any(label.weight is not None for label in own) else _populations(stored, mine, others)
    return _Rated(entry, cells, units, settle(mine, units), unseen, drawn_for, clusters, *counted_as_yes(entry, at))


def _populations(stored: StoredSweep, labels: Sequence[Label], drawn: Sequence[Label]) -> dict[str, set[Cell]]:
    """The metrics for which the labelled answers were drawn, each with the cells that could be drawn for it."""
    answers = {(label.example, label.answer, label.context) for label in labels}
    metrics = {label.metric for label in drawn if (label.example, label.answer, label.context) in answers}
    known = {entry["name"] for entry in stored.metrics}
    return {metric: set(judgements_of(stored, metric)) for metric in sorted(metrics & known)}


def counted_as_yes(entry: Mapping[str, Any], at: float | None = None) -> tuple[float, float]:
    """The least and the most that is a yes: from `at` on, else what passes the thresholds, else the upper half."""
    scale = scale_of(entry)
    if at is not None:
        _check_cut(entry["name"], at, scale)
    if at is None and scale.has_threshold:
        least, most = scale.at_least, scale.at_most
        return -math.inf if least is None else least, math.inf if most is None else most
    middle = (scale.low + scale.high) / 2 if scale.low is not None and scale.high is not None else 0.5
    return middle if at is None else at, math.inf


def _check_cut(metric: str, at: float, scale: Scale) -> None:
    above = scale.low is None or at > scale.low
    if math.isfinite(at) and above and (scale.high is None or at <= scale.high):
        return
    bounds = [f"above {scale.low:g}"] if scale.low is not None else []
    bounds += [f"at most {scale.high:g}"] if scale.high is not None else []
    raise UserError(
        f"{metric}: {at:g} parts no yes from a no on its scale; give a number {' and '.join(bounds)}".rstrip()
    )


def _agreement(rated: _Rated, judge: str | None) -> Agreement:
    pairs = [(s, rated.score(s) if judge is None else rated.opinion(s, judge)) for s in rated.labelled]
    known = [(sight, value) for sight, value in pairs if value is not None]
    labels = [rated.settled[sight.id].value for sight, _ in known]
    return rated.compared([value for _, value in known], labels, [sight for sight, _ in known])


def _people(rated: _Rated, people: Sequence[str]) -> list[dict[str, Any]]:
    """How each two people agree in the answers that both labelled."""
    rows = []
    for a, b in combinations(people, 2):
        both = [s for s in rated.labelled if a in rated.settled[s.id].by and b in rated.settled[s.id].by]
        if both:
            first, second = ([rated.settled[s.id].by[name] for s in both] for name in (a, b))
            rows.append({"people": [a, b], **rated.compared(first, second, both, alike=True).as_json()})
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
    """The answers of one variant with its scores of them, or of all; each weighs as many cells as it has there."""
    used = [sight for sight in rated.sights if _cells_of(sight, variant)]
    labels = [rated.settled.get(sight.id) for sight in used]
    return Judged.of(
        [rated.score(sight, variant) for sight in used],
        [np.nan if label is None else label.value for label in labels],
        [rated.clusters[sight.example] for sight in used],
        [float(len(_cells_of(sight, variant))) for sight in used],
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
    reached = set().union(*rated.drawn_for.values())
    beyond = sum(reached.isdisjoint(sight.cells) for sight in rated.sights) if rated.drawn_for else 0
    if beyond:
        found.append(
            f"{beyond} of {len(rated.sights)} answers could not be drawn, for they have no score of "
            f"{' or '.join(rated.drawn_for)}: corrected means take them to be like the others"
        )
    scores: dict[tuple[str, str], list[float]] = {}
    for sight in rated.labelled:
        values = [rated.cells[cell].value for cell in sight.cells]
        scores.setdefault((sight.example, sight.answer), []).extend(values)
    apart = sum(np.ptp(scores[answer]) > 0 for answer in rated.unseen & scores.keys())
    if apart:
        found.append(
            f"{apart} labels were given without the passages, to answers whose score changes with them: they may be "
            "wrong for some variants; label these with the passages in view"
        )
    return found
