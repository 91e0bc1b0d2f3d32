"""The nights of a quarter as they are kept beside the sweeps, and the verdict of the last one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.config.gate import Gate
from harness.errors import Incomplete, ProviderError, UserError
from harness.records import digest
from harness.store import Folder, additions
from harness.study.comparing.changed import Run
from harness.study.gate.control import EITHER, OURS, Attribution, attributed, check_control
from harness.study.gate.lines import Line, line_of
from harness.study.gate.margins import PASS, REGRESSION, UNSURE, Margin
from harness.study.gate.nights import AGAIN, Night, suspicious, watched
from harness.study.gate.verdict import ALL, Row, Verdict, decide
from harness.study.judging.cautions import runs_of

Floats = NDArray[np.float64]
Asked = Callable[[], Run]

_METHOD = (
    "means and differences are of the nights that a row names; at worst bounds what the same questions asked anew "
    "would give, not other questions; the test is one over all nights, so there is no p-value of one"
)
NIGHTS = "_nights"
"""Beside the sweeps: `<digest of baseline and rows>/<time>-<random>.json`, one file for each night."""


def night(first: Asked, again: Asked, control: Asked | None, baseline: Run, gate: Gate, worst: int) -> Verdict:
    """The verdict of a night, which is kept. The gate names its margins.

    `first` runs the candidate once, `again` twice more (called where the night looks bad), `control` the baseline's
    configuration on some examples (called where there is an alarm).
    Raises UserError before anything is run where the baseline has too few replicates, or a record cannot be read.
    """
    lines = [line_of(baseline, name, label) for name in gate.margins for label in (ALL, *gate.slices)]
    folder = _folder(baseline, lines)
    records = [_record(folder, name) for name in additions.names(folder, ".json")]
    run = first()
    decided = decide(run, baseline, gate, worst)
    means = [line.mean(run) for line in lines]
    asked = any(suspicious(mean, line.base) for mean, line in zip(means, lines, strict=True))
    if asked:
        more = again()
        decide(more, baseline, gate, 0)  # the same checks: an outage is no regression
        means = [(mean + AGAIN * line.mean(more)) / (1 + AGAIN) for mean, line in zip(means, lines, strict=True)]
    past = records[len(records) - len(records) % gate.nights :]
    configuration = digest(run[1]["id"], (run[0].header["corpus"] or {}).get("digest"))
    found = states_of(lines, [*past, {"means": means}], gate, nights_of(configuration, past))
    record = {
        **{"time": datetime.now(UTC).isoformat(timespec="seconds"), "run": decided.candidate},
        **{"lines": [f"{line.metric} {line.slice}" for line in lines], "configuration": configuration},
        **{"means": means, "again": asked, "alarm": any(state.alarm for state in found)},
    }
    additions.add_json(folder, record)
    other, unheard = _heard(control, baseline, gate) if any(n.alarm for n in found) else (None, [])
    blames = _blames(lines, found, other)
    rows = [
        _row(row, line, state, mean, blame, gate.margins[line.metric], line.without(run))
        for row, line, state, mean, blame in zip(decided.rows, lines, found, means, blames, strict=True)
    ]
    note = f"night {len(past) + 1} of {gate.nights}; any false alarm in {gate.false_alarms:.0%} of quarters at most"
    notes = [
        note,
        _METHOD,
        *(["it looked bad and was asked again"] if asked else []),
        *unheard,
        *decided.notes[: _kept(decided)],
    ]
    return replace(decided, verdict=_verdict(rows, decided), rows=rows, notes=notes)


def _heard(control: Asked | None, baseline: Run, gate: Gate) -> tuple[Run | None, list[str]]:
    """The control's run; None, and why, where it cannot tell drift: an alarm then stands as it is."""
    if control is None:
        return None, []
    try:
        run = control()
        check_control(run, baseline, gate.margins)
    except (UserError, Incomplete, ProviderError) as error:
        return None, [f"the control says nothing, so that drift is not told apart: {error}"]
    return run, []


def _record(folder: Folder, name: str) -> dict[str, Any]:
    """A night before. Raises UserError for one that cannot be read: means that are not there are no zeros."""
    found = folder.read_json(name)
    if found is None or "means" not in found:
        raise UserError(f"{folder.uri}/{name} is no record of a night any more; take it out, and it counts no more")
    return found


def states_of(lines: list[Line], nights: Sequence[Mapping[str, Any]], gate: Gate, same: int) -> list[Night]:
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


def _row(
    row: Row, line: Line, state: Night, mean: float, blame: Attribution | None, margin: float, without: int
) -> Row:
    """The decision on a line; its means and difference are those of the window that speaks loudest.

    `without` examples were answered and have no score tonight: where they could have lost the margin, nothing is told.
    """
    verdict = PASS if not state.alarm else REGRESSION if blame is None or blame.blame == OURS else UNSURE
    could = without * line.span / len(line.examples)
    if verdict == PASS and could > margin:
        verdict = UNSURE
    figures = Margin(
        difference=state.difference,
        low=state.difference - 1.645 * state.error,
        high=state.difference + 1.645 * state.error,
        p=math.nan,
        n=row.decided.n,
        clusters=row.decided.clusters,
        margin=margin,
        p_corrected=math.nan,
        verdict=verdict,
        needed=None,
        method="means over nights against replicates of the baseline, the same questions asked anew",
        lost=float(without),
    )
    before, now = line.sign * line.base.mean, line.sign * (line.base.mean + state.difference)
    said = _said(line, state, margin, line.sign * mean)
    said += f"; {blame.told}" if blame else ""
    if without:
        said += f"; {without} of {len(line.examples)} examples have no score tonight and could hide {could:.3g}"
    return Row(line.metric, line.slice, now, before, figures, True, said)


def _blames(lines: list[Line], states: list[Night], control: Run | None) -> list[Attribution | None]:
    """Whose fault each alarm is. A slice of which too little was asked has what all examples of its metric say, where
    that is the candidate."""
    moved = [
        line.moved(control) if control and state.alarm else None for line, state in zip(lines, states, strict=True)
    ]
    found = [
        None if move is None else attributed(state.difference, state.error, *move)
        for state, move in zip(states, moved, strict=True)
    ]
    whole = {
        line.metric: blame
        for line, blame in zip(lines, found, strict=True)
        if line.slice == ALL and blame is not None and blame.blame == OURS
    }
    open_ = [
        state.alarm and (blame is None or blame.blame == EITHER) for state, blame in zip(states, found, strict=True)
    ]
    return [whole.get(line.metric, own) if o else own for line, own, o in zip(lines, found, open_, strict=True)]


def _said(line: Line, state: Night, margin: float, tonight: float) -> str:
    where = line.metric if line.slice == ALL else f"{line.metric} on {line.slice}"
    before, now = line.sign * line.base.mean, line.sign * (line.base.mean + state.difference)
    nights = "tonight" if state.window == 1 else f"in {state.window} nights, tonight {tonight:.4g}"
    side = "above" if state.difference > 0 else "below"
    told = f"{where} {before:.4g} -> {now:.4g} {nights}: {abs(state.statistic):.1f} standard errors {side} the baseline"
    told += f" on the better side, alarm at {-state.limit:.2f} on the worse" if state.difference > 0 else ""
    told += f", alarm at {-state.limit:.2f}" if state.difference <= 0 else ""
    if state.alarm or state.statistic >= state.limit:
        return told
    if state.difference >= -margin:
        return f"{told}; {-state.difference:.3g} is within the margin of {margin:g}"
    return f"{told}; no alarm, since the nights with tonight's configuration have not lost it"


def _folder(baseline: Run, lines: list[Line]) -> Folder:
    stored, variant = baseline
    named = [[line.metric, line.slice] for line in lines]
    return runs_of(stored) / NIGHTS / digest("nights", stored.id, variant["id"], named)
