"""Real files of formats that are no text, written for tests."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject


def pdf(pages: Sequence[str], password: str | None = None, algorithm: str = "AES-256", **info: str) -> bytes:
    """A PDF with a line of Helvetica for each line of a page; encrypted when there is a password (it may be "")."""
    writer = PdfWriter()
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    for text in pages:
        page = writer.add_blank_page(612, 792)
        fonts = DictionaryObject({NameObject("/F1"): DictionaryObject(_names(font))})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        lines = " ".join(f"({line}) Tj T*" for line in text.split("\n") if line)
        stream.set_data(f"BT /F1 12 Tf 14 TL 72 720 Td {lines} ET".encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.add_metadata({f"/{key.capitalize()}": value for key, value in info.items()})
    if password is not None:
        writer.encrypt(password, "owner", algorithm=algorithm)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _names(values: dict[str, str]) -> dict[NameObject, NameObject]:
    return {NameObject(key): NameObject(value) for key, value in values.items()}


def saved(document: Any) -> bytes:
    """A document of python-docx as the bytes of its file."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def put(folder: Path, files: dict[str, bytes | str]) -> Path:
    """Write files into a folder, with the folders between; texts are written as they are."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
