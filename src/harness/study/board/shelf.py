"""All sweeps of a folder as rows: what each is, how far it is, and what came out best."""

from __future__ import annotations

from typing import Any

from harness.errors import HarnessError
from harness.store import Folder
from harness.store.layout import CELLS, HEADER, OUTCOMES_TABLE, SUMMARY
from harness.store.status import status_of
from harness.study.summary import holds

COLUMNS = (
    *("sweep", "name", "status", "progress", "best", "score", "low", "high", "n", "metric"),
    *("variants", "cells", "cost_usd", "by", "commit", "created", "problem"),
)
_SEARCHED = ("sweep", "name", "best", "by", "commit", "metric", "status")
_COMMIT = 8


def shelf(runs: str) -> list[dict[str, Any]]:
    """One row per sweep, newest first, by `COLUMNS`; what cannot be read has a `problem` and little else.

    `progress` is the share of cells that are finished, from 0 to 1; `cost_usd` is None where a price is unknown or the
    sweep is not summarised yet.
    """
    store = Folder(runs)
    rows = (_row(store / name) for name in reversed(store.children()))
    return [row for row in rows if row is not None]


def found(rows: list[dict[str, Any]], text: str, statuses: list[str]) -> list[dict[str, Any]]:
    """The rows that have every word of `text` somewhere, with one of the statuses (none: any)."""
    words = text.lower().split()
    kept = []
    for row in rows:
        said = " ".join(str(row[name] or "") for name in _SEARCHED).lower()
        if all(word in said for word in words) and (not statuses or row["status"] in statuses):
            kept.append(row)
    return kept


def _row(folder: Folder) -> dict[str, Any] | None:
    blank: dict[str, Any] = {**dict.fromkeys(COLUMNS), "sweep": folder.name, "problem": ""}
    try:
        if not folder.has(HEADER):
            return None
        header = folder.read_json(HEADER)
        if header is None:
            return {**blank, "status": "unreadable", "problem": f"{HEADER} is torn or empty"}
        return _read(folder, header, blank)
    except HarnessError as error:
        return {**blank, "status": "unreadable", "problem": str(error)}
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        told = f"the folder lacks what a sweep has ({type(error).__name__}: {error})"
        return {**blank, "status": "unreadable", "problem": told}


def _read(folder: Folder, header: dict[str, Any], blank: dict[str, Any]) -> dict[str, Any]:
    git = header.get("git") or {}
    row = {
        **blank,
        "name": str(header["name"]),
        "status": status_of(folder),
        "metric": header["objective"]["metric"],
        "cells": int(header["cells"]),
        "by": header.get("by") or "",
        "commit": str(git.get("commit") or "")[:_COMMIT],
        "created": header["created"],
    }
    summary = folder.read_json(SUMMARY)
    if summary is not None and summary.get("status") == row["status"] and holds(summary, folder):
        best = summary.get("best") or {}
        # of several, the best was chosen: what is left of its luck; of a part of the cells no interval holds
        found = best.get("corrected") or {"score": best.get("score"), "interval": best.get("interval")}
        low, high = (found["interval"] or (None, None)) if row["status"] == "complete" else (None, None)
        row |= {"best": best.get("label"), "score": found["score"], "low": low, "high": high, "n": _counted(summary)}
        row |= {"cost_usd": summary.get("cost_usd"), "variants": summary.get("variants")}
        finished = int(summary["finished_cells"])
    else:
        finished = _finished(folder)
    row["progress"] = min(1.0, finished / row["cells"]) if row["cells"] else None
    return row


def _counted(summary: dict[str, Any]) -> int | None:
    """How many cells of the best variant have a score of the objective."""
    best = (summary.get("best") or {}).get("variant")
    run = next((each for each in summary["runs"] if each["variant"] == best), None)
    return None if run is None else run["metrics"][summary["objective"]["metric"]]["n"]


def _finished(folder: Folder) -> int:
    """How many cells are finished, without reading what is in them."""
    journal = folder.read(CELLS)
    if journal is not None:
        return max(0, journal.count(b"\n") - 1 - journal.count(b'"whole":false}'))
    if not folder.has(OUTCOMES_TABLE):
        return 0
    import pyarrow as pa
    import pyarrow.parquet as pq

    return int(pq.read_metadata(pa.BufferReader(folder.read(OUTCOMES_TABLE))).num_rows)
