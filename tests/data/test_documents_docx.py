"""Word files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from harness.data import read_corpus
from harness.data.documents import word
from harness.errors import UserError
from harness.records import Document

from .papers import saved


def read(content: bytes, folder: Path, name: str = "a.docx") -> Document:
    """The document that a Word file becomes."""
    (folder / name).write_bytes(content)
    (document,) = read_corpus(name, folder).documents
    return document


def refusal(content: bytes, folder: Path, name: str = "a.docx") -> str:
    """What is found wrong with a Word file; the place is the file."""
    with pytest.raises(UserError) as caught:
        read(content, folder, name)
    (mistake,) = caught.value.mistakes
    assert mistake.place.file == str(folder / name)
    return mistake.found


def test_blocks_in_order_as_markdown(tmp_path: Path) -> None:
    """Headings, paragraphs, lists and tables come in the order of the document, as Markdown."""
    file = docx.Document()
    file.core_properties.title, file.core_properties.author = "Cards", ""
    file.add_heading("Cards", 0)
    file.add_heading("Fees", 2)
    paragraph = file.add_paragraph("Two ")
    paragraph.add_run("euros").bold = True
    paragraph.add_run(" a\tmonth.")
    file.add_paragraph("One", "List Bullet")
    file.add_paragraph("Two", "List Number 2")
    table = file.add_table(3, 2)
    for cell, text in zip(table._cells, ["Card", "Fee", "a|b", "1\n2", "both", ""], strict=True):
        cell.text = text
    table.cell(2, 0).merge(table.cell(2, 1))
    file.add_paragraph("The end.")
    document = read(saved(file), tmp_path)
    assert document.text == (
        "# Cards\n\n## Fees\n\nTwo euros a\tmonth.\n\n- One\n  - Two\n\n"
        "| Card | Fee |\n| --- | --- |\n| a\\|b | 1 2 |\n| both |  |\n\nThe end."
    )
    assert document.metadata == {"title": "Cards"}


def test_a_style_of_ones_own_counts_as_what_it_is_based_on(tmp_path: Path) -> None:
    """A style made from `Heading 1` makes headings."""
    file = docx.Document()
    style = file.styles.add_style("House heading", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = file.styles["Heading 1"]
    file.add_paragraph("Rules", "House heading")
    assert read(saved(file), tmp_path).text == "# Rules"


def test_tracked_changes_controls_and_boxes(tmp_path: Path) -> None:
    """Inserted text, content controls and text boxes are read, each once; deleted and moved text is not."""
    inner = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
    box = f"<w:txbxContent>{inner.format('boxed')}</w:txbxContent>"
    boxes = f'<mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>'
    body = [
        "<w:p {}><w:r><w:t>kept </w:t></w:r><w:ins><w:r><w:t>new</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>away</w:t></w:r></w:moveFrom></w:p>",
        "<w:sdt {}><w:sdtContent>" + inner.format("controlled") + "</w:sdtContent></w:sdt>",
        '<w:p {} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r><mc:AlternateContent>'
        f"{boxes}</mc:AlternateContent></w:r></w:p>",
    ]
    file = docx.Document()
    for xml in reversed(body):
        file.element.body.insert(0, parse_xml(xml.replace("{}", nsdecls("w"), 1)))
    assert read(saved(file), tmp_path).text == "kept new\n\ncontrolled\n\nboxed"


@pytest.mark.parametrize("name", ["a.docx", "a.doc"])
def test_an_ole_file_is_named(name: str, tmp_path: Path) -> None:
    """An encrypted .docx and an old .doc have the same first bytes, and are named as such."""
    found = refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), tmp_path, name)
    assert found == "is encrypted, or an old .doc file"


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file unpacks to is looked at before it is unpacked."""
    monkeypatch.setattr(word, "_LARGEST", 1000)
    file = docx.Document()
    file.add_paragraph("x")
    assert "it unpacks to" in refusal(saved(file), tmp_path)


def test_broken_files_are_named(tmp_path: Path) -> None:
    """Empty, cut, no archive, an archive of something else: each is one mistake."""
    file = docx.Document()
    assert refusal(saved(file), tmp_path) == "has no text"
    file.add_paragraph("A text.")
    whole = saved(file)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("x.txt", "x")
    assert refusal(b"", tmp_path) == "is empty"
    for content in (whole[:300], b"PK\x03\x04", (tmp_path / "other.zip").read_bytes()):
        assert refusal(content, tmp_path).startswith("cannot be read as DOCX: ")
