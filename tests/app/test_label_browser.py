"""Labelling in a real browser: by the keyboard, two at once, a key held down, a name from a proxy, a phone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright import sync_api

from harness.app import settings
from harness.app.label import keys
from harness.config import load
from harness.store import Folder, StoredSweep
from harness.store.layout import LABELS
from harness.study.judging.labels import labels_of
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.app.conftest import shoot
from tests.app.proxy import Proxy
from tests.app.test_browser import settled
from tests.workspaces import make_workspace

Serve = Callable[..., str]


def opened(page: Any, address: str, stored: StoredSweep, by: str, **query: str) -> None:
    """The page with the first answer in view, in the browser."""
    page.goto(f"{address}/label?{urlencode({'sweep': stored.id, 'of': 'correct', 'by': by, **query})}")
    page.get_by_role("button", name=re.compile("Begin|Carry on")).wait_for()
    settled(page)
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(r"\d+ of \d+ done")).wait_for()
    settled(page)


def pressed(page: Any, key: str, then: str) -> None:
    """Press a key once one may reply, and wait for what it brings."""
    page.wait_for_timeout(1000 * keys.SOON_S)
    page.keyboard.press(key)
    page.get_by_text(then).first.wait_for()
    settled(page)


def counted(page: Any, key: str, then: str) -> None:
    """Wait for what a pressed key brings; on a busy machine a key may come while the page is being drawn, and is then
    no reply: it is pressed again, as a person would."""
    try:
        page.get_by_text(then).first.wait_for(timeout=10_000)
    except sync_api.TimeoutError:
        page.keyboard.press(key)
        page.get_by_text(then).first.wait_for()
    settled(page)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep whose labels are given in the browser."""
    return run_sweep(load(make_workspace(tmp_path_factory.mktemp("desk"))), Options(), Progress())


@pytest.fixture
def bench(desk: StoredSweep, tmp_path: Path) -> StoredSweep:
    """A copy of it that nobody has labelled."""
    shutil.copytree(desk.folder.path, tmp_path / "runs" / desk.id)
    return StoredSweep(Folder(tmp_path / "runs" / desk.id))


def test_answers_are_labelled_by_the_keyboard(bench: StoredSweep, page: Any, serve: Serve) -> None:
    """Keys reply, go back, put off, hide; in a note they write; a reload goes on; the end says what comes next.
    Nothing of variants or scores is in the page, nor in its address; nothing is asked of another machine."""
    address = serve(bench.folder.path.parent)
    opened(page, address, bench, "ann", n="3")
    shoot(page, "label")
    pressed(page, "y", "1 of 3 done")
    pressed(page, "s", "1 of 3 done")
    content = page.content() + page.url
    for entry in bench.variants:
        assert entry["id"] not in content and entry["label"] not in content
    assert "similarity" not in content
    assert page.get_by_text("Passages", exact=True).count() == 1
    pressed(page, "a", "Show passages")
    assert page.get_by_text("Passages", exact=True).count() == 0
    page.get_by_label("Note").fill("yes and no")
    page.get_by_label("Note").press("n")
    assert len(labels_of(bench)) == 1
    page.get_by_label("Note").press("Tab")
    settled(page)
    pressed(page, "n", "2 of 3 done")
    assert [(label.value, label.note) for label in labels_of(bench)] == [(1.0, ""), (0.0, "yes and non")]
    page.reload()
    page.get_by_role("button", name="Carry on as ann").wait_for()
    settled(page)
    page.keyboard.press("Enter")
    page.get_by_text("2 of 3 done").wait_for()
    settled(page)
    pressed(page, "b", "You said: no.")
    shoot(page, "label-back")
    pressed(page, "s", "2 of 3 done")
    pressed(page, "y", "All 3 answers of this sample have your label.")
    page.get_by_text(f"harness calibrate {bench.id}").wait_for()
    shoot(page, "label-done")
    assert page.requests_elsewhere == []


def test_a_key_that_is_held_down_replies_once(bench: StoredSweep, page: Any, serve: Serve) -> None:
    """A key down sends a press every 30 ms; the next answers come into view and are not replied to."""
    opened(page, serve(bench.folder.path.parent), bench, "ann", n="9")
    page.wait_for_timeout(1000 * keys.SOON_S)
    for _ in range(60):
        page.keyboard.down("y")
        page.wait_for_timeout(30)
    page.keyboard.up("y")
    settled(page)
    assert len(labels_of(bench)) == 1
    pressed(page, "n", "2 of 9 done")


def test_two_people_at_once_lose_nothing(bench: StoredSweep, browser: Any, serve: Serve) -> None:
    """Each press of both is on file under the name of who pressed; each sees the count of their own."""
    address = serve(bench.folder.path.parent)
    people = {by: browser.new_page(viewport={"width": 1280, "height": 900}) for by in ("ann", "bob")}
    for by, each in people.items():
        opened(each, address, bench, by, n="5")
    for count in range(1, 6):
        people["ann"].wait_for_timeout(1000 * keys.SOON_S)
        for by, each in people.items():
            each.keyboard.press("y" if by == "ann" else "n")
        for by, each in people.items():
            counted(each, "y" if by == "ann" else "n", f"{count} of 5 done")
    given = labels_of(bench)
    assert sorted((label.by, label.value) for label in given) == [("ann", 1.0)] * 5 + [("bob", 0.0)] * 5
    answers = {by: {(label.example, label.answer, label.context) for label in given if label.by == by} for by in people}
    assert answers["ann"] == answers["bob"]
    assert len(list((bench.folder.path / LABELS).iterdir())) == 10
    for each in people.values():
        each.close()


def test_the_name_is_that_of_the_proxy(bench: StoredSweep, browser: Any, serve: Serve) -> None:
    """Where a proxy tells who looks, the address cannot name another, nor can the field be changed."""
    address = serve(bench.folder.path.parent, **{settings.IDENTITY: "X-User"})
    with Proxy(address, "X-User: ann") as proxied:
        _named_by_proxy(browser.new_page(viewport={"width": 1280, "height": 900}), proxied.address, bench)


def _named_by_proxy(page: Any, address: str, bench: StoredSweep) -> None:
    page.set_default_timeout(30_000)
    opened(page, address, bench, "mallory", n="2")
    assert "mallory" not in page.url
    pressed(page, "y", "1 of 2 done")
    assert [label.by for label in labels_of(bench)] == ["ann"]
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Carry on as ann").wait_for()
    field = page.get_by_test_id("stTextInputField")
    assert (field.input_value(), field.is_disabled()) == ("ann", True)
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1920, "light")])
def test_the_page_fits_the_screen(
    bench: StoredSweep, browser: Any, serve: Serve, hostile: StoredSweep, width: int, scheme: str
) -> None:
    """On a phone and on wide screens, light and dark, also with answers of another hand: nothing is wider."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(30_000)
    for stored, of in ((bench, "correct"), (hostile, "answer_match")):
        opened(page, serve(stored.folder.path.parent), stored, "eve", of=of, n="4")
        shoot(page, f"label-{of}-{width}-{scheme}")
        wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert wide <= width + 1
        assert page.title() != "ran"
        assert page.locator("img[src='x'], img[src*=evil], a[href*=evil], [onerror]").count() == 0
        assert page.get_by_test_id("stAlertContentError").count() == 0
    page.close()
