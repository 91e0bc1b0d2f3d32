"""A series of nights with its noise: bands, limits of the test, verdicts, and the night that a loss began with.

What varies from night to night without a change is the model's sampling and the judge, not the questions. How much,
the replicates of the baseline tell (`harness.study.gate.nights`); a night's own run, one answer to each question, does
not. So the error of a night is the baseline's error of one night, and that of one that was asked again is of three.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from harness.config.gate import Gate
from harness.errors import HarnessError
from harness.store import Folder
from harness.store.layout import HEADER
from harness.study.board.opening import Lean, open_run
from harness.study.board.regression.nightly import baseline_of, control_of, controls_of
from harness.study.board.regression.onset import episodes
from harness.study.comparing.changed import Run
from harness.study.gate.control import DRIFT, EITHER, OURS, attributed, check_control
from harness.study.gate.evidence import margins_of, rules_of
from harness.study.gate.lines import Line, line_of
from harness.study.gate.nights import AGAIN, WINDOWS, Night
from harness.study.gate.series import nights_of, states_of
from harness.study.gate.verdict import ALL

QUIET, ALARM, CANDIDATE = "no alarm", "alarm", "alarm, of the candidate"
DRIFTED, UNSURE, UNREADABLE = "drift of the provider or judge", "cannot tell", "cannot be read"
LEVEL = 0.95
"""The level of bars and bands."""
_TELLS = {OURS: CANDIDATE, DRIFT: DRIFTED, EITHER: UNSURE}
_READ = (HarnessError, KeyError, TypeError, ValueError, AttributeError, IndexError, OSError)


def trend(runs: str, series: dict[str, Any]) -> dict[str, Any]:
    """What the page of a series (of `nightly.series_of`) shows.

    `baseline` is `SWEEP/VARIANT`, empty where it is gone, with the reason in `note`. `nights` are those of the series,
    with `verdict`, `why` (sentences), `gone` (its run was deleted), `of` (number in its quarter, and nights of that).
    `lines` have `metric`, `slice`, `direction`, `mean` and `band` of the baseline, `unit` (nights in a quarter,
    margin), and `windows`: by number of nights the points of `_points`. `episodes` are runs of alarms, see
    `onset.episodes`.
    All values are in the metric's own direction; where the baseline is gone they are as they were stored.
    """
    nights = [{**night, "verdict": QUIET, "why": [], "gone": False, "of": None} for night in series["nights"]]
    for night in nights:
        if night["problem"]:
            night |= {"verdict": UNREADABLE, "why": [night["problem"]]}
        else:
            sweep = str(night["run"]).partition("/")[0]
            night["gone"] = not sweep or "/" in sweep or not (Folder(runs) / sweep).has(HEADER)
            night["verdict"] = ALARM if night["alarm"] else QUIET
    found: dict[str, Any] = {"series": series["series"], "baseline": "", "label": "", "note": "", "nights": nights}
    try:
        return found | _measured(runs, series, nights)
    except _READ as error:
        said = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
        note = f"the baseline of these nights cannot be read ({said}): no noise, no limits, means as they were stored"
        return found | {"note": note, "lines": _bare(series), "episodes": []}


def _measured(runs: str, series: dict[str, Any], nights: list[dict[str, Any]]) -> dict[str, Any]:
    """What takes the baseline."""
    named = baseline_of(runs, series["series"], series["lines"])
    if named is None:
        note = (
            "the baseline of these nights is no longer in this folder: no noise, no limits, means as they were stored"
        )
        return {"note": note, "lines": _bare(series), "episodes": []}
    name, pairs = named
    base = open_run(runs, name)
    rules = [_rules(runs, night, base) for night in nights]
    lines = [line_of(base, metric, label) for metric, label in pairs]
    controls = controls_of(runs, base) if any(night["alarm"] for night in nights) else []
    states: list[list[Night | None]] = [[None] * len(nights) for _ in lines]
    for at, gate in enumerate(rules):
        if gate is None or nights[at]["problem"] or not all(line.metric in gate.margins for line in lines):
            continue
        nights[at]["of"] = (at % gate.nights + 1, gate.nights)
        past = [_record(night) for night in nights[at - at % gate.nights : at] if not night["problem"]]
        now = _record(nights[at])
        same = nights_of(now.get("configuration"), past)
        for i, state in enumerate(states_of(lines, [*past, now], gate, same)):
            states[i][at] = state
        _decided(nights, at, controls, base, lines, [column[at] for column in states])
    entries = {metric["name"]: metric for metric in base[0].metrics}
    shown = [_shown(line, entries[line.metric], nights, rules, i, states[i]) for i, line in enumerate(lines)]
    bases = [line.base.mean for line in lines]
    return {
        **{"baseline": name, "label": str(base[1]["label"]), "lines": shown},
        "episodes": episodes(nights, bases, states),
    }


def _record(night: dict[str, Any]) -> dict[str, Any]:
    """What the test reads of a night, as it was kept."""
    told = {"configuration": night["configuration"]} if night["configuration"] is not None else {}
    return {"means": night["means"], **told}


def _rules(runs: str, night: dict[str, Any], base: Run) -> Gate | None:
    """The rules that a night was run with, which its sweep keeps; None where that is gone."""
    if night["problem"] or night["gone"]:
        return None
    try:
        gate = rules_of(Lean(Folder(runs) / str(night["run"]).partition("/")[0]))
        return replace(gate, margins=margins_of(base[0], gate))
    except _READ:
        return None


def _decided(
    nights: list[dict[str, Any]],
    at: int,
    controls: Sequence[tuple[datetime, Run]],
    base: Run,
    lines: Sequence[Line],
    states: Sequence[Night | None],
) -> None:
    """Put a night's verdict and what it rests on into it."""
    night = nights[at]
    alarms = [i for i, state in enumerate(states) if state is not None and state.alarm]
    if bool(alarms) != bool(night["alarm"]):
        today, then = ("an alarm" if alarms else "none"), ("an alarm" if night["alarm"] else "none")
        night["why"] = [f"{then} was kept, but scores and rules as they are today give {today}"]
    if not alarms or not night["alarm"]:
        return
    later = next((str(each["time"]) for each in nights[at + 1 :] if not each["problem"]), None)
    control = control_of(controls, night, later)
    unheard = "" if control is None else _unheard(control, base, {line.metric for line in lines})
    kinds = set()
    for i in alarms:
        line, state = lines[i], states[i]
        assert state is not None
        told = _sentence(line, state, night["means"][i])
        moved = line.moved(control) if control is not None and not unheard else None
        if moved is not None:
            blame = attributed(state.difference, state.error, *moved)
            kinds.add(_TELLS[blame.blame])
            told += f"; {blame.told}"
        night["why"].append(told)
    if control is None:
        night["why"].append("no control was asked: whether the provider changed is not known")
    else:
        night["why"].append(f"its control is {control[0].id}" + (f", which says nothing: {unheard}" if unheard else ""))
    night["verdict"] = next((kind for kind in (CANDIDATE, UNSURE, DRIFTED) if kind in kinds), ALARM)


def _unheard(control: Run, base: Run, metrics: Iterable[str]) -> str:
    """Why a control cannot tell drift; empty where it can."""
    if control[0].status != "complete":
        return f"it is {control[0].status}"
    try:
        check_control(control, base, metrics)
    except HarnessError as error:
        return str(error)
    return ""


def _sentence(line: Line, state: Night, mean: float) -> str:
    where = line.metric if line.slice == ALL else f"{line.metric} on {line.slice}"
    moved = f"{line.sign * state.difference:+.3g}"
    own = f"{line.sign * (mean - line.base.mean):+.3g}"
    span = (
        f"the night moved by {moved}" if state.window == 1 else f"{state.window} nights moved by {moved}, this by {own}"
    )
    side = "below" if state.difference < 0 else "above"
    return (
        f"{where}: {span}, {abs(state.statistic):.1f} standard errors {side} the baseline, alarm at {-state.limit:.2f}"
    )


def _shown(
    line: Line,
    entry: dict[str, Any],
    nights: list[dict[str, Any]],
    rules: Sequence[Gate | None],
    index: int,
    states: Sequence[Night | None],
) -> dict[str, Any]:
    margins = [gate.margins.get(line.metric, 0.0) for gate in rules if gate is not None]
    half = _quantile(line.base.freedom) * line.base.error / math.sqrt(line.base.count)
    return {
        "metric": line.metric,
        "slice": line.slice,
        "direction": entry["direction"],
        "unit": entry.get("unit") or "",
        "mean": line.sign * line.base.mean,
        "band": (line.sign * line.base.mean - half, line.sign * line.base.mean + half),
        "error": line.base.error,
        "replicates": line.base.count,
        "examples": len(line.examples),
        "margin": margins[-1] if margins else None,
        "windows": {window: _points(line, nights, rules, index, states, window) for window in WINDOWS},
    }


def _points(
    line: Line,
    nights: list[dict[str, Any]],
    rules: Sequence[Gate | None],
    index: int,
    states: Sequence[Night | None],
    window: int,
) -> list[dict[str, Any]]:
    """A point for each night, of the mean of the last `window` of its quarter: `value`, `low` and `high` (95%),
    `difference` from the baseline (above 0: more), `limit` (beyond it this window may alarm), `alarm` of this line, by
    whichever window. None where there is no such thing."""
    points = []
    for at, (night, gate, state) in enumerate(zip(nights, rules, states, strict=True)):
        point: dict[str, Any] = dict.fromkeys(("value", "low", "high", "difference", "limit"))
        point |= {"alarm": bool(state is not None and state.alarm)}
        first = at - at % gate.nights if gate is not None else at if window == 1 else 0
        past = [each for each in nights[first : at + 1] if not each["problem"]][-window:]
        if not night["problem"] and len(past) == window and (gate is not None or window == 1):
            value = float(np.mean([each["means"][index] for each in past]))
            errors = [line.base.error**2 / (1 + AGAIN if each["again"] else 1) for each in past]
            half = _quantile(line.base.freedom) * math.sqrt(sum(errors)) / window
            shown = line.sign * value
            point |= {"value": shown, "low": shown - half, "high": shown + half}
            point["difference"] = line.sign * (value - line.base.mean)
            if gate is not None and state is not None:
                point["limit"] = line.sign * _limit(line, state, window, gate.margins.get(line.metric, 0.0))
        points.append(point)
    return points


def _limit(line: Line, state: Night, window: int, margin: float) -> float:
    """The mean of a window below which it alarms: of the limit in errors, and of the margin, the lower one."""
    error = line.base.error * math.sqrt(1 / window + 1 / line.base.count)
    return line.base.mean + min(state.limit * error, -margin)


def _quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def _bare(series: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of a series whose baseline is gone: means alone, as they were stored (more is better)."""
    blank = dict.fromkeys(("mean", "band", "error", "replicates", "examples", "margin"))
    lines = []
    for i, name in enumerate(series["lines"]):
        points = [
            {**dict.fromkeys(("low", "high", "difference", "limit")), "alarm": bool(night["alarm"])}
            | {"value": None if night["problem"] else night["means"][i]}
            for night in series["nights"]
        ]
        line = {**blank, "metric": name, "slice": "", "direction": "", "unit": "", "windows": {1: points}}
        lines.append(line)
    return lines
