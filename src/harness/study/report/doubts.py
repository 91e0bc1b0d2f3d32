"""What a reader must know before believing a report: that it is of a part, what failed, what is rough."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.study.report import amounts
from harness.study.report.material import Material
from harness.study.report.texts import named

GOOD, DOUBT, PLAIN = "good", "doubt", "plain"
"""The tones of a sentence: it supports the choice, it warns, it informs."""
Sentences = Iterator[tuple[str, str, str]]
"""Of each sentence what it is about, the text, and the tone."""
_STATUS = {
    "running": "This sweep is still running: the figures are of a part and will change.",
    "interrupted": "This sweep was interrupted: the figures are of a part. The same command carries it on.",
    "incomplete": "This sweep ended incomplete (too many failures, or its budget was spent).",
    "failed": "This sweep failed before its end: the figures are of a part.",
}


def of_status(material: Material) -> str:
    """That the sweep is no complete one, and how much of it there is; empty where it is complete."""
    summary = material.summary
    said = _STATUS.get(material.stored.status, "")
    if summary["finished_cells"] < summary["cells"]:
        said += f" {summary['finished_cells']:,} of {amounts.plural(summary['cells'], 'cell')} are there."
    why = material.stored.exit.get("reason") or material.stored.exit.get("error")
    return f"{said} It says: {why}" if said and isinstance(why, str) else said.strip()


def of_cautions(material: Material) -> Sentences:
    """What the ranking and the sweep itself warn of."""
    summary = material.summary
    told = (
        f"only {material.ranking.clusters} clusters",
        "no variant is known to lose",
        "the winner's score is ",
        "without any score, and left out",
    )
    ranking = material.ranking.cautions if material.scored else ()
    for caution in (*ranking, *(summary.get("cautions") or ())):
        if not caution.startswith(told):
            yield "caution", f"{_by_label(caution[0].upper() + caution[1:], material)}.", DOUBT
    if summary.get("left_out"):
        count = amounts.plural(summary["left_out"], "document")
        yield "caution", f"{count} could not be read and were left out of the corpus.", DOUBT
    approximate = summary.get("approximate") or []
    if approximate:
        count = amounts.plural(len(approximate), "variant")
        yield "caution", f"Approximate search in {count}: another build of the index may differ a little.", DOUBT


def _by_label(text: str, material: Material) -> str:
    """A sentence with the labels of variants in place of their ids."""
    ids = "|".join(re.escape(name) for name in sorted(material.variants, key=len, reverse=True))
    return re.sub(rf"\b({ids})\b", lambda found: named(material.label(found[0])), text)


def of_failures(material: Material) -> Sentences:
    """Cells without an answer, by kind, and answers that a metric could not score, by reason."""
    summary = material.summary
    failed, done = summary["failed_cells"], summary["finished_cells"]
    if failed:
        have = "has" if failed == 1 else "have"
        kinds = ", ".join(f"{count:,} x {what}" for what, count in list(summary["failures"].items())[:5])
        yield "failures", f"{failed:,} of {amounts.plural(done, 'cell')} {have} no answer: {kinds}.", DOUBT
    elif done:
        yield "failures", "The cell has an answer." if done == 1 else f"All {done:,} cells have an answer.", PLAIN
    broken = {name: int((found.failed - found.unanswered).sum()) for name, found in material.matrices.items()}
    reasons = summary.get("score_failures") or {}
    told = [f"{name} {count:,}{_why(reasons.get(name))}" for name, count in broken.items() if count]
    if told:
        yield "failures", f"Answers that are there but could not be scored: {', '.join(told)}.", DOUBT


def _why(reasons: dict[str, int] | None) -> str:
    """The most frequent reason for which answers could not be scored."""
    if not reasons:
        return ""
    return f" ({'mostly ' if len(reasons) > 1 else ''}{next(iter(reasons))})"
