"""A text file of the user's."""

from __future__ import annotations

from pathlib import Path

from harness.errors import Mistake, Place, UserError, nearest


def read_text(path: Path) -> str:
    r"""The text of a UTF-8 file with nothing translated: `\r\n` and a byte order mark are kept.

    Raises UserError when the file cannot be read, or names the line of the first byte that is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(Mistake(Place(str(path)), f"cannot be read: {error.strerror or error}")) from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise UserError(Mistake(Place(str(path), line), found, "save the file as UTF-8")) from None


def beside(path: Path) -> str:
    """For a path that does not exist: the question whether a name beside it was meant, "" where none is near."""
    there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() and not path.exists() else []
    close = nearest(path.name, there)
    return f"did you mean {close!r}? " if close else ""
