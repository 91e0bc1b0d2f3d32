"""What commands print: one JSON document, or tables for people."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click
import orjson

_WIDE = 4000
"""Columns of a table that goes to a file or a pipe: nothing is cut there."""


def print_json(content: Any) -> None:
    """One document on stdout, nothing else there. Numbers that are no numbers become null."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(content, option=options).decode())


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """A table on stdout, as wide as it needs when not a terminal."""
    from rich.console import Console
    from rich.table import Table

    align: dict[bool, Any] = {True: "right", False: "left"}
    console = Console(width=None if _is_terminal() else _WIDE, highlight=False)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for name in columns:
        table.add_column(name, justify=align[name in right], overflow="fold", no_wrap=not _is_terminal())
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _is_terminal() -> bool:
    return sys.stdout.isatty() and shutil.get_terminal_size().columns > 0


def plain(text: str | None, most: int = 2000) -> str:
    """A text from outside as a terminal may show it: no control or direction characters, no longer than `most`."""
    kept = (text or "")[: most + 1]
    safe = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in kept)
    left = len(text or "") - most
    return f"{safe[:most]}\u2026 ({left:,} characters more)" if left > 0 else safe


def number(value: float | None, digits: int = 3) -> str:
    """A number for people; a dash where there is none. What is small is not shown as nothing."""
    if value is None or value != value:
        return "-"
    return f"{value:.2g}" if 0 < abs(value) < 0.5 * 10**-digits else f"{value:.{digits}f}"


def money(value: float | None) -> str:
    """An amount of USD; what is not known says so."""
    if value is None:
        return "unknown"
    return "0" if value == 0 else number(value, 4) if value < 1 else f"{value:.2f}"


def interval(low: float | None, high: float | None) -> str:
    """An interval for people."""
    return "no interval" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def percent(part: int, whole: int) -> str:
    """A share, as a whole percentage."""
    return f"{100 * part / whole:.0f}%" if whole else "-"
