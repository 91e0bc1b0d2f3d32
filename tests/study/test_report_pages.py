"""The pages of a report: nothing of what they show can run, load, or break out of its place."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import lxml.html  # type: ignore[import-untyped]
import pytest
from markdown_it import MarkdownIt

from harness.store import StoredSweep
from harness.study.report.charts import scale_over
from harness.study.report.content import content_of
from harness.study.report.html import html
from harness.study.report.markdown import block, code, escaped, markdown
from harness.study.report.texts import visible
from tests.study.reported import HOSTILE, reported

OUR_TAGS = {"details", "summary", "code"}
OUR_WORDS = {"tone", "pieces", "objectives", "work", "direction"}
"""Entries of a content that choose among texts of ours."""
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep with hostile answers, failures, labels and name."""
    return reported(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def content(hostile: StoredSweep) -> dict[str, Any]:
    """Its report, the winner against the variant that gives hostile answers."""
    return content_of(hostile, (hostile, next(v for v in hostile.variants if "script" in v["label"])))


@pytest.fixture(scope="module")
def page(content: dict[str, Any]) -> str:
    """The HTML page."""
    return html(content)


def poisoned(found: Any) -> Any:
    """The same content with something hostile in every text of it, names and units and notes included."""
    if isinstance(found, dict):
        return {key: found[key] if key in OUR_WORDS else poisoned(found[key]) for key in found}
    if isinstance(found, list):
        return [poisoned(each) for each in found]
    return found + HOSTILE if isinstance(found, str) and found else found


def test_hostile_texts_become_no_element(page: str) -> None:
    """One script, ours; no handler, no image, no frame, no address but those within the page; the text is there."""
    tree = lxml.html.document_fromstring(page)
    assert [script.attrib for script in tree.iter("script")] == [{}]
    assert not any(name.startswith("on") or name in ("src", "style") for e in tree.iter() for name in e.attrib)
    assert {e.get("href")[0] for e in tree.iter("a")} == {"#"}
    assert not list(tree.iter("img", "iframe", "object", "embed", "form", "link", "base"))
    shown = " ".join(tree.itertext())
    assert visible(HOSTILE) in shown
    assert not set("\x00\x1b\u202e\u2066\u2028") & set(page)


def test_any_text_of_the_content_may_be_hostile(content: dict[str, Any], page: str) -> None:
    """With something hostile in every single text, the page has no element of another kind, and no attribute more."""
    bad = lxml.html.document_fromstring(html(poisoned(content)))
    good = lxml.html.document_fromstring(page)
    assert {e.tag for e in bad.iter() if isinstance(e.tag, str)} <= {
        e.tag for e in good.iter() if isinstance(e.tag, str)
    }
    assert {name for e in bad.iter() for name in e.attrib} <= {name for e in good.iter() for name in e.attrib} | {
        "class"
    }
    assert len(list(bad.iter("script"))) == 1


def test_the_policy_names_this_style_and_this_script(page: str) -> None:
    """The digests are those of what stands in the page, so that a browser obeys these two and nothing else."""
    tree = lxml.html.document_fromstring(page)
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "http" not in policy
    for tag in ("style", "script"):
        text = re.search(f"<{tag}>(.*?)</{tag}>", page, re.S)[1]  # type: ignore[index]
        found = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{found}'" in policy


def test_charts_and_tables_can_be_read_aloud(page: str) -> None:
    """Every chart has a name, every table a caption and scopes, every heading its level; ids are there once."""
    tree = lxml.html.document_fromstring(page)
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in tree.iter("svg"))
    assert all(table.find("caption") is not None for table in tree.iter("table"))
    assert all(head.get("scope") in ("col", "row") for head in tree.iter("th"))
    levels = [int(e.tag[1]) for e in tree.iter("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 2 for a, b in pairwise(levels))
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert len(ids) == len(set(ids)) and {a.get("href")[1:] for a in tree.iter("a")} <= set(ids)


@pytest.mark.parametrize("prompts", ["a: plain", "a: dead", "a: plain, b: plain too", "a: plain, b: dead"])
def test_every_kind_of_sweep_has_both_pages(tmp_path: Path, prompts: str) -> None:
    """One variant, none that answers, none that differs: the pages say what there is."""
    found = content_of(reported(tmp_path, prompts))
    headline = found["verdict"]["headline"]
    assert headline in " ".join(lxml.html.document_fromstring(html(found)).itertext())
    assert markdown(found).startswith("## ")


def test_many_variants_are_folded(content: dict[str, Any]) -> None:
    """Of 200 variants 30 are shown, the others are in a fold; all are in the page."""
    many = copy.deepcopy(content)
    row = many["ranking"]["rows"][0]
    many["ranking"]["rows"] = [{**row, "place": i + 1, "variant": f"v{i:03}"} for i in range(200)]
    tree = lxml.html.document_fromstring(html(many))
    [section] = tree.xpath("//section[@id='ranking']")
    assert len(section.xpath("./div//tbody/tr")) == 30
    assert len(section.xpath("./figure//li[not(@aria-hidden)]")) == 30
    assert "170 more variants" in [s.text for s in section.iter("summary")]
    assert len(section.xpath("./details[1]//tbody/tr")) == 170


def test_markdown_holds_no_markup_but_ours(content: dict[str, Any]) -> None:
    """Rendered, it has no link, no image, and no HTML but our folds; the answer stands whole in a block."""
    for text in (markdown(content), markdown(poisoned(content))):
        tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
        flat = [t for token in tokens for t in (token, *(token.children or []))]
        assert not {t.type for t in flat} & {"link_open", "image", "heading_open_1"}
        markup = "".join(t.content for t in flat if t.type in ("html_block", "html_inline"))
        assert set(re.findall(r"</?\s*([a-zA-Z!]+)", markup)) <= OUR_TAGS
        assert markup.count("<details>") == markup.count("</details>") > 1
        assert any(visible(HOSTILE) in t.content for t in flat if t.type == "fence")
        written = "\n".join(t.content for t in flat if t.type in ("inline", "html_block"))
        outside = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)|<code>.*?</code>", "", written)
        assert not re.search(r"@(?!\u2060)|://|www\.", outside)


def test_markdown_fits_a_comment(content: dict[str, Any]) -> None:
    """65,536 characters is what a comment on a pull request may have; megabytes of answers do not come near."""
    assert len(markdown(content)) < 30_000


@pytest.mark.parametrize("text", ["`", "``a`", "a|b", "\n\n# x", "```\n", "", "<b>", "a\\", " ` "])
def test_code_cannot_be_left(text: str) -> None:
    """In a span, a block, or escaped: what a reader sees is the text, whatever backticks it has."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    [fence] = reader.parse(block(text))
    assert fence.type == "fence" and fence.content.rstrip("\n") == text.rstrip("\n")
    inline = reader.parse(f"x {code(text)} y")[1].children or []
    assert [t.type for t in inline] == ["text", "code_inline", "text"]
    kinds = {t.type for t in reader.parse(f"x {escaped(text)} y")[1].children or []}
    assert kinds <= {"text", "text_special"}


@pytest.mark.parametrize("values", [[], [0.5], [0.2, 0.9], [-3.0, 4.0], [1e-4, 30.0], [1e9, 1e9], [float("nan"), 1.0]])
def test_scales_hold_their_values(values: list[float]) -> None:
    """Ticks are round, rising, few, and the ends hold everything."""
    scale = scale_over(values)
    known = [v for v in values if v == v]
    assert list(scale.ticks) == sorted(set(scale.ticks)) and 2 <= len(scale.ticks) <= 8
    assert all(scale.low <= v <= scale.high and 0 <= scale.share(v) <= 1 for v in known)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here to open the page with")
def test_a_browser_loads_nothing_and_runs_nothing_of_theirs(page: str, tmp_path: Path) -> None:
    """In Chromium: one request, for the page itself; an empty console; the title is ours; sorting works."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    told: list[str] = []
    requests: list[str] = []
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*flags.split(), "--disable-sync"])
        for width, scheme in ((1280, "light"), (390, "dark")):
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            tab.on("console", lambda message: told.append(message.text))
            tab.on("pageerror", lambda error: told.append(str(error)))
            tab.on("request", lambda request: requests.append(request.url))
            tab.goto(file.as_uri())
            assert tab.title().endswith(
                tab.evaluate("document.querySelector('h1').nextElementSibling.innerText.split(/[ ,]/)[1]")
            )
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert tab.evaluate("document.querySelectorAll('script').length") == 1
            first = "document.querySelector('#ranking table tbody tr').cells[0].textContent"
            assert tab.evaluate(first) == "1"
            for _ in range(2):
                tab.click("#ranking table thead th:first-child button")
            assert tab.evaluate(first) == "3"
        browser.close()
    assert (told, requests) == ([], [file.as_uri()] * 2)
