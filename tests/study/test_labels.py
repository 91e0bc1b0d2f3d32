"""Labels of people: read, matched to answers, settled between people; samples of answers to label."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.store import Folder, StoredSweep, additions
from harness.store.layout import LABELS
from harness.study.judging.labels import Label, labels_of, read_labels, settle
from harness.study.judging.sampling import draw
from harness.study.judging.sights import Sight, sights_of
from tests.workspaces import CONFIG, write

Run = Callable[..., StoredSweep]


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    """A JSONL file."""
    return write(path, "".join(json.dumps(row) + "\n" for row in rows))


def answer_of(stored: StoredSweep, row: int = 0) -> dict[str, Any]:
    """A cell that has an answer."""
    found: dict[str, Any] = [r for r in stored.outcomes.to_pylist() if r["answer"] is not None][row]
    return found


def test_every_way_to_name_an_answer_names_it(run: Run, tmp_path: Path) -> None:
    """By id, by cell, by its text; true is the upper end of the scale."""
    stored = run()
    cell = answer_of(stored)
    sight = sights_of(stored).of_cell[cell["variant"], cell["example"], 0]
    shared = {"metric": "correct", "by": "ann", "value": True}
    file = lines(
        tmp_path / "l.jsonl",
        {"id": sight.id, **shared},
        {"variant": cell["variant"], "example": cell["example"], **shared},
        {"example": cell["example"], "answer": cell["answer"], **shared},
        {"id": sight.id, **shared, "value": None},
    )
    labels, blank = read_labels(file, stored)
    assert blank == 1
    assert {(label.example, label.answer, label.value) for label in labels} == {(cell["example"], cell["answer"], 1.0)}
    assert [label.context == sight.context for label in labels] == [True, True, False]


def test_all_bad_lines_are_named(run: Run, tmp_path: Path) -> None:
    """Each with its number and what is wrong with it; nothing is read."""
    stored = run()
    cell = answer_of(stored)
    good = {"variant": cell["variant"], "example": cell["example"], "metric": "correct", "by": "ann", "value": 1}
    bad: list[tuple[dict[str, Any], str]] = [
        ({"value": 7}, "7 is not on the scale"),
        ({"value": "yes"}, "found text"),
        ({"example": "q99"}, "no example 'q99'"),
        ({"variant": "zzz"}, "'zzz' has no answer"),
        ({"metric": "corect"}, "did you mean 'correct'"),
        ({"by": ""}, "nobody is named"),
        ({"id": "0000"}, "no answer '0000'"),
        ({"judge": 1}, "unknown field 'judge'"),
        ({"answer": "never said"}, "no variant gave this answer"),
        ({"weight": 0}, "weight"),
    ]
    file = lines(tmp_path / "l.jsonl", good, *({**good, **change} for change, _ in bad))
    with pytest.raises(UserError) as raised:
        read_labels(file, stored)
    assert [mistake.place.line for mistake in raised.value.mistakes] == list(range(2, 12))
    for (_, said), mistake in zip(bad, raised.value.mistakes, strict=True):
        assert said in str(mistake)


def test_labels_are_kept_in_files_of_their_own(run: Run) -> None:
    """Two writers add two files; both are read, in order, and a newer format is refused."""
    folder = run().folder
    one, two = (Label("q0", "a", "correct", value, by) for value, by in ((1.0, "ann"), (0.0, "bob")))
    for label in (one, two):
        additions.add_lines(folder / LABELS, [label.as_json()])
    assert labels_of(StoredSweep(folder)) == [one, two]
    files = sorted((folder.path / LABELS).iterdir())
    assert len(files) == 2
    assert all(json.loads(file.read_text().splitlines()[0]) == {"format": 1} for file in files)
    (folder.path / LABELS / "30000101-x.jsonl").write_text('{"format": 99}\n')
    with pytest.raises(UserError, match="format 99"):
        labels_of(StoredSweep(folder))


def test_labels_are_kept_in_object_storage() -> None:
    """The same through fsspec."""
    folder = Folder("memory://labels-test/runs/one/labels")
    assert additions.all_lines(folder) == []
    for by in ("ann", "bob"):
        additions.add_lines(folder, [{"by": by}])
    assert [line["by"] for line in additions.all_lines(folder)] == ["ann", "bob"]


def test_people_are_settled_by_mean_or_by_adjudication() -> None:
    """A person's last word counts; an adjudicated label settles all others."""
    sight = Sight("q", "a", "")
    first = [Label("q", "a", "m", value, by) for value, by in ((0.0, "ann"), (1.0, "ann"), (0.0, "bob"))]
    assert settle(first, [sight])[sight.id].value == 0.5
    final = settle([*first, Label("q", "a", "m", 1.0, "eve", adjudicated=True)], [sight])[sight.id]
    assert (final.value, dict(final.by)) == (1.0, {"ann": 1.0, "bob": 0.0})


def test_a_sample_is_blind_and_without_repetition(run: Run) -> None:
    """No variant, no score; each distinct answer once; the same seed gives the same sample."""
    stored = run()
    found = draw(stored, "correct", 1000)
    text = json.dumps(found)
    assert not any(entry["id"] in text or entry["label"] in text for entry in stored.variants)
    assert len({line["id"] for line in found}) == len(found) == len(sights_of(stored).with_passages)
    assert all(line["value"] is None and "score" not in line and line["question"] for line in found)
    assert found == draw(stored, "correct", 1000)
    assert len(draw(stored, "correct", 5)) == 5
    assert len(draw(stored, "correct", 1000, passages=False)) == len(sights_of(stored).plain) < len(found)


def test_what_is_labelled_is_not_drawn_again(run: Run, tmp_path: Path) -> None:
    """A second sample goes on where the first ended, until nothing is left."""
    stored = run()
    drawn = draw(stored, "correct", 10)
    file = lines(tmp_path / "l.jsonl", *({**line, "value": 1, "by": "ann"} for line in drawn))
    labels, _ = read_labels(file, stored)
    assert all(label.weight == 1.0 for label in labels)
    additions.add_lines(stored.folder / LABELS, [label.as_json() for label in labels])
    rest = draw(stored, "correct", 1000)
    assert not {line["id"] for line in drawn} & {line["id"] for line in rest}
    others, _ = read_labels(lines(file, *({**line, "value": 0, "by": "ann"} for line in rest)), stored)
    additions.add_lines(stored.folder / LABELS, [label.as_json() for label in others])
    with pytest.raises(UserError, match="nothing is left"):
        draw(stored, "correct", 10)


def test_a_sample_by_variant_carries_weights_that_undo_it(run: Run) -> None:
    """Over 300 draws, weighted counts of what was drawn are near 1 for answers of one variant and of all alike."""
    stored = run()
    counts = {sight.id: 0.0 for sight in sights_of(stored).with_passages}
    drawn = dict.fromkeys(counts, 0)
    for seed in range(300):
        for line in draw(stored, "correct", 24, seed, by_variant=True):
            counts[line["id"]] += line["weight"]
            drawn[line["id"]] += 1
    assert max(drawn.values()) > 2 * min(drawn.values())
    assert all(0.6 < count / 300 < 1.4 for count in counts.values())


def test_labels_survive_a_new_sweep_with_equal_answers(run: Run, tmp_path: Path) -> None:
    """They match by text, are no longer taken for a random sample, and those of other answers are passed over."""
    stored = run(folder=tmp_path / "a")
    old = draw(stored, "correct", 1000, passages=False)
    file = lines(tmp_path / "l.jsonl", *({**line, "value": 1, "by": "ann"} for line in old))
    labels, _ = read_labels(file, stored)
    kept = lines(tmp_path / "kept.jsonl", {"format": 1}, *(label.as_json() for label in labels))
    newer = run(CONFIG.replace("local/extractive", "{use: local/extractive, sentences: 3}"), folder=tmp_path / "b")
    found, passed = read_labels(kept, newer, strict=False)
    assert 0 < passed < len(old)
    assert len(found) == len(old) - passed
    assert all(label.weight is None for label in found)
    settled = settle(found, sights_of(newer).plain)
    assert len(settled) == len(found)
