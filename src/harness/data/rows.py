"""The rows of a file as mappings, each with the line where it starts: JSONL and YAML."""

from __future__ import annotations

import re
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


def not_json(value: Any) -> str:
    """Why a value (from YAML or Parquet) is not the same after a trip through JSON; empty when it is."""
    try:
        same = orjson.loads(orjson.dumps(value)) == value
    except (orjson.JSONEncodeError, orjson.JSONDecodeError) as error:
        return str(error)
    return "" if same else "a date, bytes, or a number that is not finite"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML in which a date stays the text that was written, as it would in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Metadata(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML 1.2, as in the sweep file: `no`, `12:30`, `007` and dates stay the text that was written."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own interface)


for _tag, _pattern, _starts in (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", "[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", "<<", "<"),
):
    _Metadata.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})\Z"), list(_starts))


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


def yaml_mapping(text: str, start: Place, advice: str) -> dict[str, Any]:
    """The mapping that a YAML text is, empty for an empty text; every value is one that JSON can hold.

    `start` is the place of the text's first character in its file. Raises UserError, with the line, for what is no
    such mapping; `advice` says what to write instead.
    """
    path, before = Path(start.file), start.line - 1
    loader = None
    try:
        loader = _Metadata(text)
        root = loader.get_single_node()
        if root is None:
            return {}
        place = Place(start.file, before + root.start_mark.line + 1)
        if not isinstance(root, yaml.MappingNode):
            if root.tag == "tag:yaml.org,2002:null":
                return {}
            raise UserError(Mistake(place, f"must be a mapping, found {_NODES.get(root.id, root.id)}", advice))
        given: dict[str, Any] = loader.construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mistake = _broken(path, error)
        place = Place(start.file, before + max(mistake.place.line, 1), mistake.place.column)
        raise UserError(Mistake(place, mistake.found, advice)) from None
    finally:
        if loader is not None:
            loader.dispose()
    mistakes = _repeated(root, place, "keep one of them")
    lines = {str(key.value): before + key.start_mark.line + 1 for key, _ in root.value}
    for key, value in given.items():
        where = Place(start.file, lines.get(str(key), place.line))
        if not isinstance(key, str):
            mistakes.append(Mistake(where, f"key {key!r} is {kind(key)}", "put it in quotes"))
        elif problem := not_json(value):
            mistakes.append(Mistake(where, f"{key}: holds what JSON cannot hold: {problem}", "write it as text"))
    if mistakes:
        raise UserError(mistakes)
    return given


def _repeated(node: yaml.MappingNode, place: Place, advice: str = "start every example with `- `") -> list[Mistake]:
    """YAML lets the last of equal keys win: a forgotten `- ` would drop an example without a word."""
    counts = Counter(str(key.value) for key, _ in node.value)
    return [Mistake(place, f"{key}: given {n} times", advice) for key, n in counts.items() if n > 1]


def _broken(path: Path, error: Exception, item: Place | None = None) -> Mistake:
    mark = getattr(error, "problem_mark", None)
    place = Place(str(path), mark.line + 1, mark.column + 1) if mark else item or Place(str(path))
    return Mistake(place, f"is not YAML: {getattr(error, 'problem', None) or error}")
