"""The page on which people label answers: blind, by the keyboard, several at a time, up to a calibration."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from harness.app import keys, settings
from harness.config import load
from harness.store import StoredSweep
from harness.store.layout import LABELS
from harness.study.judging.judgements import judgements_of
from harness.study.judging.labels import labels_of
from harness.study.judging.sights import sights_of
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.app.conftest import Draw, shoot, table, texts
from tests.cli.test_cli import harness
from tests.loopback import Loopback
from tests.sweeps.judged import judged, mark

Run = Callable[..., StoredSweep]
Serve = Callable[..., str]
TYPED = "tests of the page reply faster than a person does"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies count however soon they come."""
    monkeypatch.setattr(keys, "SOON_S", 0.0)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep whose answers a judge has marked, on loopback."""
    with pytest.MonkeyPatch.context() as patch, Loopback(answer=mark) as server:
        patch.setenv("OPENAI_API_KEY", "sk-loopback")
        return run_sweep(load(judged(tmp_path_factory.mktemp("marked"), server)), Options(), Progress())


@pytest.fixture(scope="module")
def judge_name(marked: StoredSweep) -> str:
    """The judge's metric."""
    return next(str(entry["name"]) for entry in marked.metrics if entry["judge"])


def begun(draw: Draw, stored: StoredSweep, by: str, of: str = "correct", **query: str) -> AppTest:
    """The page with the first answer in view."""
    test = draw(stored.folder.path.parent, "label", sweep=stored.id, of=of, by=by, **query)
    assert not test.exception and not test.error, texts(test)
    return test.button(key="begin").click().run()


def choices(test: AppTest) -> dict[str, Any]:
    """The buttons to reply by, by key."""
    return {each.key.rsplit("-", 1)[1]: each for each in test.button if (each.key or "").startswith("reply-")}


def item_of(test: AppTest) -> str:
    """The id of the answer in view."""
    return str(next(each.key for each in test.button if (each.key or "").startswith("reply-")).split("-")[1])


def all_given(test: AppTest, reply: Callable[[str], str]) -> list[str]:
    """Reply to all answers of the sample, by id; returns them in the order they came."""
    order = []
    while choices(test):
        order.append(item_of(test))
        choices(test)[reply(order[-1])].click().run()
        assert not test.exception and not test.error, texts(test)
    return order


def everything(test: AppTest) -> str:
    """All that was sent to the browser."""
    return str(test._tree) + "".join(str(getattr(each, "proto", "")) for each in test._tree)


def test_an_empty_store_says_what_to_do(draw: Draw, tmp_path: Path) -> None:
    """No sweep, no folder."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        test = draw(folder, "label")
        assert not test.exception
        assert "harness sweep CONFIG" in texts(test)


@pytest.mark.usefixtures("quick")
def test_two_people_label_and_calibrate(draw: Draw, marked: StoredSweep, judge_name: str) -> None:
    """Both see the same answers in orders of their own; the files are what `harness calibrate` compares the judge with;
    then the page shows the calibration, and the kappa of the two is the command's."""
    scores, by_id = judgements_of(marked, judge_name), sights_of(marked).by_id()
    asked = {"of": judge_name, "ask": "yes/no"}
    ann = begun(draw, marked, "ann", **asked)
    first = all_given(ann, lambda name: "y" if scores[by_id[name].cells[0]].value >= 0.5 else "n")
    assert "Nobody else has labelled these answers" in texts(ann)
    assert "There is no calibration yet" in texts(ann)
    bob = begun(draw, marked, "bob", **asked)
    second = all_given(bob, lambda name: "n" if name in first[:2] or scores[by_id[name].cells[0]].value < 0.5 else "y")
    assert sorted(first) == sorted(second) == sorted({*first})
    assert first != second
    files = sorted((marked.folder.path / LABELS).iterdir())
    assert len(files) == len(first) + len(second)
    given = labels_of(marked)
    assert {(label.by, label.asked, label.weight) for label in given} == {("ann", "yes/no", 1.0), ("bob", "yes/no", 1.0)}
    assert all(label.time and label.context for label in given)
    done = harness("calibrate", marked.id, "--json", cwd=marked.folder.path.parent.parent)
    assert done.returncode == 0, done.stderr
    [found] = json.loads(done.stdout)
    assert (found["metric"], found["labels"], found["by"]) == (judge_name, len(first), ["ann", "bob"])
    row = table(bob, "kappa").iloc[0]
    [people] = found["people"]
    assert row["people"] == "ann and bob"
    for name in ("kappa", "low", "high", "agree", "n"):
        assert row[name] == pytest.approx(people[name]), name
    after = texts(begun(draw, marked, "ann", **asked))
    assert f"{len(first)} labels by ann, bob" in after
