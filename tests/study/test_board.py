"""What the dashboard's pages show, without Streamlit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmarks.watching import Growth

from harness.errors import UserError
from harness.store import StoredSweep
from harness.study.board import overview as overviews
from harness.study.board.example.sheet import sheet
from harness.study.board.example.source import documents_of, marked
from harness.study.board.opening import open_run, open_sweep, stamp
from harness.study.board.overview import heat, live_rows, overview, ranking_rows, tags_of
from harness.study.board.shelf import found, shelf
from harness.study.board.versus import answers_of, best_of, diff, rows_of, settings_of, versus
from harness.study.live import live
from harness.study.report.content import content_of
from harness.study.summary import summarise

Run = Callable[..., StoredSweep]
TEXT = "The shop is open from 9 to 18. On Sundays it is closed. Bring a bag."


def test_the_source_is_put_together_and_marked() -> None:
    """Overlapping chunks are one text; evidence that was retrieved, that was missed, and noise are told apart."""
    texts = {("a", 0, 30): TEXT[:30], ("a", 20, 55): TEXT[20:55], ("b", 0, 3): "xyz"}
    evidence = [{"document": "a", "start": 17, "end": 29}, {"document": "a", "start": 31, "end": 40}]
    pieces = marked(texts, "a", evidence, [{"document": "a", "start": 0, "end": 30}])
    assert pieces == [
        ("noise", TEXT[:17]),
        ("hit", TEXT[17:29]),
        ("noise", TEXT[29:30]),
        ("", TEXT[30:31]),
        ("missed", TEXT[31:40]),
        ("", TEXT[40:55]),
    ]


def test_what_is_not_stored_is_said_to_be_missing() -> None:
    """Between passages, before the first; a chunk that was rewritten tells nothing of the document."""
    texts = {("a", 10, 20): TEXT[10:20], ("a", 40, 50): TEXT[40:50], ("a", 20, 40): "rewritten"}
    pieces = marked(texts, "a", [], [{"document": "a", "start": 10, "end": 50}])
    assert [kind for kind, _ in pieces] == ["gap", "noise", "gap", "noise"]
    assert "characters 20 to 40" in pieces[2][1]
    assert marked(texts, "b", [], []) == []


def test_evidence_of_a_whole_document_marks_all_that_is_known() -> None:
    """There is no span to go by."""
    texts = {("a", 0, 20): TEXT[:20]}
    assert marked(texts, "a", [{"document": "a", "start": None, "end": None}], []) == [("missed", TEXT[:20])]
    assert documents_of([{"document": "z"}], [{"passages": [{"document": "a"}, {"document": "z"}]}]) == ["z", "a"]


def test_a_long_document_is_cut_to_what_lies_around_marks() -> None:
    """A megabyte with one evidence in its midst."""
    text = "x" * 1_000_000
    pieces = marked({("a", 0, len(text)): text}, "a", [{"document": "a", "start": 500_000, "end": 500_010}], [])
    assert [kind for kind, _ in pieces] == ["gap", "", "missed", ""]
    assert sum(len(part) for _, part in pieces) < 1_000


def test_the_shelf_holds_every_sweep_newest_first(run: Run) -> None:
    """With what was found best, once it is summarised; words and statuses choose among them."""
    stored = run()
    second = run(overrides=("name=other",))
    summarise(stored, keep=True)
    runs = str(stored.folder.path.parent)
    rows = {row["sweep"]: row for row in shelf(runs)}
    best = summarise(stored)["best"]
    assert (rows[stored.id]["best"], rows[stored.id]["score"]) == (best["label"], best["corrected"]["score"])
    assert [rows[stored.id][name] for name in ("low", "high")] == best["corrected"]["interval"]
    assert rows[stored.id]["n"] == 8
    assert (rows[second.id]["best"], rows[second.id]["progress"]) == (None, 1.0)
    assert [row["sweep"] for row in found(list(rows.values()), "other", ["complete"])] == [second.id]
    assert found(list(rows.values()), "", ["running"]) == []


def test_progress_is_that_of_the_cells(tmp_path: Path) -> None:
    """Finished ones only: those whose judge is to be heard do not count."""
    growth = Growth(tmp_path, np.ones((2, 10)))
    growth.add((0, e) for e in range(5))
    growth.add([(1, 0)], whole=False)
    (row,) = shelf(str(tmp_path))
    assert (row["status"], row["progress"]) == ("running", 0.25)
    growth.writer.end("interrupted")
    assert shelf(str(tmp_path))[0]["status"] == "interrupted"


def test_the_overview_is_the_reports(run: Run) -> None:
    """Verdict, ranking, effects, front and tags are the same figures."""
    stored = run()
    shown, report = overview(open_sweep(str(stored.folder.path.parent), stored.id, lean=True)), content_of(stored)
    for section in ("verdict", "ranking", "effects", "front", "tags", "failures"):
        assert shown[section] == report[section], section
    assert [row["place"] for row in ranking_rows(shown["ranking"])] == list(range(1, 9))


def test_a_large_sweep_has_the_front_of_its_means_and_its_tags_later(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same variants are on it; the tags are those of the report."""
    stored = run()
    report = content_of(stored)
    monkeypatch.setattr(overviews, "LARGE", 10)
    shown = overview(stored)
    assert shown["tags"] is None
    assert tags_of(stored) == report["tags"]
    names = [[row["variant"] for row in each["rows"] if row["on_front"]] for each in (shown["front"], report["front"])]
    assert names[0] == names[1] != []


def test_the_heat_map_averages_the_other_settings(run: Run) -> None:
    """Two variants in each cell of two axes; levels that are numbers are in their order."""
    table = heat(overview(run())["ranking"], "chunk_size", "top_k")
    assert (table["across"], table["up"]) == (["60", "120"], ["1", "3"])
    assert [(i, j, count) for i, j, _, count in table["cells"]] == [(0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 2)]


def test_live_rows_begin_with_the_leader(tmp_path: Path) -> None:
    """Those that are ruled out come last."""
    scores = np.vstack([np.zeros(200), np.ones(200), np.full(200, 0.95)])
    growth = Growth(tmp_path, scores)
    growth.add((v, e) for v in range(3) for e in range(200))
    rows = live_rows(live(growth.stored()))
    assert (rows[0]["state"], rows[-1]["state"], rows[-1]["variant"]) == ("leads", "ruled out", "v0")
    growth.writer.end("complete")


def test_one_example_across_variants(run: Run) -> None:
    """Answers, passages with texts, scores with reasons, for the variants asked for and in their order; from the table
    and from the journal alike."""
    stored = run()
    wanted = [stored.variants[i]["id"] for i in (5, 0)]
    whole = sheet(stored, "q2", wanted)
    assert [side["variant"] for side in whole["sides"]] == wanted
    for side in whole["sides"]:
        assert {score["metric"] for score in side["scores"]} >= {"correct", "recall@3"}
        assert all(passage["text"] for passage in side["passages"])
    lean = sheet(open_sweep(str(stored.folder.path.parent), stored.id, lean=True), "q2", wanted)
    assert json.dumps(lean) == json.dumps(whole)
    with pytest.raises(UserError, match=r"no example 'q99'"):
        sheet(stored, "q99", wanted)


def test_runs_are_opened_by_their_whole_names(run: Run) -> None:
    """No path, no beginning of an id."""
    stored = run()
    runs, variant = str(stored.folder.path.parent), stored.variants[0]["id"]
    assert open_run(runs, f"{stored.id}/{variant}")[1]["id"] == variant
    for text in (
        f"../runs/{stored.id}/{variant}",
        f"{stored.id[:20]}/{variant}",
        f"{stored.id}/{variant[:3]}",
        "",
        "/",
    ):
        with pytest.raises(UserError):
            open_run(runs, text)


def test_a_folders_stamp_changes_with_what_it_holds(tmp_path: Path) -> None:
    """Not with the writer's sign of life."""
    growth = Growth(tmp_path, np.ones((1, 4)))
    growth.add([(0, 0)])
    before = stamp(str(tmp_path), "grown")
    (growth.folder / "heartbeat.json").write_text("{}")
    assert stamp(str(tmp_path), "grown") == before
    growth.add([(0, 1)])
    assert stamp(str(tmp_path), "grown") != before
    growth.writer.end("complete")


def test_wins_are_in_the_metrics_own_direction(run: Run) -> None:
    """A lower latency is a win."""
    stored = run(overrides=("metrics=[correct, latency_ms]",))
    pairs = versus([(stored, stored.variants[0]), (stored, stored.variants[3])], 5)
    row = next(row for row in rows_of(pairs, slices=False) if row["metric"] == "latency_ms")
    columns = {entry["id"]: i for i, entry in enumerate(stored.variants)}
    scores = stored.scores.to_pylist()
    values = {(s["variant"], s["example"]): s["value"] for s in scores if s["metric"] == "latency_ms"}
    names = list(columns)
    lower = sum(values[names[3], e["id"]] < values[names[0], e["id"]] for e in stored.examples)
    assert row["wins"] == lower
    with pytest.raises(UserError, match="needs two runs"):
        versus([(stored, stored.variants[0])], 5)


def test_prompts_differ_by_word() -> None:
    """Long prompts in pieces; one word in place of another is no such text; very long ones are left whole."""
    settings = [
        {"setting": "system_prompt", "before": "answer in one short line", "after": "answer in two short lines"},
        {"setting": "top_k", "before": 1, "after": 3},
    ]
    first, second = settings_of({"settings": settings})
    assert first["pieces"][1] == [(False, "answer in"), (True, " two"), (False, " short"), (True, " lines")]
    assert second["pieces"] is None
    assert diff("a " * 5000, "b") == ([(False, "a " * 5000)], [(False, "b")])


def test_changed_answers_stand_side_by_side(run: Run) -> None:
    """Their pieces joined are the answers again; a sweep's best is that of its ranking."""
    stored = run()
    assert best_of(stored) == summarise(stored)["best"]["variant"]
    for variant in stored.variants[1:]:
        for row in versus([(stored, stored.variants[0]), (stored, variant)], 5)[0]["changed"]:
            sides = answers_of(row)
            assert "".join(part for _, part in sides["run"]["pieces"]) == row["answer"]
            assert "".join(part for _, part in sides["baseline"]["pieces"]) == row["baseline_answer"]
