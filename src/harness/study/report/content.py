"""All that a report tells, as plain data: what the pages are made from, and what `--json` prints."""

from __future__ import annotations

from typing import Any

from harness.store import StoredSweep
from harness.study.comparing.pairs import Run
from harness.study.report.axes import effects_section, front_section
from harness.study.report.changes import changes
from harness.study.report.contest import contest_of, contest_section
from harness.study.report.material import NOT_YET, Material
from harness.study.report.origin import metrics_section, origin
from harness.study.report.standings import standings
from harness.study.report.tags import tags_section
from harness.study.report.verdict import verdict_of
from harness.study.report.work import failures_section, work_section

FORMAT = 1
EXAMPLES = 20
"""Changed examples that are shown if nothing else is asked for."""


def content_of(stored: StoredSweep, baseline: Run | None = None, examples: int = EXAMPLES) -> dict[str, Any]:
    """A sweep's report at this moment, whatever its status. The same sweep gives the same content.

    `baseline` is the run that the winner is compared with (default: the first variant). Sections that a sweep has
    nothing for hold a `note` that says why. Raises UserError for a baseline that shares no example with the sweep.
    """
    material = Material(stored)
    contest = contest_of(material, baseline)
    return {
        "format": FORMAT,
        "sweep": stored.id,
        "name": stored.header["name"],
        "created": stored.header["created"],
        "status": stored.status,
        "verdict": verdict_of(material, contest),
        "ranking": standings(material),
        "effects": effects_section(material),
        "front": front_section(material),
        "baseline": contest_section(contest) if material.whole or contest is None else {"note": NOT_YET},
        "tags": tags_section(material, contest),
        "changes": changes(contest, examples),
        "failures": failures_section(material),
        "work": work_section(material),
        "metrics": metrics_section(material),
        "origin": origin(material),
    }
