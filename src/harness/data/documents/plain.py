"""Text files, taken as they are."""

from __future__ import annotations

from pathlib import Path

from harness.data.documents.entry import broken, is_blank
from harness.data.documents.metadata import front_matter
from harness.data.textfile import read_text
from harness.records import Document

_NOTHING = "fill it, or take it out of the corpus"


def load_text(path: Path, name: str) -> Document:
    r"""A UTF-8 file: its text with nothing translated, `\r\n` and a byte order mark kept.

    Front matter stays in the text, so that offsets are those of the file; `body` is where it ends.
    Raises UserError for what is not UTF-8 or empty, and for front matter that is no mapping of YAML.
    """
    text = read_text(path)
    metadata, body = front_matter(text, path)
    if is_blank(text[body:]):
        raise broken(path, "has nothing behind its front matter" if body else "is empty", _NOTHING)
    return Document(name, text, metadata, body)


def load_other_text(path: Path, name: str) -> Document:
    """A text file of another kind: no front matter is looked for."""
    text = read_text(path)
    if is_blank(text):
        raise broken(path, "is empty", _NOTHING)
    return Document(name, text)
