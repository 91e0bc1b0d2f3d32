"""What a part's fields have against what a user gave, as mistakes at their places in the file."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.config.fields import Mistakes
from harness.config.tree import Item
from harness.errors import advice
from harness.plugins import PartOf


@dataclass(frozen=True)
class Attempt:
    """A part that could not be made: `where` it belongs, its `name` in the file, its class, the fields given for it.

    `known` are the fields that it may be given; `variant` is named in what concerns a combination.
    """

    where: str
    name: str
    cls: type
    item: Item
    fields: Mapping[str, Item]
    known: list[str]
    variant: str

    def note(self, problem: Any, mistakes: Mistakes) -> None:
        """Add one of pydantic's complaints."""
        field = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "unexpected_keyword_argument":
            self._unknown(field, mistakes)
        elif problem["type"] == "missing":
            shown = f"{self.where.rpartition('.')[2]}: {{use: {self.name}, {field}: {_example(self.cls, field)}}}"
            mistakes.add(self.item.node.place, f"{self.where}: {self.name} needs {field!r}", f"write it as {shown}")
        elif field in self.fields:
            self._wrong(field, problem, mistakes)
        else:
            places = [i.node.place for i in self.fields.values()] or [self.item.node.place]
            shown = f" (in the variant {self.variant})" if self.variant else ""
            message = problem["msg"].removeprefix("Value error, ")
            mistakes.add(max(places), f"{self.where}{'.' + field if field else ''}: {message}{shown}")

    def _unknown(self, field: str, mistakes: Mistakes) -> None:
        given = self.fields.get(field, self.item)
        todo = advice(field, self.known, "settings") if self.known else f"{self.name} has no settings"
        if given.swept:
            slot = self.where.rpartition(".")[2]
            todo = (
                f"a setting that only some parts have: sweep whole parts, {slot}: [{self.name}, "
                f"{{use: …, {field}: …}}], or leave {self.name} out, exclude: [\"{slot} == '{self.name}'\"], "
                f"and add it by include: [{{{slot}: {self.name}}}]"
            )
        mistakes.add(given.key_place, f"{self.where}: {self.name} has no setting {field!r}", todo)

    def _wrong(self, field: str, problem: Any, mistakes: Mistakes) -> None:
        node, where = self.fields[field].node, f"{self.where}.{field}"
        message = problem["msg"].removeprefix("Input should be ")
        if problem["type"] == "value_error":  # a part that the field holds says what is wrong itself
            mistakes.add(node.place, f"{where}: {message.removeprefix('Value error, ').removeprefix(': ')}")
            return
        mistakes.add(
            node.place, f"{where}: expected {message}, found {node.describe()}", to_sweep(where) if node.is_list else ""
        )


def to_sweep(where: str) -> str:
    """What to do where a setting was given a list of values."""
    name = where.removeprefix("chatbot.").removeprefix("retrieval.")
    return f'to try several values, sweep it: --set "sweep.axes.{name}=[…]", or {name}: […] under sweep.axes'


def _example(cls: type, field: str) -> str:
    hints = typing.get_type_hints(cls, include_extras=True)
    kinds = [m.kind for m in getattr(hints.get(field), "__metadata__", ()) if isinstance(m, PartOf)]
    return "…" if not kinds else "openai/…" if kinds[0] == "model" else f"the name of a {kinds[0]}"
