"""What a test's markers ask for: a sweep file and what to change in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError, advice

_MARK = "@pytest.mark.harness"


@dataclass(frozen=True)
class Order:
    """A sweep to run. `settings` are texts KEY=VALUE as of `--set`; `variant` is the id or label of the one to run."""

    config: Path
    settings: tuple[str, ...] = ()
    limit: int | None = None
    fresh: bool = False
    variant: str | None = None
    runs: str | None = None


def order_of(item: Any, fixture: str) -> Order:
    """The order of a test by its markers `harness`.

    A marker without a file changes what the next marker outwards (class, module) asks for; a value of the nearer one
    holds. Raises UserError for a test without a marker, a marker without a file, and arguments that cannot be.
    """
    marks = list(item.iter_markers("harness"))
    if not marks:
        raise UserError(
            f'the fixture {fixture!r} is of a sweep, and this test has no marker; write {_MARK}("configs/NAME.yaml")'
        )
    given, config = _merged(marks)
    if not isinstance(config, str | Path):
        raise UserError(f'{_MARK} names no sweep file; write {_MARK}("configs/NAME.yaml")')
    settings = given.pop("set", {})
    options = {name: given.pop(name, None) for name in ("limit", "fresh", "variant", "runs")}
    limit, fresh = options["limit"], options["fresh"] or False
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise UserError(f"{_MARK}: limit is {limit!r}; give a whole number of examples, from 1")
    if not isinstance(fresh, bool):
        raise UserError(f"{_MARK}: fresh is {fresh!r}; give True or False")
    variant, runs = options["variant"], options["runs"]
    for name, value in (("variant", variant), ("runs", runs)):
        if value is not None and not isinstance(value, str | Path):
            raise UserError(f"{_MARK}: {name} is {value!r}; give a text")
    return Order(
        config=_found(Path(config), item.path.parent, item.config.rootpath),
        settings=tuple(f"{key}={_written(key, value)}" for key, value in {**given, **settings}.items()),
        limit=limit,
        fresh=fresh,
        variant=None if variant is None else str(variant),
        runs=None if runs is None else str(runs),
    )


def _merged(marks: list[pytest.Mark]) -> tuple[dict[str, Any], Any]:
    """The arguments of the markers from the nearest to the first with a file, and that file."""
    given: dict[str, Any] = {}
    for mark in marks:
        if len(mark.args) > 1 or (mark.args and "config" in mark.kwargs):
            raise UserError(f"{_MARK} takes one sweep file; give the rest by name: {_MARK}(FILE, repeats=3)")
        kwargs = dict(mark.kwargs)
        config = mark.args[0] if mark.args else kwargs.pop("config", None)
        settings = kwargs.get("set", {})
        if not isinstance(settings, Mapping):
            raise UserError(f'{_MARK}: set is {settings!r}; give a mapping, such as set={{"budget.usd": 1}}')
        given = {**kwargs, **given, "set": {**settings, **given.get("set", {})}}
        if config is not None:
            return given, config
    return given, None


def _written(key: object, value: object) -> str:
    """A value as `--set` reads it."""
    if not isinstance(key, str):
        raise UserError(f"{_MARK}: set has the key {key!r}; a key is a text, such as 'top_k'")
    try:
        return json.dumps(value)
    except TypeError:
        raise UserError(
            f"{_MARK}: {key} is {value!r}, which a sweep file cannot hold; give texts, numbers, lists and mappings"
        ) from None


def _found(config: Path, folder: Path, root: Path) -> Path:
    """The file in the nearest folder that has it, from the test's own up to pytest's root folder."""
    if config.is_absolute():
        return config
    folders = list(_upwards(folder, root))
    for each in folders:
        if (each / config).is_file():
            return (each / config).resolve()
    near = {str(path.relative_to(each)) for each in folders for path in (each / config).parent.glob("*.y*ml")}
    raise UserError(
        f"{_MARK}: there is no {config} in {folder} nor in a folder above it, up to pytest's root {root}; "
        f"{advice(str(config), sorted(near), 'sweep files there')}"
    )


def _upwards(folder: Path, root: Path) -> Iterator[Path]:
    yield folder
    if root in folder.parents:
        for each in folder.parents:
            yield each
            if each == root:
                return
    elif folder != root:
        yield root
