"""What a report says of a sweep: the figures of the statistics behind it, and plain words on what they allow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest

from harness.config import load
from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.listing import find_run
from harness.study.loaded import Sweep
from harness.study.report.content import content_of
from harness.study.report.texts import ANSWER, visible
from harness.study.report.worddiff import word_diff
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.study.reported import CONFIG, LONG, reported
from tests.workspaces import CONFIG as SMALL
from tests.workspaces import write

Run = Callable[..., StoredSweep]


@pytest.fixture(scope="module")
def helpdesk(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """Six variants on 120 of the helpdesk questions."""
    root = Path(__file__).resolve().parents[2]
    folder = tmp_path_factory.mktemp("helpdesk")
    text = f"""
dataset: {root}/datasets/helpdesk/questions.jsonl
corpus: {root}/datasets/helpdesk/articles
chatbot: {{model: local/extractive, retrieval: {{index: exact}}}}
sweep: {{axes: {{top_k: [1, 4], similarity_threshold: [0.1, 0.3, 0.9]}}}}
metrics: [answer_match, correct, token_f1, answer_tokens]
"""
    return run_sweep(load(write(folder / "s.yaml", text)), Options(120), Progress())


def texts(content: dict[str, object], about: str) -> str:
    """The sentences of a verdict on one subject."""
    found = content["verdict"]["sentences"]  # type: ignore[index]
    return " ".join(each["text"] for each in found if each["about"] == about)


def test_the_report_has_the_figures_of_the_summary(helpdesk: StoredSweep) -> None:
    """Places, best set and corrected score are those that `harness show` has; means are those of the rows."""
    content, summary = content_of(helpdesk), summarise(helpdesk)
    rows = content["ranking"]["rows"]
    assert [row["place"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0]["variant"] == summary["best"]["variant"]
    assert [row["variant"] for row in rows if row["in_best_set"]] == summary["best_set"]
    assert f"{summary['best']['corrected']['score']:.3f}" in texts(content, "score")
    assert f"{summary['detectable']:.3f}" in texts(content, "detectable")
    scores = Sweep(helpdesk).scores.query("metric == 'answer_match'")
    for row in rows:
        assert row["score"] == pytest.approx(scores[scores["variant"] == row["variant"]]["value"].mean())
        assert 0 <= row["low"] <= row["score"] <= row["high"] <= 1


def test_a_choice_that_is_unsure_says_so_and_what_it_would_take(helpdesk: StoredSweep) -> None:
    """Where others cannot be told from the first, their number stands there, and how many examples are missing."""
    content = content_of(helpdesk)
    alike = sum(row["in_best_set"] for row in content["ranking"]["rows"]) - 1
    assert 0 < alike < 5
    assert content["verdict"]["headline"].endswith("It is not surely the best.")
    assert f"{alike} of the 5 other variants cannot be told from it" in texts(content, "sure")
    assert "more examples would be needed to show 2 points" in texts(content, "needed")


def test_equal_variants_make_no_claim(tmp_path: Path) -> None:
    """Two bots that say the same: no difference can be claimed, nobody is recommended."""
    content = content_of(reported(tmp_path, "a: plain, b: plain too"))
    assert content["verdict"]["headline"].startswith("No difference can be claimed")
    assert "no difference can be claimed" in content["baseline"]["sentence"]
    assert "Only 3 clusters" in texts(content, "clusters")
    assert content["changes"]["rows"] == []


def test_changed_examples_come_worst_first_with_both_answers(helpdesk: StoredSweep) -> None:
    """Each has the scores and answers of the rows; the winner's losses stand before its gains."""
    content = content_of(helpdesk, examples=9)
    rows = content["changes"]["rows"]
    gains = [row["gain"] for row in rows]
    assert len(rows) == 9 and gains == sorted(gains) and gains[0] < 0 < gains[-1]
    outcomes = Sweep(helpdesk).outcomes.set_index(["variant", "example"])["answer"]
    winner = content["ranking"]["rows"][0]["variant"]
    baseline = content["baseline"]["baseline"].split("/")[1]
    for row in rows:
        assert row["winner"]["answer"] == outcomes[winner, row["example"]]
        assert row["baseline"]["answer"] == outcomes[baseline, row["example"]]
        assert "".join(text for _, text in row["winner"]["pieces"]) == row["winner"]["answer"]
        assert row["winner"]["score"] - row["baseline"]["score"] == row["gain"]
        assert {score["metric"] for score in row["winner"]["scores"]} >= {"answer_match"}
        assert row["winner"]["passages"] == [] or row["winner"]["passages"][0]["text"]
    total = content["changes"]["losses"], content["changes"]["gains"]
    assert total == (content["baseline"]["losses"], content["baseline"]["wins"])


def test_the_baseline_is_the_first_variant_or_the_one_that_was_asked_for(helpdesk: StoredSweep) -> None:
    """And says how it was chosen; the winner is no baseline of itself."""
    first, *_, last = helpdesk.variants
    content = content_of(helpdesk)
    assert content["baseline"]["baseline"].endswith(first["id"])
    assert content["baseline"]["chosen"] == "the first variant of the sweep"
    asked = content_of(helpdesk, (helpdesk, last))
    assert asked["baseline"]["baseline"].endswith(last["id"])
    assert asked["baseline"]["chosen"] == "as asked for"
    winner = next(v for v in helpdesk.variants if v["id"] == content["ranking"]["rows"][0]["variant"])
    assert content_of(helpdesk, (helpdesk, winner))["baseline"]["note"]


def test_a_baseline_of_another_sweep_is_compared_on_the_same_questions(helpdesk: StoredSweep, tmp_path: Path) -> None:
    """By the examples that both have; a sweep of other questions is refused."""
    given = helpdesk.header["config"]["given"]
    given = {**given, "sweep": {"axes": {"top_k": [2]}}, "name": "other"}
    other = run_sweep(load(write(tmp_path / "o.yaml", json.dumps(given))), Options(50), Progress())
    _, variant = find_run(str(other.folder.path.parent), other.id)
    content = content_of(helpdesk, (other, variant))
    assert content["baseline"]["n"] == sum(e["expected"] == "answer" for e in other.examples) < 50
    assert content["baseline"]["difference"] == pytest.approx(
        _mean(helpdesk, content["ranking"]["rows"][0]["variant"], other) - _mean(other, variant["id"], other)
    )
    stranger = reported(tmp_path / "stranger", "a: plain")
    with pytest.raises(UserError, match="share no example"):
        content_of(helpdesk, (stranger, stranger.variants[0]))


def _mean(stored: StoredSweep, variant: str, of: StoredSweep) -> float:
    scores = Sweep(stored).scores.query("metric == 'answer_match'")
    kept = scores[(scores["variant"] == variant) & scores["example"].isin([e["id"] for e in of.examples])]
    return float(kept["value"].mean())


def test_tags_are_corrected_for_their_number(helpdesk: StoredSweep) -> None:
    """Holm's p is never below the plain one; each tag counts its own examples."""
    content = content_of(helpdesk)
    rows = content["tags"]["rows"]
    assert {row["tag"] for row in rows} == {tag for e in helpdesk.examples for tag in e["tags"]}
    for row in rows:
        assert row["examples"] == sum(row["tag"] in e["tags"] for e in helpdesk.examples)
        if row["p"] is None:
            assert row["n"] == 0
            continue
        assert (row["verdict"] == "no difference can be claimed") == (row["p"] > 0.05)
    assert sum(row["p"] == 1 for row in rows) > 1


def test_effects_and_front_are_told(helpdesk: StoredSweep) -> None:
    """Each axis has its levels; latency is weighed, and what is the same for all is not."""
    content = content_of(helpdesk)
    assert {row["axis"] for row in content["effects"]["levels"]} == {"top_k", "similarity_threshold"}
    assert content["front"]["objectives"] == ["quality", "latency_ms"]
    assert content["front"]["left_out"] == ["all answers cost the same"]
    assert any(row["on_front"] for row in content["front"]["rows"])


def test_an_axis_of_many_levels_does_not_flood_the_report(tmp_path: Path) -> None:
    """The surest 200 of all differences between levels are told, and how many are not."""
    prompts = ", ".join(f"p{i}: {'plain' if i else 'hostile'} {i}" for i in range(25))
    found = content_of(reported(tmp_path, prompts))["effects"]
    assert (len(found["levels"]), len(found["differences"])) == (25, 200)
    assert found["differences_left_out"] == 25 * 24 // 2 - 200
    assert sum("p0" in (row["level"], row["other"]) for row in found["differences"]) == 24


def test_one_variant_and_one_example_make_a_report(tmp_path: Path) -> None:
    """What cannot be said says why."""
    content = content_of(reported(tmp_path, "a: plain", limit=1))
    assert content["verdict"]["headline"].startswith("One configuration was measured")
    assert all(content[name]["note"] for name in ("effects", "front", "baseline", "changes"))


def test_a_sweep_without_axes_has_no_effects(tmp_path: Path) -> None:
    """The only variant is called by its id or label, never by nothing."""
    content = content_of(reported(tmp_path, config=CONFIG.split("sweep:")[0] + "metrics: [correct]\n"))
    assert content["effects"]["note"] and content["ranking"]["rows"][0]["label"]


def test_a_sweep_where_all_failed_says_that_nothing_can_be_shipped(tmp_path: Path) -> None:
    """Failures are counted by kind with their messages; there is no winner, and no figure of one."""
    content = content_of(reported(tmp_path, "a: dead, b: dead too"))
    assert content["verdict"]["headline"].startswith("Nothing can be shipped")
    assert content["failures"]["kinds"][0]["cells"] == 16
    assert "<b>no answer</b>" in content["failures"]["kinds"][0]["messages"][0]
    assert [row["place"] for row in content["ranking"]["rows"]] == [None, None]


def test_a_sweep_that_was_cut_short_says_that_it_is_a_part(tmp_path: Path) -> None:
    """One that ended incomplete, and one whose writer died: figures are there, and what they are of."""
    stored = reported(tmp_path, "a: plain, b: dead", CONFIG.replace("max_failures: 1000", "max_failures: 1"))
    content = content_of(stored)
    assert content["status"] == "incomplete"
    assert "ended incomplete" in texts(content, "status")
    (stored.folder.path / "exit.json").unlink()
    content = content_of(StoredSweep(Folder(stored.folder.path)))
    assert content["status"] in ("running", "interrupted")
    assert "figures are of a part" in texts(content, "status")


def test_a_metric_where_less_is_better_keeps_its_signs(run: Run) -> None:
    """The winner has the lowest mean; gains are in its direction."""
    stored = run(
        SMALL.split("metrics:")[0] + "metrics: [correct, context_tokens]\nobjective: {minimize: context_tokens}\n"
    )
    content = content_of(stored)
    rows = [row for row in content["ranking"]["rows"] if row["score"] is not None]
    assert [row["score"] for row in rows] == sorted(row["score"] for row in rows)
    assert content["ranking"]["unit"] == "tokens"
    difference = content["baseline"]["difference"]
    gains = np.array([row["gain"] for row in content["changes"]["rows"]])
    assert difference < 0 and (gains > 0).any()


def test_long_answers_are_cut_and_say_how_much(tmp_path: Path) -> None:
    """A megabyte of answer leaves its beginning, and the count of the rest."""
    stored = reported(tmp_path)
    hostile = next(v for v in stored.variants if "script" in v["label"])
    content = content_of(stored, (stored, hostile))
    sides = [row["baseline"] for row in content["changes"]["rows"]]
    longest = max(sides, key=lambda side: side["left_out"])
    assert len(longest["answer"]) == ANSWER
    assert LONG < longest["left_out"] + ANSWER < LONG + 1000
    assert len(orjson.dumps(content)) < 300_000


def test_the_same_sweep_gives_the_same_report(helpdesk: StoredSweep) -> None:
    """No clock and no chance is in it."""
    again = StoredSweep(Folder(helpdesk.folder.path))
    options = orjson.OPT_SERIALIZE_NUMPY
    assert orjson.dumps(content_of(helpdesk), option=options) == orjson.dumps(content_of(again), option=options)


def test_provenance_names_no_folder_of_this_machine(run: Run) -> None:
    """Digests, versions and both configurations are there; where the workspace lies is not."""
    stored = run()
    content = content_of(stored)
    found = content["origin"]
    assert found["dataset"]["digest"] == stored.header["dataset"]["digest"]
    assert "chatbot:" in found["winner_yaml"]["text"] and "axes:" in found["sweep_yaml"]["text"]
    assert found["versions"]["harness-sweep"]
    assert str(stored.folder.path.parent) not in orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def test_metrics_are_explained(run: Run) -> None:
    """Direction, range, what it measures and a digest, names with an argument included."""
    found = {entry["name"]: entry for entry in content_of(run())["metrics"]}
    assert found["correct"]["objective"] and (found["correct"]["low"], found["correct"]["high"]) == (0, 1)
    assert all(entry["about"] and entry["digest"] for entry in found.values())


@pytest.mark.parametrize(
    ("first", "second", "own"),
    [
        ("open from 9 to 18", "open from 10 to 18", (" 9", " 10")),
        ("a b c", "a b c", ("", "")),
        ("", "new words", ("", "new words")),
        (
            "wholly other words here",
            "nothing in common at all",
            ("wholly other words here", "nothing in common at all"),
        ),
        ("a  b\n c ", "a b c", (" ", "")),
    ],
)
def test_words_of_one_side_are_marked(first: str, second: str, own: tuple[str, str]) -> None:
    """The pieces of each side are its text again; those marked are what the other lacks."""
    pieces = word_diff(first, second)
    assert tuple("".join(text for mine, text in side if mine) for side in pieces) == own
    assert tuple("".join(text for _, text in side) for side in pieces) == (first, second)


def test_what_hides_is_spelt_out() -> None:
    """Control, direction and zero-width characters become their numbers; lines and tabs stay."""
    assert visible("a\x00b\u202ec\u200bd\ud800\te\r\nf") == "a[U+0000]b[U+202E]c[U+200B]d[U+D800]\te\nf"
