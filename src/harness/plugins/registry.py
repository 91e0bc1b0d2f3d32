"""The one register of parts. Built-ins and a stranger's plug-ins enter by the same decorator.

A name that ends in `/`, `@` or `:` is a prefix: the rest of what the user wrote becomes the part's `argument` field
(`openai/gpt-4o-mini`, `recall@5`, `python:bot.py:answer`).
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import UserError, advice

KINDS = (
    "splitter",
    "embedder",
    "index",
    "query",
    "retriever",
    "reranker",
    "context",
    "model",
    "metric",
    "search",
)
ENTRY_POINTS = "harness.plugins"
_BUILT_INS = "harness.parts"
_FILES = "harness_plugin_"

T = TypeVar("T", bound=type)


@dataclass(frozen=True)
class Registration:
    """One part as it is known by name."""

    kind: str
    name: str
    cls: type
    argument: str | None = None
    fallback: bool = False

    @property
    def is_prefix(self) -> bool:
        """Whether the user writes something after the name."""
        return self.argument is not None


_register: dict[tuple[str, str], Registration] = {}
_loaded: set[str] = set()


def part(kind: str, name: str, *, argument: str | None = None, fallback: bool = False) -> Callable[[T], T]:
    """Register a frozen dataclass as the part `name` of `kind`.

    `argument` names the field that takes what follows a prefix. A `fallback` part takes every name with a slash that
    no other part knows. Raises TypeError when the class is not a frozen dataclass or has no `version`.
    """

    def enter(cls: T) -> T:
        frozen = dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
        if kind not in KINDS:
            raise TypeError(f"unknown kind of part {kind!r}; {advice(kind, KINDS)}")
        if not frozen:
            raise TypeError(f"{cls.__name__}: a part is a frozen dataclass (@dataclass(frozen=True))")
        if not isinstance(getattr(cls, "version", None), int):
            raise TypeError(f"{cls.__name__}: a part has `version: ClassVar[int]`")
        known = _register.get((kind, name))
        if known and not _may_replace(known.cls.__module__, cls.__module__):
            raise TypeError(f"{kind} {name!r} is already registered by {known.cls.__module__}")
        _register[kind, name] = Registration(kind, name, cls, argument, fallback)
        cls.registration = _register[kind, name]  # type: ignore[attr-defined]
        cls.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
        return cls

    return enter


def _may_replace(before: str, now: str) -> bool:
    """A module may define its part anew, and a user's file that of another file; nothing replaces a built-in."""
    return before == now or (before.startswith(_FILES) and now.startswith(_FILES))


def load_built_ins() -> None:
    """Import the built-in parts and those that installed packages announce as entry points."""
    if _BUILT_INS in _loaded:
        return
    package = importlib.import_module(_BUILT_INS)
    for module in pkgutil.walk_packages(package.__path__, f"{_BUILT_INS}."):
        importlib.import_module(module.name)
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()
    _loaded.add(_BUILT_INS)


def load_file(path: Path) -> None:
    """Run a user's plug-in file, as it is now; its parts replace those of other files, never built-ins.

    Raises UserError when it is missing or does not import.
    """
    resolved = path.resolve()
    load_built_ins()
    name = f"{_FILES}{resolved.stem}_{abs(hash(str(resolved)))}"
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None or not resolved.is_file():
        raise UserError(f"plugin {path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UserError(f"plugin {path}: {type(error).__name__}: {error}") from error


def known(kind: str) -> list[Registration]:
    """All parts of a kind, by name."""
    load_built_ins()
    return sorted((r for r in _register.values() if r.kind == kind), key=lambda r: r.name)


def names(kind: str) -> list[str]:
    """How the parts of a kind are written: `recursive`, `openai/NAME`, `recall@K`."""
    return [r.name + (r.argument.upper() if r.argument else "") for r in known(kind)]


def find(kind: str, text: str) -> tuple[Registration, dict[str, Any]]:
    """The part that `text` names, and the fields that the text itself gives. Raises LookupError with advice."""
    registrations = known(kind)
    for registration in registrations:
        if registration.name == text and not registration.is_prefix:
            return registration, {}
    prefixed = [r for r in registrations if r.is_prefix and text.startswith(r.name) and text != r.name]
    if prefixed:
        best = max(prefixed, key=lambda r: len(r.name))
        return best, {str(best.argument): _argument(best, text[len(best.name) :])}
    for registration in registrations:
        if registration.fallback and "/" in text.strip("/") and not text.startswith("local/"):
            return registration, {str(registration.argument): text}
    raise LookupError(f"no {kind} is called {text!r}; {advice(text, names(kind), f'known {kind} names')}")


def _argument(registration: Registration, text: str) -> Any:
    fields = {f.name: f.type for f in dataclasses.fields(registration.cls)}
    wants_number = fields.get(str(registration.argument)) in (int, "int")
    return int(text) if wants_number and text.isdigit() else text
