"""Settings -> chatbot: parts are made, prompts read, everything is checked, each distinct part once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from harness.config import prompts, tree
from harness.config.chatbot import SAMPLING, Chatbot, Retrieval
from harness.config.complaints import Attempt, to_sweep
from harness.config.expressions import Expression
from harness.config.fields import Mistakes, is_file_reference
from harness.config.nodes import Node
from harness.config.tree import Item, Settings
from harness.errors import Place, UserError
from harness.plugins import find, label, make

_DEFAULT_PROMPT = "{{ context }}\n\nQuestion: {{ question }}"
_WITHOUT_RETRIEVAL = "{{ question }}"
FILTER_NAMES = ("document", "metadata", "tags")
"""What `retrieval.filter` may name: a document (`document.id` and its metadata), and the example's own fields."""


class Assembler:
    """Makes chatbots from settings; remembers parts and prompts, so that a wide sweep checks each only once."""

    def __init__(self, workspace: Path, file: Place, has_corpus: bool, mistakes: Mistakes) -> None:
        self.workspace = workspace
        self.file = file
        self.has_corpus = has_corpus
        self.mistakes = mistakes
        self._parts: dict[bytes, Any] = {}
        self._texts: dict[tuple[str, int], str | None] = {}

    def chatbot(self, settings: Settings, variant: str = "") -> Chatbot | None:
        """The chatbot, or None when something is wrong; `variant` is named in what concerns a combination."""
        before = len(self.mistakes.found)
        if "model" not in settings:
            self.mistakes.add(self.file, "chatbot: needs a model", "for example model: local/extractive")
            return None
        retrieval = self._retrieval(settings, variant)
        model = self._part("model", settings, variant)
        sampling = self._sampling(settings)
        fallback = _DEFAULT_PROMPT if retrieval else _WITHOUT_RETRIEVAL
        system = self._prompt("system_prompt", settings, None)
        user = self._prompt("user_prompt", settings, fallback)
        if model is not None:
            self._check_sampling(model, sampling, settings)
        broken = model is None or (retrieval is not None and not retrieval.is_whole)
        if len(self.mistakes.found) > before or broken or user is None:
            return None
        return Chatbot(model, system, user, sampling, retrieval)

    def _retrieval(self, settings: Settings, variant: str) -> Retrieval | None:
        given = settings.get("retrieval")
        below = [path for path in settings if path.startswith("retrieval.")]
        if (given and given.node.value in (None, "none") and not below) or (not self.has_corpus and not below):
            return None
        if given and given.node.value not in (None, "none"):
            self.mistakes.add(given.node.place, f"chatbot.retrieval: expected a mapping, found {given.node.describe()}")
            return None
        if not self.has_corpus:
            place = settings[below[0]].key_place
            self.mistakes.add(place, "chatbot.retrieval is given, but there is no corpus", "add corpus: FOLDER")
        parts = {path.split(".")[1]: self._part(path, settings, variant) for path in tree.DEFAULT_PARTS}
        top_k = self._number("retrieval.top_k", settings, 5, whole=True, low=1)
        threshold = self._number("retrieval.similarity_threshold", settings, None, low=-1, high=1)
        for name in ("query", "retriever"):
            self._check_depth(name, parts[name], top_k, settings, variant)
        return Retrieval(**parts, top_k=top_k, similarity_threshold=threshold, filter=self._filter(settings))

    def _check_depth(self, name: str, part: Any, top_k: int, settings: Settings, variant: str) -> None:
        """What combines lists of a fixed length cannot give more than that."""
        fetch_k = getattr(part, "fetch_k", None)
        if fetch_k is not None and fetch_k < top_k:
            item = settings.get("retrieval.top_k") or settings[f"retrieval.{name}"]
            shown = f" (in the variant {variant})" if variant else ""
            self.mistakes.add(
                item.node.place,
                f"chatbot.retrieval: top_k {top_k} is more than the fetch_k {fetch_k} of {label(part)}{shown}",
                f"raise retrieval.{name}.fetch_k, or lower top_k",
            )

    def _filter(self, settings: Settings) -> str | None:
        item = settings.get("retrieval.filter")
        if item is None or item.node.value is None:
            return None
        where = "chatbot.retrieval.filter"
        text = self.mistakes.text(item.node, where)
        if text is not None:
            try:
                Expression(text).check(FILTER_NAMES)
                Expression(text).compiled()
            except UserError as error:
                self.mistakes.add(item.node.place, f"{where}: {error}")
                return None
        return text

    def _number(self, path: str, settings: Settings, default: Any, **bounds: Any) -> Any:
        item = settings.get(path)
        if item is None or (item.node.value is None and default is None):
            return default
        if item.node.is_list:
            where = f"chatbot.{path}"
            self.mistakes.add(item.node.place, f"{where}: expected a number, found a list", to_sweep(where))
            return default
        value = self.mistakes.number(item.node, f"chatbot.{path}", **bounds)
        return default if value is None else (value if bounds.get("whole") else float(value))

    def _sampling(self, settings: Settings) -> dict[str, Any]:
        read: dict[str, Any] = {}
        bounds: dict[str, dict[str, Any]] = {
            "temperature": {"low": 0, "high": 2},
            "top_p": {"low": 0, "high": 1},
            "max_tokens": {"low": 1, "whole": True},
        }
        for name in SAMPLING:
            item = settings.get(name)
            if item is None or item.node.value is None:
                continue
            if name == "stop":
                read[name] = self._stop(item.node)
            else:
                read[name] = self._number(name, settings, None, **bounds[name])
        return {name: value for name, value in read.items() if value is not None}

    def _stop(self, node: Node) -> list[str] | None:
        texts = node.plain() if node.is_list else [node.value]
        if texts and all(isinstance(text, str) and text for text in texts):
            return [str(text) for text in texts]
        self.mistakes.add(node.place, f"chatbot.stop: expected texts, found {node.describe()}")
        return None

    def _check_sampling(self, model: Any, sampling: dict[str, Any], settings: Settings) -> None:
        try:
            model.parameters(sampling)
        except ValueError as error:
            named = [settings[name].node.place for name in sampling if name in str(error)]
            self.mistakes.add(named[0] if named else settings["model"].node.place, f"chatbot: {error}")

    def _prompt(self, name: str, settings: Settings, default: str | None) -> str | None:
        item = settings.get(name)
        if item is None or item.node.value is None:
            return default
        key = (name, id(item.node))
        if key not in self._texts:
            self._texts[key] = self._read_prompt(name, item.node)
        return self._texts[key]

    def _read_prompt(self, name: str, node: Node) -> str | None:
        where = f"chatbot.{name}"
        if is_file_reference(node):
            text = self.mistakes.file_text(node, where, self.workspace)
        else:
            text = self.mistakes.text(node, where)
        for found, todo in prompts.problems(text) if text else ():
            self.mistakes.add(node.place, f"{where}: {found}", todo)
        return text

    def _part(self, path: str, settings: Settings, variant: str) -> Any:
        item = settings.get(path) or Item(Node(self.file, tree.DEFAULT_PARTS.get(path)), self.file)
        fields = {p[len(path) + 1 :]: i for p, i in settings.items() if p.startswith(f"{path}.")}
        return self.part(tree.SLOTS[path], f"chatbot.{path}", item, fields, variant)

    def part(self, kind: str, where: str, item: Item, fields: dict[str, Item], variant: str = "") -> Any:
        """A part from its name and fields; None when something is wrong."""
        name = "none" if item.node.value is None and kind == "reranker" else item.node.value
        if not isinstance(name, str):
            todo = to_sweep(where) if item.node.is_list else ""
            self.mistakes.add(item.node.place, f"{where}: expected a name, found {item.node.describe()}", todo)
            return None
        key = orjson.dumps([kind, name, {field: value.node.plain() for field, value in fields.items()}])
        if key not in self._parts:
            self._parts[key] = self._make(kind, name, where, item, fields, variant)
        return self._parts[key]

    def _make(self, kind: str, name: str, where: str, item: Item, fields: dict[str, Item], variant: str) -> Any:
        try:
            registration, given = find(kind, name)
        except LookupError as error:
            self.mistakes.add(item.node.place, f"{where}: {error}")
            return None
        known = [f.name for f in dataclasses.fields(registration.cls) if f.name not in ("workspace", *given)]
        texts = {f.name for f in dataclasses.fields(registration.cls) if f.type in ("str", "str | None")}
        values = {
            field: self.mistakes.file_text(value.node, f"{where}.{field}", self.workspace)
            if field in texts and is_file_reference(value.node)
            else value.node.plain()
            for field, value in fields.items()
        }
        if any(values[field] is None and is_file_reference(fields[field].node) for field in values):
            return None  # the file could not be read, which is noted
        try:
            return make(kind, {"use": name, **values}, str(self.workspace))
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                Attempt(where, name, registration.cls, item, fields, known, variant).note(problem, self.mistakes)
        except UserError as error:
            self.mistakes.add(item.node.place, f"{where}: {error}")
        return None
