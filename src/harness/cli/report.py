"""`harness report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli import options
from harness.cli.output import print_json
from harness.errors import UserError

_FORMS = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md"}


@click.command("report")
@click.argument("sweep")
@click.option("-o", "--output", help="File to write, .html or .md; `-` is standard output.  [SWEEP.html]")
@click.option(
    "--as", "form", type=click.Choice(["html", "md"]), help="The format, if the file's name does not tell it."
)
@click.option("--baseline", metavar="RUN", help="Compare the winner with this run.  [the sweep's first variant]")
@click.option(
    "--examples", type=click.IntRange(0, 200), default=20, show_default=True, help="How many changed examples."
)
@options.runs_uri
@options.as_json
def command(
    sweep: str,
    output: str | None,
    form: str | None,
    baseline: str | None,
    examples: int,
    runs_uri: str | None,
    json_: bool,
) -> None:
    """Write the report of SWEEP (`latest` is the newest): one page that holds all it shows, to send round.

    --json prints what the page is made from; with -o it is written as well.
    """
    from harness.study.listing import find_sweep
    from harness.study.report.content import content_of

    if json_ and output == "-":
        raise UserError("report: --json and -o - both want standard output; name a file, or leave one out")
    form = _form(output, form)
    stored, rest = find_sweep(options.store_of(sweep, runs_uri), sweep)
    if rest:
        raise UserError(f"report: {sweep} is one run; a report is of a whole sweep: {stored.id}")
    content = content_of(stored, _baseline(baseline, stored, runs_uri), examples)
    if output == "-":
        click.echo(_page(content, form).encode(), nl=False)
        return
    if output or not json_:
        file = Path(output or f"{stored.id}.{form}")
        _write(file, _page(content, form))
    if json_:
        print_json(content)
    else:
        click.echo(f"{content['verdict']['headline']}\nWritten to {file}")


def _form(output: str | None, form: str | None) -> str:
    """`html` or `md`. Raises UserError where the file's name tells neither."""
    if form:
        return form
    if output in (None, "-"):
        return "html"
    suffix = Path(str(output)).suffix.lower()
    if suffix not in _FORMS:
        raise UserError(f"report: {output} is neither .html nor .md; rename it, or say --as html or --as md")
    return _FORMS[suffix]


def _baseline(text: str | None, stored: Any, runs_uri: str | None) -> Any:
    """The run to compare with: of this sweep where the text names a variant of it, else any."""
    from harness.study.listing import find_run

    if text is None:
        return None
    own = [v for v in stored.variants if v["id"].startswith(text) or v["label"] == text]
    if len(own) == 1:
        return stored, own[0]
    base, variant = find_run(options.store_of(text, runs_uri), text)
    return (stored if base.folder.uri == stored.folder.uri else base), variant


def _page(content: dict[str, Any], form: str) -> str:
    if form == "md":
        from harness.study.report.markdown import markdown

        return markdown(content)
    from harness.study.report.html import html

    return html(content)


def _write(file: Path, text: str) -> None:
    if not file.parent.is_dir():
        raise UserError(f"report: {file} cannot be written: there is no folder {file.parent}; make it, or name another")
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"report: {file} cannot be written: {error.strerror or error}") from error
