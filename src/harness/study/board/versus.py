"""Runs side by side: what differs in their settings, in their figures, and in their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.errors import UserError
from harness.store import StoredSweep
from harness.study.comparing.pairs import Run, compare_many
from harness.study.report import amounts
from harness.study.report.texts import ANSWER, Cut, cut
from harness.study.report.worddiff import Piece, word_diff

MOST = 12
"""Runs that are compared at once."""
_WORDS = 4000
"""Words up to which two texts are compared word by word; the work grows with their product."""
_COLUMNS: tuple[str, ...] = (
    "metric",
    "slice",
    "mean",
    "baseline_mean",
    "difference",
    "low",
    "high",
    "p_corrected",
    "p",
    "verdict",
)
_COLUMNS += ("wins", "losses", "ties", "n", "clusters", "detectable", "caution", "note")


def versus(runs: Sequence[Run], count: int) -> list[dict[str, Any]]:
    """Each run after the first against the first, as of `compare_many`, with `count` changed examples.

    Raises UserError where fewer than two runs are given, or more than 12, or where they share no example.
    """
    if len(runs) < 2:
        raise UserError("a comparison needs two runs")
    if len(runs) > MOST:
        raise UserError(f"{len(runs)} runs are too many to compare at once; take at most {MOST}")
    return compare_many(runs[1:], runs[0], [], True, count)


def rows_of(pairs: Sequence[dict[str, Any]], slices: bool) -> list[dict[str, Any]]:
    """The figures of all pairs as flat rows; of all examples, or of the slices."""
    return [
        {"run": pair["run"], **{name: row.get(name) for name in _COLUMNS}}
        for pair in pairs
        for row in pair["metrics"]
        if (row["slice"] != "all") == slices
    ]


def settings_of(pair: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings that differ: `setting`, both values as text, and for texts of several words their `pieces`."""
    rows = []
    for row in pair["settings"]:
        before, after = amounts.setting(row["before"]), amounts.setting(row["after"])
        told = isinstance(row["before"], str) and isinstance(row["after"], str) and len(after.split()) > 3
        rows.append(
            {
                "setting": row["setting"],
                "before": before,
                "after": after,
                "pieces": diff(before, after) if told else None,
            }
        )
    return rows


def diff(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, those on one side only marked; texts of very many words are left unmarked."""
    if max(before.count(" "), after.count(" ")) > _WORDS:
        return [(False, before)], [(False, after)]
    return word_diff(before, after)


def answers_of(row: dict[str, Any]) -> dict[str, Any]:
    """A changed example's sides, `baseline` and `run`: each has `title`, `pieces`, `failure`, `scores`, `note`."""
    sides: dict[str, Any] = {}
    cuts: dict[str, Cut] = {}
    for name in ("baseline", "run"):
        side = row[name]
        cuts[name] = cut(side["answer"] or "", ANSWER)
        of = f", repeat {side['repeat'] + 1} of {side['repeats']}" if side["repeats"] > 1 else ""
        sides[name] = {
            "failure": side["failure"],
            "note": cuts[name].note,
            "scores": side["scores"],
            "title": name + of,
        }
    before, after = diff(cuts["baseline"].text, cuts["run"].text)
    sides["baseline"]["pieces"], sides["run"]["pieces"] = before, after
    return sides


def best_of(stored: StoredSweep) -> str:
    """The id of the sweep's best variant; the first where nothing is scored. Raises UserError without variants."""
    from harness.study.summary import ranking_of

    if not stored.variants:
        raise UserError(f"{stored.id} has no variants")
    return ranking_of(stored).best or str(stored.variants[0]["id"])
