"""Prompt templates: sandboxed, strict Jinja. An unknown name is an error before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.errors import advice

NAMES = ("question", "context", "passages", "history", "metadata", "tags")
"""What a prompt may name: the last user message; the passages joined by blank lines; the passages themselves, with
document, start, end, text, similarity; the earlier messages, with role and content; the example's own fields."""

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
_SAMPLE: dict[str, Any] = {
    "question": "a question",
    "context": "a context",
    "passages": [{"document": "a.md", "start": 0, "end": 1, "text": "a", "similarity": 0.5}],
    "history": [{"role": "user", "content": "before"}],
    "metadata": {},
    "tags": ["a"],
}


@lru_cache(maxsize=512)
def compiled(text: str) -> Template:
    """The template, compiled once."""
    return _ENVIRONMENT.from_string(text)


def render(text: str, values: Mapping[str, Any]) -> str:
    """Fill a template. Raises jinja2.TemplateError."""
    if "{" not in text:
        return text
    return compiled(text).render(values)


def uses_metadata(text: str) -> bool:
    """Whether a template reads what only a given example can tell."""
    return "metadata" in meta.find_undeclared_variables(_ENVIRONMENT.parse(text))


def problems(text: str, names: Sequence[str] = NAMES) -> list[tuple[str, str]]:
    """What is wrong with a template, as (found, advice): syntax, unknown names, attributes that do not exist."""
    try:
        unknown = sorted(meta.find_undeclared_variables(_ENVIRONMENT.parse(text)) - set(names))
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        return [(f"template: {error.message}" + (f" (line {line} of the prompt)" if line else ""), "")]
    if unknown:
        return [(f"template: unknown name {name!r}", advice(name, names)) for name in unknown]
    if uses_metadata(text):
        return []
    try:
        render(text, _SAMPLE)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        return [(f"template: {error}", "")]
    return []
