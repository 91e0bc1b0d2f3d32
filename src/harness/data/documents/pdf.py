"""PDF, by pypdf."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from harness.data.documents.entry import broken, content, is_blank, storable
from harness.records import Document

_BETWEEN = "\n\n"


def load_pdf(path: Path, name: str) -> Document:
    """The text of the pages, an empty line between two of them; offsets count that text's characters.

    Metadata: `title` and `author`, where the file gives them, and `pages`: the offset at which each page starts. A
    file that is encrypted with an empty password opens as in any viewer.
    Raises UserError for one that needs a password, has no text (a scan), or is broken.
    """
    import io

    from pypdf import PasswordType, PdfReader
    from pypdf.errors import FileNotDecryptedError

    # It warns of every flaw that it gets over, on stderr; what it does not get over is raised.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    raw = content(path)
    if not raw.strip():
        raise broken(path, "is empty", "take it out of the corpus")
    try:
        reader = PdfReader(io.BytesIO(raw))
        locked = reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED
        pages = [] if locked else [_cleaned(page.extract_text()).strip() for page in reader.pages]
        metadata = {} if locked else _metadata(reader)
    except FileNotDecryptedError:
        locked = True
    except Exception as error:  # noqa: BLE001  (broken files raise whatever pypdf stumbles over)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise broken(path, f"cannot be read as PDF: {reason}", "print it to a new PDF, or take it out") from None
    if locked:
        raise broken(path, "is encrypted", "save it without a password")
    text = _BETWEEN.join(pages)
    if is_blank(text):
        found = f"has no text in its {len(pages)} page{'s' * (len(pages) != 1)}"
        raise broken(path, found, "a scan needs text recognition (OCR) first")
    return Document(name, text, {**metadata, "pages": _starts(pages)})


def _starts(pages: list[str]) -> list[int]:
    starts, offset = [], 0
    for page in pages:
        starts.append(offset)
        offset += len(page) + len(_BETWEEN)
    return starts


def _metadata(reader: Any) -> dict[str, Any]:
    given = reader.metadata
    if given is None:
        return {}
    named = {"title": given.title, "author": given.author}
    return {key: _cleaned(str(value)).strip() for key, value in named.items() if value and str(value).strip()}


def _cleaned(text: str) -> str:
    """Fonts with a broken table give halves of characters and zeros."""
    return storable(text).replace("\x00", "")
