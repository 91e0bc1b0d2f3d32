"""Write what is generated from the code: docs/reference.md and docs/sweep.schema.json.

python docs/generate.py [--check]     # a test fails when this was forgotten
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.main import COMMANDS, command
from harness.cli.parts import described, is_long, shown
from harness.config.schema import sweep_schema
from harness.plugins import KINDS, known

HERE = Path(__file__).parent


def reference() -> str:
    """The reference of parts and commands, as Markdown."""
    parts = "\n".join(_kind(kind) for kind in KINDS)
    commands = "\n".join(_command([name], found) for name in COMMANDS for found in [_found(name)])
    return (
        "# Reference\n\nMade from the code by `python docs/generate.py`; do not edit.\n\n"
        f"# Parts\n\n{parts}\n# Commands\n\n{commands}"
    )


def schema() -> str:
    """The JSON Schema of the sweep file, as text."""
    return json.dumps(sweep_schema(), indent=2) + "\n"


def _kind(kind: str) -> str:
    found = described(kind)
    rows = [f"| `{r['name']}` | {_settings(r)} | {_cell(r['about'])} |" for r in found]
    extra = (_metrics() if kind == "metric" else "") + _texts(found)
    return (
        f"## {kind}\n\n| name | settings and defaults | what it is |\n|---|---|---|\n" + "\n".join(rows) + f"\n{extra}"
    )


def _metrics() -> str:
    rows = []
    for registration in known("metric"):
        cls: Any = registration.cls
        ends = f"{_end(cls.low)} to {_end(cls.high)}"
        rows.append(
            f"| `{registration.name}` | {cls.direction} | {ends} | {cls.unit or '-'} | {', '.join(cls.reads)} |"
        )
    return "\n| metric | direction | range | unit | reads |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _end(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"


def _texts(found: list[dict[str, Any]]) -> str:
    """The texts that the table cuts, whole."""
    long = [(r["name"], k, v) for r in found for k, v in r["settings"].items() if isinstance(v, str) and is_long(v)]
    return "".join(f"\nThe default `{key}` of `{name}`:\n\n```text\n{value}\n```\n" for name, key, value in long)


def _settings(row: dict[str, Any]) -> str:
    cells = shown(row, lambda value: json.dumps(value, ensure_ascii=False)).items()
    return ", ".join(f"`{name}: {_cell(value)}`" for name, value in cells) or "-"


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|")


def _found(name: str) -> click.Command:
    found = command.get_command(click.Context(command), name)
    assert found is not None
    return found


def _command(path: list[str], found: click.Command) -> str:
    context = click.Context(found, info_name=" ".join(["harness", *path]), max_content_width=100, terminal_width=100)
    text = f"## harness {' '.join(path)}\n\n```\n{found.get_help(context)}\n```\n"
    for name, inner in getattr(found, "commands", {}).items():
        text += "\n" + _command([*path, name], inner)
    return text


def main(check: bool) -> int:
    """Write the pages; with `check` only tell whether they are up to date, as exit code."""
    pages = {HERE / "reference.md": reference(), HERE / "sweep.schema.json": schema()}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if check:
            print(f"{path.name} is out of date; run python docs/generate.py")
        else:
            path.write_text(pages[path], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
