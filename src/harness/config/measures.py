"""The `metrics` and `objective` sections."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from harness.config.assembly import Assembler
from harness.config.fields import Mistakes
from harness.config.nodes import Node
from harness.config.sweepfile import DEFAULT_METRICS, METRIC_KEYS, RUN_COLUMNS, NamedMetric, Objective
from harness.config.tree import Item
from harness.errors import Place, advice
from harness.plugins import CompositeMetric, label, make
from harness.records import Scale

IMPLICIT = "objective"
"""The name of the metric that `objective: {maximize: {METRIC: WEIGHT}}` makes."""


@dataclasses.dataclass(frozen=True)
class _Entry:
    """One metric as it was read; `part` is None where something is wrong with it."""

    node: Node
    name: str
    part: Any
    at_least: float | None
    at_most: float | None

    @property
    def scale(self) -> Scale:
        """How its values are read; one whose part is not known counts as a share."""
        if self.part is None:
            return Scale("maximize", 0.0, 1.0, self.at_least, self.at_most)
        return self.named.scale

    @property
    def named(self) -> NamedMetric:
        """What the sweep keeps of it."""
        return NamedMetric(self.name, self.part, self.at_least, self.at_most)


def read_metrics(
    node: Node | None,
    assembler: Assembler,
    start: Place,
    taken: Sequence[str] = (),
    known: Mapping[str, Scale] | None = None,
) -> list[NamedMetric]:
    """The metrics, each under the name of its column: `as`, else the part's label.

    `taken` are names that other columns have already, such as those of the axes. `known` are metrics besides those of
    `node`, of which others may be made.
    """
    mistakes = assembler.mistakes
    if node is None:
        node = Node(start, [Node(start, name) for name in DEFAULT_METRICS])
    if not node.is_list or not node.value:
        mistakes.add(node.place, f"metrics: expected a list of metrics, found {node.describe()}")
        return []
    entries = [entry for each in node.value if (entry := _entry(each, assembler)) is not None]
    found: dict[str, NamedMetric] = {}
    for entry in entries:
        if entry.name in (*RUN_COLUMNS, *taken):
            todo = "choose another name: as: NAME"
            mistakes.add(entry.node.place, f"metrics: {entry.name!r} is another column of the table of runs", todo)
        if entry.part is None:
            continue
        if entry.name in found:
            mistakes.add(
                entry.node.place, f"metrics: {entry.name} is given twice", "give one a name of its own: as: NAME"
            )
        found[entry.name] = entry.named
    composites = [entry for entry in entries if isinstance(entry.part, CompositeMetric)]
    scales = {**(known or {}), **{entry.name: entry.scale for entry in entries if entry not in composites}}
    for entry in composites:
        _check_members(entry.named, entry.node, scales, [other.name for other in composites], "metrics", mistakes)
    return list(found.values())


def _entry(entry: Node, assembler: Assembler) -> _Entry | None:
    """A metric written as `name`, as `{name: {settings}}` or as `{use: name, setting: …}`."""
    mistakes = assembler.mistakes
    use, below = entry, entry
    if entry.is_mapping and "use" in entry.value:
        use = entry.value["use"]
    elif entry.is_mapping and len(entry.value) == 1:
        [(name, below)] = entry.items()
        use = Node(entry.key_places[name], name)
    elif entry.is_mapping:
        todo = "as, at_least and at_most stand among the settings: {NAME: {at_least: 0.5}}"
        mistakes.add(entry.place, "metrics: a metric is a name, or a single `name: {settings}`", todo)
        return None
    given: dict[str, Node] = {}
    if below.is_mapping:
        given = {key: value for key, value in below.items() if key != "use"}
        if below is not entry and "use" in below.value:
            mistakes.add(below.key_places["use"], f"metrics: {use.value} has no setting 'use'", "name it once")
    elif below is not entry and below.value is not None:
        mistakes.add(below.place, f"metrics: {use.value}: expected settings, found {below.describe()}")
    fields = {key: Item(value, below.key_places[key]) for key, value in given.items() if key not in METRIC_KEYS}
    part = assembler.part("metric", "metrics", Item(use, entry.place), fields)
    where = f"metrics.{use.value}"
    named = _name(given["as"], f"{where}.as", mistakes) if "as" in given else None
    ends = {key: _threshold(given[key], f"{where}.{key}", part, mistakes) for key in METRIC_KEYS[1:] if key in given}
    least, most = ends.get("at_least"), ends.get("at_most")
    if least is not None and most is not None and least > most:
        mistakes.add(given["at_least"].place, f"{where}: nothing is at least {least:g} and at most {most:g}")
    _check_fields(part, entry.place, where, mistakes)
    return _Entry(entry, named or (str(use.value) if part is None else label(part)), part, least, most)


def _name(node: Node, where: str, mistakes: Mistakes) -> str | None:
    """The name of a column, which conditions can quote in backticks."""
    name = mistakes.text(node, where)
    if name is not None and (set("`#") & set(name) or name != name.strip() or not name.isprintable()):
        todo = "no backticks, # (earlier versions are NAME#1), line breaks or spaces around it"
        mistakes.add(node.place, f"{where}: {name!r} is no name", todo)
        return None
    return name


def _threshold(node: Node, where: str, part: Any, mistakes: Mistakes) -> float | None:
    """What passes: a number that the metric can have."""
    value = mistakes.number(node, where)
    if value is None or part is None:
        return value if value is None else float(value)
    if (part.low is not None and value < part.low) or (part.high is not None and value > part.high):
        ends = (("at least", part.low), ("at most", part.high))
        told = " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)
        mistakes.add(node.place, f"{where}: {value:g} is not possible", f"the metric's values are {told}")
        return None
    return float(value)


def _check_fields(part: Any, place: Place, where: str, mistakes: Mistakes) -> None:
    """A part may have no setting with a name that every entry has."""
    fields = dataclasses.fields(part) if part is not None else ()
    for name in [field.name for field in fields if field.name in METRIC_KEYS]:
        mistakes.add(place, f"{where}: its class has a field {name!r}, which every metric's entry has", "rename it")


def _check_members(
    metric: NamedMetric,
    node: Node,
    scales: Mapping[str, Scale],
    composites: Sequence[str],
    where: str,
    mistakes: Mistakes,
) -> None:
    """Note what a metric that is made of others has against them, each at its place below `node`."""
    try:
        metric.part.members(scales)
    except ValueError as error:
        for message in map(str, error.args):
            place = next((place for text, place in _texts(node) if repr(text) in message), node.place)
            told = message.partition(";")[0]
            made = [name for name in composites if repr(name) in told]
            todo = f"{made[0]!r} is itself made of others; name those that it is made of" if made else ""
            mistakes.add(place, f"{where}: {told if made else message}", todo)


def _texts(node: Node) -> Iterator[tuple[str, Place]]:
    """All keys and texts below a node with their places."""
    for key, value in node.items() if node.is_mapping else ():
        yield key, node.key_places.get(key, value.place)
        yield from _texts(value)
    for value in node.value if node.is_list else ():
        yield from _texts(value)
    if isinstance(node.value, str):
        yield node.value, node.place


def read_objective(node: Node | None, metrics: list[NamedMetric], mistakes: Mistakes) -> Objective | None:
    """The objective; without one, the first metric in its own direction.

    Weights in place of a name become a metric `weighted`, which is added to `metrics`.
    """
    if node is None:
        return Objective(metrics[0].name, metrics[0].part.direction) if metrics else None
    entries = mistakes.mapping(node, "objective", ("maximize", "minimize"))
    if len(entries) != 1:
        if node.is_mapping and len(entries) == len(node.value):
            mistakes.add(node.place, "objective: needs exactly one of maximize, minimize")
        return None
    [(direction, value)] = entries.items()
    names = [metric.name for metric in metrics]
    if not names:
        return None
    if value.is_mapping:
        return _weighted(value, direction, metrics, mistakes)
    if value.value not in names:
        found = str(value.value)
        mistakes.add(value.place, f"objective: {found!r} is not among the metrics", advice(found, names, "metrics"))
        return None
    return Objective(value.value, direction)


def _weighted(node: Node, direction: str, metrics: list[NamedMetric], mistakes: Mistakes) -> Objective | None:
    """`{maximize: {METRIC: WEIGHT, …}}`."""
    if direction == "minimize":
        todo = "write maximize: each metric is brought to 0..1 by its own direction, 1 being best"
        mistakes.add(node.place, "objective: weights are maximized", todo)
    if IMPLICIT in [metric.name for metric in metrics]:
        todo = "rename that one, or maximize it by its name"
        mistakes.add(node.place, f"objective: weights make a metric {IMPLICIT!r}, and there is one already", todo)
    try:
        part = make("metric", {"use": "weighted", "of": node.plain()})
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            mistakes.add(node.place, f"objective: {problem['msg'].removeprefix('Value error, ')}")
        return None
    composites = [metric.name for metric in metrics if isinstance(metric.part, CompositeMetric)]
    scales = {metric.name: metric.scale for metric in metrics if metric.name not in composites}
    named = NamedMetric(IMPLICIT, part)
    _check_members(named, node, scales, composites, "objective", mistakes)
    metrics.append(named)
    return Objective(IMPLICIT, "maximize")
