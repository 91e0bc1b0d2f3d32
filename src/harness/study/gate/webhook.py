"""What a chat room is told of a regression, in the shape that Slack's incoming webhooks take."""

from __future__ import annotations

from typing import Any

from harness.study.gate.verdict import Verdict
from harness.study.report.texts import short, visible

_TEXT = 2500


def payload(found: Verdict) -> dict[str, Any]:
    """The message. It holds figures and names of examples, neither questions nor answers."""
    worst = ", ".join(entry["example"] for entry in found.worst)
    text = f"harness gate: {found.sentence}\ncandidate {found.candidate}, baseline {found.baseline}"
    text += f"\nexamples that lost most: {worst}" if worst else ""
    return {"text": _plain(short(text, _TEXT))}


def _plain(text: str) -> str:
    """The characters that begin a mention or a link in Slack, escaped as it asks for."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
