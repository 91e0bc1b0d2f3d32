"""`harness parts`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import click

from harness.cli import options
from harness.cli.output import print_json, print_table

_LONGEST = 60
_BEGINNING = 40


@click.command("parts")
@click.argument("kind", required=False)
@options.as_json
def command(kind: str | None, json_: bool) -> None:
    """List the parts that a sweep file can name, with their settings and defaults.

    Long texts, such as the prompts of queries, are cut here; --json has them whole.
    """
    from harness.errors import UserError, advice
    from harness.plugins import KINDS

    if kind is not None and kind not in KINDS:
        raise UserError(f"no kind of part is called {kind!r}; {advice(kind, KINDS, 'kinds')}")
    rows = [row for name in ([kind] if kind else KINDS) for row in described(name)]
    if json_:
        print_json(rows)
        return
    table = [[r["kind"], r["name"], ", ".join(f"{k}={v}" for k, v in shown(r, repr).items()), r["about"]] for r in rows]
    print_table("", ["kind", "name", "settings", "what it is"], table)


def shown(row: Mapping[str, Any], form: Callable[[Any], str]) -> dict[str, str]:
    """The settings of a part as people read them: `required`, or the default, cut where it is long."""
    return {k: "required" if k in row["required"] else _short(v, form) for k, v in row["settings"].items()}


def is_long(value: Any) -> bool:
    """Whether a default is cut."""
    return len(repr(value)) > _LONGEST


def _short(value: Any, form: Callable[[Any], str]) -> str:
    if not is_long(value):
        return form(value)
    return form(f"{value[:_BEGINNING].rstrip()}…") if isinstance(value, str) else f"[{len(value)} texts]"


def described(kind: str) -> list[dict[str, Any]]:
    """The parts of a kind: name, first paragraph of the docstring, settings with defaults, and which are required.

    The default of a required setting is None.
    """
    from harness.plugins import known

    found: list[dict[str, Any]] = []
    for registration in known(kind):
        fields = [f for f in dataclasses.fields(registration.cls) if f.name not in (registration.argument, "workspace")]
        required = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]
        settings = {f.name: _default(f) for f in fields}
        about = " ".join((inspect.getdoc(registration.cls) or "").split("\n\n")[0].split())
        name = registration.name + (registration.argument or "").upper()
        found.append({"kind": kind, "name": name, "settings": settings, "required": required, "about": about})
    return found


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default
