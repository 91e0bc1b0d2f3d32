"""The knowledge base, read from files."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path

from harness.data.documents import (
    ENDINGS,
    IN_FOLDERS,
    OTHER,
    SIDECARS,
    Entry,
    Format,
    Sidecars,
    is_sidecar,
    json_line,
)
from harness.data.textfile import beside
from harness.errors import Mistake, Place, UserError
from harness.records import Corpus, Document

STOP, LIST = "stop", "list"

# Word keeps `~$name.docx` beside a file that is open.
_LOCK = "~$"


@dataclass(frozen=True)
class Problem:
    """A document that was left out, and why; `document` is its id, "" where none could be told."""

    document: str
    mistake: Mistake


@dataclass(frozen=True)
class Found:
    """What was found: the corpus, the problems of what is not in it, and the format of each document by its id."""

    corpus: Corpus
    problems: tuple[Problem, ...] = ()
    formats: Mapping[str, Format] = field(default_factory=dict)

    @cached_property
    def loaders(self) -> dict[str, str]:
        """Versions of the libraries that made a text, by name: what offsets depend on besides the files."""
        used = {library for format_ in self.formats.values() for library in format_.libraries}
        return {library: metadata.version(library) for library in sorted(used)}


def read_corpus(path: str, workspace: Path) -> Corpus:
    """Read a knowledge base from one path, as `read_documents` does. Raises UserError with all problems."""
    return read_documents([path], workspace).corpus


def read_documents(paths: Sequence[str], workspace: Path, problems: str = STOP) -> Found:
    r"""Read a knowledge base from folders, globs and files; a relative path is one of the workspace.

    - A folder: the text files (.md, .markdown, .txt, .rst), .html, .htm, .pdf and .docx in it, at any depth, but for
      hidden ones. A document's id is its path relative to the folder, with forward slashes.
    - A glob (`*`, `?`, `[…]`, `**`): all files it matches, those of no known format as text; ids are relative to the
      part before the first wildcard.
    - One file: ids are relative to its folder. A row of CSV and a line of JSONL is a document each.

    A file that several paths come to is read once, under its first name. Texts are UTF-8 and are taken as they are:
    `\r\n` is not translated and a byte order mark not dropped, because the offsets of evidence count characters of the
    document as it is stored; those of the other formats count characters of the text that is made of them.
    Raises UserError for a path without documents. A document that is broken, empty, encrypted or has the id of another
    one: with `stop` UserError names all of them; with `skip` they are left out and told in `problems`, and only where
    nothing is left it is raised; with `list` it never is.
    """
    formats: dict[str, Format] = {}
    documents: list[Document] = []
    found: list[Problem] = []
    first: dict[str, Place] = {}
    for format_, entry in _entries(paths, workspace):
        mistakes = list(entry.mistakes)
        if entry.id and first.setdefault(entry.id, entry.place) != entry.place:
            mistakes.append(_same_id(entry, first[entry.id]))
        found += [Problem(entry.id, mistake) for mistake in mistakes]
        if entry.document is not None and not mistakes:
            documents.append(entry.document)
            formats[entry.id] = format_
    if found and (problems == STOP or (not documents and problems != LIST)):
        raise UserError(problem.mistake for problem in found)
    ordered = tuple(sorted(documents, key=lambda document: document.id))
    return Found(Corpus(ordered), tuple(found), formats)


def freeze(corpus: Corpus, path: Path) -> None:
    """Write a corpus as JSONL that reads back as the same corpus. Raises UserError where it cannot be written."""
    lines = b"".join(json_line(document) for document in corpus.documents)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(lines)
        part.replace(path)
    except OSError as error:
        raise UserError(Mistake(Place(str(path)), f"cannot be written: {error.strerror or error}")) from None


def _same_id(entry: Entry, first: Place) -> Mistake:
    other = f"line {first.line}" if first.file == entry.place.file else str(first)
    return Mistake(entry.place, f"id {entry.id!r} is already that of {other}")


def _entries(paths: Sequence[str], workspace: Path) -> Iterator[tuple[Format, Entry]]:
    """What the files of all paths hold, each file once."""
    groups = _groups(paths, workspace)
    sidecars = Sidecars()
    seen: set[Path] = set()
    for path, base, files in groups:
        empty = True
        for file in files:
            whole = file.resolve()
            if whole in seen:
                empty = False
                continue
            seen.add(whole)
            if is_sidecar(file):
                yield OTHER, _orphan(file)
                continue
            format_ = ENDINGS.get(file.suffix.lower(), OTHER)
            entries = format_.read(file, file.relative_to(base).as_posix(), sidecars)
            empty = empty and not entries
            yield from ((format_, entry) for entry in entries)
        if empty:
            raise UserError(_no_documents(workspace / path))


def _no_documents(where: Path) -> Mistake:
    return Mistake(Place(str(where)), "has no documents", f"a folder is searched for {', '.join(IN_FOLDERS)}")


def _nothing_in(path: str, workspace: Path) -> Mistake:
    where = workspace / path
    if where.is_dir():
        return _no_documents(where)
    return Mistake(Place(str(where)), "the glob matches no file", "** matches folders at any depth")


def _groups(paths: Sequence[str], workspace: Path) -> list[tuple[str, Path, list[Path]]]:
    """Each path with the folder that its names are relative to, and its files."""
    groups = []
    wrong: list[Mistake] = []
    for path in paths:
        where = workspace / path
        if where.is_dir():
            groups.append((path, where, list(_in_folder(where))))
        elif where.is_file() and where.suffix.lower() in ENDINGS and not is_sidecar(where):
            groups.append((path, where.parent, [where]))
        elif glob.has_magic(path) and not where.exists():
            groups.append((path, *_matches(Path(path), workspace)))
        else:
            found = "is no document of a known format" if where.exists() else "there is no such file or folder"
            advice = f"{beside(where)}a corpus is a folder, a glob or a file: {', '.join(ENDINGS)}"
            wrong.append(Mistake(Place(str(where)), found, advice))
    wrong += [_nothing_in(path, workspace) for path, _, files in groups if not files]
    if wrong:
        raise UserError(wrong)
    return groups


def _in_folder(folder: Path) -> Iterable[Path]:
    """Documents, and sidecars that have none: a name that was changed would else go unnoticed."""
    for path in sorted(folder.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts) or not path.is_file():
            continue
        wanted = path.suffix.lower() in IN_FOLDERS and not path.name.startswith(_LOCK)
        if wanted or (is_sidecar(path) and not _described_by(path).exists()):
            yield path


def _described_by(sidecar: Path) -> Path:
    ending = next(ending for ending in SIDECARS if sidecar.name.lower().endswith(ending))
    return sidecar.with_name(sidecar.name[: -len(ending)])


def _orphan(sidecar: Path) -> Entry:
    place = Place(str(sidecar))
    found = f"describes {_described_by(sidecar).name}, which is not there"
    return Entry(place, "", mistakes=(Mistake(place, found, "name it as its document, or take it away"),))


def _matches(pattern: Path, workspace: Path) -> tuple[Path, list[Path]]:
    """The fixed part of a glob and the files that it matches, but for sidecars and locks."""
    fixed = Path()
    for part in pattern.parts:
        if glob.has_magic(part):
            break
        fixed /= part
    base = workspace / fixed
    names = glob.glob(str(pattern.relative_to(fixed)), root_dir=base, recursive=True)
    files = (base / name for name in sorted(names))
    return base, [f for f in files if f.is_file() and not is_sidecar(f) and not f.name.startswith(_LOCK)]
