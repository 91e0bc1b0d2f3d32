"""All runs of a folder as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from harness.config.sweepfile import RUN_COLUMNS
from harness.errors import UserError, advice
from harness.store import Folder, StoredSweep
from harness.store.layout import SUMMARY
from harness.store.status import status_of
from harness.study.registry.difference import run_of
from harness.study.registry.reading import registry_of
from harness.study.summary import holds, summarise, summary_of

if TYPE_CHECKING:
    import pandas as pd

FIXED = RUN_COLUMNS


def run_rows(uri: str, newest_first: bool = True) -> Iterator[dict[str, Any]]:
    """One flat row per run: `FIXED`, the settings by axis name, the mean of each metric (None without a score)."""
    store = Folder(uri)
    names = store.children()
    for name in reversed(names) if newest_first else names:
        yield from _rows_of(store / name)


def find_rows(
    uri: str, where: str | None = None, sort: str | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """Rows filtered by a condition, sorted by a column (`-column` for descending; else newest first), cut to `limit`.

    Raises UserError for a condition or a column that names what no run has.
    """
    rows: Iterable[dict[str, Any]] = run_rows(uri)
    if where is None and sort is None and limit is not None:
        return _first(rows, limit)
    found = list(rows)
    if where:
        found = _filtered(found, where)
    if sort:
        column, descending = sort.lstrip("-"), sort.startswith("-")
        known = {name for row in found for name in row}
        if found and column not in known:
            raise UserError(f"no run has a column {column!r}; {advice(column, sorted(known), 'columns')}")
        given = [row for row in found if row.get(column) is not None]
        given.sort(key=lambda row: _sortable(row[column]), reverse=descending)
        found = given + [row for row in found if row.get(column) is None]
    return found[:limit]


def runs(uri: str = "runs") -> pd.DataFrame:
    """A frame with one row per run, newest sweep first."""
    import pandas as pd

    rows = list(run_rows(uri))
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(FIXED)
    return pd.DataFrame({name: [row.get(name) for row in rows] for name in names})


def find_run(uri: str, text: str) -> tuple[StoredSweep, dict[str, Any]]:
    """The run that `text` names: `SWEEP/VARIANT`, or a path to it; each may be shortened while it is unique.

    `SWEEP` alone means its best run, `production` or `@production` the run that this alias of the registry names, `@v3`
    that of its version 3. Raises UserError when nothing, or more than one run, fits.
    """
    stored, rest = find_sweep(uri, text)
    variants = stored.variants
    if not rest:
        best = summary_of(stored)["best"]
        rest = best["variant"] if best else variants[0]["id"]
    found = [v for v in variants if v["id"].startswith(rest)] or [v for v in variants if v["label"] == rest]
    if len(found) != 1:
        ids = [v["id"] for v in variants]
        what = "no run" if not found else f"{len(found)} runs"
        raise UserError(f"{stored.id} has {what} called {rest!r}; {advice(rest, ids[:40], 'runs')}")
    return stored, found[0]


def find_sweep(uri: str, text: str) -> tuple[StoredSweep, str]:
    """The sweep that `text` begins with, and what is left of the text; `latest` is the newest sweep.

    An alias of the registry means its sweep and its variant, and goes before a sweep of that name.
    """
    store, name, rest = Folder(uri), *_split(text)
    prefix = text.rstrip("/")
    if Folder(prefix).has("sweep.json"):
        return StoredSweep(Folder(prefix)), ""
    if "/" in prefix and Folder(prefix.rsplit("/", 1)[0]).has("sweep.json"):
        return StoredSweep(Folder(prefix.rsplit("/", 1)[0])), prefix.rsplit("/", 1)[1]
    promoted = registry_of(store).named(text)
    if promoted is not None:
        stored, variant = run_of(store, promoted)
        return stored, str(variant["id"])
    names = store.sweeps()
    if name == "latest" and names:
        return StoredSweep(store / names[-1]), rest
    found = [n for n in names if n == name] or [n for n in names if n.startswith(name) or f"-{name}" in n]
    if len(found) == 1:
        return StoredSweep(store / found[0]), rest
    what = "no sweep" if not found else f"{len(found)} sweeps"
    aliases = [] if found else list(registry_of(store).aliases())
    told = f"; {advice(name, aliases, 'aliases')}" if aliases else ""
    raise UserError(f"{uri}: {what} called {name!r}; {advice(name, (found or names)[-20:], 'sweeps')}{told}")


def _split(text: str) -> tuple[str, str]:
    name, _, rest = text.strip("/").partition("/")
    return name, rest


def _rows_of(folder: Folder) -> list[dict[str, Any]]:
    kept = folder.read_json(SUMMARY)
    if kept is None or kept.get("status") != "complete" or not holds(kept, folder):
        if not folder.has("sweep.json"):
            return []
        stored = StoredSweep(folder)
        if stored.status != "complete":
            return _unfinished_rows(stored)
        kept = summarise(stored, keep=True)
    best = kept["best"]["variant"] if kept.get("best") else None
    shared = {key: kept.get(key) for key in ("sweep", "name", "created", "status")}
    rows = []
    for run in kept["runs"]:
        row = {"run": run["run"], **shared, "variant": run["variant"], "label": run["label"]}
        row["best"] = run["variant"] == best
        row.update(run["params"])
        row.update({name: figure["mean"] for name, figure in run["metrics"].items()})
        rows.append(row)
    return rows


def _unfinished_rows(stored: StoredSweep) -> list[dict[str, Any]]:
    header = stored.header
    shared = {"sweep": stored.id, "name": header["name"], "created": header["created"]}
    status = status_of(stored.folder)
    return [
        {"run": f"{stored.id}/{v['id']}", **shared, "status": status, "variant": v["id"], "label": v["label"]}
        | {"best": False}
        | v["params"]
        for v in stored.variants
    ]


def _filtered(rows: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    from harness.config.expressions import Expression

    expression = Expression(where)
    known = {name for row in rows for name in row}
    expression.check(known)
    holds = expression.compiled()
    blank: dict[str, Any] = dict.fromkeys(known)
    return [row for row in rows if holds({**blank, **row})]


def _first(rows: Iterable[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        if len(found) == limit:
            break
        found.append(row)
    return found


def _sortable(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value))
