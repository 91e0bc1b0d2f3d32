"""A sweep in figures: what `harness sweep --json` prints and what listing reads."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.records.outcome import NO_ANSWER
from harness.store import Folder, StoredSweep, layout, write_summary
from harness.store.passes import pass_ids
from harness.study.cells import cells
from harness.study.choosing.framing import Bounds
from harness.study.choosing.matrix import matrices
from harness.study.choosing.pareto import plain_front
from harness.study.choosing.ranking import Ranking, rank
from harness.study.expenses import Expense, attempts_of, expenses
from harness.study.figures import METHOD, scale_of, whole_figures
from harness.study.judging.cautions import cautions

_REASONS, _SHOWN = 5, 100


def summarise(stored: StoredSweep, *, keep: bool = False) -> dict[str, Any]:
    """All figures of a sweep, derived from its rows; `keep` stores them in the (local) folder for listing."""
    header = stored.header
    found = matrices(stored)
    scales = {metric["name"]: scale_of(metric) for metric in stored.metrics}
    scored = cells(stored, list(scales))
    metrics = {name: whole_figures(found[name], scale, scored[name]) for name, scale in scales.items()}
    spent = expenses(stored)
    ranking = ranking_of(stored, found, {name: entry.usd for name, entry in spent.items()})
    objective = header["objective"]["metric"]
    first = ranking.places[0].variant if ranking.places else None
    best = first if first is not None and metrics[objective][first].n else None
    labels = {entry["id"]: entry["label"] for entry in stored.variants}
    ranked_by = {place.variant: place.score for place in ranking.places}
    totals = _totals(stored)
    content = {
        "sweep": stored.id,
        "name": header["name"],
        "created": header["created"],
        "status": stored.status,
        "path": _where(stored),
        "variants": len(stored.variants),
        **totals,
        "left_out": len((header["corpus"] or {}).get("skipped") or ()),
        "objective": header["objective"],
        "best": best
        and {
            "variant": best,
            "label": labels[best],
            "score": metrics[objective][best].mean,
            "interval": [metrics[objective][best].low, metrics[objective][best].high],
            "corrected": _corrected(ranking),
        },
        "best_set": ranking.best_set if best else [],
        "cheapest": ranking.cheapest,
        "front": _front(ranking, spent),
        "detectable": ranking.detectable,
        "detectable_any": ranking.detectable_any,
        "ranking_cautions": [_by_label(caution, labels) for caution in ranking.cautions],
        "unmeasured": [name for name in labels if name not in {place.variant for place in ranking.places}],
        "clusters": ranking.clusters,
        "interval_method": METHOD,
        "thresholds": {
            name: {"at_least": scale.at_least, "at_most": scale.at_most}
            for name, scale in scales.items()
            if scale.has_threshold
        },
        "judges": cautions(stored),
        "passes": [each.id for each in stored.passes],
        "git": header.get("git", {}),
        "dataset": header["dataset"],
        "runs": [
            {
                "run": f"{stored.id}/{entry['id']}",
                "variant": entry["id"],
                "label": entry["label"],
                "params": entry["params"],
                "exact_search": entry["id"] not in totals["approximate"],
                "ranked_by": ranked_by.get(entry["id"]),
                "expense": spent[entry["id"]].as_json(),
                "metrics": {name: by_variant[entry["id"]].as_json() for name, by_variant in metrics.items()},
            }
            for entry in stored.variants
        ],
    }
    if keep and stored.folder.is_local:
        write_summary(stored.folder.path, content)
    return content


def summary_of(stored: StoredSweep) -> dict[str, Any]:
    """The kept summary where it still holds, else a new one; what is to know about judges is always of now."""
    kept = stored.summary
    status = stored.status
    if kept is not None and kept["status"] == status == "complete" and holds(kept, stored.folder):
        return {**kept, "path": _where(stored), "judges": cautions(stored)}
    return summarise(stored, keep=status == "complete")


def _where(stored: StoredSweep) -> str:
    return str(stored.folder.path) if stored.folder.is_local else stored.folder.uri


def holds(kept: Mapping[str, Any], folder: Folder) -> bool:
    """Whether a kept summary has all the scores that there are."""
    return list(kept.get("passes", ())) == pass_ids(folder)


def ranking_of(
    stored: StoredSweep, found: dict[str, Any] | None = None, usd: Mapping[str, float | None] | None = None
) -> Ranking:
    """The ranking by the sweep's objective; the cheapest is told where all costs are known, and not all the same."""
    objective = stored.header["objective"]
    known = {name: float(f"{cost:.9g}") for name, cost in (usd or {}).items() if cost is not None}
    costs = known if len(known) == len(stored.variants) and len(set(known.values())) > 1 else None
    matrix = (found or matrices(stored))[objective["metric"]]
    entry = next(m for m in stored.metrics if m["name"] == objective["metric"])
    bounds = Bounds(entry["low"], entry["high"])
    unit = bounds.low == 0 and bounds.high == 1
    costs = costs if unit else None  # 2 points are 2 points of a share: elsewhere nobody can say what is little to lose
    return rank(matrix, objective["direction"], worst_of(stored), bounds=bounds, costs=costs)


def _by_label(text: str, labels: Mapping[str, str]) -> str:
    """A sentence with the labels of variants in place of their ids."""
    for variant, label in labels.items():
        text = text.replace(variant, label)
    return text


def _corrected(ranking: Ranking) -> dict[str, Any] | None:
    """The best score less the luck of having been chosen; None where there was no choice."""
    if len(ranking.places) < 2:
        return None
    winner = ranking.winner
    ends = [end if math.isfinite(end) else None for end in (winner.low, winner.high)]
    return {"score": winner.score, "interval": ends, "raw": winner.raw}


def _front(ranking: Ranking, spent: Mapping[str, Expense]) -> list[str]:
    """The variants that no other is at least as good as by score, cost and latency, and better in one, by the means."""
    names = [place.variant for place in ranking.places]
    scores = [place.score if ranking.direction == "maximize" else -place.score for place in ranking.places]
    columns = [scores]
    for values in ([spent[name].usd for name in names], [spent[name].latency_ms for name in names]):
        known = [-value for value in values if value is not None]
        if len(known) == len(names):
            columns.append(known)
    if not names:
        return []
    on_front = plain_front(np.array(columns).T)
    return [name for name, kept in zip(names, on_front, strict=True) if kept]


def worst_of(stored: StoredSweep) -> float | None:
    """The objective's worst value, which failed cells count as; None where its range has no such end."""
    objective = stored.header["objective"]
    metric = next(m for m in stored.metrics if m["name"] == objective["metric"])
    worst: float | None = metric["low"] if objective["direction"] == "maximize" else metric["high"]
    return worst


def _totals(stored: StoredSweep) -> dict[str, Any]:
    """Counts of cells, calls, tokens and money, derived from the rows."""
    import pyarrow.compute as pc

    outcomes = stored.outcomes
    work = stored.folder.read_json(layout.WORK) or {}
    own = outcomes.filter(pc.is_in(outcomes["source"], value_set=_array(["made", "cached"])))
    made = own.filter(pc.equal(own["source"], "made"))
    failed = int(pc.sum(pc.is_valid(outcomes["failure"])).as_py() or 0)
    answered = made.filter(pc.is_null(made["failure"]))
    unknown = int(pc.sum(pc.is_null(answered["cost_usd"])).as_py() or 0)
    spending = _spending(stored)
    besides = [entry["usd"] for entry in spending.values()]
    answers_usd = None if unknown else float(pc.sum(answered["cost_usd"]).as_py() or 0.0)
    return {
        "cells": stored.header["cells"],
        "finished_cells": outcomes.num_rows,
        "failed_cells": failed,
        "calls": {
            "naive": stored.header["cells"],
            "distinct": own.num_rows,
            "made": made.num_rows,
            "cached": own.num_rows - made.num_rows,
            "judge_made": spending.get("judge", {}).get("calls", 0),
        },
        "embeddings": work.get("embeddings", {"naive": 0, "distinct": 0, "made": 0}),
        "stages": work.get("stages", {}),
        "exact_search": work.get("exact_search"),
        "approximate": work.get("approximate", []),
        "cautions": work.get("cautions", []),
        "failures": _failures(outcomes),
        "retried": _retried(made),
        "score_failures": _score_failures(stored),
        "tokens": {
            kind: int(pc.sum(answered[f"{kind}_tokens"]).as_py() or 0) for kind in ("input", "output", "cached")
        },
        "answers_usd": answers_usd,
        "cost_usd": None if answers_usd is None or None in besides else answers_usd + sum(besides),
        "spending": spending,
        "estimate": stored.folder.read_json(layout.ESTIMATE),
        "wall_s": stored.exit.get("wall_s"),
    }


def _retried(made: Any) -> dict[str, int]:
    """How many calls took more than one attempt, and how many attempts these took besides the first."""
    besides = attempts_of(made) - 1
    return {"calls": int((besides > 0).sum()), "attempts": int(besides.clip(0).sum())}


def _failures(outcomes: Any) -> dict[str, int]:
    """How many cells failed, by stage and kind, the most frequent first."""
    rows = zip(outcomes["failure_stage"].to_pylist(), outcomes["failure_kind"].to_pylist(), strict=True)
    counts = Counter(f"{stage}: {kind}" for stage, kind in rows if kind is not None)
    return dict(counts.most_common())


def _score_failures(stored: StoredSweep) -> dict[str, dict[str, int]]:
    """Why answers could not be scored: for each metric the reasons with their numbers, the most frequent first."""
    import pyarrow.compute as pc

    table = stored.scores.select(["metric", "failure"])
    table = table.filter(pc.is_valid(table.column("failure")))
    counts: dict[str, Counter[str]] = {}
    for metric, failure in zip(table.column("metric").to_pylist(), table.column("failure").to_pylist(), strict=True):
        if not failure.startswith(NO_ANSWER):
            counts.setdefault(metric, Counter())[_kind(failure)] += 1
    return {metric: dict(counter.most_common(_REASONS)) for metric, counter in counts.items()}


def _kind(failure: str) -> str:
    """A failure without what is different in each: of a judge its kind, of others the beginning."""
    if failure.startswith("judge: "):
        return ": ".join(failure.split(": ")[:2])
    return failure if len(failure) <= _SHOWN else f"{failure[: _SHOWN - 1]}\u2026"


def _spending(stored: StoredSweep) -> dict[str, dict[str, Any]]:
    """Paid calls that were no answers, by stage: how many, their tokens and USD (None where a price is unknown)."""
    found: dict[str, dict[str, Any]] = {}
    for line in stored.spending:
        entry = found.setdefault(line["stage"], {"calls": 0, "tokens": 0, "usd": 0.0})
        entry["calls"] += 1
        entry["tokens"] += line["tokens"]
        entry["usd"] = None if line["usd"] is None or entry["usd"] is None else entry["usd"] + line["usd"]
    return found


def _array(values: list[str]) -> Any:
    import pyarrow as pa

    return pa.array(values)
