"""A verdict as GitHub workflow commands, which a job's log turns into annotations."""

from __future__ import annotations

from harness.study.gate.margins import PASS, REGRESSION
from harness.study.gate.verdict import Verdict
from harness.study.report.texts import visible


def workflow_commands(found: Verdict) -> str:
    """One line for each thing to know: `error` for regressions and broken rules, `warning` for what holds the gate up,
    a `notice` of the verdict."""
    lines = []
    for row in found.rows:
        if row.decided.verdict == REGRESSION:
            lines.append(_line("error", f"Regression: {row.metric}", row.told))
        elif row.decided.verdict != PASS and row.decides:
            lines.append(_line("warning", f"Cannot tell: {row.metric}", row.told))
    lines += [_line("error", f"Rule broken: {rule.name}", rule.told) for rule in found.rules if not rule.holds]
    lines.append(_line("notice", f"Gate: {found.verdict}", f"{found.candidate} against {found.baseline}"))
    return "\n".join(lines) + "\n"


def undecided(title: str, told: str) -> str:
    """The one line of a gate that could not decide."""
    return _line("error", f"Gate: {title}", told) + "\n"


def _line(kind: str, title: str, text: str) -> str:
    named = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={named}::{_escaped(text)}"


def _escaped(text: str) -> str:
    """What would end a command or begin another one is written by its code."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
