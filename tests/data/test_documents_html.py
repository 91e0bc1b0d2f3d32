"""HTML pages."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from harness.data import read_corpus
from harness.errors import Mistake, UserError
from harness.records import Document


def read(content: bytes | str, folder: Path) -> Document:
    """The document that a page becomes."""
    (folder / "a.html").write_bytes(content.encode() if isinstance(content, str) else content)
    (document,) = read_corpus("a.html", folder).documents
    return document


def refusal(content: bytes | str, folder: Path) -> Mistake:
    """What is wrong with a page."""
    with pytest.raises(UserError) as caught:
        read(content, folder)
    (mistake,) = caught.value.mistakes
    return mistake


def test_a_page_becomes_markdown(tmp_path: Path) -> None:
    """Headings, lists with open tags, code and tables are Markdown; names with underscores stay as they are."""
    page = """<!doctype html><html><body><nav><a href="/">Home</a></nav><h2>Set up</h2>
    <p>Set <b>max_tokens</b> * 2<br>now.<ul><li>one<li>two<ul><li>deep</ul></ul>
    <pre><code class="language-py">def f():\n    return 1\n</code></pre>
    <table><tr><th>A<th>B<tr><td>1<td>2</table><img alt="a logo" src="data:image/png;base64,AAAA"></body></html>"""
    assert read(page, tmp_path).text == (
        "[Home](/)\n\n## Set up\n\nSet **max_tokens** * 2  \nnow.\n\n- one\n- two\n  - deep\n\n"
        "```py\ndef f():\n    return 1\n```\n\n| A | B |\n| --- | --- |\n| 1 | 2 |\n\na logo"
    )


def test_what_is_not_seen_is_not_read(tmp_path: Path) -> None:
    """Scripts, styles, templates, drawings and the head are no text."""
    unseen = "".join(f"<{tag}>unseen</{tag}>" for tag in ("script", "style", "noscript", "template", "svg"))
    assert read(
        f"<head><title>unseen</title></head><body>{unseen}<p>seen</p><!-- unseen --></body>", tmp_path
    ).text == ("seen")


def test_metadata(tmp_path: Path) -> None:
    """Title, language and description are metadata, where the page gives them."""
    head = '<head><title> A &amp;\n B </title><meta name="Description" content="What it is"></head>'
    assert read(f'<html lang="de">{head}<body>x', tmp_path).metadata == {
        "title": "A & B",
        "lang": "de",
        "description": "What it is",
    }
    assert read("<html lang=''><body>x<svg><title>a drawing</title></svg>", tmp_path).metadata == {}


@pytest.mark.parametrize(
    "content",
    [
        "<p>Grüße €".encode(),
        codecs.BOM_UTF8 + "<meta charset=latin-1><p>Grüße €".encode(),
        codecs.BOM_UTF16_LE + "<p>Grüße €".encode("utf-16-le"),
        b"<meta charset=iso-8859-1><p>" + "Grüße €".encode("cp1252"),
        b'<meta http-equiv=Content-Type content="text/html; charset=iso-8859-15"><p>' + "Grüße €".encode("iso-8859-15"),
        '<meta charset="utf-16"><p>Grüße €'.encode(),
    ],
    ids=["utf-8", "mark", "utf-16", "latin-1 means windows-1252", "http-equiv", "utf-16 that cannot be"],
)
def test_encodings(content: bytes, tmp_path: Path) -> None:
    """A byte order mark, else what is declared, else UTF-8."""
    assert read(content, tmp_path).text == "Grüße €"


def test_wrong_encodings_are_named(tmp_path: Path) -> None:
    """Nothing is guessed: the line of the first wrong byte is named, and so is an encoding that nobody knows."""
    mistake = refusal("<p>ein\n<p>Gruß".encode("latin-1"), tmp_path)
    assert (mistake.place.line, mistake.found) == (2, "byte 0xdf is not UTF-8")
    assert refusal("<meta charset=klingon><p>x", tmp_path).found == "declares an unknown encoding 'klingon'"


@pytest.mark.parametrize("page", ["", " \n", "<html><body><script>show()</script></body></html>"])
def test_a_page_without_text_is_named(page: str, tmp_path: Path) -> None:
    """An empty file, or one that a script would fill."""
    assert refusal(page, tmp_path).found == "has no text"


def test_tags_too_deep_are_named(tmp_path: Path) -> None:
    """Thousands of tags in one another do not end the reading of the others."""
    assert refusal("<div>" * 5000 + "deep", tmp_path).found == "has tags too deep inside one another"


@pytest.mark.filterwarnings("error")
def test_xhtml_and_odd_texts_are_read_without_a_word(tmp_path: Path) -> None:
    """A page that is XML too, in the encoding that it declares, and a page that looks like an address."""
    page = (
        '<?xml version="1.0" encoding="iso-8859-1"?><html xmlns="http://www.w3.org/1999/xhtml" xml:lang="de"><p>ü</p>'
    )
    document = read(page.encode("latin-1"), tmp_path)
    assert (document.text, document.metadata) == ("ü", {"lang": "de"})
    assert read("http://example.org/a.html", tmp_path).text == "http://example.org/a.html"


def test_line_ends_make_no_other_offsets(tmp_path: Path) -> None:
    r"""A page has the same text whether its lines end with \n or \r\n."""
    page = "<pre>a\nb</pre>\n<p>c\nd</p>"
    assert read(page, tmp_path).text == read(page.replace("\n", "\r\n"), tmp_path).text
