"""Where the headings of a document lie: Markdown's by the rules of CommonMark 0.31, HTML's by their tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Heading(NamedTuple):
    """`text[start:end]` is a heading; level 1 is the highest of 6."""

    start: int
    end: int
    level: int


_MARKS = re.compile(
    r"^(?:[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"  # in a list item too
    r"| {0,3}(?:"
    r"(?P<comment><!--)"
    r"|(?P<hashes>\#{1,6})(?:[ \t].*|\r)?$"
    r"|(?P<under>=+|-+)[ \t\r]*$"
    r"|<h(?P<tag>[1-6])(?=[\s>]))"
    r")",
    re.MULTILINE | re.IGNORECASE,
)
_TAGS = re.compile(
    r"<(?:(?P<comment>!--)|(?P<raw>script|style|template|textarea)\b|h(?P<tag>[1-6])(?=[\s>]))", re.IGNORECASE
)
_PAGE = re.compile(
    r"\s*(?>(?:<\?xml[^>]*>|<!--.*?-->)\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_BLOCK = re.compile(
    r" {0,3}(?:>|[-*+](?:[ \t]|$)|\d{1,9}[.)](?:[ \t]|$)|</?[a-z!]|(?:\*[ \t]*){3,}$|(?:_[ \t]*){3,}$)", re.IGNORECASE
)
_FURTHEST_END = 10_000
"""Characters from a heading's tag to its closing one; without a bound, a page that closes none would take forever."""


def headings_of(text: str, form: str) -> list[Heading]:
    """The headings of `text` in order. `form`: `markdown`, `html`, or `auto`.

    `auto` takes a text that begins as an HTML page does for one, and looks for both kinds in all others.
    """
    if form == "html" or (form == "auto" and _PAGE.match(text)):
        return list(_in_html(text))
    return list(_in_markdown(text, tags=form == "auto"))


def _in_html(text: str) -> Iterator[Heading]:
    position = 0
    while mark := _TAGS.search(text, position):
        position = mark.end()
        if mark["comment"]:
            position = _behind(text, "-->", position)
        elif mark["raw"]:
            position = _behind_tag(text, mark["raw"], position, len(text)) or len(text)
        else:
            yield _tagged(text, mark)


def _in_markdown(text: str, tags: bool) -> Iterator[Heading]:
    """Headings outside of fenced code and comments; those of HTML where a line begins with their tag."""
    position, floor = 0, 0
    while mark := _MARKS.search(text, position):
        position = max(mark.end(), mark.start() + 1)
        if mark["fence"]:
            position = floor = _behind_fence(text, mark["fence"], position)
        elif mark["comment"]:
            position = floor = _behind(text, "-->", position)
        elif mark["under"]:
            start = _paragraph(text, floor, mark.start())
            floor = mark.end()
            if start is not None:
                yield Heading(start, mark.end("under"), 1 if mark["under"][0] == "=" else 2)
        elif mark["hashes"]:
            floor = mark.end()
            yield Heading(mark.start(), mark.start() + len(mark[0].rstrip()), len(mark["hashes"]))
        elif tags:
            yield _tagged(text, mark)


def _behind(text: str, what: str, position: int) -> int:
    """Behind the next `what`; the end of the text where there is none."""
    found = text.find(what, position)
    return len(text) if found < 0 else found + len(what)


def _behind_tag(text: str, name: str, position: int, end: int) -> int | None:
    closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(text, position, end)
    return closing.end() if closing else None


def _behind_fence(text: str, fence: str, position: int) -> int:
    """Behind the line that closes a fence: the same character, at least as often, and nothing else."""
    closing = re.compile(rf"^[ \t]*{fence[0]}{{{len(fence)},}}[ \t\r]*$", re.MULTILINE).search(text, position)
    return closing.end() if closing else len(text)


def _tagged(text: str, mark: re.Match[str]) -> Heading:
    end = _behind_tag(text, f"h{mark['tag']}", mark.end(), mark.end() + _FURTHEST_END)
    return Heading(mark.start(), end or _behind(text, "\n", mark.end()), int(mark["tag"]))


def _paragraph(text: str, floor: int, end: int) -> int | None:
    """Where the paragraph begins that ends right before `end`, and that an underline there makes a heading.

    None where there is none, or where it belongs to a list, a quotation, indented code or HTML. `floor` is where the
    last thing ended that is no paragraph.
    """
    start = None
    while end > floor:
        begin = max(floor, text.rfind("\n", floor, end - 1) + 1)
        line = text[begin:end].rstrip()
        if not line:
            break
        if _BLOCK.match(line):
            return None
        start, end = begin, begin
    return None if start is None or text[start : start + 4].replace("\t", "    ").startswith("    ") else start
