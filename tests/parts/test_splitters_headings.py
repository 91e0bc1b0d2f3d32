"""Splitting at headings: which lines are some, and what becomes of sections."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from harness.parts.splitters.outline import headings_of
from tests.parts.texts import SIZES, TEXTS, splitter


def cut(text: str, **fields: Any) -> list[str]:
    """The texts of the chunks."""
    fields = {"chunk_size": 400, "chunk_overlap": 0, **fields}
    return [text[start:end] for start, end in splitter("headings", **fields).split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n## B ##\n   ### C\n#\n####### no\n#no\n    # code\n\\# no", ["# A", "## B ##", "   ### C", "#"]),
        ("# A\r\ntext\r\n\r\nB\r\n===\r\n", ["# A", "B\r\n==="]),
        ("A title\non two lines\n---\ntext\n\n---\n\nB\n=\n", ["A title\non two lines\n---", "B\n="]),
        ("- item\ngoes on\n---\n> quote\n---\n    code\n---\n***\n---\n", []),
        ("```sh\n# no\n~~~\n## no\n````\n# A\n~~~~ x\n# no\n~~~\n~~~~~\n## B", ["# A", "## B"]),
        ("- ```sh\n  # no\n  ```\n# A\n1. x\n   ```\n   # no\n   ```\n## B\n```\n# never closed", ["# A", "## B"]),
        ("``` not`a fence\n# A\n<!-- \n# no\n-->\n# B\n<!-- # never closed\n# no", ["# A", "# B"]),
        (
            "<h1 align='center'>A</h1>\ntext `<h2>` and <h2>no</h2>\n<H3\n>B\nb</H3> t\n<hr>\n<h7>",
            ["<h1 align='center'>A</h1>", "<H3\n>B\nb</H3>"],
        ),
        ("```\n<h1>no</h1>\n```\n<h2>open\n\n# B", ["<h2>open\n", "# B"]),
        (
            "<!-- x -->\n<!DOCTYPE html><html><h1>A</h1><!-- <h1>no</h1> --><pre>\n# no\n</pre><h2 id=b>B</h2>"
            "<script>'<h1>no</h1>'</script>",
            ["<h1>A</h1>", "<h2 id=b>B</h2>"],
        ),
    ],
)
def test_headings_are_found_and_nothing_else(text: str, expected: list[str]) -> None:
    """Headings of Markdown and HTML by their rules; not code, comments, lists, quotations or rules."""
    assert [text[h.start : h.end] for h in headings_of(text, "auto")] == expected


def test_levels_are_those_of_marks_underlines_and_tags() -> None:
    """# is 1, ### is 3, = is 1, - is 2, <h4> is 4."""
    text = "# A\n### B\nC\n===\nD\n---\n<h4>E</h4>\n"
    assert [heading.level for heading in headings_of(text, "auto")] == [1, 3, 1, 2, 4]


def test_the_format_may_be_told() -> None:
    """`markdown` takes tags for text, `html` takes # for text and finds tags anywhere."""
    text = "# A\n<h2>B</h2> and <h2>C</h2>"
    assert [text[h.start : h.end] for h in headings_of(text, "markdown")] == ["# A"]
    assert [text[h.start : h.end] for h in headings_of(text, "html")] == ["<h2>B</h2>", "<h2>C</h2>"]


def test_a_chunk_is_a_section_with_its_heading() -> None:
    """Sections down to `levels` are chunks; deeper headings do not cut; what lies before the first is a chunk too."""
    text = "before\n# One\ntext\n## Two\nmore\n### Three\nend"
    assert cut(text) == ["before", "# One\ntext", "## Two\nmore", "### Three\nend"]
    assert cut(text, levels=1) == ["before", "# One\ntext\n## Two\nmore\n### Three\nend"]


def test_a_heading_without_text_goes_with_the_next() -> None:
    """A title right above a subtitle is no chunk of its own; at the end of a document it is."""
    assert cut("# One\n\n## Two\n\ntext\n# End") == ["# One\n\n## Two\n\ntext", "# End"]


def test_merging_packs_neighbours_up_to_the_size() -> None:
    """`merge` joins short sections as long as they fit, and leaves those that were cut."""
    text = "# A\none\n# B\ntwo\n# C\nthree four five six seven\n# D\nx\n# E\ny"
    assert cut(text, chunk_size=16, merge=True) == [
        "# A\none\n# B\ntwo",
        "# C\nthree four",
        "five six",
        "seven",
        "# D\nx\n# E\ny",
    ]
    assert len(cut(text, chunk_size=16)) == 7


def test_the_first_piece_of_a_long_section_holds_more_than_the_heading() -> None:
    """Room is left for the heading, where a plain cut would leave it alone; a heading of half the size stays alone."""
    text = "# Head\n\none two three four five six"
    assert cut(text, chunk_size=20) == ["# Head\n\none two", "three four", "five six"]
    assert cut(text, chunk_size=14) == ["# Head", "one two three", "four five six"]


def test_pieces_of_a_long_section_overlap_and_sections_do_not() -> None:
    """`chunk_overlap` holds inside a section only."""
    text = "# A\none two three four\n# B\nfive"
    assert cut(text, chunk_size=14, chunk_overlap=6) == ["# A\none two", "two three", "four", "# B\nfive"]


@settings(deadline=None)
@given(text=TEXTS, sizes=SIZES)
def test_with_room_enough_every_chunk_but_the_first_begins_with_a_heading(text: str, sizes: tuple[int, int]) -> None:
    """Where nothing is too long, chunks neither overlap nor begin elsewhere; merged ones are fewer."""
    starts = {
        h.start + len(text[h.start : h.end]) - len(text[h.start : h.end].lstrip()) for h in headings_of(text, "auto")
    }
    spans = splitter("headings", chunk_size=10_000, chunk_overlap=sizes[1], levels=6).split(text)
    assert all(span.start in starts for span in spans[1:])
    assert all(before.end <= after.start for before, after in pairwise(spans))
    merged = splitter("headings", chunk_size=10_000, chunk_overlap=sizes[1], levels=6, merge=True).split(text)
    assert len(merged) == min(1, len(spans))


@pytest.mark.parametrize(
    "text",
    [
        "<h1>" * 50_000,
        "<!-- a -->" * 20_000 + "x",
        "a\n" * 50_000 + "---\n" * 10_000,
        "```\n" * 50_001,
        "- " * 100_000,
        "<script>" * 30_000,
        "# x\n" * 50_000,
        " \n" * 100_000,
    ],
)
def test_no_text_takes_for_ever(text: str) -> None:
    """Texts that are hard for patterns are read in about a second."""
    started = time.process_time()
    for form in ("auto", "html"):
        headings_of(text, form)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("fields", "said"), [({"levels": 0}, "between 1 and 6"), ({"format": "rst"}, "markdown"), ({"merge": 1}, "bool")]
)
def test_impossible_settings_are_refused(fields: dict[str, Any], said: str) -> None:
    """Levels, formats and switches that do not exist."""
    with pytest.raises(ValidationError, match=said):
        splitter("headings", **fields)
