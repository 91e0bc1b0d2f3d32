"""Rules that need no baseline: floors, limits of latency and cost, examples that must pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.config.gate import Gate, MustPass
from harness.errors import Incomplete, UserError
from harness.study.choosing.matrix import Matrix
from harness.study.comparing.changed import Run
from harness.study.expenses import attempts_of
from harness.study.figures import scale_of


@dataclass(frozen=True)
class Rule:
    """One rule: what is looked at, what was found, what is allowed, and whether it holds."""

    name: str
    found: float
    allowed: str
    holds: bool
    told: str

    def as_json(self) -> dict[str, Any]:
        """By name."""
        return dict(self.__dict__)


def rules(run: Run, gate: Gate, found: Mapping[str, Matrix]) -> list[Rule]:
    """Every rule of the gate, applied to a run. Cells without an answer count as the worst score.

    They hold or do not on this dataset: no noise is allowed for. Raises UserError where a figure is not known,
    Incomplete where too much of it is lost.
    """
    stored, variant = run
    entries = {metric["name"]: metric for metric in stored.metrics}
    listed = [_floor(name, floor, entries[name], found[name], variant["id"]) for name, floor in gate.floors.items()]
    listed += _limits(run, gate.limits)
    if gate.must_pass is not None:
        listed.append(_must_pass(run, gate.must_pass, entries[gate.must_pass.metric], found[gate.must_pass.metric]))
    return listed


def changed_rules(before: Gate, after: Gate) -> list[str]:
    """A note on each rule that is another one than the baseline's sweep file has: a change may loosen what it is
    judged by."""
    names = [each.name for each in fields(Gate) if each.name not in ("baseline", "variant")]
    both = [(name, getattr(before, name), getattr(after, name)) for name in names]
    return [f"the rule {name} is not the baseline's: {one} there, {two} here" for name, one, two in both if one != two]


def column_of(matrix: Matrix, entry: Mapping[str, Any], variant: str) -> NDArray[np.float64]:
    """A variant's scores by example, cells without an answer at the worst end."""
    worst = entry["low"] if entry["direction"] == "maximize" else entry["high"]
    found: NDArray[np.float64] = matrix.filled(worst)[:, matrix.variants.index(variant)]
    return found


def _floor(name: str, floor: float, entry: Mapping[str, Any], matrix: Matrix, variant: str) -> Rule:
    values = column_of(matrix, entry, variant)
    if np.isnan(values).all():
        raise UserError(f"gate.floors.{name}: the candidate has no score by it")
    up = entry["direction"] == "maximize"
    worst = entry["low"] if up else entry["high"]
    lost = matrix.lost(worst)[:, matrix.variants.index(variant)]
    if lost.any() and worst is None:
        raise Incomplete(
            f"gate.floors.{name}: {int((lost > 0).sum())} examples lack a score, and its range has no worst end that "
            "they could count as; run the sweep again"
        )
    if lost.any():
        values = np.where(lost > 0, (1 - lost) * np.nan_to_num(values) + lost * worst, values)
    mean = float(np.nanmean(values))
    holds, allowed = (mean >= floor, f">= {floor:g}") if up else (mean <= floor, f"<= {floor:g}")
    told = f"{name} is {mean:.4g}, {allowed} is asked for"
    told += f"; {int((lost > 0).sum())} examples that lack a score count as the worst" if lost.any() else ""
    return Rule(f"floor of {name}", mean, allowed, holds, told)


def _limits(run: Run, limits: Mapping[str, float]) -> list[Rule]:
    import pyarrow.compute as pc

    stored, variant = run
    table = stored.outcomes
    table = table.filter(pc.equal(table["variant"], variant["id"]))
    answered = pc.is_null(table["failure_kind"]).to_numpy(zero_copy_only=False)
    listed = []
    for name, most in limits.items():
        value = _amount(name, table, answered)
        if value is None:
            raise UserError(f"gate.limits.{name}: not known of every answer of {stored.id}; set prices, or drop it")
        told = f"{name} is {value:.4g}, at most {most:g} is allowed"
        listed.append(Rule(f"limit of {name}", value, f"<= {most:g}", value <= most, told))
    return listed


def _amount(name: str, table: Any, answered: NDArray[np.bool_]) -> float | None:
    if name == "failed_share":
        return float(1 - answered.mean()) if len(answered) else None
    if name == "retried_share":
        return float((attempts_of(table)[answered] > 1).mean()) if answered.any() else None
    column = "cost_usd" if name == "cost_usd" else "latency_ms"
    values = table.column(column).to_numpy(zero_copy_only=False).astype(float)[answered]
    if not len(values) or np.isnan(values).any():
        return None
    return float(np.quantile(values, 0.95) if name == "latency_p95_ms" else values.mean())


def _must_pass(run: Run, rule: MustPass, entry: Mapping[str, Any], matrix: Matrix) -> Rule:
    stored, variant = run
    known = {e["id"]: e for e in stored.examples}
    missing = [name for name in rule.examples if name not in known]
    tagged = [e["id"] for e in stored.examples if rule.tag is not None and rule.tag in e["tags"]]
    if missing or (rule.tag is not None and not tagged):
        what = f"the examples {', '.join(missing)}" if missing else f"an example with the tag {rule.tag!r}"
        few = "; --limit left them out" if (stored.header.get("options") or {}).get("limit") else ""
        raise UserError(f"gate.must_pass: {stored.id} has not {what}{few}")
    low, high = _ends(rule, entry)
    scores = dict(zip(matrix.examples, column_of(matrix, entry, variant["id"]), strict=True))
    wanted = list(dict.fromkeys([*rule.examples, *tagged]))
    unscored = [name for name in wanted if np.isnan(scores[name])]
    if unscored:
        raise UserError(f"gate.must_pass: {rule.metric} gave no score to {', '.join(unscored[:5])}")
    failing = [name for name in wanted if not low <= scores[name] <= high]
    told = f"{len(failing)} of {len(wanted)} examples that must pass {rule.metric} do not: {', '.join(failing[:10])}"
    told = told if failing else f"all {len(wanted)} examples that must pass {rule.metric} do"
    return Rule(f"must pass {rule.metric}", float(len(failing)), "0 failing", not failing, told)


def _ends(rule: MustPass, entry: Mapping[str, Any]) -> tuple[float, float]:
    scale = scale_of(entry)
    ends = (rule.at_least, rule.at_most)
    if ends == (None, None):
        ends = (scale.at_least, scale.at_most)
    if ends == (None, None):
        ends = (scale.high, None) if scale.direction == "maximize" else (None, scale.low)
    return -np.inf if ends[0] is None else ends[0], np.inf if ends[1] is None else ends[1]
