"""What a person reads: an assertion that does not hold, and what the sweeps of a session took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.pytest_plugin.figure import Figure, Mean
from harness.study.report.texts import short, visible

_TURNED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}
_WORST, _WORST_LONG = 3, 10


def told(op: str, left: object, right: object, *, long: bool = False) -> list[str] | None:
    """Why `left op right` does not hold, where one of them is a figure or its mean; None elsewhere.

    Pytest shows eight lines of it, and all with -vv and in a CI: so the worst examples are three, `long` ten.
    """
    if isinstance(right, Figure | Mean):
        left, op, right = right, _TURNED.get(op, op), left
    if op not in _TURNED or isinstance(right, Figure) or not isinstance(right, int | float):
        return None
    if isinstance(left, Mean):
        return _lines(left.figure, op, float(right), long, plain=True)
    return _lines(left, op, float(right), long, plain=False) if isinstance(left, Figure) else None


def _lines(figure: Figure, op: str, asked: float, long: bool, plain: bool) -> list[str]:
    of = f"{figure.metric} of {figure.tag}" if figure.tag is not None else figure.metric
    failed = f", {figure.failed} failed" if figure.failed else ""
    lines = [
        f"{of}{'.mean' if plain else ''} {op} {asked:g}",
        f"mean {figure.mean:.4g}, {figure.interval}, n {figure.n} of {figure.planned}{failed}",
    ]
    if not plain:
        lines.append(_bound(figure, op, asked))
    lines.append(f"run {figure.run}; worst examples:")
    cells = figure.cells(op in ("<=", "<"))[: _WORST_LONG if long else _WORST]
    return [*(visible(line) for line in lines), *(cell.told(figure.metric, long=long) for cell in cells)]


def _bound(figure: Figure, op: str, asked: float) -> str:
    """What the data bear out, and what it would take."""
    up = op in (">=", ">")
    bound = figure.lower if up else figure.upper
    if bound is None and figure.low is None:
        return "no bound from one cluster of examples: ask more, or compare .mean"
    if bound is None:
        return f"no bound, since {_count(figure.failed, 'cell')} without a score could be anything: see run.failures"
    side, sign = ("above", 1.0) if up else ("below", -1.0)
    clusters = f" in {bound.clusters} clusters" if bound.clusters < bound.examples else ""
    shown = f"{bound.examples} examples{clusters} show only that it is {side} {sign * bound.value:.4g}"
    needed = bound.needed(sign * asked)
    if needed is not None:
        return f"{shown}; about {_round(needed):,} like these would be needed"
    if figure.failed:
        return f"{shown}; with failed cells at the worst end the mean is {sign * bound.mean:.4g}"
    return f"{shown}; more would not help, the mean is not {side} {asked:g}"


def _round(number: int) -> int:
    """To two digits: it is an estimate."""
    unit = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // unit) * unit


def totals(done: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the sweeps took, in a line."""
    sums = {name: sum(each[name] for each in done) for name in ("runs", "cells", "failed", "made", "cached", "judged")}
    usd = None if any(each["usd"] is None for each in done) else sum(each["usd"] for each in done)
    cost = "unknown" if usd is None else f"{usd:.4f}" if usd else "0"
    judged = f"{sums['judged']} judge calls, " if sums["judged"] else ""
    failed = f", {_count(sums['failed'], 'cell')} failed" if sums["failed"] else ""
    names = ", ".join(dict.fromkeys(str(each["sweep"]) for each in done))
    return [
        f"harness: {_count(len(done), 'sweep')}, {_count(sums['runs'], 'run')}, {_count(sums['cells'], 'cell')}; "
        f"{sums['made']} answers made, {sums['cached']} cached, {judged}USD {cost}{failed} ({short(names, 300)})"
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
