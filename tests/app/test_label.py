"""The page on which people label answers: blind, by the keyboard, several at a time, up to a calibration."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from harness.app.label import keys
from harness.config import load
from harness.store import StoredSweep
from harness.store.layout import LABELS
from harness.study.judging.judgements import judgements_of
from harness.study.judging.labels import labels_of
from harness.study.judging.sights import sights_of
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.app.conftest import Draw, table, texts
from tests.cli.test_cli import harness
from tests.loopback import Loopback
from tests.sweeps.judged import judged, mark

Run = Callable[..., StoredSweep]


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
    keyed = {str(each.key): each for each in test.button}
    return {key.rsplit("-", 1)[1]: each for key, each in keyed.items() if key.startswith("reply-")}


def item_of(test: AppTest) -> str:
    """The id of the answer in view."""
    return next(str(each.key) for each in test.button if str(each.key).startswith("reply-")).split("-")[1]


def all_given(test: AppTest, reply: Callable[[str], str]) -> list[str]:
    """Reply to all answers of the sample, by id; returns them in the order they came."""
    order = []
    while choices(test):
        order.append(item_of(test))
        choices(test)[reply(order[-1])].click().run()
        assert not test.exception and not test.error, texts(test)
    return order


def everything(test: AppTest) -> str:
    """All that was sent to the browser, and the address."""
    return f"{[str(getattr(each, 'proto', '')) for each in test._tree]} {dict(test.query_params)}"


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
    assert {(label.by, label.asked, label.weight) for label in given} == {
        ("ann", "yes/no", 1.0),
        ("bob", "yes/no", 1.0),
    }
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


@pytest.mark.usefixtures("quick")
def test_the_page_is_blind(draw: Draw, run: Run) -> None:
    """Until one's own labels are done nothing of variants, scores and other people's labels is sent to the browser;
    then the agreement is."""
    stored = run()
    ann = begun(draw, stored, "ann", n="4", ask="1 to 5")
    choices(ann)["4"].click().run()
    ann.text_input(key=f"note-{item_of(ann)}").input("quite a note")
    all_given(ann, lambda name: "4")
    bob = begun(draw, stored, "bob", n="4", ask="1 to 5")
    while choices(bob):
        sent = everything(bob)
        assert "Answer" in sent and "bob labels correct" in sent and "reply-" in sent
        for secret in ("ann", "quite a note", "0.75", "kappa", "similarity", *(e["id"] for e in stored.variants)):
            assert not re.search(rf"\b{secret}\b", sent), secret
        assert not any(entry["label"] in sent for entry in stored.variants)
        choices(bob)["2"].click().run()
    assert table(bob, "kappa")["people"][0] == "ann and bob"
    assert "0.75" not in everything(bob) and "4" in set(table(bob, "ann ")["ann "])


@pytest.mark.usefixtures("quick")
def test_a_reload_goes_on_where_one_was(draw: Draw, run: Run) -> None:
    """The name is confirmed by one press; the rest comes in the order it would have; what was put off comes last."""
    stored = run()
    order = all_given(begun(draw, stored, "eve", n="6"), lambda name: "y")
    shutil.rmtree(stored.folder.path / LABELS)
    test = begun(draw, stored, "eve", n="6")
    test.button(key=f"later-{order[0]}").click().run()
    choices(test)["n"].click().run()
    test = draw(stored.folder.path.parent, "label", **dict(test.query_params))
    assert test.button(key="begin").label == "Carry on as eve"
    test.button(key="begin").click().run()
    assert item_of(test) == order[0]
    assert all_given(test, lambda name: "y") == [order[0], *order[2:]]


@pytest.mark.usefixtures("quick")
def test_a_label_can_be_changed(draw: Draw, run: Run) -> None:
    """Back to the one before; the new label counts, the old one stays on file; the same label again adds none."""
    stored = run()
    test = begun(draw, stored, "ann", n="3")
    first = item_of(test)
    choices(test)["y"].click().run()
    second = item_of(test)
    test.button(key=f"back-{second}").click().run()
    assert item_of(test) == first
    assert "You said: yes" in texts(test)
    choices(test)["y"].click().run()
    assert len(labels_of(stored)) == 1
    test.button(key=f"back-{second}").click().run()
    test.text_input(key=f"note-{first}").input("second thoughts")
    choices(test)["n"].click().run()
    assert item_of(test) == second
    assert [(label.value, label.note) for label in labels_of(stored)] == [(1.0, ""), (0.0, "second thoughts")]
    assert not test.error


@pytest.mark.usefixtures("quick")
def test_disagreements_are_settled_afterwards(draw: Draw, run: Run) -> None:
    """By a label that stands in place of the others; theirs stay."""
    stored = run()
    order = all_given(begun(draw, stored, "ann", n="4"), lambda name: "y")
    test = begun(draw, stored, "bob", n="4")
    all_given(test, lambda name: "n" if name == order[0] else "y")
    rows = table(test, "settled as")
    assert (list(rows["ann "]), list(rows["bob "]), list(rows["settled as"])) == (["yes"], ["no"], [""])
    test.button(key=f"settle-{order[0]}-n").click().run()
    assert not test.exception and not test.error
    assert list(table(test, "settled as")["settled as"]) == ["no"]
    last = labels_of(stored)[-1]
    assert (last.value, last.by, last.adjudicated) == (0.0, "bob", True)
    assert len(labels_of(stored)) == 9


@pytest.mark.usefixtures("quick")
def test_people_may_ask_a_question_of_their_own(draw: Draw, run: Run) -> None:
    """It is kept, others find it with its scale, and no calibration takes it for a metric."""
    stored = run()
    test = draw(stored.folder.path.parent, "label", sweep=stored.id, of="+", by="ann", n="2", ask="1 to 5")
    assert test.button(key="begin").disabled
    test.text_input(key="own-question").input("helpful").run()
    test.button(key="begin").click().run()
    all_given(test, lambda name: "5")
    assert "harness labels list" in "".join(each.value for each in test.code)
    assert {(label.metric, label.value, label.asked) for label in labels_of(stored)} == {("helpful", 5.0, "1 to 5")}
    other = draw(stored.folder.path.parent, "label", sweep=stored.id, of="helpful")
    assert (other.selectbox(key="of").value, other.selectbox(key="ask").options) == ("helpful", ["1 to 5"])
    done = harness("calibrate", stored.id, cwd=stored.folder.path.parent.parent)
    assert done.returncode == 2
    assert "has no labels" in done.stderr
