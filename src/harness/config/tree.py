"""The chatbot section, flattened: a path such as `retrieval.splitter.chunk_size` for every setting.

A part takes a path of its own (`retrieval.splitter`, whose value is its name), its fields lie below.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from harness.config.chatbot import SAMPLING
from harness.config.fields import Mistakes
from harness.config.nodes import Node
from harness.errors import Place
from harness.plugins import find

SLOTS: Mapping[str, str] = {
    "model": "model",
    "retrieval.splitter": "splitter",
    "retrieval.embedder": "embedder",
    "retrieval.index": "index",
    "retrieval.query": "query",
    "retrieval.retriever": "retriever",
    "retrieval.reranker": "reranker",
    "retrieval.context": "context",
}
"""The paths that hold a part, with its kind."""

DEFAULT_PARTS: Mapping[str, str] = {
    "retrieval.splitter": "recursive",
    "retrieval.embedder": "local/hashing",
    "retrieval.index": "chroma",
    "retrieval.query": "question",
    "retrieval.retriever": "dense",
    "retrieval.reranker": "none",
    "retrieval.context": "passages",
}
PROMPTS = ("system_prompt", "user_prompt")
CHATBOT_KEYS = ("model", *SAMPLING, *PROMPTS, "retrieval")
RETRIEVAL_KEYS = (*(path.split(".")[1] for path in SLOTS if "." in path), "top_k", "similarity_threshold", "filter")


@dataclass(frozen=True)
class Item:
    """A setting's value and the place of its key; whether it is a value of an axis."""

    node: Node
    key_place: Place
    swept: bool = False


Settings = dict[str, Item]
"""Settings by path; a setting that was not given is not there."""


def flatten(chatbot: Node, mistakes: Mistakes) -> Settings:
    """All settings given under `chatbot`."""
    settings: Settings = {}
    for key, node in mistakes.mapping(chatbot, "chatbot", CHATBOT_KEYS).items():
        place = chatbot.key_places.get(key, node.place)
        if key == "retrieval" and node.is_mapping:
            for inner, value in mistakes.mapping(node, "chatbot.retrieval", RETRIEVAL_KEYS).items():
                put(settings, f"retrieval.{inner}", Item(value, node.key_places.get(inner, value.place)))
        else:
            put(settings, key, Item(node, place))
    return settings


def put(settings: Settings, path: str, item: Item) -> None:
    """Set one path. A part given anew takes its fields with it, unless it is the same part as before."""
    if path not in SLOTS:
        settings[path] = item
        return
    node = item.node
    use = node.value.get("use") if node.is_mapping else node
    before = settings.get(path)
    if before and (use is None or before.node.value != use.value):
        for below in [p for p in settings if p.startswith(f"{path}.")]:
            del settings[below]
    if use is not None:
        settings[path] = Item(use, item.key_place)
    elif node.is_mapping and path in DEFAULT_PARTS:
        settings[path] = Item(Node(node.place, DEFAULT_PARTS[path]), item.key_place)
    else:
        settings[path] = item
    if node.is_mapping:
        for field, value in node.items():
            if field != "use":
                settings[f"{path}.{field}"] = Item(value, node.key_places.get(field, value.place))


def paths(part_names: Mapping[str, set[str]]) -> list[str]:
    """Every path that may be set, given the names of the parts that appear in each slot."""
    known = [*(k for k in CHATBOT_KEYS if k != "retrieval"), *(f"retrieval.{k}" for k in RETRIEVAL_KEYS)]
    for slot, kind in SLOTS.items():
        for name in sorted(part_names.get(slot, set())):
            try:
                registration, given = find(kind, name)
            except LookupError:
                continue
            for field in dataclasses.fields(registration.cls):
                path = f"{slot}.{field.name}"
                if field.name not in given and field.name != "workspace" and path not in known:
                    known.append(path)
    return known


def part_names(settings: Settings, axis_values: Mapping[str, list[Node]]) -> dict[str, set[str]]:
    """The names of the parts that appear in each slot, in the base configuration or as an axis value."""
    found: dict[str, set[str]] = {slot: set() for slot in SLOTS}
    for slot, names in found.items():
        nodes = [settings[slot].node] if slot in settings else []
        nodes += [node for key, values in axis_values.items() if is_name_of(key, slot) for node in values]
        names.update({DEFAULT_PARTS[slot]} if slot in DEFAULT_PARTS else set())
        for node in nodes:
            value = node.value["use"].value if node.is_mapping and "use" in node.value else node.value
            if isinstance(value, str):
                names.add(value)
    return found


def is_name_of(name: str, path: str) -> bool:
    """Whether a user's name, full or short, can mean this path."""
    stripped = name.removeprefix("chatbot.")
    return path == stripped or path.endswith(f".{stripped}")


def resolve(name: str, known: list[str]) -> list[str]:
    """The paths that a user's name can mean: one when it is clear."""
    stripped = name.removeprefix("chatbot.")
    if stripped in known:
        return [stripped]
    return [path for path in known if path.endswith(f".{stripped}")]
