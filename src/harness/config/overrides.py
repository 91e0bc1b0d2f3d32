"""`--set KEY=VALUE`: one value of the sweep file replaced from the command line."""

from __future__ import annotations

from collections.abc import Sequence

from harness.config import tree
from harness.config.axes import known_paths
from harness.config.fields import Mistakes
from harness.config.nodes import Node, parse_value
from harness.config.points import Point, settings_of
from harness.config.sweepfile import TOP_KEYS
from harness.config.tree import Settings
from harness.errors import Place, UserError, advice

_AXES = "sweep.axes"
_SET = "--set "


def apply(root: Node, overrides: tuple[str, ...], mistakes: Mistakes) -> None:
    """Apply the overrides in order. What cannot be read or placed is noted with `--set …` as its place."""
    if not root.is_mapping:  # which is noted
        return
    for text in overrides:
        place = Place(f"{_SET}{text}")
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            mistakes.add(place, "expected KEY=VALUE", "for example --set top_k=3")
            continue
        try:
            node = parse_value(value, place.file)
        except UserError as error:
            mistakes.found += error.mistakes
            continue
        path = _path(key.strip(), root, place, mistakes)
        if path:
            _write(root, path, node)


def _path(key: str, root: Node, place: Place, mistakes: Mistakes) -> list[str] | None:
    """Where the key lies in the file. A swept setting is found under its axis, whose values are replaced."""
    first, axes = key.split(".")[0], _mapping(root, "sweep", "axes")
    if key.startswith(f"{_AXES}."):
        return ["sweep", "axes", *_below_axes(key.removeprefix(f"{_AXES}."), axes)]
    if first in TOP_KEYS:
        return key.split(".")
    if key in axes:
        return ["sweep", "axes", key]
    chatbot = root.value.get("chatbot")
    if chatbot is None or not chatbot.is_mapping:
        return None
    quiet = Mistakes()
    known = known_paths(tree.flatten(chatbot, quiet), {k: [(None, v)] for k, v in axes.items()}, [])
    found = tree.resolve(key, known)
    swept = [name for name in axes for path in found if tree.is_name_of(name, path)]
    if len(found) == 1:
        return ["sweep", "axes", swept[0]] if swept else ["chatbot", *found[0].split(".")]
    short = sorted({path.rsplit(".", 1)[-1] for path in known} | set(TOP_KEYS))
    hint = f"write one of: {', '.join(found)}" if found else advice(key, short)
    mistakes.add(place, f"{key!r} is {'ambiguous' if found else 'no setting'}", hint)
    return None


def _below_axes(name: str, axes: dict[str, Node]) -> list[str]:
    """An axis, whose name may have dots; or what lies below one that is a mapping, such as a label."""
    for axis, node in axes.items():
        if node.is_mapping and name.startswith(f"{axis}."):
            return [axis, *name.removeprefix(f"{axis}.").split(".")]
    return [name]


def _mapping(root: Node, *keys: str) -> dict[str, Node]:
    node: Node | None = root
    for key in keys:
        node = node.value.get(key) if node is not None and node.is_mapping else None
    return node.value if node is not None and node.is_mapping else {}


def _write(root: Node, path: list[str], node: Node) -> None:
    if path[:2] == ["sweep", "axes"] and len(path) == 3 and not (node.is_list or node.is_mapping):
        node = Node(node.place, [node])
    here = root
    for key in path[:-1]:
        child = here.value.get(key)
        if child is None or not child.is_mapping:
            # `splitter: recursive` becomes `splitter: {use: recursive}` so that a field can be set below it.
            whole = "path" if key == "dataset" else "use"
            below = {} if child is None or child.value is None else {whole: child}
            child = Node(node.place, below, {k: v.place for k, v in below.items()})
            here.value[key], here.key_places[key] = child, node.place
        here = child
    here.value[path[-1]], here.key_places[path[-1]] = node, node.place


def check_used(points: Sequence[Point], base: Settings, mistakes: Mistakes) -> None:
    """Note each setting that an override gave and that holds in no variant, since axes set whole parts in its place."""
    for path, item in base.items():
        place = Place(item.node.place.file)
        if not place.file.startswith(_SET) or not points:
            continue
        found = (settings_of(point, base).get(path) for point in points)
        if not any(held is not None and held.node is item.node for held in found):
            slot = next((slot for slot in tree.SLOTS if path.startswith(slot)), path)
            name = slot.removeprefix("retrieval.")
            mistakes.add(
                place,
                f"has no effect: the values of the axis {name!r} are set in place of chatbot.{path}",
                f'set it in these values: --set "{name}=[{{use: …, {path.rpartition(".")[2]}: …}}]"'
                if path != slot
                else f"set the axis: --set {name}=…",
            )
