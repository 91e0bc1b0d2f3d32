"""A YAML file as a tree in which every value knows its line and column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from harness.errors import Mistake, Place, UserError


@dataclass
class Node:
    """A value with its place: `value` is a dict of nodes, a list of nodes, or a scalar."""

    place: Place
    value: Any
    key_places: dict[str, Place] = field(default_factory=dict)

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self.value, list)

    def items(self) -> Iterator[tuple[str, Node]]:
        """The entries of a mapping."""
        yield from self.value.items()

    def plain(self) -> Any:
        """The value as plain dicts, lists and scalars."""
        if self.is_mapping:
            return {key: node.plain() for key, node in self.value.items()}
        if self.is_list:
            return [node.plain() for node in self.value]
        return self.value

    def describe(self) -> str:
        """The value as an error message shows it: short, with its type."""
        if self.is_mapping:
            return f"a mapping with {', '.join(self.value) or 'no keys'}"
        if self.is_list:
            return f"a list of {len(self.value)}"
        if self.value is None:
            return "nothing (null)"
        shown = repr(self.value)
        return shown if len(shown) <= 60 else shown[:57] + "…"


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core scalars: `no` is text, `1e-3` is a number, dates stay text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own interface)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9_]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    list("-+0123456789."),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def parse(text: str, file: str) -> Node:
    """Parse YAML text. Raises UserError for what is not YAML, and for keys given twice."""
    loader = _Loader(text)
    loader.name = file
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        todo = "put the text in quotes: inside {…} and […], ? : , and # have a meaning" if "'?'" in str(error) else ""
        raise UserError(Mistake(place, f"not YAML: {error.problem or error.context}", todo)) from error
    finally:
        loader.dispose()
    if root is None:
        raise UserError(Mistake(Place(file, 1, 1), "the file is empty"))
    mistakes: list[Mistake] = []
    node = _convert(root, file, loader, mistakes)
    if mistakes:
        raise UserError(mistakes)
    return node


def parse_value(text: str, file: str) -> Node:
    """Parse one YAML value, as `--set` takes it."""
    return parse(text, file) if text.strip() else Node(Place(file), text or None)


def _convert(node: yaml.Node, file: str, loader: Any, mistakes: list[Mistake]) -> Node:
    place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, loader, mistakes)
    if isinstance(node, yaml.SequenceNode):
        return Node(place, [_convert(child, file, loader, mistakes) for child in node.value])
    if node.tag == "tag:yaml.org,2002:merge":
        return Node(place, node.value)
    try:
        value = loader.construct_object(node)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError("the number is too large")
        return Node(place, value)
    except (yaml.YAMLError, ValueError) as error:
        mistakes.append(Mistake(place, f"cannot read {node.value!r}: {str(error).splitlines()[0]}"))
        return Node(place, None)


def _mapping(node: yaml.MappingNode, place: Place, loader: Any, mistakes: list[Mistake]) -> Node:
    result = Node(place, {})
    merged: list[Node] = []
    for key_node, value_node in node.value:
        key_place = Place(place.file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        value = _convert(value_node, place.file, loader, mistakes)
        if key_node.tag == "tag:yaml.org,2002:merge":
            merged += value.value if value.is_list else [value]
            continue
        if not isinstance(key_node, yaml.ScalarNode):
            mistakes.append(Mistake(key_place, "a key must be plain text"))
            continue
        if key_node.value in result.value:
            first = result.key_places[key_node.value]
            mistakes.append(Mistake(key_place, f"key {key_node.value!r} is given twice; first in line {first.line}"))
            continue
        result.value[key_node.value] = value
        result.key_places[key_node.value] = key_place
    for source in merged:
        for key, value in source.items():
            if key not in result.value:
                result.value[key], result.key_places[key] = value, source.key_places[key]
    return result
