"""A running sweep, looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.watching import METRIC, Growth

from harness.errors import UserError
from harness.store import StoredSweep
from harness.store.layout import CELLS
from harness.study.inference.drawing import drawn
from harness.study.live import Watch, live
from harness.study.summary import summary_of

Run = Callable[..., StoredSweep]


def cells(variants: int, examples: int) -> list[tuple[int, int]]:
    """All cells, variant by variant."""
    return [(v, e) for v in range(variants) for e in range(examples)]


def of(found: dict[str, Any], variant: int) -> dict[str, Any]:
    """The row of a variant."""
    row: dict[str, Any] = found["variants"][variant]
    return row


def test_a_sweep_that_is_done_says_what_its_summary_says(run: Run) -> None:
    """All cells count; means, calls and money are the summary's; where the mean will end it is."""
    stored = run()
    found, summary = live(stored), summary_of(stored)
    assert (found["status"], found["seconds_left"]) == ("complete", None)
    assert found["cells"] == {"planned": 64, "finished": 64, "waiting": 0, "failed": 0}
    assert found["calls"]["made"] == summary["calls"]["made"]
    assert found["cost_usd"] == summary["cost_usd"]
    for row, entry in zip(found["variants"], summary["runs"], strict=True):
        figure = entry["metrics"]["correct"]
        assert row["mean"] == pytest.approx(figure["mean"])
        assert row["mean_so_far"] == pytest.approx(figure["mean"])
        assert row["final"] == pytest.approx([figure["mean"]] * 2)
        assert row["n"] == figure["n"] == 8
        assert row["interval"][0] < figure["mean"] < row["interval"][1]
    json.dumps(found, allow_nan=False)


def test_looks_at_what_is_new_come_to_the_same_as_one_look_at_all(tmp_path: Path) -> None:
    """At each moment, with a torn line at the end that is not taken before it is whole."""
    scores = np.random.default_rng(51).random((4, 30))
    growth = Growth(tmp_path, scores, size=3)
    watch = Watch(growth.stored())
    every = cells(4, 30)
    np.random.default_rng(52).shuffle(every)
    for start in range(0, 120, 20):
        growth.add(every[start : start + 20])
        found = watch.look()
        assert found["cells"]["finished"] == start + 20
        with (growth.folder / CELLS).open("ab") as torn:
            torn.write(b'{"outcome": {"variant": "v0"')
        assert {**watch.look(), "seconds_left": None} == {**live(growth.stored()), "seconds_left": None}
        with (growth.folder / CELLS).open("r+b") as file:
            file.truncate(file.seek(0, 2) - len(b'{"outcome": {"variant": "v0"'))
    growth.writer.end("complete")
    assert watch.look()["cost_usd"] == pytest.approx(0.12)


def test_a_compacted_sweep_is_read_from_its_tables(tmp_path: Path) -> None:
    """The journal goes away between two looks."""
    growth = Growth(tmp_path, np.random.default_rng(53).random((2, 10)))
    growth.add(cells(2, 5))
    watch = Watch(growth.stored())
    assert watch.look()["cells"]["finished"] == 10
    growth.add((v, e) for v, e in cells(2, 10) if v == 1 and e >= 5)
    before = live(growth.stored())
    growth.writer.compact({(f"v{v}", f"e{e}", 0): i for i, (v, e) in enumerate(cells(2, 10))})
    growth.writer.end("incomplete")
    after = watch.look()
    assert (before["status"], after["status"]) == ("running", "incomplete")
    assert after["variants"] == before["variants"]
    assert not (growth.folder / CELLS).exists()


def test_clusters_count_in_the_drawn_order(tmp_path: Path) -> None:
    """All but the first of the order are in: nothing counts, and the interval is the whole range; then all do."""
    growth = Growth(tmp_path, np.ones((1, 20)), size=2)
    first = int(drawn([f"c{i}" for i in range(10)], 7)[0])
    growth.add((0, e) for e in range(20) if e != 2 * first)
    found = of(live(growth.stored()), 0)
    assert (found["n"], found["mean"], found["interval"], found["mean_so_far"]) == (0, None, [0.0, 1.0], 1.0)
    assert found["final"] == pytest.approx([0.95, 1.0])
    growth.add([(0, 2 * first)])
    found = of(live(growth.stored()), 0)
    assert (found["n"], found["clusters"], found["mean"]) == (20, 10, 1.0)
    growth.writer.end("complete")


def test_cells_whose_judge_is_to_be_heard_do_not_count_yet(tmp_path: Path) -> None:
    """They are answered, paid and waiting; the line that follows makes them count."""
    growth = Growth(tmp_path, np.ones((1, 6)))
    growth.add(cells(1, 6), whole=False)
    found = live(growth.stored())
    assert found["cells"] == {"planned": 6, "finished": 0, "waiting": 6, "failed": 0}
    assert (found["calls"]["made"], of(found, 0)["n"], of(found, 0)["mean_so_far"]) == (6, 0, None)
    growth.add(cells(1, 6))
    found = live(growth.stored())
    assert (found["cells"]["waiting"], found["calls"]["made"], of(found, 0)["n"]) == (0, 6, 6)
    growth.writer.end("complete")


def test_an_answer_that_could_not_be_scored_is_left_out(tmp_path: Path) -> None:
    """A judge that fails says nothing about the variant."""
    scores = np.ones((2, 40))
    scores[0, ::2] = np.inf
    growth = Growth(tmp_path, scores)
    growth.add(cells(2, 40))
    found = live(growth.stored())
    assert (of(found, 0)["mean"], of(found, 1)["mean"], found["ruled_out"]) == (1.0, 1.0, [])
    growth.writer.end("complete")


def test_a_cell_without_an_answer_counts_as_the_worst(tmp_path: Path) -> None:
    """So a variant cannot lead by failing."""
    scores = np.ones((2, 40))
    scores[0, ::2] = np.nan
    growth = Growth(tmp_path, scores)
    growth.add(cells(2, 40))
    found = live(growth.stored())
    assert (of(found, 0)["mean"], of(found, 1)["mean"], found["leader"]) == (0.5, 1.0, "v1")
    assert found["ruled_out"] == ["v0"]
    growth.writer.end("complete")


def test_who_is_far_behind_is_ruled_out_before_the_end(tmp_path: Path) -> None:
    """Half of the examples, in the drawn order: the bad one is out, the one that is as good is not."""
    random = np.random.default_rng(54)
    scores = (random.random((3, 200)) < np.array([[0.9], [0.9], [0.3]])).astype(float)
    growth = Growth(tmp_path, scores)
    half = drawn([f"c{i}" for i in range(200)], 7)[:100]
    growth.add((v, int(e)) for e in half for v in range(3))
    found = live(growth.stored())
    assert found["ruled_out"] == ["v2"]
    assert of(found, 2)["behind"]["interval"][0] > 0
    leader = next(row for row in found["variants"] if row["variant"] == found["leader"])
    assert leader["behind"] is None
    assert all(row["n"] == 100 for row in found["variants"])
    growth.writer.end("interrupted")


def test_scores_without_ends_have_an_interval_once_enough_are_in(tmp_path: Path) -> None:
    """Latency: lower leads; no interval from five, one from sixty, said to be asymptotic."""
    random = np.random.default_rng(55)
    scores = np.array([random.uniform(100, 200, 60), random.uniform(300, 600, 60)], dtype=np.float64)
    metric = {**METRIC, "name": "latency", "direction": "minimize", "high": None}
    growth = Growth(tmp_path, scores, metric=metric)
    order = [int(i) for i in drawn([f"c{i}" for i in range(60)], 7)]
    growth.add((v, e) for e in order[:5] for v in range(2))
    watch = Watch(growth.stored())
    found = watch.look()
    assert (of(found, 0)["interval"], found["leader"]) == ([0.0, None], None)
    growth.add((v, e) for e in order[5:] for v in range(2))
    found = watch.look()
    assert (found["leader"], found["ruled_out"]) == ("v0", ["v1"])
    low, high = of(found, 0)["interval"]
    assert 100 < low < of(found, 0)["mean"] < high < 200
    assert (of(found, 0)["exact"], of(found, 0)["final"]) == (False, None)
    growth.writer.end("complete")


def test_the_best_is_hardly_ever_ruled_out_while_a_sweep_grows(tmp_path: Path) -> None:
    """Twelve variants, the best by 10 points, questions in any order, six looks: lost in at most 2 of 30 sweeps, the
    worst by far found out in all."""
    random = np.random.default_rng(56)
    better = np.where(np.arange(12) == 5, 0.4, 0.0)[:, None]
    better[0] = -2.5
    lost = found = 0
    for number in range(30):
        hard = random.normal(size=120)
        scores = (hard + random.normal(size=(12, 120)) + better > 0).astype(np.float64)
        growth = Growth(tmp_path / str(number), scores)
        watch, every = Watch(growth.stored()), [(v, int(e)) for e in random.permutation(120) for v in range(12)]
        out = False
        for start in range(0, len(every), 240):
            growth.add(every[start : start + 240])
            gone = watch.look()["ruled_out"]
            out |= "v5" in gone
        lost += out
        found += "v0" in gone
        growth.writer.end("complete")
    assert lost <= 2
    assert found == 30


def test_a_metric_that_is_not_there_is_named(run: Run) -> None:
    """With those that are."""
    with pytest.raises(UserError, match=r"no metric 'corect'.*correct"):
        live(run(), metric="corect")


def test_the_time_left_is_that_of_the_pace(tmp_path: Path) -> None:
    """None before a cell is finished, and when the sweep does not run."""
    growth = Growth(tmp_path, np.ones((1, 10)))
    watch = Watch(growth.stored())
    assert watch.look()["seconds_left"] is None
    growth.add(cells(1, 5))
    assert watch.look()["seconds_left"] > 0
    growth.writer.end("interrupted")
    assert watch.look()["seconds_left"] is None
