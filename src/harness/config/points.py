"""Points of the sweep: the grid of all axes, less what `exclude` names, thinned by the search, plus `include`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.config import tree
from harness.config.axes import Axis, AxisValue, label_of, resolve_name
from harness.config.expressions import Expression
from harness.config.fields import Mistakes
from harness.config.nodes import Node
from harness.config.tree import Item, Settings
from harness.errors import UserError

MOST_POINTS = 200_000


@dataclass(frozen=True)
class Point:
    """One value for each axis: what people read (`params`) and what is set (`items` by path)."""

    params: Mapping[str, Any]
    items: Mapping[str, Item]


def grid(axes: list[Axis], mistakes: Mistakes) -> list[Point]:
    """All combinations, the last axis moving fastest."""
    size = 1
    for axis in axes:
        size *= len(axis.values)
    if size > MOST_POINTS:
        mistakes.add(axes[0].place, f"sweep.axes: {size} combinations; at most {MOST_POINTS} are possible")
        return []
    return [_point(axes, values) for values in itertools.product(*(axis.values for axis in axes))]


def _point(axes: list[Axis], values: tuple[AxisValue, ...]) -> Point:
    # Parts are set before the fields that lie below them.
    order = sorted(range(len(axes)), key=lambda i: axes[i].path.count("."))
    items = {axes[i].path: values[i].item for i in order}
    return Point({axis.name: value.label for axis, value in zip(axes, values, strict=True)}, items)


def without(
    points: list[Point], exclude: Node | None, base: Settings, known: list[str], mistakes: Mistakes
) -> list[Point]:
    """The points that no `exclude` condition holds for. A condition may name any setting, swept or not."""
    if exclude is None:
        return points
    if not exclude.is_list:
        mistakes.add(exclude.place, f"sweep.exclude: expected a list of conditions, found {exclude.describe()}")
        return points
    fixed = {path.rsplit(".", 1)[-1]: None for path in known}
    fixed |= {path.rsplit(".", 1)[-1]: label_of(item.node) for path, item in base.items() if path in known}
    for node in exclude.value:
        text = mistakes.text(node, "sweep.exclude")
        if text is None:
            continue
        expression = Expression(text)
        try:
            expression.check([*fixed, *(points[0].params if points else ())])
            holds = expression.compiled()
            points = [point for point in points if not holds({**fixed, **point.params})]
        except UserError as error:
            mistakes.add(node.place, f"sweep.exclude: {error}")
    return points


def included(include: Node | None, known: list[str], axes: list[Axis], mistakes: Mistakes) -> list[Point]:
    """The points of `include`: the values given there, everything else as under `chatbot`."""
    if include is None:
        return []
    if not include.is_list:
        mistakes.add(include.place, f"sweep.include: expected a list of mappings, found {include.describe()}")
        return []
    names = {axis.path: axis.name for axis in axes}
    labels = {(axis.path, repr(value.label)): value for axis in axes for value in axis.values}
    points = []
    for entry in include.value:
        if not entry.is_mapping:
            mistakes.add(entry.place, f"sweep.include: expected a mapping, found {entry.describe()}")
            continue
        params, items = dict[str, Any](), dict[str, Item]()
        for name, node in entry.items():
            place = entry.key_places[name]
            path = resolve_name(name, known, place, "sweep.include", mistakes)
            if path is not None:
                known_value = labels.get((path, repr(node.value)))
                params[names.get(path, name)] = known_value.label if known_value else label_of(node)
                items[path] = Item(known_value.item.node if known_value else node, place)
        points.append(Point(params, dict(sorted(items.items(), key=lambda pair: pair[0].count(".")))))
    return points


def settings_of(point: Point, base: Settings) -> Settings:
    """The base configuration with the point's values set."""
    settings = dict(base)
    for path, item in point.items.items():
        tree.put(settings, path, item)
    return settings
