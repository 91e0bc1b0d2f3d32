"""The nights of a quarter as they are kept beside the sweeps, and the verdict of the last one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.config.gate import Gate
from harness.errors import Incomplete, UserError
from harness.records import digest
from harness.records.outcome import NO_ANSWER
from harness.store import Folder, additions
from harness.study.clusters import clustered_error, codes_of
from harness.study.comparing.changed import Run
from harness.study.gate.control import OURS, Attribution, attributed
from harness.study.gate.evidence import MOST_LOST
from harness.study.gate.margins import PASS, REGRESSION, UNSURE, Margin
from harness.study.gate.nights import AGAIN, Night, Replicates, replicates, suspicious, watched
from harness.study.gate.verdict import ALL, Row, Verdict, decide
from harness.study.judging.cautions import runs_of

Floats = NDArray[np.float64]
Asked = Callable[[], Run]

NIGHTS = "_nights"
"""Beside the sweeps: `<digest of baseline and rows>/<time>-<random>.json`, one file for each night."""


@dataclass(frozen=True)
class _Line:
    """One metric on one slice through the nights: scores of the baseline (examples x replicates, more is better)."""

    metric: str
    slice: str
    sign: float
    examples: list[str]
    clusters: NDArray[np.int64]
    values: Floats
    base: Replicates

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

    def moved(self, control: Run) -> tuple[float, float]:
        """How far a control moved from the baseline, and the error of that, of clusters."""
        mine = _values(control, self.metric, self.sign, self.examples)
        kept = ~np.isnan(mine).all(axis=1)
        if not kept.any():
            raise UserError("gate: the control has no example of the baseline")
        moved = np.nanmean(mine[kept], axis=1) - self.values[kept].mean(axis=1)
        mean, error, _ = clustered_error(moved, self.clusters[kept])
        return mean, error


def night(first: Asked, again: Asked, control: Asked | None, baseline: Run, gate: Gate, worst: int) -> Verdict:
    """The verdict of a night, which is kept. The gate names its margins.

    `first` runs the candidate once, `again` twice more (called where the night looks bad), `control` the baseline's
    configuration on some examples (called where there is an alarm).
    Raises UserError before anything is run where the baseline has too few replicates.
    """
    lines = [_line(baseline, name, label, gate) for name in gate.margins for label in (ALL, *gate.slices)]
    run = first()
    decided = decide(run, baseline, gate, worst)
    means = [line.mean(run) for line in lines]
    asked = any(suspicious(mean, line.base) for mean, line in zip(means, lines, strict=True))
    if asked:
        more = again()
        decide(more, baseline, gate, 0)  # the same checks: an outage is no regression
        means = [(mean + AGAIN * line.mean(more)) / (1 + AGAIN) for mean, line in zip(means, lines, strict=True)]
    folder = _folder(baseline, lines)
    records = [folder.read_json(name) or {} for name in additions.names(folder, ".json")]
    past = records[len(records) - len(records) % gate.nights :]
    configuration = digest(run[1]["id"], (run[0].header["corpus"] or {}).get("digest"))
    found = _states(lines, [*past, {"means": means}], gate, nights_of(configuration, past))
    record = {
        **{"time": datetime.now(UTC).isoformat(timespec="seconds"), "run": decided.candidate},
        **{"lines": [f"{line.metric} {line.slice}" for line in lines], "configuration": configuration},
        **{"means": means, "again": asked, "alarm": any(state.alarm for state in found)},
    }
    additions.add_json(folder, record)
    other = control() if control is not None and any(n.alarm for n in found) else None
    rows = [
        _row(row, line, state, mean, other, gate.margins[line.metric])
        for row, line, state, mean in zip(decided.rows, lines, found, means, strict=True)
    ]
    note = f"night {len(past) + 1} of {gate.nights}; any false alarm in {gate.false_alarms:.0%} of quarters at most"
    notes = [note, *(["it looked bad and was asked again"] if asked else []), *decided.notes[: _kept(decided)]]
    return replace(decided, verdict=_verdict(rows, decided), rows=rows, notes=notes)


def _states(lines: list[_Line], nights: Sequence[Mapping[str, Any]], gate: Gate, same: int) -> list[Night]:
    """The state of each line after the last of the quarter's nights."""
    budget = gate.false_alarms / len(lines)
    return [
        watched(
            [float(night["means"][i]) for night in nights],
            line.base,
            gate.nights,
            budget,
            gate.margins[line.metric],
            same,
        )
        for i, line in enumerate(lines)
    ]


def nights_of(configuration: str | None, past: Sequence[Mapping[str, Any]]) -> int:
    """How many nights up to tonight had tonight's configuration and knowledge base; `past` are the records before.

    Where a record does not say, it is taken for the same.
    """
    known = [record.get("configuration", configuration) for record in reversed(past)]
    return 1 + next((back for back, each in enumerate(known) if each != configuration), len(past))


def _kept(decided: Verdict) -> int:
    """The notes of a verdict that are not about its rows."""
    return sum(not note.startswith(("cannot be told", "losses are corrected")) for note in decided.notes)


def _verdict(rows: list[Row], decided: Verdict) -> str:
    if any(row.decided.verdict == REGRESSION for row in rows) or not all(rule.holds for rule in decided.rules):
        return REGRESSION
    return UNSURE if any(row.decided.verdict == UNSURE for row in rows) else PASS


def _row(row: Row, line: _Line, state: Night, mean: float, control: Run | None, margin: float) -> Row:
    blame: Attribution | None = None
    if state.alarm and control is not None:
        blame = attributed(state.difference, state.error, *line.moved(control))
    verdict = PASS if not state.alarm else REGRESSION if blame is None or blame.blame == OURS else UNSURE
    where = line.metric if line.slice == ALL else f"{line.metric} on {line.slice}"
    nights = "night" if state.window == 1 else f"{state.window} nights"
    said = f"{where} {line.sign * line.base.mean:.4g} -> {line.sign * mean:.4g}: the last {nights} moved by "
    said += f"{state.difference:+.3g}, {state.statistic:.2f} errors ({state.limit:.2f} alarms)"
    said += f"; {blame.told}" if blame else ""
    figures = Margin(
        difference=state.difference,
        low=state.difference - 1.645 * state.error,
        high=state.difference + 1.645 * state.error,
        p=row.decided.p,
        n=row.decided.n,
        clusters=row.decided.clusters,
        margin=margin,
        p_corrected=row.decided.p_corrected,
        verdict=verdict,
        needed=None,
        method="means over nights against replicates of the baseline",
    )
    return Row(line.metric, line.slice, line.sign * mean, line.sign * line.base.mean, figures, True, said)


def _line(baseline: Run, metric: str, label: str, gate: Gate) -> _Line:
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
    return _Line(metric, label, sign, [e["id"] for e in kept], clusters, values, found)


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


def _folder(baseline: Run, lines: list[_Line]) -> Folder:
    stored, variant = baseline
    named = [[line.metric, line.slice] for line in lines]
    return runs_of(stored) / NIGHTS / digest("nights", stored.id, variant["id"], named)
