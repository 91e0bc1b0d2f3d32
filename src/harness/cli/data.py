"""`harness data`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.cli.output import print_json, print_table

if TYPE_CHECKING:
    from harness.data import Dataset
    from harness.records import Corpus

_BESIDE = ("articles", "docs", "documents", "corpus", "corpus.jsonl", "passages.jsonl")

_file = click.argument("file", type=click.Path(path_type=Path))
_corpus = click.option(
    "--corpus",
    metavar="PATH",
    help=f"Folder, glob or JSONL that the evidence points into.  [{', '.join(_BESIDE)} beside FILE]",
)


@click.group("data")
def command() -> None:
    """Check, describe or convert a dataset."""


@command.command("validate")
@_file
@_corpus
@options.as_json
def validate(file: Path, corpus: str | None, json_: bool) -> None:
    """Check every line of FILE, and that every evidence span exists. Lists all that is wrong; exit code 2 then."""
    from harness.errors import UserError

    try:
        dataset, found, used = _read(file, corpus)
    except UserError as error:
        if json_ and error.mistakes:
            mistakes = [
                {"file": m.place.file, "line": m.place.line, "found": m.found, "advice": m.advice}
                for m in error.mistakes
            ]
            print_json({"file": str(file), "valid": False, "mistakes": mistakes})
        raise
    spans = sum(e.start is not None for example in dataset.examples for e in example.evidence)
    content = {
        "file": str(file),
        "valid": True,
        "examples": len(dataset.examples),
        "spans": spans,
        "corpus": used,
        "documents": len(found.documents) if found else None,
    }
    if json_:
        print_json(content)
        return
    against = f"checked against {len(found.documents)} documents of {used}" if found else "NOT checked: no corpus given"
    click.echo(f"{file}: {len(dataset.examples)} examples are fine; {spans} evidence spans {against}")


@command.command("stats")
@_file
@_corpus
@options.as_json
def stats(file: Path, corpus: str | None, json_: bool) -> None:
    """Describe FILE: what it holds, how it is spread, what to be careful about."""
    from harness.data import describe

    dataset, found, _ = _read(file, corpus)
    content = describe(dataset, found)
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


def _read(file: Path, corpus: str | None) -> tuple[Dataset, Corpus | None, str | None]:
    from harness.data import read_corpus, read_dataset

    used = corpus or next((str(file.parent / name) for name in _BESIDE if (file.parent / name).exists()), None)
    found = read_corpus(used, Path.cwd()) if used else None
    return read_dataset(file, found), found, used


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
