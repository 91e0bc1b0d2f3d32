"""Axes: which settings are swept, over which values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.config import tree
from harness.config.fields import Mistakes, is_file_reference
from harness.config.nodes import Node
from harness.config.tree import Item
from harness.errors import Place, advice
from harness.records import digest

_RANGE_KEYS = {"from", "to", "step"}
_MOST_VALUES = 10_000


@dataclass(frozen=True)
class AxisValue:
    """One value of an axis, and how it is called in tables: itself for numbers and short texts, else a label."""

    label: Any
    item: Item


@dataclass(frozen=True)
class Axis:
    """A swept setting. `name` is what the user called it; `path` is where it lies in the chatbot."""

    name: str
    path: str
    place: Place
    values: tuple[AxisValue, ...]


def read_axes(node: Node | None, settings: tree.Settings, extra: list[Node], mistakes: Mistakes) -> list[Axis]:
    """The axes under `sweep.axes`; `extra` are the `include` entries, whose parts lend their fields too."""
    if node is None:
        return []
    if not node.is_mapping:
        mistakes.add(node.place, f"sweep.axes: expected a mapping of name to values, found {node.describe()}")
        return []
    nodes = {name: _value_nodes(name, values, mistakes) for name, values in node.items()}
    known = known_paths(settings, nodes, extra)
    axes, taken = [], dict[str, str]()
    for name, values in nodes.items():
        place = node.key_places[name]
        path = resolve_name(name, known, place, "sweep.axes", mistakes)
        if path is None or not values:
            continue
        if path in taken:
            mistakes.add(place, f"sweep.axes: {name!r} and {taken[path]!r} are the same setting ({path})")
            continue
        taken[path] = name
        axes.append(Axis(name, path, place, _labelled(name, place, values, mistakes)))
    return axes


def known_paths(
    settings: tree.Settings, axes: dict[str, list[tuple[str | None, Node]]], extra: list[Node]
) -> list[str]:
    """Every path that may be swept, fields of all parts that appear anywhere included."""
    values = {name: [node for _, node in pairs] for name, pairs in axes.items()}
    for entry in extra:
        for name, node in entry.items() if entry.is_mapping else ():
            values.setdefault(name, []).append(node)
    return tree.paths(tree.part_names(settings, values))


def resolve_name(name: str, known: list[str], place: Place, where: str, mistakes: Mistakes) -> str | None:
    """The one path that a name means; what is unknown or ambiguous is noted."""
    found = tree.resolve(name, known)
    if len(found) == 1:
        return found[0]
    if found:
        mistakes.add(place, f"{where}: {name!r} is ambiguous", f"write one of: {', '.join(found)}")
    else:
        short = sorted({path.rsplit(".", 1)[-1] for path in known})
        mistakes.add(place, f"{where}: unknown setting {name!r}", advice(name, short))
    return None


def _value_nodes(name: str, node: Node, mistakes: Mistakes) -> list[tuple[str | None, Node]]:
    """The values as (label or None, node)."""
    if node.is_list:
        values: list[tuple[str | None, Node]] = [(None, value) for value in node.value]
    elif node.is_mapping and {"from", "to"} <= set(node.value) <= _RANGE_KEYS:
        values = [(None, value) for value in _range(name, node, mistakes)]
    elif node.is_mapping and ("use" in node.value or is_file_reference(node)):
        mistakes.add(node.place, f"sweep.axes: {name}: one value is no axis", "give a list, or `label: value` pairs")
        return []
    elif node.is_mapping:
        values = list(node.items())
    else:
        mistakes.add(
            node.place,
            f"sweep.axes: {name}: expected values, found {node.describe()}",
            "give a list, a range {from, to, step}, or `label: value` pairs",
        )
        return []
    if not values and node.is_list:
        mistakes.add(node.place, f"sweep.axes: {name}: the list of values is empty")
    return values


def _range(name: str, node: Node, mistakes: Mistakes) -> list[Node]:
    numbers = {key: mistakes.number(value, f"sweep.axes.{name}.{key}") for key, value in node.items()}
    if None in numbers.values():
        return []
    low, high, step = (Decimal(str(numbers.get(key, 1))) for key in ("from", "to", "step"))
    if step <= 0 or high < low:
        mistakes.add(node.place, f"sweep.axes: {name}: the range from {low} to {high} by {step} has no values")
        return []
    count = int((high - low) / step) + 1
    if count > _MOST_VALUES:
        mistakes.add(node.place, f"sweep.axes: {name}: the range has {count} values; at most {_MOST_VALUES}")
        return []
    whole = all(isinstance(number, int) for number in numbers.values())
    cast = int if whole else float
    return [Node(node.place, cast(low + step * i)) for i in range(count)]


def _labelled(
    name: str, place: Place, values: list[tuple[str | None, Node]], mistakes: Mistakes
) -> tuple[AxisValue, ...]:
    result: list[AxisValue] = []
    seen: set[str] = set()
    for label, node in values:
        shown = label if label is not None else label_of(node)
        if repr(shown) in seen:
            mistakes.add(node.place, f"sweep.axes: {name}: the value {shown!r} is given twice")
            continue
        seen.add(repr(shown))
        result.append(AxisValue(shown, Item(node, place, swept=True)))
    return tuple(result)


def label_of(node: Node) -> Any:
    """How a value without a label is called: itself where it is short, else its beginning and a digest."""
    if is_file_reference(node):
        return str(node.value["file"].value).rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if node.is_mapping:
        fields = ", ".join(f"{k}={label_of(v) if v.is_mapping else v.plain()}" for k, v in node.items() if k != "use")
        use = node.value["use"].value if "use" in node.value else ""
        return f"{use}({fields})" if fields else use
    if node.is_list:
        return str(node.plain())
    text = node.value
    if isinstance(text, str) and (len(text) > 40 or "\n" in text):
        return f"{' '.join(text.split())[:30]}… {digest(text)[:4]}"
    return text
