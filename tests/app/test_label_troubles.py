"""The page Label where something is wrong: what cannot be written, cannot be read, or comes from another hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmarks.watching import Growth

from harness.app import settings
from harness.app.label import keys
from harness.store import StoredSweep
from harness.store.layout import LABELS
from harness.study.judging.labels import labels_of
from tests.app.conftest import Draw, sent, texts
from tests.app.test_label import begun, choices, item_of

Run = Callable[..., StoredSweep]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies count however soon they come."""
    monkeypatch.setattr(keys, "SOON_S", 0.0)


@pytest.mark.usefixtures("quick")
def test_a_label_that_cannot_be_written_is_told(draw: Draw, run: Run) -> None:
    """The answer stays in view; once it can be written, the same press keeps it."""
    stored = run()
    test = begun(draw, stored, "ann", n="3")
    in_the_way, name = stored.folder.path / LABELS, item_of(test)
    in_the_way.write_text("a file where a folder should be")
    choices(test)["y"].click().run()
    assert "This label was not kept" in texts(test)
    assert "cannot write to" in texts(test)
    assert item_of(test) == name
    in_the_way.unlink()
    choices(test)["y"].click().run()
    assert not test.error
    assert [label.value for label in labels_of(stored)] == [1.0]


@pytest.mark.usefixtures("quick")
def test_nothing_is_written_where_that_is_not_allowed(draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--read-only` is said before one begins, and to a page that was open before."""
    stored = run()
    test = begun(draw, stored, "ann", n="3")
    monkeypatch.setenv(settings.READ_ONLY, "1")
    choices(test)["y"].click().run()
    assert "This label was not kept: this dashboard was opened with" in texts(test)
    test = draw(stored.folder.path.parent, "label", sweep=stored.id, by="ann")
    assert "Labels cannot be written here" in texts(test)
    assert test.button(key="begin").disabled
    assert not (stored.folder.path / LABELS).exists()


def test_what_has_just_come_into_view_cannot_be_replied_to(
    draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a key that is held down."""
    stored = run()
    monkeypatch.setattr(keys, "SOON_S", 1000.0)
    test = begun(draw, stored, "ann", n="3")
    choices(test)["y"].click().run()
    assert labels_of(stored) == []
    monkeypatch.setattr(keys, "SOON_S", 0.0)
    choices(test)["y"].click().run()
    assert len(labels_of(stored)) == 1


@pytest.mark.parametrize(
    "query", [{"of": "latency_ms"}, {"of": "\x00<b>"}, {"n": "-1"}, {"seed": "9" * 40}, {"by": "x" * 99}]
)
def test_an_address_of_another_hand_breaks_nothing(draw: Draw, run: Run, query: dict[str, str]) -> None:
    """It is put right, or said to be wrong."""
    stored = run(overrides=("metrics=[correct, latency_ms]",))
    test = draw(stored.folder.path.parent, "label", sweep=stored.id, **query)
    assert not test.exception
    if set(query) & {"n", "seed"}:
        assert not test.error
    else:
        assert test.error


@pytest.mark.usefixtures("quick")
def test_a_hostile_sweep_is_only_read(draw: Draw, hostile: StoredSweep) -> None:
    """Its answers are text, one of a megabyte is cut; labels of it are kept whole."""
    folder = hostile.folder.path / LABELS
    try:
        test = begun(draw, hostile, "<b>eve</b>", of="answer_match", n="1000")
        while choices(test):
            bodies = "".join(sent(test))
            for bad in ("<script", "<img", "<i>", "<b>", "<!--", "\u202e"):
                assert bad not in bodies
            assert len(bodies) < 200_000
            for each in [*test.markdown, *test.caption, *test.error]:
                assert not each.allow_html
            choices(test)["n"].click().run()
            assert not test.exception and not test.error
        assert max(len(label.answer) for label in labels_of(hostile)) > 400_000
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_broken_store_says_what_is_wrong(draw: Draw, run: Run) -> None:
    """A newer format, a torn header, labels that are none; a running sweep is to be waited for."""
    stored = run()
    runs = stored.folder.path.parent
    header = json.loads((stored.folder.path / "sweep.json").read_text())
    broken = {"newer": json.dumps({**header, "format": 99}), "torn": '{"format": 1, "na', "bare": '{"format": 1}'}
    broken["odd"] = json.dumps({**header, "metrics": 3})
    broken["hollow"] = json.dumps(header)
    for name, content in broken.items():
        (runs / name).mkdir()
        (runs / name / "sweep.json").write_text(content)
    for name in broken:
        test = draw(runs, "label", sweep=name, by="ann", of="correct")
        if name == "hollow":
            test = test.button(key="begin").click().run()
        assert not test.exception, name
        assert "cannot be shown" in texts(test) or "nothing to label" in texts(test), name
    (stored.folder.path / LABELS).mkdir()
    (stored.folder.path / LABELS / "1.jsonl").write_text('{"format": 1}\n{"by": "ann"}\n{"by')
    assert "a line there is no label" in texts(draw(runs, "label", sweep=stored.id))
    (stored.folder.path / LABELS / "1.jsonl").write_text('{"format": 99}\n')
    assert "upgrade harness" in texts(draw(runs, "label", sweep=stored.id))


def test_a_running_sweep_is_to_be_waited_for(draw: Draw, tmp_path: Path) -> None:
    """What is finished of it first is no fair sample."""
    growth = Growth(tmp_path, np.ones((2, 8)))
    growth.add([(0, 0)])
    test = draw(tmp_path, "label", sweep="grown")
    assert "This sweep is running" in texts(test)
    assert not test.button
    growth.writer.end("complete")
