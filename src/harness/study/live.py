"""A sweep that is still running, in figures that may be looked at as often as one likes.

Clusters count in an order that was drawn (see `inference.drawing`), so that neither the order of the dataset nor who
answers fast decides who looks good. `mean_so_far` is of all that is in and has no interval.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.store import StoredSweep
from harness.study.choosing.framing import Bounds
from harness.study.clusters import codes_of
from harness.study.growing import Growing
from harness.study.inference.betting import final_bounds
from harness.study.inference.drawing import counted, drawn
from harness.study.inference.sequences import BETTING, NORMAL, Sequences, sequences

Floats = NDArray[np.float64]

ASSUMES = (
    "clusters of examples are independent draws from the questions that matter; they count in a drawn order, each when "
    "it and all before it are in"
)
_PACE_AFTER_S = 5.0


def live(stored: StoredSweep, metric: str | None = None, alpha: float = 0.05) -> dict[str, Any]:
    """The figures of a sweep at this moment; see `Watch.look`."""
    return Watch(stored, metric, alpha).look()


class Watch:
    """Looks at one sweep again and again; each look reads only what is new. `metric`: default the objective's."""

    def __init__(self, stored: StoredSweep, metric: str | None = None, alpha: float = 0.05) -> None:
        self._stored = stored
        self._alpha = alpha
        self._growing = Growing(stored, metric)
        entry = self._growing.metric
        self._bounds = Bounds(entry["low"], entry["high"])
        self._sign = 1.0 if entry["direction"] == "maximize" else -1.0
        names = [str(example["cluster"]) for example in stored.examples]
        codes = codes_of(names)
        self._order = np.argsort(codes, kind="stable")
        self._starts = np.flatnonzero(np.diff(codes[self._order], prepend=-1))
        self._drawn = drawn(list(dict.fromkeys(names)), int(stored.header.get("seed") or 0))
        self._planned = np.bincount(codes).astype(np.float64)[self._drawn]
        self._first: tuple[float, int] | None = None

    def look(self) -> dict[str, Any]:
        """What is known now, as plain data (None where nothing is).

        `cells`, `calls`, `cost_usd`, `seconds_left`; `variants`, each with `mean` and `interval`, of the `n` examples
        that count, `mean_so_far` of all that are in, `final` (where its mean will be once all are in; only for scores
        between known ends), and `behind`: how much worse than the `leader` (the variant whose interval has the better
        lower end), with an interval. All intervals hold at all looks together, each with 1 - alpha; those of `behind`
        hold for the best variant against all others at once. `ruled_out`: the interval of `behind` is above 0.
        """
        self._growing.read()
        values, final = self._growing.values()
        sums, sizes = self._counted(values, final)
        found = sequences(sums, sizes, self._planned, self._bounds, self._alpha)
        leader = self._leader(found)
        behind = None if leader is None else self._behind(values, final, leader)
        out = np.zeros(len(found.means), dtype=bool) if behind is None else behind.low > 0
        rows = self._rows(found, values, final, self._ends(values, sums, sizes))
        for i, row in enumerate(rows):
            row["behind"] = None if behind is None or i == leader else _figures(behind, i)
            row["ruled_out"] = bool(out[i])
        return {
            "sweep": self._stored.id,
            "status": self._stored.status,
            "metric": self._growing.name,
            "direction": self._growing.metric["direction"],
            "alpha": self._alpha,
            **self._progress(),
            "clusters": len(self._planned),
            "leader": None if leader is None else rows[leader]["variant"],
            "variants": rows,
            "ruled_out": [row["variant"] for row in rows if row["ruled_out"]],
            "method": f"{BETTING}; {NORMAL} where `exact` is false; valid at every look",
            "assumes": ASSUMES,
        }

    def _counted(self, values: Floats, final: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Sums and sizes (clusters in drawn order x variants) of the clusters that count, 0 for the others."""
        marks = counted(np.logical_and.reduceat(final[self._order], self._starts)[self._drawn])
        there = ~np.isnan(values)
        sums, sizes = (
            np.add.reduceat(part.astype(np.float64)[self._order], self._starts)[self._drawn] * marks
            for part in (np.where(there, values, 0.0), there)
        )
        return sums, sizes

    def _leader(self, found: Sequences) -> int | None:
        """The variant whose interval has the best worst end, of equals the one with the best mean."""
        worse = found.low if self._sign > 0 else -found.high
        some = np.flatnonzero((found.units > 0) & np.isfinite(worse))
        if not len(some):
            return None
        return int(max(some, key=lambda i: (worse[i], self._sign * found.means[i], -i)))

    def _behind(self, values: Floats, final: NDArray[np.bool_], leader: int) -> Sequences:
        differences = self._sign * (values[:, [leader]] - values)
        sums, sizes = self._counted(differences, final & final[:, [leader]])
        span = None
        if self._bounds.low is not None and self._bounds.high is not None:
            span = self._bounds.high - self._bounds.low
        bounds = Bounds(None if span is None else -span, span)
        return sequences(sums, sizes, self._planned, bounds, self._alpha / max(1, values.shape[1] - 1))

    def _ends(self, values: Floats, sums: Floats, sizes: Floats) -> tuple[Floats, Floats] | None:
        """Where each variant's mean will be when all examples are in; None for scores without ends."""
        low, high = self._bounds.low, self._bounds.high
        if low is None or high is None:
            return None
        span, total = high - low, float(self._planned.sum())
        scaled = np.clip((sums - low * sizes) / span, 0.0, sizes)
        ends = final_bounds(scaled, sizes, len(self._planned), total, self._alpha)
        known = np.nansum((values - low) / span, axis=0), np.nansum((high - values) / span, axis=0)
        return low + span * np.maximum(ends[0], known[0] / total), low + span * np.minimum(
            ends[1], 1 - known[1] / total
        )

    def _rows(
        self, found: Sequences, values: Floats, final: NDArray[np.bool_], ends: tuple[Floats, Floats] | None
    ) -> list[dict[str, Any]]:
        cells = self._growing
        done, failed = cells.finished.sum(axis=(1, 2)), (cells.failed & cells.finished).sum(axis=(1, 2))
        applies: NDArray[np.bool_] = np.logical_not(np.logical_or.reduce(np.isnan(values) & final, axis=0))
        scored = ~np.isnan(values)
        means = np.where(scored, values, 0.0).sum(axis=0) / np.maximum(scored.sum(axis=0), 1)
        rows = []
        for i, entry in enumerate(self._stored.variants):
            row = {"variant": entry["id"], "label": entry["label"], "finished": int(done[i]), "failed": int(failed[i])}
            row["mean_so_far"] = float(means[i]) if scored[:, i].any() else None
            row.update(_figures(found, i))
            row["final"] = [float(end[i]) for end in ends] if ends is not None and applies[i] else None
            rows.append(row)
        return rows

    def _progress(self) -> dict[str, Any]:
        """Cells, calls, money, time; derived from the rows."""
        cells = self._growing
        answered = (cells.source == 1) & ~cells.failed
        spending = StoredSweep(self._stored.folder).spending
        costs = [*cells.cost[answered].tolist(), *(np.nan if line["usd"] is None else line["usd"] for line in spending)]
        total, finished = int(cells.finished.size), int(cells.finished.sum())
        cost = float(np.sum(costs))
        return {
            "cells": {
                "planned": total,
                "finished": finished,
                "waiting": int(cells.waiting.sum()),
                "failed": int((cells.failed & cells.finished).sum()),
            },
            "calls": {
                **{name: int((cells.source == i).sum()) for i, name in enumerate(("made", "cached", "shared"), 1)},
                "judge_made": sum(line["stage"] == "judge" for line in spending),
            },
            "cost_usd": None if np.isnan(cost) else cost,
            "seconds_left": self._seconds_left(total, finished),
        }

    def _seconds_left(self, total: int, finished: int) -> float | None:
        """At the pace of cells since the first look, and before there is one since the sweep was created."""
        if self._stored.status != "running":
            return None
        now = time.time()
        self._first = self._first or (now, finished)
        since, before = self._first
        if now - since < _PACE_AFTER_S or finished == before:
            since, before = datetime.fromisoformat(self._stored.header["created"]).timestamp(), 0
        return None if finished == before else (now - since) * (total - finished) / (finished - before)


def _figures(found: Sequences, i: int) -> dict[str, Any]:
    """One column's figures by name; None for an end that is not known."""
    low, high = (float(end[i]) if np.isfinite(end[i]) else None for end in (found.low, found.high))
    mean = float(found.means[i]) if np.isfinite(found.means[i]) else None
    return {
        "mean": mean,
        "interval": [low, high],
        "n": int(found.scores[i]),
        "clusters": int(found.units[i]),
        "exact": bool(found.exact[i]),
    }
