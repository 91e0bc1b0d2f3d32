"""The `metrics` and `objective` sections."""

from __future__ import annotations

from harness.config.assembly import Assembler
from harness.config.fields import Mistakes
from harness.config.nodes import Node
from harness.config.sweepfile import DEFAULT_METRICS, NamedMetric, Objective
from harness.config.tree import Item
from harness.errors import Place, advice
from harness.plugins import label


def read_metrics(node: Node | None, assembler: Assembler, start: Place) -> list[NamedMetric]:
    """The metrics, each under the name of its column."""
    mistakes = assembler.mistakes
    if node is None:
        node = Node(start, [Node(start, name) for name in DEFAULT_METRICS])
    if not node.is_list or not node.value:
        mistakes.add(node.place, f"metrics: expected a list of metrics, found {node.describe()}")
        return []
    found: dict[str, NamedMetric] = {}
    for entry in node.value:
        part = _metric(entry, assembler)
        if part is None:
            continue
        name = label(part)
        if name in found:
            mistakes.add(entry.place, f"metrics: {name} is given twice")
        found[name] = NamedMetric(name, part)
    return list(found.values())


def _metric(entry: Node, assembler: Assembler) -> object:
    """A metric written as `name`, as `{name: {settings}}` or as `{use: name, setting: …}`."""
    use, below = entry, entry
    if entry.is_mapping and "use" in entry.value:
        use = entry.value["use"]
    elif entry.is_mapping and len(entry.value) == 1:
        [(name, below)] = entry.items()
        use = Node(entry.key_places[name], name)
    elif entry.is_mapping:
        assembler.mistakes.add(entry.place, "metrics: a metric is a name, or a single `name: {settings}`")
        return None
    fields: dict[str, Item] = {}
    if below.is_mapping:
        fields = {k: Item(v, below.key_places[k]) for k, v in below.items() if k != "use"}
    elif below is not entry and below.value is not None:
        assembler.mistakes.add(below.place, f"metrics: {use.value}: expected settings, found {below.describe()}")
    return assembler.part("metric", "metrics", Item(use, entry.place), fields)


def read_objective(node: Node | None, metrics: list[NamedMetric], mistakes: Mistakes) -> Objective | None:
    """The objective; without one, the first metric in its own direction."""
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
    if value.value not in names:
        found = str(value.value)
        mistakes.add(value.place, f"objective: {found!r} is not among the metrics", advice(found, names, "metrics"))
        return None
    return Objective(value.value, direction)
