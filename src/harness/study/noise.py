"""Where the noise in a sweep's scores comes from, and what to add more of to narrow an interval at least cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from harness.errors import UserError, advice
from harness.store import StoredSweep
from harness.study.expenses import expenses
from harness.study.inference.components import components
from harness.study.inference.outlay import outlay

if TYPE_CHECKING:
    import pandas as pd


def noise(stored: StoredSweep, metric: str | None = None) -> dict[str, Any]:
    """Components of variance of a metric (default: the objective), and the cheapest way to halve an interval.

    `components` is a row per source (`of`, `source`, `estimate`, `variance`, `share`), `text` says it in words.
    `outlay` is the way in words, None where there is none; prices are USD where they are known, else calls, as `unit`
    says. Raises UserError for a metric that the sweep has not, and for fewer than two examples with values.
    """
    name = metric or stored.header["objective"]["metric"]
    known = [entry["name"] for entry in stored.metrics]
    if name not in known:
        raise UserError(f"{stored.id} has no metric {name!r}; {advice(name, known, 'metrics')}")
    found = components(_frame(stored, name))
    answer, judgement, unit = _prices(stored)
    try:
        way: str | None = str(outlay(found, answer=answer, judgement=judgement))
    except UserError:
        way = None
    table = found.table.astype(object).where(found.table.notna(), None)
    return {"metric": name, "components": table.to_dict("records"), "text": str(found), "outlay": way, "unit": unit}


def _frame(stored: StoredSweep, metric: str) -> pd.DataFrame:
    """A row for each score, or where judges gave opinions for each of these."""
    import pandas as pd

    clusters = {entry["id"]: entry["cluster"] for entry in stored.examples}
    rows = []
    for row in stored.scores.to_pylist():
        if row["metric"] == metric:
            cell = {name: row[name] for name in ("variant", "example", "repeat")}
            cell["cluster"] = clusters[row["example"]]
            values = _opinions(row.get("details")) or [row["value"]]
            rows += [{**cell, "draw": draw, "value": value} for draw, value in enumerate(values)]
    names = ["variant", "example", "repeat", "cluster", "draw", "value"]
    frame = pd.DataFrame(rows, columns=names)
    return frame if frame["draw"].nunique() > 1 else frame.drop(columns="draw")


def _opinions(details: str | None) -> list[float]:
    try:
        found = orjson.loads(details or "{}")
    except orjson.JSONDecodeError:
        return []
    opinions = found.get("opinions") if isinstance(found, dict) else None
    return [entry["value"] for entry in opinions or [] if entry.get("value") is not None]


def _prices(stored: StoredSweep) -> tuple[float, float, str]:
    """What an answer and a judgement cost: USD where both are known, else a call each."""
    usd = [entry.usd for entry in expenses(stored).values()]
    judged = [line["usd"] for line in stored.spending if line["stage"] == "judge"]
    known = [price for price in usd if price is not None]
    if not known or len(known) < len(usd) or None in judged or not sum(known) + sum(judged):
        return 1.0, 1.0 if judged else 0.0, "calls"
    return sum(known) / len(known), sum(judged) / max(1, len(judged)), "USD"
