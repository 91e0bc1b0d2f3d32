"""What a model was told: the messages of a request, put together again.

The run folder keeps the key of a request and not its text. Templates, example and passages are there, so the messages
can be rendered anew. Where they come to the key that was kept, they are those that were sent, to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from harness.config.prompting import messages_of, texts_of
from harness.plugins import make
from harness.records import Context, Passage, Request
from harness.store import StoredSweep
from harness.store.outcomes import example_of
from harness.study.report.texts import Cut, cut

LONGEST = 100_000
"""The most characters of a message that are shown."""
_DEFAULT = "passages"
_TRACED = "If the sweep was traced, the collector has what was sent."


@dataclass(frozen=True)
class Prompt:
    """The messages by role; `same` where they are surely those that were sent; `note` says what they are."""

    messages: tuple[tuple[str, Cut], ...]
    same: bool
    note: str


def prompt_of(stored: StoredSweep, example: str, side: Mapping[str, Any]) -> Prompt:
    """What the model was told for a side of a sheet (see `sheet`). The templates as they are where nobody can tell."""
    entry = next(each for each in stored.variants if each["id"] == side["variant"])
    chatbot = entry["chatbot"] or {}
    if not isinstance(chatbot.get("user_prompt"), str):
        return Prompt((), False, "The run folder has no prompt of this variant: it was made by another program.")
    if not side["request"]:
        return _templates(chatbot, "Nothing was asked of the model here. These are the templates of its prompts.")
    asked = example_of(next(each for each in stored.examples if each["id"] == example))
    try:
        context = _context(chatbot.get("retrieval"), _passages(stored, side))
        messages = messages_of(chatbot.get("system_prompt"), chatbot["user_prompt"], asked, context)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        why = f"The prompt cannot be put together from what the run folder holds ({str(error)[:200]})."
        return _templates(chatbot, f"{why} These are its templates. {_TRACED}")
    request = Request(messages, entry.get("sent") or {}, asked.question, texts_of(context))
    model = (entry.get("content") or {}).get("model") or {}
    same = side["request"] in {request.key(model, int(side["repeat"]), read) for read in (False, True)}
    note = "Put together again from the stored templates and passages; the key of the request proves it the same."
    if not same:
        note = (
            "Put together again from the stored templates and passages. It does not come to the key of the request, "
            f"so what was sent may differ. {_TRACED}"
        )
    return Prompt(_cut([(m.role, m.content) for m in messages]), same, note)


def _templates(chatbot: Mapping[str, Any], note: str) -> Prompt:
    written = [("system", chatbot.get("system_prompt") or ""), ("user", chatbot["user_prompt"])]
    return Prompt(_cut([(role, text) for role, text in written if text]), False, note)


def _cut(messages: Sequence[tuple[str, str]]) -> tuple[tuple[str, Cut], ...]:
    return tuple((role, cut(text, LONGEST)) for role, text in messages)


def _passages(stored: StoredSweep, side: Mapping[str, Any]) -> list[Passage]:
    """The side's passages with their whole texts. Raises LookupError where one has none."""
    texts = stored.texts
    found = []
    for p in side["passages"]:
        place = (p["document"], p["start"], p["end"])
        if place not in texts:
            raise LookupError(f"the text of {p['document']} {p['start']}-{p['end']} is not stored")
        found.append(Passage(*place, texts[place], p["similarity"], p.get("score")))
    return found


def _context(retrieval: Mapping[str, Any] | None, passages: Sequence[Passage]) -> Context:
    """The context of passages that were cut to its budget already.

    Raises LookupError for a part that is not installed, ValueError for settings of another version.
    """
    if not retrieval:
        return Context()
    spec = retrieval.get("context") or _DEFAULT
    within = spec if isinstance(spec, str) else {**spec, "context_tokens": None}
    found: Context = make("context", within).build(passages)
    return found
