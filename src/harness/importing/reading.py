"""The forms of results that can be read, by name."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UserError, advice
from harness.importing.files import Source
from harness.importing.found import Found

FORMS = {
    "csv": "harness.importing.tidy",
    "promptfoo": "harness.importing.promptfoo",
    "inspect": "harness.importing.inspect_ai",
    "ragas": "harness.importing.ragas",
    "deepeval": "harness.importing.deepeval",
}


@dataclass(frozen=True)
class Options:
    """What a user says about files that do not say it themselves.

    `variant` are the columns that make the variant of a table, `question` the variable of promptfoo's tests that is
    the question, `metrics` the columns that are metrics whatever they look like.
    """

    variant: tuple[str, ...] = ()
    question: str = ""
    metrics: tuple[str, ...] = ()


def read(form: str, sources: Sequence[Source], options: Options | None = None) -> Found:
    """Read the files of one form. Raises UserError for an unknown form and for what is wrong in the files."""
    if form not in FORMS:
        raise UserError(f"unknown form {form!r}: {advice(form, list(FORMS))}")
    if not sources:
        raise UserError("no file is given")
    read_form = importlib.import_module(FORMS[form]).read
    found: Found = read_form(sources, options or Options())
    return found
