"""Word files (.docx), by python-docx."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.data.documents.entry import broken, content
from harness.records import Document

_LARGEST = 1_000_000_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# What was moved away or deleted, a second version of a drawing for old programs, and boxes, which come on their own.
_SKIPPED = frozenset({f"{_W}moveFrom", f"{_W}del", f"{_W}txbxContent", _FALLBACK})
_TEXTS = (f"{_W}t", "{http://schemas.openxmlformats.org/officeDocument/2006/math}t")
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


def load_docx(path: Path, name: str) -> Document:
    """Paragraphs and tables in the document's order, an empty line between two; offsets count that text's characters.

    Headings become `#` lines, list items `- ` lines, tables Markdown. Inserted text counts, deleted text does not.
    Headers, footers, notes and comments are left out. Metadata: `title` and `author`, where the file gives them.
    Raises UserError for a file that is encrypted, of the old format, broken, or without text.
    """
    import docx

    raw = content(path)
    if raw.startswith(_OLE):
        raise broken(path, "is encrypted, or an old .doc file", "save it as .docx without a password")
    if not raw:
        raise broken(path, "is empty", "take it out of the corpus")
    try:
        _check_size(raw)
        file = docx.Document(io.BytesIO(raw))
        text = _joined(list(_blocks(file.element.body, _styles(file))))
        core = file.core_properties
        metadata = {"title": core.title, "author": core.author}
    except Exception as error:  # noqa: BLE001  (broken files raise whatever python-docx stumbles over)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise broken(path, f"cannot be read as DOCX: {reason}", "save it anew from Word, or take it out") from None
    if not text:
        raise broken(path, "has no text", "take it out of the corpus")
    return Document(name, text, {key: value.strip() for key, value in metadata.items() if value.strip()})


def _check_size(raw: bytes) -> None:
    """A small file may unpack to more than the memory holds."""
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        size = sum(item.file_size for item in file.infolist())
    if size > _LARGEST:
        raise ValueError(f"it unpacks to {size / 1e9:.1f} GB")


def _styles(file: Any) -> dict[str, str]:
    """What stands before a paragraph, by the id of its style or of what that is based on: `# `, `- `."""
    marks = {}
    for style in file.styles:
        base: Any = style
        while base is not None and not (mark := _mark(base.name or "")):
            base = getattr(base, "base_style", None)
        if base is not None:
            marks[style.style_id] = mark
    return marks


def _mark(style: str) -> str:
    if heading := re.fullmatch(r"heading ([1-9])", style, re.IGNORECASE):
        return "#" * min(int(heading[1]), 6) + " "
    if item := re.fullmatch(r"list(?: [a-z]+)*(?: ([2-9]))?", style, re.IGNORECASE):
        return "  " * (int(item[1] or 1) - 1) + "- "
    return "# " if style.lower() == "title" else ""


def _blocks(parent: Any, styles: dict[str, str]) -> Iterator[str]:
    """The blocks in an element, those in content controls and text boxes too."""
    for element in parent:
        if element.tag == f"{_W}p":
            yield _paragraph(element, styles)
            for box in element.iter(f"{_W}txbxContent"):
                if not _is_fallback(box):
                    yield from _blocks(box, styles)
        elif element.tag == f"{_W}tbl":
            yield _table(element)
        elif element.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}moveTo", f"{_W}customXml"):
            yield from _blocks(element, styles)


def _is_fallback(element: Any) -> bool:
    return any(above.tag == _FALLBACK for above in element.iterancestors())


def _joined(blocks: list[str]) -> str:
    """An empty line between blocks, none between the items of a list."""
    kept = [block for block in blocks if block.strip()]
    text = ""
    for before, block in zip(["", *kept], kept, strict=False):
        both_items = before.lstrip().startswith("- ") and block.lstrip().startswith("- ")
        text += ("" if not before else "\n" if both_items else "\n\n") + block
    return text


def _paragraph(element: Any, styles: dict[str, str]) -> str:
    text = "".join(_pieces(element)).strip()
    if not text:
        return ""
    settings = element.find(f"{_W}pPr")
    style = settings.find(f"{_W}pStyle") if settings is not None else None
    mark = styles.get(style.get(f"{_W}val"), "") if style is not None else ""
    numbering = settings.find(f"{_W}numPr") if settings is not None else None
    if numbering is not None and not mark.startswith("#"):
        level = numbering.find(f"{_W}ilvl")
        mark = "  " * int(level.get(f"{_W}val") if level is not None else 0) + "- "
    return mark + (" ".join(text.split()) if mark.startswith("#") else text)


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag in _TEXTS:
            yield child.text or ""
        elif child.tag in _BREAKS and element.tag == f"{_W}r":
            yield _BREAKS[child.tag]
        elif child.tag not in _SKIPPED:
            yield from _pieces(child)


def _table(element: Any) -> str:
    """Rows between bars, the first one as the header; what a wider or higher cell covers is an empty cell."""
    lines = []
    for row in element.iter(f"{_W}tr"):
        if next(row.iterancestors(f"{_W}tbl")) is not element:
            continue
        cells = []
        for cell in row.iter(f"{_W}tc"):
            if next(cell.iterancestors(f"{_W}tr")) is row:
                span = cell.find(f"{_W}tcPr/{_W}gridSpan")
                covered = int(span.get(f"{_W}val")) - 1 if span is not None else 0
                cells += [_cell(cell), *[""] * covered]
        lines.append("| " + " | ".join(cells) + " |")
        if len(lines) == 1:
            lines.append("|" + " --- |" * len(cells))
    return "\n".join(lines) if any(line.strip("|- ") for line in lines) else ""


def _cell(element: Any) -> str:
    paragraphs = (" ".join("".join(_pieces(p)).split()) for p in element.iter(f"{_W}p") if not _is_fallback(p))
    return " ".join(p for p in paragraphs if p).replace("|", "\\|")
