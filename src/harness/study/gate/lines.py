"""One metric on one slice through the nights: what the baseline had, and how a night stands to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import Incomplete, UserError
from harness.records.outcome import NO_ANSWER
from harness.study.clusters import codes_of
from harness.study.comparing.changed import Run
from harness.study.gate.control import drift_of
from harness.study.gate.evidence import MOST_LOST
from harness.study.gate.nights import Replicates, replicates
from harness.study.gate.verdict import ALL

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A metric on a slice: scores of the baseline (examples x replicates, more is better), and their noise."""

    metric: str
    slice: str
    sign: float
    examples: list[str]
    clusters: NDArray[np.int64]
    values: Floats
    base: Replicates
    span: float

    def mean(self, run: Run) -> float:
        """A run's mean, on the examples that it has scores of, as if it had all of the baseline's."""
        mine = _values(run, self.metric, self.sign, self.examples)
        there = np.isnan(mine).sum(axis=1) < mine.shape[1]
        if there.mean() < 1 - MOST_LOST:
            raise Incomplete(
                f"gate: {run[0].id} has a score by {self.metric} for {int(there.sum())} of the baseline's "
                f"{len(there)} examples; a night needs all of them"
            )
        moved = np.nanmean(mine[there], axis=1) - self.values[there].mean(axis=1)
        return self.base.mean + float(moved.mean())

    def without(self, run: Run) -> int:
        """How many of the examples a run has no score of, though they were answered."""
        mine = _values(run, self.metric, self.sign, self.examples)
        return int(np.isnan(mine).all(axis=1).sum())

    def moved(self, control: Run) -> tuple[float, float] | None:
        """How far a control moved from the baseline, and the error of that; None where too little was asked."""
        mine = _values(control, self.metric, self.sign, self.examples)
        kept = ~np.isnan(mine).all(axis=1)
        if not kept.any():
            return None
        moved = np.nanmean(mine[kept], axis=1) - self.values[kept].mean(axis=1)
        return drift_of(moved, self.clusters[kept], self.span)


def line_of(baseline: Run, metric: str, label: str) -> Line:
    """The line of a baseline with replicates. Raises UserError where it has no such metric or tag, or no replicates."""
    stored = baseline[0]
    entry = next((m for m in stored.metrics if m["name"] == metric), None)
    if entry is None:
        raise UserError(f"gate: the baseline, {stored.id}, has no {metric}; harness score adds one")
    sign = 1.0 if entry["direction"] == "maximize" else -1.0
    chosen = [e for e in stored.examples if label == ALL or label in e["tags"]]
    if not chosen:
        raise UserError(f"gate.slices: no example of the baseline has the tag {label!r}")
    values = _values(baseline, metric, sign, [e["id"] for e in chosen])
    whole = np.isnan(values).sum(axis=1) == 0
    if not whole.any():
        raise UserError(f"gate: no example of {stored.id} has a score by {metric} in every repeat")
    kept = [e for e, good in zip(chosen, whole.tolist(), strict=True) if good]
    clusters = codes_of([e["cluster"] for e in kept])
    values = values[whole]
    known = entry["low"] is not None and entry["high"] is not None
    span = float(entry["high"] - entry["low"]) if known else float(np.ptp(values))
    found = replicates(values, clusters, span)
    return Line(metric, label, sign, [e["id"] for e in kept], clusters, values, found, span)


def _values(run: Run, metric: str, sign: float, examples: list[str]) -> Floats:
    """Scores (examples x repeats), more is better; cells without an answer at the worst end, NaN: no score."""
    import pyarrow.compute as pc

    stored, variant = run
    entry = next(m for m in stored.metrics if m["name"] == metric)
    worst = entry["low"] if sign > 0 else entry["high"]
    table = stored.scores
    table = table.filter(pc.and_(pc.equal(table["variant"], variant["id"]), pc.equal(table["metric"], metric)))
    columns: dict[str, Any] = table.select(["example", "repeat", "value", "failure"]).to_pydict()
    places = {name: i for i, name in enumerate(examples)}
    repeats = {number: i for i, number in enumerate(sorted(set(columns["repeat"])))}
    found = np.full((len(examples), max(1, len(repeats))), np.nan)
    for example, repeat, value, failure in zip(*columns.values(), strict=True):
        if example not in places:
            continue
        if value is None and (failure or "").startswith(NO_ANSWER):
            value = worst
        if value is not None:
            found[places[example], repeats[repeat]] = sign * value
    return found
