"""What the model is given and where it stands: parents, windows, front matter, splitters that look at vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.plugins import make
from harness.study.loaded import Sweep
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import make_plan
from tests.sweeps.chains import config, retrieved, spans, sweep, sweep_of
from tests.workspaces import ARTICLES, QUESTIONS, make_workspace, write

GIVING: dict[str, dict[str, Any]] = {
    "parent_child": {"use": "parent_child", "chunk_size": 40, "chunk_overlap": 0, "parent_size": 120},
    "sentence_window": {"use": "sentence_window", "sentences": 1, "window": 1},
}
METRICS = "[span_recall, span_iou, precision_omega]"


def giving(name: str) -> str:
    """A sweep with a splitter that gives more than is found."""
    settings = ", ".join(f"{key}: {value}" for key, value in GIVING[name].items())
    return config("retriever: [dense, bm25]", f"splitter: {{{settings}}}, top_k: 4", metrics=METRICS)


def larger(name: str, text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Each chunk of a text and the span that is given for it, from the splitter alone."""
    splitter = make("splitter", GIVING[name])
    found = sorted(splitter.split(text))
    return [(tuple(span), tuple(given)) for span, given in zip(found, splitter.given(text, found), strict=True)]


def characters(pieces: list[tuple[str, int, int]]) -> set[tuple[str, int]]:
    """The characters in spans, each once."""
    return {(document, i) for document, start, end in pieces for i in range(start, end)}


@pytest.mark.parametrize("name", GIVING)
def test_what_is_given_is_the_larger_span_once(tmp_path: Path, name: str) -> None:
    """Passages are parents or windows of chunks, as they stand in the document, none twice."""
    given = {(doc, *wide) for doc, text in ARTICLES.items() for _, wide in larger(name, text)}
    chunks = {(doc, *narrow) for doc, text in ARTICLES.items() for narrow, _ in larger(name, text)}
    fewer = 0
    for passages in retrieved(sweep(tmp_path, giving(name))).values():
        found = spans(passages)
        assert set(found) <= given
        assert len(found) == len(set(found))
        assert all(p["text"] == ARTICLES[p["document"]][p["start"] : p["end"]] for p in passages)
        fewer += len(found) < 4
    assert given - chunks
    assert fewer > 0 or name == "sentence_window"


@pytest.mark.parametrize("name", GIVING)
def test_metrics_see_the_given_spans(tmp_path: Path, name: str) -> None:
    """Recall and IoU count the characters of what was given; precision_omega those of all that holds evidence."""
    found = sweep(tmp_path, giving(name))
    values = {(r["variant"], r["example"], r["metric"]): r["value"] for r in found.scores.to_dict("records")}
    looked = 0
    for row in found.outcomes.to_dict("records"):
        [example] = [e for e in found.stored.examples if e["id"] == row["example"]]
        evidence = characters([(e["document"], e["start"], e["end"]) for e in example["evidence"] or []])
        if not evidence:
            continue
        cell = (row["variant"], row["example"])
        given = spans(row["passages"])
        length = sum(end - start for _, start, end in given)
        both = len(characters(given) & evidence)
        assert values[(*cell, "span_recall")] == pytest.approx(both / len(evidence))
        assert values[(*cell, "span_iou")] == pytest.approx(both / (length + len(evidence - characters(given))))
        holding = [
            (doc, *wide)
            for doc, text in ARTICLES.items()
            for narrow, wide in larger(name, text)
            if characters([(doc, *narrow)]) & evidence
        ]
        best = len(characters(holding) & evidence) / len(characters(holding) | evidence)
        assert values[(*cell, "precision_omega")] == pytest.approx(best)
        looked += 1
    assert looked == 2 * 6


def test_a_semantic_splitter_cuts_by_its_embedder(tmp_path: Path) -> None:
    """Two embedders are two chunkings; what is embedded for splitting is counted, planned and made once."""
    dimensions = (1024, 8)
    axes = "embedder: [local/hashing, {use: local/hashing, dimensions: 8}], retriever: [dense, bm25]"
    text = config(axes, "splitter: {use: semantic, amount: 50, buffer: 0, chunk_size: 200}, top_k: 2")
    path = make_workspace(tmp_path, text)
    before = load(path)
    plan = make_plan(before, read_inputs(before))
    done = sweep_of(path)
    stages = done.summary["stages"]
    assert (stages["chunk"]["made"], stages["index"]["made"]) == (2, 2)
    assert stages["retrieve"]["made"] == 4 * len(QUESTIONS) == plan.stages["retrieve"]["distinct"]
    embeddings = done.summary["embeddings"]
    assert embeddings["made"] == embeddings["distinct"] == plan.embeddings["distinct"]
    chunks, sentences = _chunks_and_sentences(done, dimensions)
    questions = {question["question"] for question in QUESTIONS}
    assert embeddings["made"] == sum(len(c | s) + len(questions) for c, s in zip(chunks, sentences, strict=True))
    assert chunks[0] != chunks[1]
    again = sweep_of(path).summary
    assert again["embeddings"]["made"] == again["stages"]["chunk"]["made"] == 0


def _chunks_and_sentences(done: Sweep, dimensions: tuple[int, ...]) -> tuple[list[set[str]], list[set[str]]]:
    """What the splitter alone cuts with each embedder, and the texts that it has embedded for that."""
    import asyncio

    async def cut(size: int) -> tuple[set[str], set[str]]:
        connection = make("embedder", {"use": "local/hashing", "dimensions": size}).connect()
        splitter = make("splitter", {"use": "semantic", "amount": 50.0, "buffer": 0, "chunk_size": 200})
        asked: set[str] = set()

        async def embed(texts: Any) -> Any:
            asked.update(texts)
            return (await connection.embed(texts, "passage")).vectors

        found = set()
        for text in ARTICLES.values():
            found |= {text[start:end] for start, end in await splitter.split_by(text, embed)}
        return found, asked

    both = [asyncio.run(cut(size)) for size in dimensions]
    return [chunks for chunks, _ in both], [asked for _, asked in both]


@pytest.mark.parametrize("splitter", ["recursive", "semantic", "parent_child", "sentence_window", "markdown"])
def test_front_matter_is_in_no_chunk_and_spans_are_those_of_the_file(tmp_path: Path, splitter: str) -> None:
    """Whatever cuts, nothing of the head is found, and offsets count from the beginning of the file."""
    sizes = "{use: parent_child, chunk_size: 40, chunk_overlap: 0, parent_size: 90}"
    used = sizes if splitter == "parent_child" else f"{{use: {splitter}}}"
    path = make_workspace(tmp_path, config("", f"splitter: {used}, top_k: 50"))
    heads = {}
    for name, text in ARTICLES.items():
        heads[name] = f"---\nsecret: parcels and shops of {name}\n---\n"
        write(tmp_path / "datasets/articles" / name, heads[name] + text)
    (tmp_path / "datasets/questions.jsonl").write_text('{"id": "q", "question": "Which parcels and shops?"}\n')
    [passages] = retrieved(sweep_of(path)).values()
    assert {p["document"] for p in passages} == set(ARTICLES)
    for p in passages:
        file = (tmp_path / "datasets/articles" / p["document"]).read_text(encoding="utf-8")
        assert p["start"] >= len(heads[p["document"]])
        assert p["text"] == file[p["start"] : p["end"]]
        assert "secret" not in p["text"]
