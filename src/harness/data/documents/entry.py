"""What a file holds: documents, each with its place, or with what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import Mistake, Place, UserError
from harness.records import Document


@dataclass(frozen=True)
class Entry:
    """One document as it was found: itself, or None and the mistakes. `id` is "" where none could be told."""

    place: Place
    id: str
    document: Document | None = None
    mistakes: tuple[Mistake, ...] = ()


def broken(path: Path, found: str, advice: str = "") -> UserError:
    """The error of a file that cannot become a document."""
    return UserError(Mistake(Place(str(path)), found, advice))


def content(path: Path) -> bytes:
    """The bytes of a file. Raises UserError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise broken(path, f"cannot be read: {error.strerror or error}") from None


def is_blank(text: str) -> bool:
    """Whether there is nothing in a text but white space and byte order marks."""
    return not text.strip("\ufeff \t\r\n")


def storable(text: str) -> str:
    """The text with halves of characters joined, and those that stand alone replaced: UTF-8 cannot hold them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
