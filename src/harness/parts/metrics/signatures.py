"""What a user's metric wants to be given, told by its file without running it: a plan runs no user's code."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records import Case

_OF_EXAMPLE = ("question", "references", "messages", "metadata", "evidence", "expected", "tags")
_ON_DEMAND = ("evidence_chunks", "index_recall")
"""What takes work to find: a function must name it to get it."""
_FIELDS = tuple(field.name for field in dataclasses.fields(Case) if field.name != "example")
NAMES = ("case", "example", *_OF_EXAMPLE, *_FIELDS)
"""The parameters that are known by name."""
OUTCOME = tuple(name for name in _FIELDS if name not in _ON_DEMAND)
"""What a function reads that gets the whole Case."""


@dataclass(frozen=True)
class Signature:
    """The names of what a function is given, in order: by position, and by keyword as (parameter, name)."""

    positional: tuple[str, ...]
    named: tuple[tuple[str, str], ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields of the Case besides `example` that can decide its value."""
        names = {*self.positional, *(name for _, name in self.named)}
        read = names | set(OUTCOME) if "case" in names else names
        return tuple(name for name in _FIELDS if name in read)

    def arguments(self, case: Case) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with; the Case without what the function does not read."""
        hidden: dict[str, Any] = {name: None for name in _ON_DEMAND if name not in self.reads}
        case = dataclasses.replace(case, **hidden)
        return [_given(n, case) for n in self.positional], {p: _given(n, case) for p, n in self.named}


def _given(name: str, case: Case) -> Any:
    if name == "case":
        return case
    return getattr(case.example if name in _OF_EXAMPLE else case, name)


def read(file: Path, function: str) -> Signature:
    """The signature of a function that is defined in the file.

    One that is made in another way (imported, an object that can be called) gets the Case. Raises ValueError for a file
    that is no Python, and for parameters of which nobody knows what they want.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{file}{line}: no Python: {error.msg if isinstance(error, SyntaxError) else error}") from None
    found = [node for node in _functions(tree.body) if node.name == function]
    return _of(found[-1].args, f"{file}, line {found[-1].lineno}: {function}") if found else Signature(("case",))


def _functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a module, those within `if` and `try` too."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif not isinstance(node, ast.ClassDef):
            for name in ("body", "orelse", "handlers", "finalbody"):
                yield from _functions(getattr(node, name, []))


def _of(args: ast.arguments, about: str) -> Signature:
    positional = [a.arg for a in (*args.posonlyargs, *args.args)]
    optional = set(positional[len(positional) - len(args.defaults) :])
    keyword = [a.arg for a in args.kwonlyargs]
    optional |= {name for name, default in zip(keyword, args.kw_defaults, strict=True) if default is not None}
    required = [name for name in (*positional, *keyword) if name not in optional]
    strange = [name for name in required if name not in NAMES]
    if strange and len(required) > 1:
        raise ValueError(f"{about}: nobody knows what to give its parameter {strange[0]!r}; known: {', '.join(NAMES)}")
    if not required and not args.vararg and not set(positional) & set(NAMES):
        raise ValueError(f"{about}: takes nothing of a case; give it a parameter, such as answer")
    by_position = [] if required or positional else ["case"]  # *anything
    for name in positional:
        if name not in NAMES and name in optional:
            break  # it keeps its default, and so do those after it, unless they are given by name
        by_position.append(name if name in NAMES else "case")
    left = [name for name in (*positional[len(by_position) :], *keyword) if name in NAMES or name in required]
    return Signature(tuple(by_position), tuple((name, name if name in NAMES else "case") for name in left))
