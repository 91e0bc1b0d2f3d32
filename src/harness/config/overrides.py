"""`--set KEY=VALUE`: one value of the sweep file replaced from the command line."""

from __future__ import annotations

from harness.config import tree
from harness.config.axes import known_paths
from harness.config.fields import Mistakes
from harness.config.nodes import Node, parse_value
from harness.config.sweepfile import TOP_KEYS
from harness.errors import Place, UserError, advice


def apply(root: Node, overrides: tuple[str, ...], mistakes: Mistakes) -> None:
    """Apply the overrides in order. What cannot be read or placed is noted with `--set …` as its place."""
    for text in overrides:
        place = Place(f"--set {text}")
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
    first = key.split(".")[0]
    if first in TOP_KEYS:
        return key.split(".")
    axes = _mapping(root, "sweep", "axes")
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


def _mapping(root: Node, *keys: str) -> dict[str, Node]:
    node: Node | None = root
    for key in keys:
        node = node.value.get(key) if node is not None and node.is_mapping else None
    return node.value if node is not None and node.is_mapping else {}


def _write(root: Node, path: list[str], node: Node) -> None:
    if path[:2] == ["sweep", "axes"] and not (node.is_list or node.is_mapping):
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
