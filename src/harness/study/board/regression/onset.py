"""Where a loss began: the first bad night of the nights that led to an alarm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.study.gate.nights import Night


def episodes(
    nights: Sequence[dict[str, Any]], baselines: Sequence[float], states: Sequence[Sequence[Night | None]]
) -> list[dict[str, Any]]:
    """Nights in a row that alarmed, oldest first.

    `baselines` are the means of the lines, `states` those of line and night. `first` and `last` are numbers of nights;
    `lines` those that alarmed, `line` the one that lost most of its errors in the first of them; `began` and `run` are
    the first bad night and what was run in it, None where that cannot be told; `open`: the last night is one of them.
    """
    readable = [at for at, night in enumerate(nights) if not night["problem"]]
    groups: list[list[int]] = []
    joined = False
    for at in readable:
        if nights[at]["alarm"] and joined:
            groups[-1].append(at)
        elif nights[at]["alarm"]:
            groups.append([at])
        joined = bool(nights[at]["alarm"])
    found, earliest = [], 0
    for group in groups:
        past = [at for at in readable if earliest <= at <= group[0]]
        found.append(_episode(group, past, nights, baselines, states) | {"open": group[-1] == readable[-1]})
        earliest = group[-1] + 1
    return found


def _episode(
    group: list[int],
    past: list[int],
    nights: Sequence[dict[str, Any]],
    baselines: Sequence[float],
    states: Sequence[Sequence[Night | None]],
) -> dict[str, Any]:
    alarms = {(i, at): state for i, line in enumerate(states) for at in group if (state := line[at]) and state.alarm}
    found = {"first": group[0] + 1, "last": group[-1] + 1, "lines": sorted({i for i, _ in alarms})}
    told = [(state.statistic, i) for (i, at), state in alarms.items() if at == group[0]]
    if not told:
        return found | {"line": None, "began": None, "run": None}
    _, line = min(told)
    loss = -alarms[line, group[0]].difference
    at = past[began([nights[each]["means"][line] for each in past], baselines[line], loss)]
    return found | {"line": line, "began": at + 1, "run": nights[at]["run"]}


def began(means: Sequence[float], baseline: float, loss: float) -> int:
    """The index from which on to the last of `means` (more is better) a loss of that size explains them best.

    The cumulative sum of what was lost beyond half of `loss` is largest from there: for normal means the likeliest
    change point (E. S. Page, Biometrika 41, 1954).
    """
    start, total, most = len(means) - 1, 0.0, -math.inf
    for at in range(len(means) - 1, -1, -1):
        total += baseline - means[at] - loss / 2
        if total > most:
            start, most = at, total
    return start
