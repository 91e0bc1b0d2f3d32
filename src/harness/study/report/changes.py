"""The examples that changed between the winner and the baseline, worst first, with what both saw and said."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.records.outcome import NO_ANSWER
from harness.store import StoredSweep
from harness.study.comparing.pairs import Run
from harness.study.report.contest import Contest
from harness.study.report.texts import ANSWER, NAME, PASSAGE, QUESTION, REASON, cut, short
from harness.study.report.worddiff import word_diff

PASSAGES = 12
"""The most passages of a side that are shown."""


def changes(contest: Contest | None, most: int) -> dict[str, Any]:
    """Up to `most` examples: the worst losses first; a third of the places is kept for the largest gains."""
    if contest is None:
        return {"note": "there is nothing to compare the winner with", "rows": []}
    gains = contest.gains
    order = sorted(
        np.flatnonzero(np.abs(np.nan_to_num(gains)) > 0), key=lambda i: (gains[i], contest.examples[i]["id"])
    )
    losses, wins = [i for i in order if gains[i] < 0], [i for i in order if gains[i] > 0]
    places = max(most - len(losses), min(len(wins), most // 3))
    chosen = [*losses[: max(0, most - places)], *(wins[-places:] if places else [])]
    ids = [contest.examples[i]["id"] for i in chosen]
    here, there = (_cells(run, ids) for run in (contest.winner, contest.baseline))
    rows = [_row(contest, int(i), here, there) for i in chosen]
    note = "" if order else "no example has another score with the winner than with the baseline"
    return {"note": note, "losses": len(losses), "gains": len(wins), "shown": len(rows), "rows": rows}


def _row(contest: Contest, i: int, here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    example = contest.examples[i]
    *earlier, question = example["messages"]
    sides = here.get(example["id"], {}), there.get(example["id"], {})
    pieces = word_diff(*(side.get("answer") or "" for side in sides))
    return {
        "example": example["id"],
        "gain": float(contest.gains[i]),
        "question": cut(question["content"], QUESTION)._asdict(),
        "earlier": [{"role": m["role"], **cut(m["content"], QUESTION)._asdict()} for m in earlier[-4:]],
        "expected": example["expected"],
        "references": [cut(text, QUESTION)._asdict() for text in example["references"][:5]],
        "tags": [short(tag) for tag in example["tags"]],
        "winner": {**sides[0], "score": float(contest.here[i]), "pieces": pieces[0]},
        "baseline": {**sides[1], "score": float(contest.there[i]), "pieces": pieces[1]},
    }


def _cells(run: Run, examples: list[str]) -> dict[str, dict[str, Any]]:
    """The first repeat of some examples of a run, with its scores."""
    import pyarrow as pa
    import pyarrow.compute as pc

    stored, variant = run

    def rows(table: Any) -> list[dict[str, Any]]:
        mine = pc.equal(table["variant"], variant["id"])
        found: list[dict[str, Any]] = table.filter(
            pc.and_(mine, pc.is_in(table["example"], value_set=pa.array(examples, pa.string())))
        ).to_pylist()
        return sorted(found, key=lambda row: row["repeat"])

    outcomes: dict[str, dict[str, Any]] = {}
    for row in rows(stored.outcomes):
        if row["example"] in outcomes:
            outcomes[row["example"]]["repeats"] += 1
        else:
            outcomes[row["example"]] = _side(row, stored)
    for row in rows(stored.scores):
        side = outcomes.get(row["example"])
        told = row["failure"] or row["reason"] or ""
        if side is not None and side["repeat"] == row["repeat"] and not told.startswith(NO_ANSWER):
            score = {"metric": row["metric"], "value": row["value"], "failed": row["failure"] is not None}
            side["scores"].append(score | {"reason": cut(told, REASON)._asdict()})
    return outcomes


def _side(row: dict[str, Any], stored: StoredSweep) -> dict[str, Any]:
    answer = None if row["answer"] is None else cut(row["answer"], ANSWER)
    found = row.get("passages") or []
    return {
        "repeat": row["repeat"],
        "repeats": 1,
        "answer": answer.text if answer else None,
        "left_out": answer.left_out if answer else 0,
        "failure": None if row["failure"] is None else cut(row["failure"], REASON).text,
        "finish_reason": row.get("finish_reason"),
        "latency_ms": row.get("latency_ms"),
        "usd": row.get("cost_usd"),
        "passages": [
            {
                "document": short(p["document"], NAME),
                "start": p["start"],
                "end": p["end"],
                "similarity": p["similarity"],
                **cut(stored.texts.get((p["document"], p["start"], p["end"])) or "", PASSAGE)._asdict(),
            }
            for p in found[:PASSAGES]
        ],
        "more_passages": max(0, len(found) - PASSAGES),
        "scores": [],
    }
