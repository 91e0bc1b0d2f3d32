"""The pages of results in a real browser: the main story, hostile contents, the password, a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.watching import Growth

from harness.app import settings
from harness.store import StoredSweep
from tests.app.conftest import ARGUMENTS, shoot
from tests.workspaces import CONFIG, make_workspace

Serve = Callable[..., str]
SLOW = '''
import time


def answer(request):
    """Takes its time."""
    time.sleep(0.4)
    return "from 10 to 14"
'''
MODEL = "model: local/extractive"


def settled(page: Any) -> None:
    """Wait until the page has nothing more to draw."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_timeout(600)


def test_from_all_sweeps_to_one_to_an_example(page: Any, serve: Serve, stories: StoredSweep) -> None:
    """Tick a sweep, open it, see the verdict, open its answers; nothing is asked of another machine."""
    page.goto(serve(stories.folder.path.parent))
    page.get_by_test_id("stDataFrame").wait_for()
    settled(page)
    shoot(page, "sweeps")
    box = page.get_by_test_id("stDataFrame").bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 54)
    page.get_by_role("link", name=re.compile("Open ")).click()
    page.get_by_text("No difference can be claimed between the variants").wait_for()
    settled(page)
    assert f"sweep={stories.id}" in page.url
    shoot(page, "sweep")
    page.get_by_role("link", name=re.compile("question by question")).click()
    page.get_by_text("Evidence in the source").wait_for()
    settled(page)
    assert "example=q0" in page.url
    shoot(page, "example")
    assert page.requests_elsewhere == []


def test_each_page_is_one_step_of_the_way_back(page: Any, serve: Serve, stories: StoredSweep) -> None:
    """However many choices its address took up."""
    page.goto(f"{serve(stories.folder.path.parent)}/sweep?sweep={stories.id}")
    page.get_by_text("What each axis does").wait_for()
    settled(page)
    page.get_by_role("link", name=re.compile("question by question")).click()
    page.get_by_text("Evidence in the source").wait_for()
    settled(page)
    page.go_back()
    page.get_by_text("What each axis does").wait_for()
    assert "/sweep?" in page.url and f"sweep={stories.id}" in page.url


def test_the_menu_of_a_phone_closes_when_a_page_was_chosen(browser: Any, serve: Serve, stories: StoredSweep) -> None:
    """It would lie over the page."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(serve(stories.folder.path.parent))
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Registry").click()
    page.get_by_role("heading", name="Registry").wait_for()
    page.get_by_test_id("stExpandSidebarButton").wait_for()
    page.close()


def test_a_click_on_a_point_selects_its_variant(page: Any, serve: Serve, stories: StoredSweep) -> None:
    """The address follows, so that the selection can be sent round."""
    page.goto(f"{serve(stories.folder.path.parent)}/sweep?sweep={stories.id}&variant={stories.variants[0]['id']}")
    page.get_by_text("What each axis does").wait_for()
    settled(page)
    chart = page.locator(".st-key-front-latency_ms canvas").first
    chart.scroll_into_view_if_needed()
    settled(page)
    points = sorted(chart.evaluate(POINTS))
    assert points, "no place of the chart has the pointer of something to click"
    chosen = {page.url}
    for x, y in (points[0], points[-1]):
        page.mouse.click(x, y)
        page.wait_for_timeout(1500)
        chosen.add(page.url)
    assert len(chosen) > 1
    assert re.search(r"variant=(\w+)", page.url)[1] in {entry["id"] for entry in stories.variants}  # type: ignore[index]


POINTS = """canvas => {
    const box = canvas.getBoundingClientRect(), found = [];
    for (let y = box.top + 30; y < box.bottom - 40; y += 4)
        for (let x = box.left + 20; x < box.right - 4; x += 4) {
            canvas.dispatchEvent(new MouseEvent('mousemove', {clientX: x, clientY: y, bubbles: true}));
            if (canvas.parentElement.style.cursor === 'pointer') found.push([x, y]);
        }
    return found;
}"""
"""Where the chart shows the pointer of something to click, in the window's pixels."""


def test_nothing_hostile_runs_or_loads(page: Any, serve: Serve, hostile: StoredSweep) -> None:
    """On no page: no script of theirs, no image, no request elsewhere; the text is read as it is."""
    address = serve(hostile.folder.path.parent)
    both = ",".join(f"{hostile.id}/{entry['id']}" for entry in hostile.variants[:2])
    paths = ("", f"/sweep?sweep={hostile.id}", f"/compare?runs={both}", f"/example?sweep={hostile.id}&example=q1")
    for number, path in enumerate(paths):
        page.goto(address + path)
        page.get_by_test_id("stMain").wait_for()
        settled(page)
        for each in page.locator("summary").all():
            each.click()
        settled(page)
        shoot(page, f"hostile-{number}")
        assert page.title() != "ran"
        assert page.locator("img[src='x'], img[src*=evil], a[href*=evil], [onerror]").count() == 0
    assert "<script>document.title" in page.inner_text("[data-testid=stMain]")
    assert page.requests_elsewhere == []


def test_another_name_that_points_here_is_not_served(browser: Any, serve: Serve, stories: StoredSweep) -> None:
    """A page elsewhere could have its own name lead to this machine, and read and press what is here."""
    address = serve(stories.folder.path.parent)
    own = browser.new_page()
    own.goto(address)
    own.get_by_test_id("stDataFrame").wait_for()
    own.close()
    rebound = browser.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=[*ARGUMENTS, "--host-resolver-rules=MAP rebound.example 127.0.0.1"],
    )
    page = rebound.new_page()
    page.goto(address.replace("127.0.0.1", "rebound.example") + f"/sweep?sweep={stories.id}")
    page.get_by_text("is for this machine alone").wait_for()
    assert stories.id not in page.inner_text("body")
    rebound.close()


def test_an_example_that_changed_is_opened_from_a_comparison(
    page: Any, serve: Serve, tmp_path: Path, stories: StoredSweep
) -> None:
    """Two runs of a sweep are compared; the one that lost most is looked at side by side, and opened."""
    growth = Growth(tmp_path, np.array([np.ones(40), np.where(np.arange(40) < 6, 0.0, 1.0)]))
    growth.add((v, e) for v in range(2) for e in range(40))
    growth.writer.end("complete")
    page.goto(f"{serve(tmp_path)}/compare?runs=grown/v0,grown/v1")
    page.get_by_text("By correct 6 examples lost and 0 gained").wait_for()
    page.locator("summary").filter(has_text="-1.000").first.click()
    settled(page)
    shoot(page, "compare-changed")
    page.get_by_role("link", name="Open this example").first.click()
    page.get_by_role("heading", name="Example", exact=True).wait_for()
    settled(page)
    assert "example=e0" in page.url and "variants=v0" in page.url


def test_a_link_to_a_page_does_not_pass_the_password(page: Any, serve: Serve, stories: StoredSweep) -> None:
    """Of a fresh server, to a page below the entry; the right password opens it."""
    address = serve(stories.folder.path.parent, **{settings.PASSWORD: "open sesame"})
    page.goto(f"{address}/sweep?sweep={stories.id}")
    page.get_by_label("Password", exact=True).wait_for()
    assert page.get_by_text("Ranking").count() == 0
    page.get_by_label("Password", exact=True).fill("open sesame")
    page.get_by_role("button", name="Enter").click()
    page.get_by_text("What each axis does").wait_for()


def test_addresses_in_texts_of_others_are_no_links(page: Any, serve: Serve, stories: StoredSweep) -> None:
    """Not even those that stand by themselves, in an error that repeats what the address of the page said."""
    said = "https://evil.example/x www.evil.example eve@evil.example"
    page.goto(f"{serve(stories.folder.path.parent)}/sweep?sweep={said}")
    page.get_by_test_id("stAlertContentError").wait_for()
    settled(page)
    assert "evil.example" in page.get_by_test_id("stAlertContentError").inner_text()
    assert page.locator("a[href*=evil]").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1920, "light")])
def test_pages_fit_the_screen(browser: Any, serve: Serve, stories: StoredSweep, width: int, scheme: str) -> None:
    """On a phone and on wide screens, light and dark: nothing is wider than the screen."""
    address = serve(stories.folder.path.parent)
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    variants = [f"{stories.id}/{entry['id']}" for entry in stories.variants[:5:4]]
    for name, query in (
        ("", ""),
        ("sweep", f"sweep={stories.id}"),
        ("compare", f"runs={','.join(variants)}"),
        ("example", f"sweep={stories.id}&example=q2"),
    ):
        page.goto(f"{address}/{name}?{query}")
        page.get_by_test_id("stMain").wait_for()
        settled(page)
        shoot(page, f"{name or 'sweeps'}-{width}-{scheme}")
        wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert wide <= width + 1, name
        assert page.get_by_test_id("stAlertContentError").count() == 0
    page.close()


def test_a_sweep_of_another_process_is_followed_until_it_is_killed(page: Any, serve: Serve, tmp_path: Path) -> None:
    """Cells count up without a reload; a killed process is said to be interrupted."""
    config = make_workspace(
        tmp_path, CONFIG.replace(MODEL, "model: 'python:bot.py:answer'").replace("[60, 120]", "[60]")
    )
    (tmp_path / "bot.py").write_text(SLOW)
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "harness", "sweep", str(config), "--concurrency", "1"]
    sweep = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not list(runs.glob("*/cells.jsonl")):
            assert sweep.poll() is None
            time.sleep(0.05)
        name = next(runs.glob("*/cells.jsonl")).parent.name
        page.goto(f"{serve(runs)}/sweep?sweep={name}")
        page.get_by_text(re.compile(r"\d+ of 32 cells finished")).wait_for()
        first = _finished(page)
        page.wait_for_function(
            "first => +(document.body.innerText.match(/(\\d+) of 32 cells/) || [0, 0])[1] > first",
            arg=first,
        )
        shoot(page, "live")
    finally:
        sweep.kill()
        sweep.wait()
    page.get_by_text("This sweep is interrupted").wait_for()
    shoot(page, "interrupted")
    assert json.loads((runs / name / "heartbeat.json").read_text())["pid"] == sweep.pid


def _finished(page: Any) -> int:
    found = re.search(r"(\d+) of 32 cells", page.inner_text("body"))
    assert found is not None
    return int(found[1])
