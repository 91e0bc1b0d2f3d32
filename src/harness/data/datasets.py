"""A dataset: examples in the order of their file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from harness.data.corpora import Problem
from harness.data.evidence import Sources
from harness.data.lines import read_line
from harness.data.rows import Row, Rows, json_lines, yaml_items
from harness.data.tables import read_csv, read_parquet
from harness.errors import Mistake, Place, UserError, nearest
from harness.records import Corpus, Example, digest

FORMATS: dict[str, Callable[[Path], Rows]] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".csv": read_csv,
    ".parquet": read_parquet,
    ".yaml": yaml_items,
    ".yml": yaml_items,
}


@dataclass(frozen=True)
class Dataset:
    """The examples of one file, in its order; their ids are unique. `path` is the file as it was named."""

    path: str
    examples: tuple[Example, ...]

    @cached_property
    def digest(self) -> str:
        """Digest of ids, content, clusters and order; the file's name and format are left out."""
        return digest("dataset", [(e.id, e.digest, e.cluster) for e in self.examples])


def read_dataset(path: Path, corpus: Corpus | None = None, left_out: Iterable[Problem] = ()) -> Dataset:
    """Read a dataset: JSONL, CSV, Parquet or YAML, by the file's extension.

    An example without an id gets the first 12 hex digits of its digest, with `-2`, `-3`, … for identical
    lines; one without a cluster gets its first evidence document, else its id. With a corpus, evidence must
    exist in it; where it points to a document that was `left_out` of the corpus, the mistake says why.
    Raises UserError with all mistakes of the whole file, each with its line (Parquet: its row).
    """
    rows, mistakes = _reader(path)(path)
    mistakes = [*mistakes, *_same_ids(rows, str(path))]
    sources = Sources(corpus, {problem.document: problem.mistake.found for problem in left_out})
    examples: list[Example] = []
    for row in rows:
        read = read_line(row, str(path), sources)
        if isinstance(read, Example):
            examples.append(read)
        else:
            mistakes += read
    if mistakes:
        raise UserError(sorted(mistakes, key=lambda mistake: mistake.place.line))
    if not examples:
        raise UserError(Mistake(Place(str(path)), "has no examples"))
    return Dataset(str(path), tuple(_named(examples)))


def _reader(path: Path) -> Callable[[Path], Rows]:
    allowed = f"a dataset is one file: {', '.join(FORMATS)}"
    if path.is_dir():
        raise UserError(Mistake(Place(str(path)), "is a folder", allowed))
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        raise UserError(Mistake(Place(str(path)), f"unknown extension {path.suffix!r}", allowed))
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest(path.name, beside)
        raise UserError(Mistake(Place(str(path)), "there is no such file", f"did you mean {close!r}?" if close else ""))
    return reader


def _same_ids(rows: Iterable[Row], file: str) -> list[Mistake]:
    """Asked of the rows and not of the examples, so that a line with another mistake takes part."""
    first: dict[str, int] = {}
    mistakes = []
    for line, fields, _ in rows:
        name = fields.get("id")
        if isinstance(name, str) and name.strip() and first.setdefault(name, line) != line:
            mistakes.append(Mistake(Place(file, line), f"id {name!r} is already that of line {first[name]}"))
    return mistakes


def _named(examples: list[Example]) -> Iterable[Example]:
    """The examples with the ids and clusters that their lines left out."""
    taken = {example.id for example in examples}
    for example in examples:
        name = example.id or _free(example.digest[:12], taken)
        taken.add(name)
        default = example.evidence[0].document if example.evidence else name
        yield replace(example, id=name, cluster=example.cluster or default)


def _free(name: str, taken: set[str]) -> str:
    number = 1
    candidate = name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
