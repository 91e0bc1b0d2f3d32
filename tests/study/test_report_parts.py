"""What a report says of a sweep that lacks cells, and of metrics whose range is open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.watching import METRIC, Growth

from harness.study.report.content import content_of
from harness.study.report.html import html
from harness.study.report.markdown import markdown

OPEN = {"low": None, "high": None, "unit": "tokens"}


def grown(folder: Path, scores: Any, size: int = 1, metric: dict[str, Any] | None = None) -> Growth:
    """A sweep that is being written, with a header of all that a report reads."""
    growth = Growth(folder, np.asarray(scores), size, {**METRIC, "identity": {"name": "correct"}, **(metric or {})})
    file = growth.folder / "sweep.json"
    told: dict[str, Any] = {
        "corpus": None,
        "dataset": {"path": "q.jsonl", "digest": "d", "examples": 1},
        "config": {"given": {}},
    }
    file.write_text(json.dumps({**json.loads(file.read_text()), **told}))
    return growth


def every(growth: Growth) -> list[tuple[int, int]]:
    """All cells, example by example."""
    variants, examples = growth.scores.shape
    return [(v, e) for e in range(examples) for v in range(variants)]


def said(content: dict[str, Any], about: str = "") -> str:
    """The verdict's sentences, all or those on one subject."""
    found = content["verdict"]["sentences"]
    return " ".join(each["text"] for each in found if about in ("", each["about"]))


def apart(variants: int, examples: int) -> Any:
    """Scores of which those of the second variant are far above all others."""
    scores = 0.3 * np.random.default_rng(3).random((variants, examples))
    scores[1] += 0.6
    return scores


@pytest.mark.parametrize("status", ["interrupted", "complete"])
def test_a_variant_that_was_not_measured_is_named_and_nothing_claimed_of_it(tmp_path: Path, status: str) -> None:
    """Two of four have no score: headline and verdict say so by label, and no sentence is sure."""
    growth = grown(tmp_path, apart(4, 60), 3)
    growth.add((v, e) for v in range(2) for e in range(50))
    growth.writer.end(status)
    content = content_of(growth.stored())
    assert "2 of 4 variants were not measured" in content["verdict"]["headline"]
    assert "2 of 4 variants were not measured (no score of correct): variant 2, variant 3." in said(content)
    assert "v2" not in said(content) and "v3" not in said(content)
    assert "Sure:" not in said(content)
    assert all(each["tone"] != "good" for each in content["verdict"]["sentences"] if each["about"] == "sure")
    assert "Of 60 examples in 20 clusters, 50 in 17 clusters have a result of any variant" in said(content, "part")
    assert "50 of every measured one (16 clusters whole)" in said(content, "part")


def test_one_measured_of_two_is_no_comparison(tmp_path: Path) -> None:
    """The only one with scores is not recommended."""
    growth = grown(tmp_path, apart(2, 10))
    growth.add((0, e) for e in range(10))
    content = content_of(growth.stored())
    assert content["verdict"]["headline"] == (
        "One configuration was measured, and nothing to compare it with: variant 0. 1 of 2 variants was not measured."
    )


@pytest.mark.parametrize("end", [None, "interrupted"])
def test_a_part_of_a_sweep_has_no_figures_of_one_look(tmp_path: Path, end: str | None) -> None:
    """No p, no interval, no claim of a fixed sample; pages say why."""
    growth = grown(tmp_path, apart(3, 60), 3)
    growth.add(every(growth)[:90])
    if end:
        growth.writer.end(end)
    content = content_of(growth.stored())
    assert not any(row[name] is not None for row in content["ranking"]["rows"] for name in ("p", "low", "high"))
    for word in ("p =", "Holm", "80% power", "beyond noise", "fresh questions"):
        assert word not in said(content)
    for name in ("effects", "front", "baseline"):
        assert "only whole clusters compare" in content[name]["note"]
    assert "only whole clusters compare" in html(content) and "Hollow: worse than" not in html(content)
    assert "n is of 30 examples in 10 clusters" in markdown(content)


def test_what_is_worse_at_every_look_is_claimed_of_a_running_sweep(tmp_path: Path) -> None:
    """By sequences over whole clusters; not before they tell, and without doubt once all others are ruled out."""
    growth = grown(tmp_path, apart(3, 400))
    growth.add(every(growth)[:30])
    assert "claimed yet" in said(content_of(growth.stored()), "sure")
    growth.add(every(growth)[30:1197])
    content = content_of(growth.stored())
    assert content["status"] == "running"
    assert "variant 0, variant 2 are worse than variant 1; that is every other one" in said(content, "sure")
    assert content["verdict"]["headline"] == "So far, ahead by the mean is variant 1."
    assert [row["in_best_set"] for row in content["ranking"]["rows"]] == [True, False, False]


def test_luck_is_spoken_of_only_where_it_was_corrected(tmp_path: Path) -> None:
    """A clear winner's score is its own; two that are close are 'the better of two'."""
    clear, close = (tmp_path / name for name in ("clear", "close"))
    growth = grown(clear, apart(3, 60))
    growth.add(every(growth))
    growth.writer.end("complete")
    assert "luck" not in said(content_of(growth.stored()), "score")
    growth = grown(close, np.random.default_rng(1).random((2, 60)))
    growth.add(every(growth))
    growth.writer.end("complete")
    assert "chosen as the better of two" in said(content_of(growth.stored()), "score")
    assert "best of" not in said(content_of(growth.stored()), "score")


def test_an_open_range_has_no_points_and_no_fixed_difference(tmp_path: Path) -> None:
    """Examples are reckoned for the difference of the two best, against the baseline too."""
    growth = grown(tmp_path, 100 + 9 * np.random.default_rng(5).random((2, 60)), metric=OPEN)
    growth.add(every(growth))
    growth.writer.end("complete")
    content = content_of(growth.stored())
    rows = content["ranking"]["rows"]
    needed = said(content, "needed").split(" more examples")[0]
    assert f"a difference of {rows[1]['gap']:.3f} tokens" in said(content, "needed")
    assert f"{needed} more examples would be needed for {rows[1]['gap']:.3g}" in said(content, "baseline")
    assert "point" not in said(content)


def test_equal_means_of_an_open_range_are_reckoned_by_their_spread(tmp_path: Path) -> None:
    """A hundredth of it; where all scores are equal nothing is reckoned."""
    growth = grown(tmp_path / "spread", [[0.0, 50.0] * 20, [50.0, 0.0] * 20], metric=OPEN)
    growth.add(every(growth))
    growth.writer.end("complete")
    assert "a difference of 0.500 tokens" in said(content_of(growth.stored()), "needed")
    growth = grown(tmp_path / "equal", np.full((2, 40), 7.0), metric=OPEN)
    growth.add(every(growth))
    growth.writer.end("complete")
    content = content_of(growth.stored())
    assert "score the same in every mean" in said(content, "needed")
    assert "all scores are equal (n = 40)" in said(content, "baseline")


def test_answers_without_a_score_are_no_cells_without_an_answer(tmp_path: Path) -> None:
    """Each is counted by itself; `no score` counts both."""
    scores = np.random.default_rng(6).random((2, 40))
    scores[0, :6] = np.inf
    growth = grown(tmp_path / "unscored", scores)
    growth.add(every(growth))
    growth.writer.end("complete")
    found = said(content_of(growth.stored()), "failures")
    assert found == (
        "All 80 cells have an answer. Answers that are there but could not be scored: correct 6 (judge: refused)."
    )
    scores[1, 0] = np.nan
    growth = grown(tmp_path / "late", scores)
    growth.add(every(growth))
    growth.writer.end("complete")
    content = content_of(growth.stored())
    assert "1 of 80 cells has no answer: 1 x generate: timeout." in said(content, "failures")
    assert sorted(row["failed"] for row in content["ranking"]["rows"]) == [1, 6]
    assert "| no score |" in markdown(content)


def test_one_variant_has_no_words_of_many(tmp_path: Path) -> None:
    """Neither a best set, nor halves, nor intervals for all at once."""
    growth = grown(tmp_path, np.random.default_rng(7).random((1, 40)))
    growth.add(every(growth))
    growth.writer.end("complete")
    content = content_of(growth.stored())
    for page in (markdown(content), html(content)):
        for words in ("all variants at once", "random halves", "best set", "1 variants", "1*"):
            assert words not in page


def test_one_cluster_is_one(tmp_path: Path) -> None:
    """In the verdict and in the sections' cautions."""
    growth = grown(tmp_path, np.random.default_rng(8).random((2, 12)), 12)
    growth.add(every(growth))
    growth.writer.end("complete")
    page = html(content_of(growth.stored()))
    assert "1 clusters" not in page and "nly 1 cluster" in page


def test_markdown_shows_how_many_are_left_out_and_which_tags_are_rough(tmp_path: Path) -> None:
    """The count stands by itself under the table; `!` marks tags of few clusters."""
    from tests.study.reported import reported

    growth = grown(tmp_path / "many", apart(24, 20))
    growth.add(every(growth))
    growth.writer.end("complete")
    assert "\n\n**14 more variants** are in the HTML page" in markdown(content_of(growth.stored()))
    content = content_of(reported(tmp_path / "tags"))
    assert all(row["caution"] for row in content["tags"]["rows"])
    page = markdown(content)
    assert page.count("` \\! |") == len(content["tags"]["rows"]) and "\\! marks fewer than 30 clusters" in page


def test_variants_without_a_common_example_are_called_by_their_labels(tmp_path: Path) -> None:
    """No caution shows an id, and no difference is claimed."""
    growth = grown(tmp_path, apart(2, 40))
    growth.add([*((0, e) for e in range(20)), *((1, e) for e in range(20, 40))])
    growth.writer.end("complete")
    content = content_of(growth.stored())
    assert "v0" not in said(content) and "v1" not in said(content)
    assert content["verdict"]["headline"].startswith("No difference can be claimed")


def test_one_example_makes_no_winner(tmp_path: Path) -> None:
    """Where the first by its mean has a handful of examples, no variant is named as ahead."""
    growth = grown(tmp_path, apart(2, 100))
    growth.add([(1, 0), *((0, e) for e in range(50))])
    growth.writer.end("interrupted")
    content = content_of(growth.stored())
    assert content["verdict"]["headline"] == (
        "It is too early to say which variant is best: the first by its mean has 1 example."
    )
