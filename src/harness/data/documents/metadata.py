"""What is said about a document: front matter in it, and a sidecar beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from harness.data.documents.entry import broken
from harness.data.rows import kind, yaml_mapping
from harness.data.textfile import read_text
from harness.errors import Mistake, Place, UserError

SIDECARS = (".meta.yaml", ".meta.yml", ".meta.json")

_FENCE = re.compile(r"---[ \t]*\r?(?:\n|\Z)")
_CLOSING = re.compile(r"^---[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_ADVICE = "write `key: value` lines between the two ---; where they are no front matter, put an empty line before them"


class FrontMatter(NamedTuple):
    """The metadata at the start of a text, and where what is behind it begins."""

    metadata: Mapping[str, Any]
    body: int


def front_matter(text: str, path: Path) -> FrontMatter:
    """The YAML between a first line `---` and the next such line; nothing and 0 where there is none.

    `body` is the offset of the line behind the closing one. A byte order mark may stand before the first.
    Raises UserError, with the line, where what stands there is no mapping of YAML.
    """
    start = 1 if text.startswith("\ufeff") else 0
    opening = _FENCE.match(text, start)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        return FrontMatter({}, 0)
    try:
        given = yaml_mapping(text[opening.end() : closing.start()], Place(str(path), 2), _ADVICE)
    except UserError as error:
        raise UserError(replace(m, found=f"front matter: {m.found}") for m in error.mistakes) from None
    return FrontMatter(given, closing.end())


def is_sidecar(path: Path) -> bool:
    """Whether a file's name is that of a sidecar."""
    return path.name.lower().endswith(SIDECARS)


class Sidecars:
    """The sidecars beside files; each folder is looked at once."""

    def __init__(self) -> None:
        self._names: dict[Path, set[str]] = {}

    def of(self, path: Path) -> Mapping[str, Any]:
        """What the sidecar of a file says; nothing where it has none. Raises UserError for one that is broken."""
        if path.parent not in self._names:
            try:
                self._names[path.parent] = {p.name for p in path.parent.iterdir() if is_sidecar(p)}
            except OSError as error:
                raise broken(path, f"its folder cannot be listed: {error.strerror or error}") from None
        found = [path.name + ending for ending in SIDECARS if path.name + ending in self._names[path.parent]]
        if len(found) > 1:
            raise broken(path, f"has {len(found)} sidecars: {', '.join(found)}", "keep one of them")
        return read_sidecar(path.parent / found[0]) if found else {}


def read_sidecar(path: Path) -> Mapping[str, Any]:
    """The mapping of a sidecar, YAML or JSON. Raises UserError, with the line, for one that is broken."""
    text = read_text(path).removeprefix("\ufeff")
    if path.suffix.lower() != ".json":
        return yaml_mapping(text, Place(str(path), 1), "write `key: value` lines")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UserError(Mistake(Place(str(path), error.lineno, error.colno), f"is not JSON: {error.msg}")) from None
    if not isinstance(value, dict):
        raise broken(path, f"must be a mapping, found {kind(value)}", 'write {"key": "value"}')
    return value
