"""`harness search`: what each variant would retrieve, without a run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli import harness
from tests.loopback import Loopback
from tests.sweeps.chains import config, lines
from tests.workspaces import ARTICLES, CONFIG, QUESTIONS, make_workspace

SATURDAYS = "When is the shop open on Saturdays?"


def search(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run `harness search configs/small.yaml … --json`, and return the document."""
    done = harness("search", "configs/small.yaml", *arguments, "--json", cwd=folder)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_document_stands_alone_on_stdout(workspace: Path) -> None:
    """All variants with passages as they stand in the documents, best first, with scores and times; no run."""
    found = search(workspace, SATURDAYS)
    assert (found["question"], found["calls"], found["cost_usd"]) == (SATURDAYS, 0, 0.0)
    assert len(found["variants"]) + sum(len(entry["same"]) for entry in found["variants"]) == 8
    for entry in found["variants"]:
        assert entry["searched"] == [SATURDAYS]
        assert entry["exact"] is True
        assert entry["given_up"] == []
        assert entry["failure"] is None
        assert [p["rank"] for p in entry["passages"]] == list(range(1, len(entry["passages"]) + 1))
        assert [p["score"] for p in entry["passages"]] == sorted((p["score"] for p in entry["passages"]), reverse=True)
        for p in entry["passages"]:
            assert p["text"] == ARTICLES[p["document"]][p["start"] : p["end"]]
            assert p["text"] in entry["context"]
        assert {"embed", "search", "index"} <= set(entry["milliseconds"])
        assert all(value >= 0 for value in entry["milliseconds"].values())
    assert "On Saturdays" in found["variants"][0]["context"]
    assert not (workspace / "runs").exists()


def test_an_example_comes_with_its_turns_and_its_evidence(workspace: Path) -> None:
    """A follow-up is searched with what was said before; evidence that no passage covers is told."""
    make_workspace(workspace, config("query: [question, conversation]", "top_k: 1"))
    turns = [("user", "When is the shop open?"), ("assistant", "From 9 to 18."), ("user", "Parcels?")]
    evidence = [{"document": "hours.md", "start": 0, "end": 50}]
    row = {"messages": [{"role": r, "content": c} for r, c in turns], "id": "follow", "evidence": evidence}
    lines(workspace / "datasets/questions.jsonl", [row])
    one, two = search(workspace, "--example", "follow")["variants"]
    assert (one["searched"], two["searched"]) == (["Parcels?"], ["Parcels?\nWhen is the shop open?"])
    assert one["missed"] == [{"document": "hours.md", "start": 0, "end": 50}]
    assert one["passages"][0]["document"] == "delivery.md"


def test_variants_that_retrieve_alike_are_shown_once(workspace: Path) -> None:
    """Prompts and models change no retrieval; the label holds what the variants have in common."""
    axes = "top_k: [1, 2], user_prompt: {short: '{{ question }}', long: 'Please: {{ question }}'}"
    make_workspace(workspace, config(axes))
    found = search(workspace, SATURDAYS)["variants"]
    assert [(entry["label"], len(entry["same"])) for entry in found] == [("top_k=1", 1), ("top_k=2", 1)]
    chosen = search(workspace, SATURDAYS, "--variant", found[1]["variant"][:6])["variants"]
    assert [(entry["variant"], entry["same"]) for entry in chosen] == [(found[1]["variant"], [])]


def test_approximate_search_tells_what_it_gave_up(workspace: Path) -> None:
    """Chunks that exact search would find, by document and span; nothing is given up by exact search."""
    graph = "{use: chroma, search: approximate, ef_search: 4, ef_construction: 4, max_neighbors: 2}"
    small = f"embedder: {{use: local/hashing, dimensions: 64}}, index: {graph}, top_k: 10"
    make_workspace(workspace, config("", small).replace("datasets/articles", "notes.jsonl"))
    lines(workspace / "notes.jsonl", [{"id": f"d{i}", "text": f"x{i * 7919 % 10007:x} {i:b}"} for i in range(3000)])
    [entry] = search(workspace, "a1b2 x77 101")["variants"]
    make_workspace(workspace, config("", small.replace(graph, "exact")).replace("datasets/articles", "notes.jsonl"))
    [exact] = search(workspace, "a1b2 x77 101")["variants"]
    assert (entry["exact"], exact["exact"], exact["given_up"]) == (False, True, [])
    found = {p["document"] for p in entry["passages"]}
    there = {p["document"] for p in exact["passages"]}
    assert {c["document"] for c in entry["given_up"]} == there - found
    assert entry["given_up"]
    assert all(c["text"] and c["start"] == 0 for c in entry["given_up"])


def test_a_later_sweep_finds_the_vectors_made(workspace: Path) -> None:
    """What search embedded is not embedded again; the sweep retrieves as deep as it needs."""
    search(workspace, QUESTIONS[0]["question"], "--set", "top_k=[1]")
    swept = json.loads(harness("sweep", "configs/small.yaml", "--json", cwd=workspace).stdout)
    rest = len({question["question"] for question in QUESTIONS}) - 1
    assert swept["embeddings"]["made"] == rest
    assert swept["stages"]["chunk"]["made"] == 0
    again = json.loads(harness("sweep", "configs/small.yaml", "--json", cwd=workspace).stdout)
    search(workspace, QUESTIONS[0]["question"], "--set", "top_k=[1]")
    third = json.loads(harness("sweep", "configs/small.yaml", "--json", cwd=workspace).stdout)
    assert again["stages"]["retrieve"]["made"] == third["stages"]["retrieve"]["made"] == 0


def test_what_a_model_writes_is_told_with_its_cost_and_asked_once(workspace: Path) -> None:
    """The texts that were searched with; the second search, and a sweep, find the reply."""
    with Loopback(answer=lambda messages: "opening hours\nSaturday times") as server:
        model = f"{{use: openai/writer, base_url: '{server.url}/v1'}}"
        prices = "prices: {openai/writer: {input: 1.0, output: 1.0}}\n"
        make_workspace(workspace, config("top_k: [1, 2]", f"query: {{use: multi_query, model: {model}}}", extra=prices))
        first = search(workspace, SATURDAYS)
        assert first["variants"][0]["searched"] == [SATURDAYS, "opening hours", "Saturday times"]
        assert (first["calls"], server.count()) == (1, 1)
        assert first["cost_usd"] > 0
        again = search(workspace, SATURDAYS)
        assert (again["calls"], again["cost_usd"], server.count()) == (0, 0.0, 1)
        assert again["variants"][0]["passages"] == first["variants"][0]["passages"]
        harness("sweep", "configs/small.yaml", cwd=workspace)
        assert server.count() == len(QUESTIONS)


def test_people_read_a_table(workspace: Path) -> None:
    """Rank, similarity, score, place and text; times; what was found by nobody is said."""
    done = harness("search", "configs/small.yaml", SATURDAYS, cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "hours.md:" in done.stdout
    assert " ms" in done.stdout
    nothing = harness("search", "configs/small.yaml", "Zzyzx", "--set", "retriever=bm25", cwd=workspace)
    assert "nothing was found" in nothing.stdout
    assert nothing.stderr == ""


def test_an_example_is_shown_with_what_it_comes_with(workspace: Path) -> None:
    """Turns before, references and tags; a star and `evidence` stand where a passage holds evidence, nowhere else."""
    make_workspace(workspace, config("", "top_k: 2"))
    turns = [("user", "When is the\nshop open?"), ("assistant", "From 9 to 18."), ("user", "On Saturdays?")]
    evidence = [{"document": "hours.md", "start": 0, "end": 50}]
    row = {"messages": [{"role": r, "content": c} for r, c in turns], "id": "f", "evidence": evidence}
    lines(workspace / "datasets/questions.jsonl", [{**row, "references": ["Until 14."], "tags": ["hours"]}])
    shown = harness("search", "configs/small.yaml", "--example", "f", cwd=workspace).stdout
    for text in ("user: When is the shop open?", "assistant: From 9", "Reference: Until 14.", "Tags: hours"):
        assert text in shown
    found = search(workspace, "--example", "f")
    assert found["example"] == "f"
    passages = found["variants"][0]["passages"]
    held = [p["document"] == "hours.md" and p["start"] < 50 for p in passages]
    assert [p["evidence"] for p in passages] == held
    assert any(held)
    starred = ["*" in row.split() for row in shown.splitlines() if row.split()[:1] in (["1"], ["2"])]
    assert starred == held


def test_a_question_is_no_example(workspace: Path) -> None:
    """What was just asked has no id."""
    assert search(workspace, SATURDAYS)["example"] is None


def test_the_same_passages_are_shown_once(workspace: Path) -> None:
    """Another threshold that drops nothing: a line that names the variant with the passages."""
    make_workspace(workspace, config("similarity_threshold: [-1.0, -0.9]"))
    first, second = search(workspace, SATURDAYS)["variants"]
    assert [p["text"] for p in first["passages"]] == [p["text"] for p in second["passages"]]
    shown = harness("search", "configs/small.yaml", SATURDAYS, cwd=workspace).stdout
    assert shown.count("rank") == 1
    assert f"the same passages as {first['variant']}\n" in shown


def test_small_scores_are_told_apart(workspace: Path) -> None:
    """Fused ranks differ in the fourth digit."""
    make_workspace(workspace, config("", "retriever: hybrid, top_k: 3"))
    scores = [p["score"] for p in search(workspace, SATURDAYS)["variants"][0]["passages"]]
    assert len({f"{score:.4g}" for score in scores}) > 1
    shown = harness("search", "configs/small.yaml", SATURDAYS, cwd=workspace).stdout
    for score in scores:
        assert f"{score:.4g}" in shown


def test_whole_passages_are_not_padded(workspace: Path) -> None:
    """Each line of a passage stands as it is, and no line ends in spaces."""
    shown = harness("search", "configs/small.yaml", SATURDAYS, "--full", cwd=workspace).stdout
    assert all(row == row.rstrip() for row in shown.splitlines())
    for p in search(workspace, SATURDAYS)["variants"][0]["passages"]:
        assert all(row.strip() in shown for row in p["text"].splitlines())


def test_a_filter_that_leaves_nothing_is_told(workspace: Path) -> None:
    """With how many documents there are."""
    make_workspace(workspace, config("", "filter: document.id == 'none.md'"))
    entry = search(workspace, SATURDAYS)["variants"][0]
    assert entry["documents"] == {"left": 0, "of": len(ARTICLES)}
    shown = harness("search", "configs/small.yaml", SATURDAYS, cwd=workspace).stdout
    assert f"the filter left 0 of {len(ARTICLES)} documents" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "give either a question, or --example"),
        (["A question?", "--example", "q1"], "give either a question, or --example"),
        (["  "], "the question is empty"),
        (["--example", "q11"], "no example is called 'q11'"),
        (["A question?", "--variant", "zzz"], "the id of no variant begins with zzz; there are\n    "),
        (["A question?", "--set", "retriever=bm52"], "bm25"),
        (["A question?", "--set", "chatbot.retrieval.filter=document.x == 1"], "document.x, which no document has"),
        (["A question?", "--set", "filter=document.id == metadata.about"], "take an example: harness search"),
    ],
)
def test_wrong_input_ends_with_2_and_a_sentence(workspace: Path, arguments: list[str], told: str) -> None:
    """Nothing on stdout, no traceback, nothing made."""
    done = harness("search", "configs/small.yaml", *arguments, "--json", cwd=workspace)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workspace / "runs").exists()


@pytest.mark.parametrize("removed", ["corpus: datasets/articles\n", None])
def test_without_retrieval_there_is_nothing_to_search(workspace: Path, removed: str | None) -> None:
    """A sweep without a corpus, and one that has one but uses it nowhere."""
    head, tail = CONFIG.split("  retrieval:")[0], "metrics: [correct]\n"
    text = head + ("" if removed else "  retrieval: none\n") + tail
    make_workspace(workspace, text.replace(removed, "") if removed else text)
    done: subprocess.CompletedProcess[str] = harness("search", "configs/small.yaml", "A question?", cwd=workspace)
    assert done.returncode == 2
    assert ("no corpus" if removed else "no variant has a retrieval") in done.stderr
