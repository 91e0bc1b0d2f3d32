"""HTML, made into Markdown."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data.documents.entry import broken, content
from harness.errors import Mistake, Place, UserError
from harness.records import Document

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_UNSEEN = ("script", "style", "noscript", "template", "svg", "head")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# As browsers do (https://encoding.spec.whatwg.org/#names-and-labels): pages that say Latin-1 mean Windows' superset.
_MEANT = {"iso8859-1": "windows-1252", "ascii": "windows-1252", "utf-16": "utf-8", "utf-16-le": "utf-8"}


def load_html(path: Path, name: str) -> Document:
    """A page: its visible text as Markdown (`#` headings, lists, tables, code); offsets count that text's characters.

    Metadata: `title`, `lang` and `description`, where the page gives them. The encoding is that of a byte order mark,
    else the declared one, else UTF-8; nothing is guessed.
    Raises UserError for another encoding than declared, and for a page without text.
    """
    text = _decoded(path)
    try:
        soup = _parsed(text)
        metadata = _metadata(soup)
        for tag in soup(_UNSEEN):
            tag.decompose()
        markdown = _markdown(soup)
    except RecursionError:
        raise broken(path, "has tags too deep inside one another", "take it out of the corpus, or mend it") from None
    if not markdown:
        raise broken(path, "has no text", "what a script shows is not in the file; take it out of the corpus")
    return Document(name, markdown, metadata)


def _parsed(text: str) -> BeautifulSoup:
    """lxml closes what HTML lets stay open (`<li>one<li>two`); Python's own parser nests it."""
    import warnings

    from bs4 import BeautifulSoup

    with warnings.catch_warnings():
        # It warns of XHTML, and of texts that look like an address.
        warnings.simplefilter("ignore")
        return BeautifulSoup(text, "lxml")


def _decoded(path: Path) -> str:
    from bs4.dammit import EncodingDetector

    raw = content(path)
    marked = next(((mark, encoding) for mark, encoding in _MARKS if raw.startswith(mark)), None)
    if marked:
        raw, encoding = raw[len(marked[0]) :], marked[1]
    else:
        declared = EncodingDetector.find_declared_encoding(raw, is_html=True)
        encoding = declared or "utf-8"
        try:
            known = codecs.lookup(encoding).name
        except LookupError:
            raise broken(path, f"declares an unknown encoding {encoding!r}", "save it as UTF-8") from None
        encoding = _MEANT.get(known, known)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{raw[error.start]:02x} is not {encoding.upper()}"
        advice = "declare its encoding, <meta charset=…>, or save it as UTF-8"
        raise UserError(Mistake(Place(str(path), line), found, advice)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _metadata(soup: BeautifulSoup) -> dict[str, Any]:
    root = soup.select_one("html")
    title = soup.select_one("head title")
    description = soup.select_one('meta[name="description" i]')
    given = {
        "title": title.get_text() if title else "",
        "lang": str(root.get("lang") or root.get("xml:lang") or "") if root else "",
        "description": str(description.get("content") or "") if description else "",
    }
    return {key: " ".join(value.split()) for key, value in given.items() if value.strip()}


def _markdown(soup: BeautifulSoup) -> str:
    """Nothing is escaped: an answer `max_tokens` has to stand in the text as it is."""
    from markdownify import MarkdownConverter

    for image in soup("img"):
        if str(image.get("src") or "").startswith("data:"):
            image.replace_with(str(image.get("alt") or ""))
    converter = MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        table_infer_header=True,
        code_language_callback=_language,
    )
    converted: str = converter.convert_soup(soup)
    return converted.strip()


def _language(block: Tag) -> str:
    """The language of a code block, from the class `language-…` of it or of the code in it."""
    for tag in (block, *block("code")):
        for name in tag.get_attribute_list("class"):
            if name and name.startswith("language-"):
                return str(name).removeprefix("language-")
    return ""
