"""What went wrong, what was spent, and what sharing saved."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.records.outcome import NO_ANSWER
from harness.study.report.material import Material
from harness.study.report.texts import REASON, short

_SAMPLES = 3
_VARIANTS = 10


def failures_section(material: Material) -> dict[str, Any]:
    """Failed cells by stage and kind, with some messages; which variants they are of; scores that failed by metric,
    where there was an answer."""
    import pyarrow.compute as pc

    outcomes, scores = material.stored.outcomes, material.stored.scores
    failed = outcomes.filter(pc.is_valid(outcomes["failure_kind"]))
    names = ("failure_stage", "failure_kind", "failure", "variant")
    kinds: dict[str, dict[str, Any]] = {}
    variants: Counter[str] = Counter()
    for stage, kind, message, variant in zip(*(failed[name].to_pylist() for name in names), strict=True):
        entry = kinds.setdefault(f"{stage}: {kind}", {"kind": f"{stage}: {kind}", "cells": 0, "messages": []})
        entry["cells"] += 1
        variants[variant] += 1
        said = short(message or "", REASON)
        if said not in entry["messages"] and len(entry["messages"]) < _SAMPLES:
            entry["messages"].append(said)
    broken = scores.filter(pc.is_valid(scores["failure"]))
    metrics: dict[str, dict[str, Any]] = {}
    for metric, message in zip(broken["metric"].to_pylist(), broken["failure"].to_pylist(), strict=True):
        if message.startswith(NO_ANSWER):
            continue
        entry = metrics.setdefault(metric, {"metric": metric, "cells": 0, "messages": []})
        entry["cells"] += 1
        said = short(message, REASON)
        if said not in entry["messages"] and len(entry["messages"]) < _SAMPLES:
            entry["messages"].append(said)
    return {
        "failed_cells": material.summary["failed_cells"],
        "finished_cells": material.summary["finished_cells"],
        "cells": material.summary["cells"],
        "kinds": sorted(kinds.values(), key=lambda entry: -entry["cells"]),
        "variants": [
            {"variant": name, "label": material.label(name), "cells": count}
            for name, count in variants.most_common(_VARIANTS)
        ],
        "metrics": list(metrics.values()),
    }


def work_section(material: Material) -> dict[str, Any]:
    """Work by kind: what doing everything for each variant would take, what is distinct, and what was made now."""
    summary = material.summary
    calls, texts = summary["calls"], summary["embeddings"]
    rows = [
        {"work": name, **{key: stage.get(key) for key in ("naive", "distinct", "made", "cached")}}
        for name, stage in summary["stages"].items()
    ]
    rows.append({"work": "embedded texts", **{key: texts.get(key) for key in ("naive", "distinct", "made", "cached")}})
    rows.append({"work": "answers", **{key: calls[key] for key in ("naive", "distinct", "made", "cached")}})
    naive_usd = [each.usd * each.n if each.usd is not None else None for each in material.expenses.values()]
    return {
        "rows": rows,
        "judge_calls": calls.get("judge_made", 0),
        "tokens": summary["tokens"],
        "usd": summary["cost_usd"],
        "answers_usd": summary.get("answers_usd"),
        "naive_answers_usd": None if None in naive_usd else sum(usd for usd in naive_usd if usd is not None),
        "spending": summary.get("spending") or {},
        "estimate": summary.get("estimate"),
        "wall_s": summary.get("wall_s"),
    }
