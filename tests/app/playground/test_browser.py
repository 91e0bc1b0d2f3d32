"""The playground in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.data import read_dataset
from harness.store import StoredSweep
from tests.app.conftest import shoot
from tests.app.playground.conftest import CHATS, SATURDAYS, of, runs
from tests.app.test_browser import settled
from tests.loopback import Loopback

Serve = Callable[..., str]


def type_in(page: Any, question: str) -> None:
    """Ask."""
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")


def test_the_story_in_a_browser(page: Any, serve: Serve, local: StoredSweep) -> None:
    """Two configurations are chosen, asked, their passages opened, the question kept; the address shows the choice."""
    page.goto(f"{serve(runs(local))}/playground?a=@production&b={of(local, 7)}")
    page.get_by_text("a question costs nothing").first.wait_for()
    settled(page)
    shoot(page, "playground-empty")
    type_in(page, SATURDAYS)
    page.get_by_text("not asked again").nth(1).wait_for()
    type_in(page, "And when is it closed?")
    page.get_by_text("free · asked").nth(1).wait_for()
    settled(page)
    page.get_by_text(re.compile(r"^\d passages$")).last.click()
    settled(page)
    assert "b=" in page.url and "a=" in page.url
    shoot(page, "playground")
    page.get_by_text("Keep a question as an example").click()
    page.get_by_label("Added by").fill("ann")
    page.get_by_label("Added by").press("Tab")
    page.get_by_label("Dataset").wait_for()
    page.get_by_label("Good answers").fill("From 10 to 14.")
    page.get_by_label("Good answers").press("Tab")
    settled(page)
    shoot(page, "playground-keep")
    page.get_by_role("button", name="Add it").click()
    page.get_by_text("has 9 examples now").wait_for()
    shoot(page, "playground-kept")
    example = read_dataset(runs(local).parent / "datasets/questions.jsonl").examples[-1]
    assert (example.question, example.references) == ("And when is it closed?", ("From 10 to 14.",))
    assert page.requests_elsewhere == []


def test_words_are_read_while_they_come(page: Any, serve: Serve, paid: StoredSweep, server: Loopback) -> None:
    """After the tick; the answer grows, can be stopped, and the next one comes whole."""
    page.goto(f"{serve(runs(paid))}/playground?a={of(paid)}")
    page.get_by_text("a question costs about USD").first.wait_for()
    settled(page)
    before = server.count(CHATS)
    assert page.get_by_test_id("stChatInputTextArea").is_disabled()
    shoot(page, "playground-paid")
    page.get_by_text("Ask, and pay for").click()
    settled(page)
    server.drip_s = 1.0
    try:
        type_in(page, "Say something that is quite long, please, in several pieces?")
        page.get_by_text(re.compile("sAY SOMETHING")).wait_for()
        assert page.get_by_text(re.compile("PIECES")).count() == 0
        shoot(page, "playground-words")
        page.get_by_role("button", name="Stop answering").click()
        page.get_by_text("given up").wait_for()
    finally:
        server.drip_s = 0.0
    type_in(page, "Once more, then?")
    page.get_by_text("oNCE MORE, THEN? (0 TURNS BEFORE)").wait_for()
    settled(page)
    shoot(page, "playground-stopped")
    assert server.count(CHATS) == before + 2


def test_nothing_hostile_runs_or_loads(page: Any, serve: Serve, odd: StoredSweep) -> None:
    """An answer of markup runs no script, loads no image, asks no other machine."""
    page.goto(f"{serve(runs(odd))}/playground?a={of(odd)}")
    page.get_by_text("a question costs nothing").wait_for()
    settled(page)
    type_in(page, "<img src=x onerror=\"document.title='ran'\"> How much?")
    page.get_by_text("free · asked").wait_for()
    settled(page)
    shoot(page, "playground-hostile")
    assert page.title() != "ran"
    assert page.locator("img[src='x'], img[src*=evil], a[href*=evil], [onerror]").count() == 0
    assert "<script>document.title" in page.inner_text(".stMain")
    assert page.requests_elsewhere == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1920, "light")])
def test_it_fits_the_screen(browser: Any, serve: Serve, local: StoredSweep, width: int, scheme: str) -> None:
    """On a phone and on wide screens, light and dark."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(30_000)
    page.goto(f"{serve(runs(local))}/playground?a=@production&b={of(local, 7)}")
    page.get_by_text("a question costs nothing").first.wait_for()
    settled(page)
    type_in(page, SATURDAYS)
    page.get_by_text("not asked again").nth(1).wait_for()
    settled(page)
    shoot(page, f"playground-{width}-{scheme}")
    wide = page.evaluate("document.querySelector('.stMain').scrollWidth")
    assert wide <= width + 1
    assert page.get_by_test_id("stAlertContentError").count() == 0
    page.close()
