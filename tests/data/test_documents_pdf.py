"""PDF files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import read_corpus
from harness.errors import UserError
from harness.records import Document

from .papers import pdf


def read(content: bytes, folder: Path) -> Document:
    """The document that a PDF becomes."""
    (folder / "a.pdf").write_bytes(content)
    (document,) = read_corpus("a.pdf", folder).documents
    return document


def refusal(content: bytes, folder: Path) -> tuple[str, str]:
    """What is found wrong with a PDF, and the advice; the place is the file."""
    with pytest.raises(UserError) as caught:
        read(content, folder)
    (mistake,) = caught.value.mistakes
    assert mistake.place.file == str(folder / "a.pdf")
    return mistake.found, mistake.advice


def test_pages_are_joined_and_their_starts_kept(tmp_path: Path) -> None:
    """Each page starts in the text where the metadata says, behind an empty line; a page without text counts too."""
    document = read(pdf(["Refunds take\nfive days.", "", "Cards: all."], title="Help", author="Ada"), tmp_path)
    assert document.text == "Refunds take\nfive days.\n\n\n\nCards: all."
    assert document.metadata == {"title": "Help", "author": "Ada", "pages": [0, 25, 27]}
    assert document.text[27:] == "Cards: all."


def test_a_pdf_without_title_has_none(tmp_path: Path) -> None:
    """What the file does not give is no metadata."""
    assert set(read(pdf(["One."], title=" "), tmp_path).metadata) == {"pages"}


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_an_empty_password_opens(algorithm: str, tmp_path: Path) -> None:
    """A PDF that any viewer opens without asking is read."""
    assert read(pdf(["Open to all."], password="", algorithm=algorithm), tmp_path).text == "Open to all."


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_password_is_named(algorithm: str, tmp_path: Path) -> None:
    """A PDF that asks for a password is said to be encrypted."""
    found, advice = refusal(pdf(["Secret."], password="pw", algorithm=algorithm), tmp_path)
    assert found == "is encrypted"
    assert advice == "save it without a password"


def test_a_scan_is_named(tmp_path: Path) -> None:
    """Pages without a text are told from a broken file, with what to do."""
    found, advice = refusal(pdf(["", ""]), tmp_path)
    assert found == "has no text in its 2 pages"
    assert "OCR" in advice


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"no PDF at all", "cannot be read as PDF: "),
        (b"%PDF-1.7\n%%EOF", "cannot be read as PDF: "),
        (pdf(["A text."])[:200], "cannot be read as PDF: "),
    ],
)
def test_a_broken_file_is_named(content: bytes, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever the library stumbles over becomes one mistake, and it says nothing on its own."""
    assert refusal(content, tmp_path)[0].startswith(said)
    assert capfd.readouterr() == ("", "")


def test_half_characters_become_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves of a character that a font gives are joined, or replaced when alone: all text can be stored."""
    from pypdf import PageObject

    monkeypatch.setattr(PageObject, "extract_text", lambda _: "a\ud835\udc65b\ud800c\x00")
    text = read(pdf(["x"]), tmp_path).text
    assert text == "a\U0001d465b\ufffdc"
    assert text.encode()
