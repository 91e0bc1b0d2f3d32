"""What people label: the drawn order, each person's part, the questions, what was given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.watching import Growth

from harness.errors import UserError
from harness.store import Folder, StoredSweep, additions
from harness.store.layout import LABELS
from harness.study.board.label import pool as pools
from harness.study.board.label.labelling import Kept, agreements, disputes, give, marks, outside, reviewer, sample
from harness.study.board.label.pool import Item, pool
from harness.study.board.label.questions import FIVE, PARTLY, YES_NO, Question, names, question, ways
from harness.study.board.opening import open_sweep
from harness.study.judging.calibration import calibrate
from harness.study.judging.judgements import judgements_of
from harness.study.judging.labels import Label, labels_of, read_labels, settle
from harness.study.judging.sampling import draw
from harness.study.judging.sights import sights_of

Run = Callable[..., StoredSweep]


def ids(items: Iterable[Item]) -> list[str]:
    """The items' ids in their order."""
    return [item.sight.id for item in items]


def give_all(stored: StoredSweep, asked: Question, by: str, values: dict[str, float], count: int = 1000) -> None:
    """Label the person's part, the rest with a yes."""
    items = pool(stored, asked.metric, count).items
    found = sample(items, labels_of(stored), asked, by, count, 0)
    for name in found.queue:
        value = values.get(name, asked.choices[0].value)
        give(stored.folder, asked, found.items[name], labels_of(stored), value=value, by=by)


def entry_of(stored: StoredSweep, name: str, **changes: Any) -> StoredSweep:
    """The sweep with a metric's entry changed."""
    found = StoredSweep(stored.folder)
    found.metrics = [{**entry, **(changes if entry["name"] == name else {})} for entry in stored.metrics]
    return found


@pytest.mark.parametrize("passages", [True, False])
@pytest.mark.parametrize("metric", ["correct", "recall@3", None])
def test_the_pool_is_the_sights(run: Run, metric: str | None, passages: bool) -> None:
    """Each distinct answer with a score once, with the id that labels know it by, and none of its cells."""
    stored = run()
    found = sights_of(stored)
    cells = [cell for cell in found.of_cell if metric is None or cell in judgements_of(stored, metric)]
    drawn = pool(open_sweep(str(stored.folder.path.parent), stored.id, lean=True), metric, 1000, passages=passages)
    assert sorted(ids(drawn.items)) == sorted(sight.id for sight in found.of(cells, passages))
    assert drawn.distinct == len(drawn.items)
    assert all(not item.sight.cells for item in drawn.items)
    assert all(("passages" in item.shown) == passages for item in drawn.items)


def test_the_pool_shows_what_a_sheet_does(run: Run) -> None:
    """Question, history, references, expectation and passages are those of `harness labels sample`."""
    stored = run()
    lines = {line["id"]: line for line in draw(stored, "correct", 1000)}
    for item in pool(stored, "correct", 1000).items:
        line = lines[item.sight.id]
        assert item.sight.answer == line["answer"]
        assert item.shown == {
            name: line[name] for name in ("question", "history", "references", "expected", "passages")
        }


def test_the_order_is_drawn_once_for_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller sample begins a larger one; batches and the metric change nothing; the seed does."""
    stored = run()
    whole = ids(pool(stored, None, 1000).items)
    assert ids(pool(stored, None, 5).items) == whole[:5]
    scored = set(ids(pool(stored, "recall@3", 1000).items))
    assert ids(pool(stored, "recall@3", 1000).items) == [name for name in whole if name in scored]
    assert len(scored) < len(whole)
    assert ids(pool(stored, None, 1000, seed=1).items) != whole
    monkeypatch.setattr(pools, "_BATCH", 7)
    assert ids(pool(stored, None, 1000).items) == whole
    assert pool(stored, None, 3).distinct == len(whole)


def test_every_answer_is_as_likely_to_be_drawn(run: Run) -> None:
    """Over 600 seeds each of the distinct answers is among the first 6 about as often, however many gave it."""
    stored = run()
    counts: Counter[str] = Counter()
    for seed in range(600):
        counts.update(ids(pool(stored, None, 6, seed).items))
    expected = 600 * 6 / pool(stored, None, 1).distinct
    chi = sum((count - expected) ** 2 / expected for count in counts.values())
    assert len(counts) == pool(stored, None, 1).distinct
    assert chi < 2 * len(counts)


def test_an_answer_from_outside_is_fetched(run: Run) -> None:
    """What a sheet had labelled comes with the first ones of the order, whatever its place."""
    stored = run()
    whole = pool(stored, "correct", 1000).items
    known = {(item.sight.example, item.sight.answer) for item in whole[:3]}
    last = next(
        item.sight for item in reversed(whole) if (item.sight.example, item.sight.answer) not in known
    )  # the order is another one for each sweep
    found = pool(stored, "correct", 3, also=[(last.example, last.answer)])
    assert ids(found.items)[:3] == ids(whole)[:3]
    assert last.id in ids(found.items)
    asked = question(stored, "correct", YES_NO)
    label = Label(last.example, last.answer, "correct", 1.0, "ann", context=last.context)
    assert outside(whole[:3], [label], asked) == {(last.example, last.answer)}
    assert outside(whole, [label], asked) == frozenset()


def test_object_storage_gives_the_same_pool(run: Run) -> None:
    """As a folder on disk."""
    stored = run()
    folder = Folder(f"memory://pool/{stored.id}")
    folder.upload(stored.folder.path)
    assert pool(StoredSweep(folder), "correct", 1000) == pool(stored, "correct", 1000)
    assert marks("memory://pool", stored.id) == ()


def test_a_sweep_that_broke_off_has_a_pool(tmp_path: Path) -> None:
    """Of what is in its journal."""
    growth = Growth(tmp_path, np.ones((2, 10)))
    growth.add((0, e) for e in range(5))
    growth.writer.end("interrupted")
    stored = growth.stored()
    assert sorted(ids(pool(stored, None, 100).items)) == sorted(sight.id for sight in sights_of(stored).with_passages)


def test_each_person_has_an_order_of_their_own(run: Run) -> None:
    """Of the same answers; the same person the same order."""
    stored = run()
    items, asked = pool(stored, "correct", 1000).items, question(stored, "correct", YES_NO)
    ann, bob = (sample(items, [], asked, by, 12, 0) for by in ("ann", "bob"))
    assert set(ann.queue) == set(bob.queue) == set(ids(items)[:12])
    assert ann.queue != bob.queue
    assert ann.queue == sample(items, [], asked, "ann", 12, 0).queue


def test_what_another_labelled_comes_first(run: Run) -> None:
    """Answers of a sheet of another draw are taken before others, so that two people overlap; chosen ones are not."""
    stored = run()
    items, asked = pool(stored, "correct", 1000).items, question(stored, "correct", YES_NO)
    base = Label("", "", "correct", 1.0, "bob", weight=1.0)
    theirs = [
        replace(base, example=s.example, answer=s.answer, context=s.context) for s in (i.sight for i in items[-4:])
    ]
    found = sample(items, theirs, asked, "ann", 6, 0)
    assert set(found.items) == {*ids(items)[-4:], *ids(items)[:2]}
    assert set(found.queue[:4]) == set(ids(items)[-4:])
    chosen = [replace(label, weight=None) for label in theirs]
    assert set(sample(items, chosen, asked, "ann", 6, 0).items) == set(ids(items)[:6])
    weighted = [replace(label, weight=2.5) for label in theirs]
    assert set(sample(items, weighted, asked, "ann", 6, 0).items) == set(ids(items)[-4:])


def test_a_label_carries_the_weight_of_the_draw(run: Run) -> None:
    """1 for what is drawn here, that of the sheet for what was drawn there, none for a question of one's own."""
    stored = run()
    items, asked = pool(stored, "correct", 1000).items, question(stored, "correct", YES_NO)
    sight = items[0].sight
    sheet = Label(sight.example, sight.answer, "correct", 1.0, "bob", context=sight.context, weight=2.5)
    assert give(stored.folder, asked, items[0], [sheet], value=1.0, by="ann").weight == 2.5
    assert give(stored.folder, asked, items[1], [sheet], value=1.0, by="ann").weight == 1.0
    own = question(stored, "helpful", YES_NO)
    assert give(stored.folder, own, items[1], [], value=1.0, by="ann").weight is None


def test_a_persons_last_label_counts(run: Run) -> None:
    """The one given again is the last in the order of what was given; labels without passages hold as well."""
    stored = run()
    items, asked = pool(stored, "correct", 1000).items, question(stored, "correct", YES_NO)
    for at, value in ((0, 1.0), (1, 1.0), (0, 0.0)):
        give(stored.folder, asked, items[at], [], value=value, by="ann")
    found = sample(items, labels_of(stored), asked, "ann", 5, 0)
    assert [(name, label.value) for name, label in found.own.items()] == [
        (items[1].sight.id, 1.0),
        (items[0].sight.id, 0.0),
    ]
    settled = settle(labels_of(stored), [item.sight for item in items])
    assert {name: each.value for name, each in settled.items()} == {
        name: label.value for name, label in found.own.items()
    }
    sight = items[2].sight
    plain = Label(sight.example, sight.answer, "correct", 1.0, "ann")
    assert sight.id in sample(items, [plain], asked, "ann", 5, 0).own


@pytest.mark.parametrize("entry", [{}, {"at_least": 0.2}, {"at_most": 0.0}])
def test_agreement_is_that_of_the_calibration(run: Run, entry: dict[str, float]) -> None:
    """Of two people who labelled the same: the figures, what is a yes included, are `harness calibrate`'s."""
    stored = entry_of(run(), "correct", **entry)
    asked = question(stored, "correct", FIVE)
    shuffled = np.random.default_rng(0)
    names_ = ids(pool(stored, "correct", 1000).items)
    for by in ("ann", "bob"):
        give_all(stored, asked, by, {name: float(shuffled.choice([0.0, 0.25, 1.0])) for name in names_})
    found = sample(pool(stored, "correct", 1000).items, labels_of(stored), asked, "ann", 1000, 0)
    [(pair, agreed)] = agreements(found, labels_of(stored), asked)
    [row] = calibrate(stored, "correct", labels_of(stored))["people"]
    assert list(pair) == row["people"]
    for name, value in agreed.as_json().items():
        assert row[name] == (value if isinstance(value, dict) else pytest.approx(value)), name


def test_only_what_one_labelled_is_compared(run: Run) -> None:
    """Of others' labels nothing is told beyond that; what is settled is told apart from what is open."""
    stored = run()
    asked = question(stored, "correct", YES_NO)
    names_ = ids(pool(stored, "correct", 1000).items)
    give_all(stored, asked, "bob", {names_[0]: 0.0, names_[1]: 0.0})
    give_all(stored, asked, "ann", {}, count=3)
    found = sample(pool(stored, "correct", 1000).items, labels_of(stored), asked, "ann", 3, 0)
    [(_, agreed)] = agreements(found, labels_of(stored), asked)
    assert agreed.n == 3
    give(stored.folder, asked, found.items[names_[0]], labels_of(stored), value=1.0, by="ann", adjudicated=True)
    rows = {row["id"]: row for row in disputes(found, labels_of(stored), asked)}
    assert set(rows) == set(names_[:2])
    assert [rows[name]["settled"] for name in names_[:2]] == [1.0, None]
    assert rows[names_[0]]["by"] == {"ann": 1.0, "bob": 0.0}


def test_questions_are_judges_first(run: Run) -> None:
    """Metrics without two ends, and those that compare two answers, are none; people's own come last."""
    stored = entry_of(run(overrides=("metrics=[correct, token_f1, latency_ms]",)), "token_f1", judge=True)
    label = Label("q0", "a", "helpful", 5.0, "ann", asked=FIVE)
    assert names(stored, [label]) == ["token_f1", "correct", "helpful"]
    assert ways(stored, "correct") == [YES_NO, PARTLY, FIVE]
    assert ways(stored, "correct", [replace(label, metric="correct")]) == [FIVE, YES_NO, PARTLY]
    assert ways(stored, "helpful", [label]) == [FIVE]
    with pytest.raises(UserError, match="people cannot be asked"):
        question(stored, "latency_ms", YES_NO)
    with pytest.raises(UserError, match="'maybe'"):
        question(stored, "correct", "maybe")
    with pytest.raises(UserError, match="printable"):
        question(stored, "x\u202ey", YES_NO)
    compares = entry_of(stored, "correct", identity={"use": "preference"})
    assert "correct" not in names(compares, [])


def test_a_rubric_is_asked_in_its_own_words(run: Run) -> None:
    """Its levels with what they mean, brought to the metric's ends; levels beyond the digits are not offered."""
    scale = [[0, "bad"], [2, ""], [4, "good"]]
    stored = entry_of(run(), "correct", identity={"use": "rubric", "criteria": "It is kind.", "scale": scale})
    asked = question(stored, "correct", ways(stored, "correct")[0])
    assert asked.way == "0 to 4"
    assert [(choice.key, choice.word, choice.value) for choice in asked.choices] == [
        ("0", "0: bad", 0.0),
        ("1", "1", 0.25),
        ("2", "2", 0.5),
        ("3", "3", 0.75),
        ("4", "4: good", 1.0),
    ]
    assert "It is kind." in asked.words
    assert (asked.word(1.0), asked.word(0.3)) == ("4: good", "0.3")
    wide = entry_of(stored, "correct", identity={"use": "rubric", "scale": [[0, ""], [100, ""]]})
    assert ways(wide, "correct") == [YES_NO, PARTLY, FIVE]
    lower = entry_of(stored, "correct", direction="minimize")
    assert question(lower, "correct", YES_NO).words.endswith("(Lower is better.)")


def test_labels_are_read_as_they_come(run: Run) -> None:
    """Each file once; a file that comes from elsewhere with an earlier name has its place; marks do not change."""
    stored = run()
    before = marks(str(stored.folder.path.parent), stored.id)
    kept = Kept(stored.folder)
    assert kept.look() == []
    label = Label("q0", "a", "correct", 1.0, "ann")
    additions.add_lines(stored.folder / LABELS, [label.as_json()])
    assert kept.look() == [label]
    early = replace(label, by="bob")
    additions.add_lines(stored.folder / "elsewhere", [early.as_json()])
    [file] = (stored.folder.path / "elsewhere").iterdir()
    file.rename(stored.folder.path / LABELS / "00000101-x.jsonl")
    assert kept.look() == [early, label] == labels_of(stored)
    assert marks(str(stored.folder.path.parent), stored.id) == before
    (stored.folder.path / LABELS / "1.jsonl").write_text('{"format": 1}\n{"by": "ann"}\n')
    with pytest.raises(UserError, match="no label"):
        Kept(stored.folder).look()


def test_labels_go_round(run: Run, tmp_path: Path) -> None:
    """Files of the page are read as files of labels are, time and words kept; where a question of people's own is no
    metric it is passed over, and refused where labels are to be added."""
    stored = run()
    items = pool(stored, "correct", 2).items
    given = give(stored.folder, question(stored, "correct", YES_NO), items[0], [], value=1.0, by="ann", note="so")
    own = give(stored.folder, question(stored, "helpful", FIVE), items[1], [], value=5.0, by="ann")
    assert given.time and given.asked == YES_NO and own.asked == FIVE
    file = tmp_path / "all.jsonl"
    file.write_bytes(b"".join(each.read_bytes() for each in sorted((stored.folder.path / LABELS).iterdir())))
    assert read_labels(file, stored, strict=False) == ([replace(given, weight=None)], 1)
    with pytest.raises(UserError, match="no metric 'helpful'"):
        read_labels(file, stored)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\u202eb", "a\x00"])
def test_a_reviewer_has_a_name(name: str) -> None:
    """One that can be read."""
    with pytest.raises(UserError, match="name yourself"):
        reviewer(name)
    assert reviewer(" Ann  Lee ") == "Ann Lee"
