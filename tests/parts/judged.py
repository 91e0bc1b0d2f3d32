"""What the tests of judges share: judges whose models reply as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from harness.plugins import make
from harness.records import Case, Example, Message, Passage, Verdict
from harness.testing.judges import Asked, ScriptedAsker

MODEL = "openai/judge"
OTHER = "anthropic/judge"
QUESTION = (Message("user", "What does a seat cost?"),)
PASSAGES = (
    Passage("prices.md", 0, 30, "A seat costs 14 EUR per month.", 0.9),
    Passage("vat.md", 0, 22, "VAT is in all prices.", 0.5),
)
NEEDED: dict[str, dict[str, Any]] = {
    "rubric": {"criteria": "It is clear."},
    "criteria": {"criteria": ["names a price", "names a currency"]},
    "policy": {"rules": ["promise nothing", "name no rival"]},
    "tone": {"tone": "Warm and short."},
    "goal": {"goal": "The user knows the price."},
}
"""Settings without which a judge cannot be."""
JUDGES = ("citations", "criteria", "goal", "groundedness", "judged_correct", "policy", "preference", "rubric", "tone")


def judge(use: str, **settings: Any) -> Any:
    """A judge by name."""
    return make("metric", {"use": use, "judge": MODEL, **NEEDED.get(use, {}), **settings})


def case(answer: str = "A seat costs 14 EUR [1].", **fields: Any) -> Case:
    """A case about the price of a seat."""
    example: dict[str, Any] = {
        name: fields.pop(name) for name in ("metadata", "expected", "messages") if name in fields
    }
    return Case(
        Example("e", **{"messages": QUESTION, "references": ("14 EUR",), **example}),
        answer,
        **({"passages": PASSAGES, "rival": "I do not know."} | fields),
    )


def fitting(use: str, good: bool = True) -> dict[str, Any]:
    """A reply of the form of a judge about `case()`, the best or the worst."""
    both = (1, 2)
    replies: dict[str, dict[str, Any]] = {
        "rubric": {"reasoning": "It is.", "score": 5 if good else 1},
        "criteria": {"verdicts": [{"criterion": n, "reason": "so", "met": good} for n in both]},
        "policy": {"findings": [{"rule": n, "reason": "so", "broken": not good} for n in both]},
        "tone": {"reasoning": "So.", "fits": "yes" if good else "no"},
        "goal": {"reasoning": "So.", "reached": "yes" if good else "no"},
        "judged_correct": {"reasoning": "So.", "verdict": "correct" if good else "wrong"},
        "groundedness": {"claims": [{"claim": "14 EUR", "reason": "so", "supported": good, "passage": 1}]},
        "citations": {"verdicts": [{"citation": 1, "reason": "so", "supports": good}]},
    }
    return replies[use]


def says(use: str, good: bool = True) -> Callable[[Asked], str]:
    """Replies of a judge that finds every answer good, or bad."""

    def reply(asked: Asked) -> str:
        if use != "preference":
            return json.dumps(fitting(use, good))
        ours_first = asked.messages[1].content.rindex("EUR") < asked.messages[1].content.index("I do not know")
        return json.dumps({"reasoning": "So.", "better": "first" if ours_first == good else "second"})

    return reply


def assess(metric: Any, about: Case, reply: Callable[[Asked], str] | str | dict[str, Any]) -> tuple[Any, ScriptedAsker]:
    """The verdict, and the asker, which kept what was asked."""
    text = json.dumps(reply) if isinstance(reply, dict) else reply
    asker = ScriptedAsker(text if callable(text) else lambda _: text)
    found = asyncio.run(metric.assess(about, asker))
    assert found is None or isinstance(found, Verdict)
    return found, asker
