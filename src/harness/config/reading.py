"""How a sweep file is read: section by section, noting mistakes, raising them all at the end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from harness.config import axes as axes_room
from harness.config import points as points_room
from harness.config import tree
from harness.config.assembly import Assembler
from harness.config.chatbot import Chatbot, Variant, variant_id
from harness.config.fields import Mistakes
from harness.config.gate import read_gate
from harness.config.measures import read_metrics, read_objective
from harness.config.nodes import Node, parse
from harness.config.overrides import apply, check_used
from harness.config.sweepfile import (
    PROBLEMS,
    TOP_KEYS,
    Budget,
    CorpusChoice,
    DatasetChoice,
    Limits,
    SweepConfig,
    workspace_of,
)
from harness.config.tree import Item
from harness.errors import Place, UserError, advice, nearest
from harness.plugins import load_file

_CREDENTIALS = re.compile(r"//[^/\s@]*@")
"""What an address must not hold, and an error must not repeat."""
_SWEEP_KEYS = ("search", "axes", "exclude", "include")
_OF_ANSWERS = ("corpus", "chatbot", "plugins", "prices", "seed", "concurrency", "cell_timeout_s")
_RATES = ("requests_per_minute", "tokens_per_minute")


def load(file: str | Path, overrides: Sequence[str] = ()) -> SweepConfig:
    """Read and check a sweep file.

    `overrides` are texts `KEY=VALUE`, a key being a path from the top (`sweep.axes.top_k`, `repeats`) or a chatbot
    setting by its unique short name. Raises UserError with every mistake.
    """
    path = Path(file)
    return _read(_text(path), path, overrides)


def load_chatbot(content: Mapping[str, Any], workspace: Path, name: str) -> SweepConfig:
    """A sweep of one chatbot and its corpus, without a dataset, out of the content of a sweep file.

    Of `content` only what decides or limits answers is read; errors call its place `name`. Raises UserError with every
    mistake.
    """
    kept = {key: value for key, value in content.items() if key in _OF_ANSWERS + _RATES}
    text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
    return _read(text, workspace / name, (), needed=("chatbot",))


def _read(
    text: str, path: Path, overrides: Sequence[str], needed: Sequence[str] = ("dataset", "chatbot")
) -> SweepConfig:
    root = parse(text, str(path))
    mistakes = Mistakes()
    workspace = workspace_of(path)
    mistakes.mapping(root, "sweep file", TOP_KEYS)
    plugins = [override for override in overrides if override.partition("=")[0].strip() == "plugins"]
    apply(root, tuple(plugins), mistakes)  # their parts must be known before settings can be found
    _load_plugins(root.value.get("plugins") if root.is_mapping else None, workspace, mistakes)
    apply(root, tuple(override for override in overrides if override not in plugins), mistakes)
    top = {key: node for key, node in root.items() if key in TOP_KEYS} if root.is_mapping else {}
    start = Place(str(path), 1, 1)
    for key in needed:
        if key not in top:
            mistakes.add(start, f"the sweep file needs {key!r}")
    corpus = _corpus(top.get("corpus"), workspace, mistakes)
    assembler = Assembler(workspace, start, "corpus" in top, mistakes)
    variants, axis_names = _variants(top, assembler, mistakes)
    metrics = read_metrics(top.get("metrics"), assembler, start, axis_names)
    objective = read_objective(top.get("objective"), metrics, mistakes)
    fields = _numbers(top, mistakes)
    gate = read_gate(top.get("gate"), {metric.name: metric.scale for metric in metrics}, mistakes)
    dataset = _dataset(top["dataset"], workspace, mistakes) if "dataset" in top else DatasetChoice("")
    name = mistakes.text(top["name"], "name") if "name" in top else path.stem
    mistakes.finish()
    assert dataset is not None
    assert objective is not None
    return SweepConfig(
        path=path,
        workspace=workspace,
        text=text,
        given=root.plain(),
        overrides=tuple(overrides),
        name=str(name),
        dataset=dataset,
        corpus=corpus,
        variants=tuple(variants),
        axes=tuple(axis_names),
        metrics=tuple(metrics),
        objective=objective,
        gate=gate,
        **fields,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = sorted({str(p) for folder in (path.parent, Path("configs")) for p in folder.glob("*.y*ml")})
        raise UserError(f"{path}: no such file; {advice(str(path), near, 'sweep files here')}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot read: {error}") from error


def _load_plugins(node: Node | None, workspace: Path, mistakes: Mistakes) -> None:
    if node is None:
        return
    if not node.is_list:
        mistakes.add(node.place, f"plugins: expected a list of Python files, found {node.describe()}")
        return
    for entry in node.value:
        file = mistakes.text(entry, "plugins")
        if file is None:
            continue
        try:
            load_file(workspace / file)
        except (UserError, TypeError) as error:
            mistakes.add(entry.place, str(error))


def _variants(top: dict[str, Node], assembler: Assembler, mistakes: Mistakes) -> tuple[list[Variant], list[str]]:
    chatbot = top.get("chatbot")
    if chatbot is None:
        return [], []
    base = tree.flatten(chatbot, mistakes)
    sweep = mistakes.mapping(top["sweep"], "sweep", _SWEEP_KEYS) if "sweep" in top else {}
    include = sweep.get("include")
    extra = include.value if include is not None and include.is_list else []
    axes = axes_room.read_axes(sweep.get("axes"), base, extra, mistakes)
    nodes = {axis.name: [(None, value.item.node) for value in axis.values] for axis in axes}
    known = axes_room.known_paths(base, nodes, extra)  # type: ignore[arg-type]
    wrong_axes = bool(mistakes.found)
    points = points_room.without(points_room.grid(axes, mistakes), sweep.get("exclude"), base, known, mistakes)
    search = _search(sweep.get("search"), assembler)
    seed = top["seed"].value if "seed" in top and isinstance(top["seed"].value, int) else 0
    if search is not None and points:
        chosen = {id(params) for params in search.choose([point.params for point in points], seed)}
        points = [point for point in points if id(point.params) in chosen]
    points += points_room.included(include, known, axes, mistakes)
    check_used(points, base, mistakes)
    if not points and not mistakes.found:
        mistakes.add(sweep["exclude"].place, "sweep.exclude leaves no variant")
    if wrong_axes and not axes:
        points = points[:1]
    return _assemble(points, base, assembler, known), [axis.name for axis in axes]


def _assemble(
    points: list[points_room.Point], base: tree.Settings, assembler: Assembler, known: list[str]
) -> list[Variant]:
    """A variant for each distinct configuration; two points that come to the same are one variant.

    A setting that only some points name has in the others the value that it really has there.
    """
    names = list(dict.fromkeys(name for point in points for name in point.params))
    found: dict[str, Variant] = {}
    for point in points:
        settings = points_room.settings_of(point, base)
        shown = _CREDENTIALS.sub("//\u2026@", ", ".join(f"{name}={value}" for name, value in point.params.items()))
        chatbot = assembler.chatbot(settings, shown)
        if chatbot is None:
            continue
        params = {
            name: point.params[name] if name in point.params else _value(name, settings, chatbot, known)
            for name in names
        }
        key = variant_id(chatbot)
        if key not in found:
            label = ", ".join(f"{name}={value}" for name, value in params.items()) or "base"
            found[key] = Variant(key, label, params, chatbot)
    return list(found.values())


def _value(name: str, settings: tree.Settings, chatbot: Chatbot, known: list[str]) -> Any:
    """What a setting comes to in a chatbot: as given, else the part's default; None where there is no such setting."""
    [path] = tree.resolve(name, known)
    if path in settings:
        return axes_room.label_of(settings[path].node)
    value: Any = chatbot.written()
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _search(node: Node | None, assembler: Assembler) -> Any:
    fields: dict[str, Item] = {}
    if node is None:
        return None
    use = node
    if node.is_mapping:
        use = node.value.get("use", Node(node.place, None))
        fields = {k: Item(v, node.key_places[k]) for k, v in node.items() if k != "use"}
    return assembler.part("search", "sweep.search", Item(use, node.place), fields)


def _corpus(node: Node | None, workspace: Path, mistakes: Mistakes) -> CorpusChoice | None:
    if node is None:
        return None
    if not node.is_mapping:
        return _corpus_choice([node], "corpus", "stop", workspace, mistakes)
    entries = mistakes.mapping(node, "corpus", ("path", "problems"))
    if "path" not in entries:
        mistakes.add(node.place, "corpus: needs a path")
        return None
    path = entries["path"]
    problems = mistakes.choice(entries["problems"], "corpus.problems", PROBLEMS) if "problems" in entries else None
    if path.is_list and not path.value:
        mistakes.add(path.place, "corpus.path: needs at least one path")
    return _corpus_choice(
        path.value if path.is_list else [path], "corpus.path", problems or "stop", workspace, mistakes
    )


def _corpus_choice(
    nodes: list[Node], name: str, problems: str, workspace: Path, mistakes: Mistakes
) -> CorpusChoice | None:
    paths = []
    for node in nodes:
        path = mistakes.text(node, name)
        if path and not any(mark in path for mark in "*?["):
            _check_exists(path, node, name, workspace, mistakes)
        paths += [path] if path else []
    return CorpusChoice(tuple(paths), problems) if paths else None


def _check_exists(path: str, node: Node, name: str, workspace: Path, mistakes: Mistakes) -> None:
    if not (workspace / path).exists():
        folder = (workspace / path).parent
        close = nearest(Path(path).name, [p.name for p in folder.iterdir()] if folder.is_dir() else [])
        todo = f"did you mean {close!r}? looked in {folder}" if close else f"looked in {workspace}"
        mistakes.add(node.place, f"{name}: no such file or folder: {path}", todo)


def _dataset(node: Node, workspace: Path, mistakes: Mistakes) -> DatasetChoice | None:
    if not node.is_mapping:
        path = mistakes.text(node, "dataset")
        if path:
            _check_exists(path, node, "dataset", workspace, mistakes)
        return DatasetChoice(path) if path else None
    entries = mistakes.mapping(node, "dataset", ("path", "limit", "where"))
    if "path" not in entries:
        mistakes.add(node.place, "dataset: needs a path")
        return None
    path = mistakes.text(entries["path"], "dataset.path")
    if path:
        _check_exists(path, entries["path"], "dataset.path", workspace, mistakes)
    limit = mistakes.number(entries["limit"], "dataset.limit", whole=True, low=1) if "limit" in entries else None
    where = mistakes.text(entries["where"], "dataset.where") if "where" in entries else None
    return DatasetChoice(path, limit, where) if path else None


def _numbers(top: dict[str, Node], mistakes: Mistakes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, low in (("repeats", 1), ("seed", 0)):
        if name in top:
            fields[name] = mistakes.number(top[name], name, whole=True, low=low)
    rates = ("concurrency", *_RATES)
    given = {name: mistakes.number(top[name], name, whole=True, low=1) for name in rates if name in top}
    if "cell_timeout_s" in top:
        given["cell_timeout_s"] = mistakes.number(top["cell_timeout_s"], "cell_timeout_s", low=0.001)
    fields["limits"] = Limits(**given)
    if "batch" in top:
        fields["batch"] = mistakes.truth(top["batch"], "batch")
    if "budget" in top:
        entries = mistakes.mapping(top["budget"], "budget", ("usd", "calls", "tokens"))
        limits = {
            key: mistakes.number(node, f"budget.{key}", whole=key != "usd", low=0)
            for key, node in entries.items()
            if node.value is not None
        }
        fields["budget"] = Budget(**limits)
    if "max_failures" in top:
        node = top["max_failures"]
        share = isinstance(node.value, float)
        fields["max_failures"] = mistakes.number(node, "max_failures", low=0, high=1 if share else None)
    if "prices" in top:
        fields["prices"] = _prices(top["prices"], mistakes)
    return fields


def _prices(node: Node, mistakes: Mistakes) -> dict[str, dict[str, float]]:
    """USD per million tokens by model name: `{openai/my-model: {input: 0.5, output: 1.5, cached: 0.1}}`."""
    if not node.is_mapping:
        mistakes.add(node.place, f"prices: expected a mapping of model to prices, found {node.describe()}")
        return {}
    prices = {}
    for model, entry in node.items():
        allowed = mistakes.mapping(entry, f"prices.{model}", ("input", "output", "cached", "search"))
        prices[model] = {k: mistakes.number(v, f"prices.{model}.{k}", low=0) for k, v in allowed.items()}
    return prices
