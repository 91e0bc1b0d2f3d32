"""What a metric said of each cell, and the opinions that it rests on where judges were asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from harness.store import StoredSweep
from harness.study.judging.sights import Cell


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one judge found in one draw."""

    judge: str
    draw: int
    value: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """A cell's score; its opinions are empty where the metric asks nobody, or the sweep is older than they are."""

    value: float
    opinions: tuple[Opinion, ...] = ()


def judgements_of(stored: StoredSweep, metric: str) -> dict[Cell, Judgement]:
    """The scored cells of a metric. Cells that failed are left out."""
    import pyarrow.compute as pc

    table = stored.scores
    table = table.filter(pc.and_(pc.equal(table["metric"], metric), pc.is_valid(table["value"])))
    details = table["details"].to_pylist() if "details" in table.column_names else [None] * table.num_rows
    columns = [table[name].to_pylist() for name in ("variant", "example", "repeat", "value")]
    return {
        (variant, example, repeat): Judgement(value, opinions_in(text))
        for variant, example, repeat, value, text in zip(*columns, details, strict=True)
    }


def opinions_in(details: str | None) -> tuple[Opinion, ...]:
    """The opinions in a score's details (JSON text). What is no opinion with a value is passed over."""
    if not details:
        return ()
    try:
        found = orjson.loads(details)
    except orjson.JSONDecodeError:
        return ()
    entries = found.get("opinions") if isinstance(found, dict) else None
    return tuple(_opinion(e) for e in entries if _is_opinion(e)) if isinstance(entries, list) else ()


def judges_in(judgements: Sequence[Judgement]) -> list[str]:
    """The labels of the judges, in order of appearance."""
    return list(dict.fromkeys(opinion.judge for judgement in judgements for opinion in judgement.opinions))


def _is_opinion(entry: Any) -> bool:
    value = entry.get("value") if isinstance(entry, dict) else None
    return isinstance(value, int | float) and value == value


def _opinion(entry: dict[str, Any]) -> Opinion:
    return Opinion(str(entry.get("judge", "judge")), int(entry.get("draw") or 0), float(entry["value"]))
