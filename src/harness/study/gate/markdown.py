"""A verdict as Markdown, for a job's summary or a comment on a pull request. It holds no links."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.study.gate.margins import PASS, REGRESSION
from harness.study.gate.verdict import Row, Verdict
from harness.study.report.markdown import block, code, escaped
from harness.study.report.texts import cut, visible

_ANSWER = 800
_SETTINGS = 12
_ERROR = 4000
_MARKS = {PASS: "pass", REGRESSION: "**REGRESSION**"}


def markdown(found: Verdict) -> str:
    """The verdict, a table of metrics and slices, rules, what was set otherwise, and the worst examples."""
    parts = [
        f"## Gate: {found.verdict}",
        escaped(visible(found.sentence)) + ".",
        f"Candidate {code(found.candidate)}, baseline {code(found.baseline)}, error of the verdict {found.alpha:g}.",
        _table(
            ["metric", "slice", "baseline", "candidate", "difference", "at worst", "margin", "n", "p", "verdict"],
            [_row(row) for row in found.rows],
        ),
    ]
    if found.rules:
        rows = [[code(r.name), f"{r.found:.4g}", escaped(r.allowed), _held(r.holds)] for r in found.rules]
        parts.append(_table(["rule", "found", "allowed", "verdict"], rows))
    if found.settings:
        listed = [
            f"- {code(entry['setting'])}: {code(str(entry['before']))} -> {code(str(entry['after']))}"
            for entry in found.settings[:_SETTINGS]
        ]
        parts.append("### What was set otherwise\n\n" + "\n".join(listed))
    if found.worst:
        parts.append("### Examples that lost most")
        parts += [_example(entry) for entry in found.worst]
    parts += [f"- {escaped(visible(note))}" for note in found.notes]
    return "\n\n".join(parts) + "\n"


def undecided(title: str, told: str) -> str:
    """The page of a gate that could not decide: what kind of error, and its text."""
    return f"## Gate: {title}\n\nNothing was decided; this is no pass.\n\n{block(cut(told, _ERROR).text)}\n"


def _row(row: Row) -> list[str]:
    found = row.decided
    figures = [f"{row.baseline_mean:.4g}", f"{row.mean:.4g}", f"{found.difference:+.4g}", f"{found.low:+.4g}"]
    verdict = _MARKS.get(found.verdict, found.verdict)
    told = verdict if row.decides or found.verdict in _MARKS else f"{verdict} (watched)"
    p = "-" if math.isnan(found.p_corrected) else f"{found.p_corrected:.2g}"
    rest = [f"{found.margin:g}", str(found.n), p, told]
    return [code(row.metric), code(row.slice), *figures, *rest]


def _held(holds: bool) -> str:
    return _MARKS[PASS if holds else REGRESSION]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _example(entry: dict[str, Any]) -> str:
    lines = [f"{code(entry['example'])} {escaped(entry['metric'])} {entry['difference']:+.3g}"]
    lines.append(block(cut(visible(entry["question"]), _ANSWER).text))
    for title, side in (("baseline", entry["baseline"]), ("candidate", entry["run"])):
        answer = f"failed: {side['failure']}" if side["failure"] else side["answer"] or ""
        lines += [f"{title}:", block(cut(visible(answer), _ANSWER).text)]
    return "\n\n".join(lines)
