"""The rows of a file as mappings, each with the line where it starts: JSONL and YAML."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml

from harness.data.textfile import read_text
from harness.errors import Mistake, Place, UserError


class Row(NamedTuple):
    """One item of a file. `line` counts from 1; `broken` names fields that are there but unreadable."""

    line: int
    fields: dict[str, Any]
    broken: frozenset[str] = frozenset()


Rows = tuple[list[Row], list[Mistake]]

_NODES = {"scalar": "text or a number", "sequence": "a list"}
_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list"}


def kind(value: Any) -> str:
    """What a value is, in the words of a user: `text`, `a number`, `a list`, `a mapping`, …"""
    if value is None:
        return "nothing"
    return "a mapping" if isinstance(value, dict) else _KINDS.get(type(value), f"a {type(value).__name__}")


def json_lines(path: Path) -> Rows:
    """The rows of a JSONL file, and its lines that are no JSON objects. Blank lines are skipped.

    Raises UserError for a file that cannot be read at all.
    """
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    # Not splitlines: JSON strings may hold U+2028 and the like.
    for number, text in enumerate(read_text(path).removeprefix("\ufeff").split("\n"), start=1):
        if not text.strip():
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            mistakes.append(Mistake(Place(str(path), number, error.colno), f"is not JSON: {error.msg}"))
            continue
        if isinstance(value, dict):
            rows.append(Row(number, value))
        else:
            mistakes.append(Mistake(Place(str(path), number), f"must be a JSON object, found {kind(value)}"))
    return rows, mistakes


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML in which a date stays the text that was written, as it would in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def yaml_items(path: Path) -> Rows:
    """The items of a YAML file that holds a list of mappings, and those items that are none.

    Raises UserError for a file that cannot be read, is not YAML, or is not a list.
    """
    try:
        loader = _Loader(read_text(path).removeprefix("\ufeff"))
    except yaml.YAMLError as error:
        raise UserError(_broken(path, error)) from None
    try:
        return _items(path, loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError(_broken(path, error)) from None
    finally:
        loader.dispose()


def _items(path: Path, loader: Any) -> Rows:
    root = loader.get_single_node()
    if root is None:
        return [], []
    if not isinstance(root, yaml.SequenceNode):
        place = Place(str(path), root.start_mark.line + 1)
        raise UserError(Mistake(place, "must be a list of mappings", "start every example with `- `"))
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    for node in root.value:
        place = Place(str(path), node.start_mark.line + 1)
        if not isinstance(node, yaml.MappingNode):
            mistakes.append(Mistake(place, f"must be a mapping, found {_NODES.get(node.id, node.id)}"))
            continue
        mistakes += _repeated(node, place)
        try:
            rows.append(Row(place.line, loader.construct_object(node, deep=True)))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mistakes.append(_broken(path, error, place))
    return rows, mistakes


def _repeated(node: yaml.MappingNode, place: Place) -> list[Mistake]:
    """YAML lets the last of equal keys win: a forgotten `- ` would drop an example without a word."""
    counts = Counter(str(key.value) for key, _ in node.value)
    advice = "start every example with `- `"
    return [Mistake(place, f"{key}: given {n} times", advice) for key, n in counts.items() if n > 1]


def _broken(path: Path, error: Exception, item: Place | None = None) -> Mistake:
    mark = getattr(error, "problem_mark", None)
    place = Place(str(path), mark.line + 1, mark.column + 1) if mark else item or Place(str(path))
    return Mistake(place, f"is not YAML: {getattr(error, 'problem', None) or error}")
