"""Prompt templates: what they may name. An unknown name is an error before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from harness.plugins import templates
from harness.plugins.templates import render

__all__ = ["NAMES", "problems", "render", "uses_metadata"]

NAMES = ("question", "context", "passages", "history", "metadata", "tags")
"""What a prompt may name: the last user message; the text that is made of the passages; the passages themselves, with
number (1 is the best), document, start, end, text, similarity, score; the earlier messages, with role and content; the
example's own fields."""

_SAMPLE: dict[str, Any] = {
    "question": "a question",
    "context": "a context",
    "passages": [{"number": 1, "document": "a.md", "start": 0, "end": 1, "text": "a", "similarity": 0.5, "score": 1.0}],
    "history": [{"role": "user", "content": "before"}],
    "metadata": {},
    "tags": ["a"],
}


def uses_metadata(text: str) -> bool:
    """Whether a template reads what only a given example can tell."""
    return "metadata" in templates.names_in(text)


def problems(text: str, names: Sequence[str] = NAMES) -> list[tuple[str, str]]:
    """What is wrong with a prompt, as (found, advice): syntax, unknown names, attributes that do not exist."""
    try:
        sample = None if uses_metadata(text) else _SAMPLE
    except TemplateError:
        sample = None
    return templates.problems(text, names, sample)
