"""`harness parts`."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import click

from harness.cli import options
from harness.cli.output import print_json, print_table


@click.command("parts")
@click.argument("kind", required=False)
@options.as_json
def command(kind: str | None, json_: bool) -> None:
    """List the parts that a sweep file can name, with their settings and defaults."""
    from harness.errors import UserError, advice
    from harness.plugins import KINDS

    if kind is not None and kind not in KINDS:
        raise UserError(f"no kind of part is called {kind!r}; {advice(kind, KINDS, 'kinds')}")
    rows = [row for name in ([kind] if kind else KINDS) for row in described(name)]
    if json_:
        print_json(rows)
        return
    table = [
        [r["kind"], r["name"], ", ".join(f"{k}={_short(v)}" for k, v in r["settings"].items()), r["about"]]
        for r in rows
    ]
    print_table("", ["kind", "name", "settings", "what it is"], table)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"[{len(value)} texts]"


def described(kind: str) -> list[dict[str, Any]]:
    """The parts of a kind: name, first line of the docstring, settings with defaults."""
    from harness.plugins import known

    found: list[dict[str, Any]] = []
    for registration in known(kind):
        settings = {}
        for field in dataclasses.fields(registration.cls):
            if field.name not in (registration.argument, "workspace"):
                settings[field.name] = None if field.default is dataclasses.MISSING else field.default
        about = (inspect.getdoc(registration.cls) or "").split("\n")[0]
        name = registration.name + (registration.argument or "").upper()
        found.append({"kind": kind, "name": name, "settings": settings, "about": about})
    return found
