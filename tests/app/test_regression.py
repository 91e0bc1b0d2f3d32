"""The page of nights: the trend, the first bad night, what broke; nights on the page of sweeps."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store import Folder, StoredSweep
from harness.store.additions import names
from tests.app.conftest import Draw, sent, shoot, table, texts
from tests.app.test_browser import settled
from tests.study.kept_nights import Kept, delete, kept_nights

Serve = Callable[..., str]


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Nine nights, of which the second has lost its run."""
    made = kept_nights(tmp_path_factory.mktemp("nights"))
    delete(made, 2)
    return made


@pytest.fixture
def copied(kept: Kept, tmp_path: Path) -> Kept:
    """A copy, to be spoilt."""
    return kept._replace(runs=Path(shutil.copytree(kept.runs, tmp_path / "runs")))


def files(kept: Kept) -> list[Path]:
    """The files of the one series."""
    [series] = (kept.runs / "_nights").iterdir()
    return [series / name for name in names(Folder(series), ".json")]


def test_without_any_night_it_says_how_to_have_one(draw: Draw, tmp_path: Path) -> None:
    """Also that plain gates keep nothing."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        test = draw(folder, "regression")
        assert not test.exception and not test.error
        assert "harness gate CONFIG --baseline RUN --nightly" in texts(test)
        assert "not kept" in texts(test)


def test_the_first_bad_night_and_the_examples_that_broke(draw: Draw, kept: Kept) -> None:
    """The page opens at the first bad night of the newest alarm."""
    test = draw(kept.runs, "regression")
    said = texts(test)
    assert not test.exception and not test.error
    assert f"First bad night, by answer_match: 6 (2026-03-08), run {kept.nights[5]}" in said
    assert "drift of the provider or judge" in said
    assert f"First bad night, by answer_match: 9 (2026-03-11), run {kept.nights[8]}" in said
    assert test.selectbox(key="night").value == "9"
    rows = table(test, "verdict")
    assert list(rows["night"]) == list(range(9, 0, -1))
    assert list(rows["run's state"])[-2] == "deleted" and list(rows["run's state"]).count("deleted") == 1
    broke = test.dataframe(key="broken").value
    assert len(broke) == 20 and (broke["difference"] < 0).all()


def test_a_night_is_chosen_by_its_address(draw: Draw, kept: Kept) -> None:
    """A quiet one, one by a slice, one whose run was deleted."""
    quiet = texts(draw(kept.runs, "regression", night="3"))
    assert "Settings that differ from the baseline: none" in quiet
    sliced = draw(kept.runs, "regression", night="6", by="1")
    questions = sliced.dataframe(key="broken").value["example"]
    assert all(int(name[1:]) % 2 for name in questions)
    gone = draw(kept.runs, "regression", night="2")
    assert not gone.exception and not gone.error
    assert "The run of this night was deleted." in texts(gone)


def test_another_series_begins_with_its_own_night(draw: Draw, copied: Kept) -> None:
    """Chosen on the page, or by a link; a link that names a night has that one."""
    [one] = (copied.runs / "_nights").iterdir()
    other = one.with_name("0" * len(one.name))
    shutil.copytree(one, other)
    for file in sorted(other.iterdir())[7:]:
        file.unlink()
    test = draw(copied.runs, "regression", series=one.name, night="3")
    test.selectbox(key="series").set_value(other.name).run()
    assert not test.exception
    assert test.selectbox(key="night").value == "7", "its newest: without a baseline no first bad night is told"
    test.query_params.pop("night")
    test.query_params["series"] = one.name
    assert test.run().selectbox(key="night").value == "9"
    test.query_params["series"], test.query_params["night"] = other.name, "3"
    assert test.run().selectbox(key="night").value == "3"


def test_rules_without_noise_are_told_for_one_night(draw: Draw, kept: Kept) -> None:
    """The floor of 0.7 is broken in the first bad night and holds before it."""
    assert "! BROKEN: answer_match is" in texts(draw(kept.runs, "regression", night="6"))
    assert "holds: answer_match is" in texts(draw(kept.runs, "regression", night="5"))


def test_without_the_baseline_means_are_shown_and_nothing_made_up(draw: Draw, copied: Kept) -> None:
    """No band, no limit, no first bad night; the alarms that were kept stand."""
    shutil.rmtree(copied.runs / copied.baseline.partition("/")[0])
    test = draw(copied.runs, "regression")
    said = texts(test)
    assert not test.exception and not test.error
    assert "no longer in this folder" in said and "cannot be told" in said
    rows = table(test, "verdict")
    assert list(rows["verdict"]).count("alarm") == 3
    assert rows["answer_match all, difference"].isna().all()


def test_a_torn_a_changed_and_a_newer_night_are_told_in_their_place(draw: Draw, copied: Kept) -> None:
    """The others are shown."""
    first, second, third, *_ = files(copied)
    first.write_text('{"format": 1, "ti')
    second.write_text(json.dumps({**json.loads(second.read_text()), "means": [None]}))
    third.write_text(json.dumps({**json.loads(third.read_text()), "format": 99}))
    test = draw(copied.runs, "regression")
    assert not test.exception and not test.error
    rows = table(test, "verdict").set_index("night")
    assert set(rows.loc[[1, 2, 3], "verdict"]) == {"cannot be read"}
    assert "torn" in rows["why"][1] and "was changed" in rows["why"][2] and "upgrade harness" in rows["why"][3]
    assert rows["verdict"][6] == "alarm, of the candidate"


def test_a_series_in_the_address_that_is_not_there_is_told(draw: Draw, kept: Kept) -> None:
    """Nothing but names of series can be given, no path."""
    test = draw(kept.runs, "regression", series="../../etc")
    assert "There is no series" in texts(test)
    assert len(table(test, "verdict")) == 9


def test_nights_name_no_folder_elsewhere(draw: Draw, copied: Kept) -> None:
    """A run that is a path is as one that was deleted; markup in a night's file is text."""
    file = files(copied)[8]
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "run": "../../<img src=x onerror=1>/v"}))
    test = draw(copied.runs, "regression", night="9")
    assert not test.exception and not test.error
    assert "The run of this night was deleted." in texts(test)
    assert "<img" not in "".join(sent(test))


def test_sweeps_of_nights_are_marked_and_chosen(draw: Draw, kept: Kept) -> None:
    """With what came of the night; the filter keeps them, or leaves them out."""
    rows = draw(kept.runs, "sweeps").dataframe(key="sweeps-table").value.set_index("sweep")
    marks = [rows["night"][run.partition("/")[0]] for n, run in enumerate(kept.nights, 1) if n != 2]
    assert marks == [*["no alarm"] * 4, "alarm", "alarm", "no alarm", "alarm"]
    only = draw(kept.runs, "sweeps", nights="only").dataframe(key="sweeps-table").value
    assert len(only) == 8
    others = draw(kept.runs, "sweeps", nights="none").dataframe(key="sweeps-table").value
    assert kept.baseline.partition("/")[0] in set(others["sweep"]) and len(others) == len(rows) - 8


def test_sweeps_without_nights_have_no_such_column(draw: Draw, stories: StoredSweep) -> None:
    """Nor the filter."""
    test = draw(stories.folder.path.parent, "sweeps")
    assert "night" not in test.dataframe(key="sweeps-table").value.columns
    assert [each.label for each in test.selectbox] == []


def test_the_story_in_a_browser(page: Any, serve: Serve, kept: Kept) -> None:
    """From the alarm to an example that broke; a click on a dot chooses its night."""
    page.goto(f"{serve(kept.runs)}/regression")
    page.get_by_text(re.compile("First bad night, by")).first.wait_for()
    settled(page)
    shoot(page, "regression")
    chart = page.locator(".st-key-nights-0 canvas").first
    chart.scroll_into_view_if_needed()
    settled(page)
    shoot(page, "regression-trend")
    points = sorted(chart.evaluate(POINTS))
    assert points
    page.mouse.click(*points[0])
    page.wait_for_url(re.compile("night=1(&|$)"))
    page.get_by_text("One night", exact=True).scroll_into_view_if_needed()
    settled(page)
    shoot(page, "regression-night")
    page.get_by_role("link", name=re.compile("in this night")).click()
    page.get_by_text("Conversation").wait_for()
    assert kept.nights[0].partition("/")[0] in page.url
    assert page.requests_elsewhere == []


POINTS = """canvas => {
    const box = canvas.getBoundingClientRect(), found = [];
    for (let y = box.top + 30; y < box.bottom - 30; y += 3)
        for (let x = box.left + 20; x < box.right - 4; x += 3) {
            canvas.dispatchEvent(new MouseEvent('mousemove', {clientX: x, clientY: y, bubbles: true}));
            if (canvas.parentElement.style.cursor === 'pointer') found.push([x, y]);
        }
    return found;
}"""
"""Where the chart shows the pointer of something to click, in the window's pixels."""


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1920, "light")])
def test_it_fits_the_screen(browser: Any, serve: Serve, kept: Kept, width: int, scheme: str) -> None:
    """On a phone and on wide screens, light and dark: nothing is wider than the screen."""
    page = browser.new_page(viewport={"width": width, "height": 1400}, color_scheme=scheme)
    address = serve(kept.runs)
    for name, path in (("regression", "regression"), ("sweeps", "")):
        page.goto(f"{address}/{path}")
        page.get_by_test_id("stDataFrame").first.wait_for()
        settled(page)
        shoot(page, f"{name}-nights-{width}-{scheme}")
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width + 1
        assert page.get_by_test_id("stAlertContentError").count() == 0
    page.close()
