"""Templates that a user writes: sandboxed, strict Jinja. An unknown name is an error before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateRuntimeError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.errors import advice

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)


@lru_cache(maxsize=512)
def compiled(text: str) -> Template:
    """The template, compiled once. Raises jinja2.TemplateError where it is no template."""
    # Not from_string: its chained globals are gone through anew with each rendering, which takes most of the time.
    code = _ENVIRONMENT.compile(text)
    return _ENVIRONMENT.template_class.from_code(_ENVIRONMENT, code, dict(_ENVIRONMENT.globals))


def render(text: str, values: Mapping[str, Any]) -> str:
    """Fill a template. Raises jinja2.TemplateError, also for what an expression in it cannot do with a value."""
    if "{" not in text:
        return text
    try:
        return compiled(text).render(values)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise TemplateRuntimeError(f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=512)
def names_in(text: str) -> frozenset[str]:
    """The names that a template reads from outside. Raises jinja2.TemplateError where it is no template."""
    return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(text)))


def problems(text: str, names: Sequence[str], sample: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
    """What is wrong with a template, as (found, advice): syntax, unknown names, attributes that do not exist.

    The attributes are tried on `sample`, a value for each name; without it only the names are looked at.
    """
    try:
        unknown = sorted(names_in(text) - set(names))
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        return [(f"template: {error.message}" + (f" (line {line} of the prompt)" if line else ""), "")]
    if unknown:
        return [(f"template: unknown name {name!r}", advice(name, names)) for name in unknown]
    if sample is None:
        return []
    try:
        render(text, sample)
    except TemplateError as error:
        return [(f"template: {error.message}", "")]
    return []


def check(field: str, text: str, sample: Mapping[str, Any]) -> None:
    """For a part whose `field` is a template over the names of `sample`: ValueError with all that is wrong with it."""
    found = problems(text, tuple(sample), sample)
    if found:
        raise ValueError(f"{field}: " + "; ".join(f"{what} ({todo})" if todo else what for what, todo in found))
