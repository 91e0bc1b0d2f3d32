"""The verdict of a gate: every metric and slice against the baseline, every rule, and what it comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from harness.config.gate import Gate
from harness.errors import UserError, advice
from harness.study.choosing.matrix import Matrix, matrices
from harness.study.comparing.changed import Run, changed
from harness.study.comparing.pairs import settings_between
from harness.study.gate.evidence import check, check_lost, margins_of
from harness.study.gate.margins import PASS, REGRESSION, UNSURE, Margin, judged, settled
from harness.study.gate.rules import Rule, column_of, rules

ALL = "all"
"""The slice that holds every example."""
EXITS = {PASS: 0, REGRESSION: 1, UNSURE: 4}


@dataclass(frozen=True)
class Row:
    """One metric on one slice: the means of both, and the decision. `decides`: it can hold the gate up. `said` is told
    in place of the usual sentence."""

    metric: str
    slice: str
    mean: float
    baseline_mean: float
    decided: Margin
    decides: bool
    said: str = ""

    @property
    def told(self) -> str:
        """The decision in a sentence."""
        if self.said:
            return self.said
        found = self.decided
        where = self.metric if self.slice == ALL else f"{self.metric} on {self.slice}"
        without = f", {found.lost:.3g} more without a score" if found.lost else ""
        moved = f"{where} {self.baseline_mean:.4g} -> {self.mean:.4g} ({found.n} examples{without})"
        if found.verdict == PASS:
            return f"{moved}: loses at most {max(0.0, -found.low):.3g}, {found.margin:g} is allowed"
        if found.verdict == REGRESSION:
            return f"{moved}: loses {-found.difference:.3g}, {found.margin:g} is allowed (p = {found.p_corrected:.2g})"
        more = "how many examples would settle it cannot be told"
        if found.needed is not None:
            clusters = math.ceil(found.needed * found.clusters / found.n)
            each = f"in {clusters:,} clusters" if clusters < found.needed else "each independent of the others"
            more = f"{each}, about {found.needed:,} examples would settle it"
        elif found.lost:
            more = f"{more}; see to it that all are scored"
        bound = "any amount" if not np.isfinite(found.low) else f"{-found.low:.3g}"
        return f"{moved}: may lose {bound}, {found.margin:g} is allowed; {more}"

    def as_json(self) -> dict[str, Any]:
        """By name; the decision's figures beside the means."""
        own = {"metric": self.metric, "slice": self.slice, "mean": self.mean, "baseline_mean": self.baseline_mean}
        return {**own, **asdict(self.decided), "decides": self.decides, "sentence": self.told}


@dataclass(frozen=True)
class Verdict:
    """What a gate found; `worst` are the examples that lost most by the first metric."""

    verdict: str
    candidate: str
    baseline: str
    label: str
    alpha: float
    rows: list[Row]
    rules: list[Rule]
    worst: list[dict[str, Any]]
    settings: list[dict[str, Any]]
    notes: list[str]

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 4 cannot tell."""
        return EXITS[self.verdict]

    @property
    def sentence(self) -> str:
        """The verdict, and what it rests on."""
        bad = [row.told for row in self.rows if row.decided.verdict == REGRESSION]
        bad += [rule.told for rule in self.rules if not rule.holds]
        open_ = [row.told for row in self.rows if row.decides and row.decided.verdict == UNSURE]
        told = bad or open_ or [row.told for row in self.rows if row.slice == ALL]
        return f"{self.verdict}: {'; '.join(told)}"

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "sentence": self.sentence,
            "candidate": self.candidate,
            "label": self.label,
            "baseline": self.baseline,
            "alpha": self.alpha,
            "rows": [row.as_json() for row in self.rows],
            "rules": [rule.as_json() for rule in self.rules],
            "worst": self.worst,
            "settings": self.settings,
            "notes": self.notes,
        }


def decide(run: Run, baseline: Run, gate: Gate, worst: int = 5) -> Verdict:
    """Compare a run with a baseline by the rules of a gate.

    A slice can make a regression; that it cannot tell holds the gate up with `strict_slices` alone. Raises UserError
    where the two cannot be compared, Incomplete where too much of a run failed.
    """
    (stored, variant), (base, base_variant) = run, baseline
    margins = margins_of(stored, gate)
    ruled = [*gate.floors, *([gate.must_pass.metric] if gate.must_pass else [])]
    check(run, baseline, gate, list(dict.fromkeys([*margins, *ruled])))
    here, there = matrices(stored), matrices(base)
    rows: list[Row] = []
    for name in gate.floors:
        check_lost(here[name], run, "candidate")
    for name, margin in margins.items():
        check_lost(here[name], run, "candidate")
        check_lost(there[name], baseline, "baseline")
        rows += _rows(run, baseline, gate, here[name], there[name], margin)
    if (run[0].id, run[1]["id"]) == (baseline[0].id, baseline[1]["id"]):
        raise UserError(f"gate: candidate and baseline are the same run, {run[0].id}/{run[1]['id']}; name another one")
    decided = settled([row.decided for row in rows], gate.alpha)
    rows = [Row(**{**vars(row), "decided": found}) for row, found in zip(rows, decided, strict=True)]
    held = rules(run, gate, here)
    first = next(iter(margins))
    return Verdict(
        verdict=_verdict(rows, held),
        candidate=f"{stored.id}/{variant['id']}",
        baseline=f"{base.id}/{base_variant['id']}",
        label=variant["label"],
        alpha=gate.alpha,
        rows=rows,
        rules=held,
        worst=_worst(run, baseline, here[first], there[first], rows, worst),
        settings=settings_between(base_variant, variant),
        notes=_notes(run, baseline, rows),
    )


def _verdict(rows: list[Row], held: list[Rule]) -> str:
    if any(row.decided.verdict == REGRESSION for row in rows) or not all(rule.holds for rule in held):
        return REGRESSION
    return UNSURE if any(row.decides and row.decided.verdict == UNSURE for row in rows) else PASS


def _rows(run: Run, baseline: Run, gate: Gate, here: Matrix, there: Matrix, margin: float) -> list[Row]:
    stored = run[0]
    entry = next(m for m in stored.metrics if m["name"] == here.metric)
    mine, theirs = _both(run, baseline, here, there, entry)
    sign = 1.0 if entry["direction"] == "maximize" else -1.0
    span = None if entry["low"] is None or entry["high"] is None else entry["high"] - entry["low"]
    lost = _lost(run, baseline, here, there, entry)
    rows = []
    for label in (ALL, *gate.slices):
        kept = [i for i, e in enumerate(stored.examples) if label == ALL or label in e["tags"]]
        if not kept:
            tags = sorted({tag for e in stored.examples for tag in e["tags"]})
            raise UserError(f"gate.slices: no example has the tag {label!r}; {advice(label, tags, 'tags')}")
        pair = ~(np.isnan(mine[kept]) | np.isnan(theirs[kept]))
        if not pair.any():
            raise UserError(f"gate: no example of {label} has a score by {here.metric} in both runs")
        clusters = [stored.examples[i]["cluster"] for i in kept]
        a, b = (mine[kept], theirs[kept]) if sign > 0 else (theirs[kept], mine[kept])
        found = judged(a, b, clusters, margin, span, gate.alpha, float(lost[kept].sum()))
        means = float(mine[kept][pair].mean()), float(theirs[kept][pair].mean())
        rows.append(Row(here.metric, label, *means, found, label == ALL or gate.strict_slices))
    return rows


def _both(run: Run, baseline: Run, here: Matrix, there: Matrix, entry: Mapping[str, Any]) -> tuple[Any, Any]:
    """Scores of both by the candidate's examples."""
    other = dict(zip(there.examples, column_of(there, entry, baseline[1]["id"]), strict=True))
    theirs = np.array([other[name] for name in here.examples], dtype=float)
    return column_of(here, entry, run[1]["id"]), theirs


def _lost(run: Run, baseline: Run, here: Matrix, there: Matrix, entry: Mapping[str, Any]) -> Any:
    """The share of each of the candidate's examples that has no score in one of both."""
    worst = entry["low"] if entry["direction"] == "maximize" else entry["high"]
    mine = here.lost(worst)[:, here.variants.index(run[1]["id"])]
    theirs = there.lost(worst)[:, there.variants.index(baseline[1]["id"])]
    other = dict(zip(there.examples, theirs, strict=True))
    return np.minimum(1.0, mine + np.array([other[name] for name in here.examples], dtype=float))


def _worst(run: Run, baseline: Run, here: Matrix, there: Matrix, rows: list[Row], count: int) -> list[dict[str, Any]]:
    """The examples that lost most; of those that lost alike, first those of slices that lost more than all did."""
    stored = run[0]
    entry = next(m for m in stored.metrics if m["name"] == here.metric)
    mine, theirs = _both(run, baseline, here, there, entry)
    sign = 1.0 if entry["direction"] == "maximize" else -1.0
    lost = np.where(sign * (mine - theirs) < 0, mine, np.nan)
    moved = {row.slice: row.decided.difference for row in rows if row.metric == here.metric}
    least = [min([moved[ALL], *(moved.get(tag, np.inf) for tag in e["tags"])]) for e in stored.examples]
    order = np.argsort(least, kind="stable")
    examples = [stored.examples[i] for i in order]
    return changed(examples, (lost[order], theirs[order]), here.metric, entry["direction"], run, baseline, count)


def _notes(run: Run, baseline: Run, rows: list[Row]) -> list[str]:
    (stored, _), (base, _) = run, baseline
    notes = []
    corpora = [(side.header.get("corpus") or {}).get("digest") for side in (stored, base)]
    if corpora[0] != corpora[1]:
        notes.append("the knowledge base is not the baseline's: documents may be what changed")
    if len(base.examples) > len(stored.examples):
        notes.append(f"the baseline has {len(base.examples)} examples; the candidate's {len(stored.examples)} count")
    kept = _of_the_cache(run)
    if kept:
        notes.append(f"{kept}: --fresh asks again")
    watched = [row for row in rows if not row.decides and row.decided.verdict == UNSURE]
    if watched:
        notes.append(f"cannot be told, and do not hold the gate up: {', '.join(map(_watched, watched))}")
    if len(rows) > 1:
        notes.append(f"losses are corrected for {len(rows)} rows (Holm)")
    return notes


def _watched(row: Row) -> str:
    where = f"{row.metric} on {row.slice}"
    return where if row.decided.needed is None else f"{where} (about {row.decided.needed:,} examples would settle it)"


def _of_the_cache(run: Run) -> str:
    """How many of a run's answers are of before it; empty where none is."""
    import pyarrow.compute as pc

    stored, variant = run
    mine = stored.outcomes.filter(pc.equal(stored.outcomes["variant"], variant["id"]))
    count = int(pc.sum(pc.equal(mine["source"], "cached")).as_py() or 0)
    return f"{count:,} of {mine.num_rows:,} answers were in the cache, asked before this run" if count else ""
