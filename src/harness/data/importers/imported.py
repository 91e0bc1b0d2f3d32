"""What an importer made of someone else's dataset, and how it is written down."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.errors import Mistake, Place, UserError
from harness.records import Document

CORPUS = "corpus.jsonl"
QUESTIONS = "questions.jsonl"


@dataclass(frozen=True)
class Imported:
    """Documents and dataset lines that go together. `notes` says in sentences what was left out and why."""

    documents: tuple[Document, ...]
    lines: list[dict[str, Any]]
    notes: tuple[str, ...] = ()


def write(imported: Imported, folder: Path, *, force: bool = False) -> tuple[Path, Path]:
    """Write `corpus.jsonl` and `questions.jsonl` into the folder, which is made; returns their paths.

    A file appears whole or not at all, and none is replaced before both are written. Raises UserError when
    one of them is there already, unless `force`, and when the folder cannot be written to.
    """
    targets = (folder / CORPUS, folder / QUESTIONS)
    there = [path for path in targets if path.exists()]
    if there and not force:
        raise UserError(
            Mistake(Place(str(path)), "is there already", "choose another folder, or overwrite them with --force")
            for path in there
        )
    documents = ({"id": d.id, "text": d.text, "metadata": d.metadata} for d in imported.documents)
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written.append(_beside(targets[0], documents))
        written.append(_beside(targets[1], imported.lines))
        for temporary, target in zip(written, targets, strict=True):
            os.replace(temporary, target)
    except OSError as error:
        found = f"cannot be written: {error.strerror or error}"
        raise UserError(Mistake(Place(str(folder)), found)) from None
    finally:
        for temporary in written:
            temporary.unlink(missing_ok=True)
    return targets


def _beside(target: Path, lines: Iterable[Mapping[str, Any]]) -> Path:
    """Write JSON lines to a temporary file in the target's folder and return its path."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary
