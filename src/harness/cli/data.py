"""`harness data`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.cli.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.data import Dataset, Found
    from harness.errors import Mistake

_BESIDE = ("articles", "docs", "documents", "corpus", "corpus.jsonl", "passages.jsonl")

_file = click.argument("file", type=click.Path(path_type=Path))
_corpus = click.option(
    "--corpus",
    metavar="PATH",
    multiple=True,
    help=f"Folder, glob or file that the evidence points into; repeatable.  [{', '.join(_BESIDE)} beside FILE]",
)
_problems = click.option(
    "--problems",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="What to do about documents that cannot be read.",
)


@click.group("data")
def command() -> None:
    """Check, describe or convert a dataset; list the documents of a knowledge base."""


@command.command("validate")
@_file
@_corpus
@_problems
@options.as_json
def validate(file: Path, corpus: tuple[str, ...], problems: str, json_: bool) -> None:
    """Check every line of FILE, and that every evidence span exists. Lists all that is wrong; exit code 2 then."""
    from harness.errors import UserError

    try:
        dataset, found, used = _read(file, corpus, problems)
    except UserError as error:
        if json_ and error.mistakes:
            print_json({"file": str(file), "valid": False, "mistakes": [_mistake(m) for m in error.mistakes]})
        raise
    spans = sum(e.start is not None for example in dataset.examples for e in example.evidence)
    content = {
        "file": str(file),
        "valid": True,
        "examples": len(dataset.examples),
        "spans": spans,
        "corpus": used,
        "documents": len(found.corpus.documents) if found else None,
        "left_out": [_mistake(problem.mistake) for problem in found.problems] if found else [],
    }
    if json_:
        print_json(content)
        return
    against = "NOT checked: no corpus given"
    if found:
        left_out = f" ({len(found.problems)} problems, left out)" if found.problems else ""
        against = f"checked against {len(found.corpus.documents)} documents of {used}{left_out}"
    click.echo(f"{file}: {len(dataset.examples)} examples are fine; {spans} evidence spans {against}")


@command.command("stats")
@_file
@_corpus
@_problems
@options.as_json
def stats(file: Path, corpus: tuple[str, ...], problems: str, json_: bool) -> None:
    """Describe FILE: what it holds, how it is spread, what to be careful about."""
    from harness.data import describe

    dataset, found, _ = _read(file, corpus, problems)
    content = describe(dataset, found.corpus if found else None)
    if json_:
        print_json(content)
        return
    rows = [[name, _flat(value)] for name, value in content.items() if name != "warnings"]
    print_table(str(file), ["what", "value"], rows)
    for warning in content["warnings"]:
        click.echo(f"Note: {warning}")


@command.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--as", "form", required=True, help="Where it comes from: squad, beir.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@click.option("--split", help="Which qrels of a BEIR folder.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def import_(source: Path, form: str, output: Path, split: str | None, force: bool) -> None:
    """Convert SOURCE into a corpus and a dataset of ours: OUTPUT/corpus.jsonl and OUTPUT/questions.jsonl."""
    from harness.data.importers import convert, write

    given: dict[str, Any] = {} if split is None else {"split": split}
    imported = convert(form, source, **given)
    write(imported, output, force=force)
    click.echo(f"{output}: {len(imported.documents)} documents, {len(imported.lines)} examples")


@command.command("documents")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@_problems
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the texts as JSONL, a corpus of its own.")
@options.as_json
def documents(paths: tuple[str, ...], problems: str, output: Path | None, json_: bool) -> None:
    """List the documents of PATH (folders, globs, files) and what is wrong with them; exit code 2 then, but for skip.

    With -o their texts and metadata are written as JSONL. A sweep over that file reads the same texts whatever becomes
    of the libraries that made them of PDF, DOCX or HTML, so the offsets of evidence stay true.
    """
    from harness.data import freeze, read_documents
    from harness.errors import UserError

    found = read_documents(paths, Path.cwd(), "list")
    mistakes = [problem.mistake for problem in found.problems]
    stops = bool(mistakes) and (problems == "stop" or not found.corpus.documents)
    if output and not stops:
        freeze(found.corpus, output)
    if json_:
        print_json(_documents(paths, found))
    else:
        _print_documents(paths, found)
    if stops:
        raise UserError(mistakes)
    if not json_:
        for mistake in mistakes:
            click.echo(f"Left out: {mistake}")
        if output:
            click.echo(f"{output}: {len(found.corpus.documents)} documents")


def _documents(paths: Sequence[str], found: Found) -> dict[str, Any]:
    documents = [
        {
            "id": document.id,
            "format": found.formats[document.id].name,
            "characters": len(document.text),
            "body": document.body,
            "metadata": list(document.metadata),
        }
        for document in found.corpus.documents
    ]
    problems = [{"document": problem.document, **_mistake(problem.mistake)} for problem in found.problems]
    return {
        "paths": list(paths),
        "digest": found.corpus.digest,
        "documents": documents,
        "problems": problems,
        "loaders": found.loaders,
    }


def _print_documents(paths: Sequence[str], found: Found) -> None:
    rows = [
        [document.id, found.formats[document.id].name, str(len(document.text)), ", ".join(document.metadata) or "-"]
        for document in found.corpus.documents
    ]
    columns = ["document", "format", "characters", "metadata"]
    print_table(", ".join(paths), columns, rows, right=["characters"])


def _mistake(mistake: Mistake) -> dict[str, Any]:
    return {
        "file": mistake.place.file,
        "line": mistake.place.line,
        "found": mistake.found,
        "advice": mistake.advice,
    }


def _read(file: Path, corpus: tuple[str, ...], problems: str) -> tuple[Dataset, Found | None, str | list[str] | None]:
    """The dataset, the documents, and where they were read from: one path, or a list of several."""
    from harness.data import read_dataset, read_documents

    beside = [str(file.parent / name) for name in _BESIDE if (file.parent / name).exists()]
    used = list(corpus) or beside[:1]
    if not used:
        return read_dataset(file), None, None
    found = read_documents(used, Path.cwd(), problems)
    return read_dataset(file, found.corpus, found.problems), found, used[0] if len(used) == 1 else used


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
