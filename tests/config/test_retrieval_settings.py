"""Settings of the retrieval chain: parts in parts, mistakes with their places, ids that stay, files that come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import SweepConfig, load
from harness.errors import UserError
from harness.plugins import identity
from tests.cli.test_cli import harness
from tests.sweeps.chains import config, made, sweep_of
from tests.workspaces import CONFIG, make_workspace

HERE = "http://127.0.0.1:1/v1"
BEFORE = """
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: {use: openai/gpt-4o-mini}
  temperature: 0.3
  system_prompt: Be brief.
  retrieval:
    splitter: {use: markdown, chunk_size: 300}
    embedder: openai/text-embedding-3-small
    index: chroma
    top_k: 7
metrics: [correct]
"""


def loaded(folder: Path, axes: str, retrieval: str = "") -> SweepConfig:
    """A sweep with these axes and settings."""
    return load(make_workspace(folder, config(axes, retrieval)))


def mistake(folder: Path, text: str) -> tuple[str, int, str]:
    """The one mistake of a file: what the text has at its place, its line, and what is said."""
    path = make_workspace(folder, text)
    with pytest.raises(UserError) as caught:
        load(path)
    [found] = caught.value.mistakes
    line = path.read_text(encoding="utf-8").splitlines()[found.place.line - 1]
    return line[found.place.column - 1 :], found.place.line, str(found)


@pytest.mark.parametrize(
    "part",
    ["retriever: {use: hybrid, fetch_k: 4}", "retriever: {use: mmr, fetch_k: 4}"]
    + [f"query: {{use: {use}, model: openai/x, fetch_k: 4}}" for use in ("multi_query", "hyde")],
)
def test_a_top_k_above_fetch_k_is_a_mistake_at_top_k(tmp_path: Path, part: str) -> None:
    """What combines lists of four cannot give five; four is well."""
    there, line, said = mistake(tmp_path, config("", f"{part}, top_k: 5"))
    assert there.startswith("5")
    assert line == 4
    assert "top_k 5 is more than the fetch_k 4" in said
    assert f"raise retrieval.{part.split(':')[0]}.fetch_k, or lower top_k" in said
    assert len(loaded(tmp_path, "", f"{part}, top_k: 4").variants) == 1


def test_a_top_k_above_fetch_k_names_its_variant(tmp_path: Path) -> None:
    """Where only some combinations are wrong, these are named, at the axis' value."""
    text = config("top_k: [3, 60], retriever: [dense, hybrid]")
    there, _, said = mistake(tmp_path, text)
    assert there.startswith("60")
    assert "(in the variant top_k=60, retriever=hybrid)" in said


@pytest.mark.parametrize("use", ["rewrite", "multi_query", "hyde"])
def test_a_writer_without_a_model_is_a_mistake(tmp_path: Path, use: str) -> None:
    """Nobody guesses who writes."""
    there, _, said = mistake(tmp_path, config("", f"query: {use}"))
    assert there.startswith(use)
    assert f"chatbot.retrieval.query: {use} needs 'model'" in said
    assert f"query: {{use: {use}, model: openai/…}}" in said


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("{use: openai/x, base_ulr: a}", "chatbot.retrieval.query.model: base_ulr: "),
        ("nosuch", "no model is called 'nosuch'"),
        ("[a]", "expected the name of a model, or a mapping with `use`, found ['a']"),
    ],
)
def test_a_wrong_part_within_a_part_is_a_mistake_at_its_place(tmp_path: Path, model: str, told: str) -> None:
    """In plain words, at the part that is wrong."""
    there, _, said = mistake(tmp_path, config("", f"query: {{use: hyde, model: {model}}}"))
    assert there.startswith(model[:4])
    assert told in said
    assert "Value error" not in said


def test_an_unknown_name_in_a_prompt_is_a_mistake(tmp_path: Path) -> None:
    """hyde does not read the turns before."""
    _, _, said = mistake(tmp_path, config("", "query: {use: hyde, model: openai/x, prompt: '{{ history }}'}"))
    assert "unknown name 'history' (allowed: question)" in said


def test_a_part_within_a_part_may_be_a_mapping(tmp_path: Path) -> None:
    """With its settings; they decide the variant, but for those that change no result."""
    by_server, by_other, slow, plain = (
        loaded(tmp_path, "", f"query: {{use: hyde, model: {model}}}").variants[0]
        for model in (
            f"{{use: openai/x, base_url: '{HERE}'}}",
            "{use: openai/x, base_url: 'http://127.0.0.1:2/v1'}",
            "{use: openai/x, timeout_s: 5}",
            "openai/x",
        )
    )
    assert by_server.chatbot.retrieval is not None
    assert identity(by_server.chatbot.retrieval.query)["model"]["base_url"] == HERE
    assert slow.id == plain.id
    assert len({by_server.id, by_other.id, plain.id}) == 3


def test_a_part_within_a_part_may_be_an_axis(tmp_path: Path) -> None:
    """Alone, or with the part that holds it; equal configurations have equal ids, however they are written."""
    model = f"{{use: openai/b, base_url: '{HERE}'}}"
    whole = f"query: [question, {{use: rewrite, model: openai/a}}, {{use: rewrite, model: {model}}}]"
    queries = loaded(tmp_path, whole)
    models = loaded(tmp_path, f"retrieval.query.model: [openai/a, {model}]", "query: rewrite")
    assert [v.params["query"] for v in queries.variants] == [
        "question",
        "rewrite(model=openai/a)",
        f"rewrite(model=openai/b(base_url={HERE}))",
    ]
    assert [v.id for v in queries.variants[1:]] == [v.id for v in models.variants]
    assert [v.params["retrieval.query.model"] for v in models.variants] == ["openai/a", f"openai/b(base_url={HERE})"]


def test_ids_of_files_without_the_new_settings_stay(tmp_path: Path) -> None:
    """As computed before there were queries, contexts, filters and late settings; written out, defaults change none."""
    assert [v.id for v in load(make_workspace(tmp_path, CONFIG)).variants][:2] == ["b25b20eb08", "e0872f589c"]
    assert [v.id for v in load(make_workspace(tmp_path, BEFORE)).variants] == ["c78e6e3b4f"]
    defaults = (
        "    query: question\n    context: passages\n    filter: null\n    retriever: dense\n    reranker: none\n"
    )
    written = BEFORE.replace("    top_k: 7\n", defaults + "    top_k: 7\n")
    assert [v.id for v in load(make_workspace(tmp_path, written)).variants] == ["c78e6e3b4f"]


@pytest.mark.parametrize(
    "changed",
    [
        "query: conversation",
        "context: {use: passages, citations: true}",
        "filter: document.id != 'hours.md'",
        "retriever: bm25",
        "reranker: lexical",
        "similarity_threshold: 0.1",
    ],
)
def test_each_new_setting_changes_the_id(tmp_path: Path, changed: str) -> None:
    """What decides the answers is in the id."""
    plain, other = (loaded(tmp_path, "", settings).variants[0].id for settings in ("", changed))
    assert plain != other


WRITTEN = [
    f"query: {{use: multi_query, model: {{use: openai/x, base_url: '{HERE}'}}, queries: 2, temperature: 0.5}}",
    "query: {use: conversation, assistant: true}, retriever: {use: hybrid, fusion: weighted, dense_weight: 0.3}",
    "splitter: {use: parent_child, chunk_size: 40, chunk_overlap: 0, parent_size: 90}, retriever: mmr",
    "splitter: {use: semantic, amount: 50}, reranker: {use: lexical, top_n: 2}, similarity_threshold: -0.5",
    "context: {use: passages, passage_order: best_last, passage_template: '[{{ number }}] {{ text }}'}, top_k: 4",
    "filter: \"document.id != 'hours.md' and tags\", index: {use: chroma, search: approximate, ef_search: 50}",
    f"query: {{use: hyde, model: {{use: openai/x, base_url: '{HERE}'}}, prompt: \"A:\\n{{{{ question }}}} # no\"}}",
]


@pytest.mark.parametrize("retrieval", WRITTEN)
def test_a_written_configuration_comes_back(tmp_path: Path, retrieval: str) -> None:
    """What `written` gives, as YAML in a file, is the same variant and is written the same again."""
    before = loaded(tmp_path, "", retrieval).variants[0]
    tree: dict[str, Any] = {
        "dataset": "datasets/questions.jsonl",
        "corpus": "datasets/articles",
        "chatbot": before.chatbot.written(),
        "metrics": ["correct"],
    }
    after = load(make_workspace(tmp_path, yaml.safe_dump(tree, sort_keys=False))).variants[0]
    assert after.id == before.id
    assert after.chatbot == before.chatbot
    assert after.chatbot.written() == before.chatbot.written()


def test_show_prints_a_configuration_that_is_the_same_variant(tmp_path: Path) -> None:
    """With a query, a retriever, a filter, a reranker and a context: run again, nothing is made."""
    settings = (
        "query: {use: conversation, turns: 2}, retriever: {use: hybrid, fusion: weighted}, top_k: 4, "
        "reranker: {use: lexical, top_n: 2}, context: {use: passages, citations: true, context_tokens: 50}, "
        "filter: \"document.id != 'hours.md'\", similarity_threshold: 0.05"
    )
    done = sweep_of(make_workspace(tmp_path, config("", settings)))
    printed = harness("show", done.summary["runs"][0]["run"], "--yaml", cwd=tmp_path).stdout
    head = "dataset: datasets/questions.jsonl\ncorpus: datasets/articles\nmetrics: [correct]\n"
    again = sweep_of(make_workspace(tmp_path, head + printed))
    assert [v["id"] for v in again.stored.variants] == [v["id"] for v in done.stored.variants]
    assert set(made(again.summary).values()) <= {0}
    assert again.scores.drop(columns="variant").equals(done.scores.drop(columns="variant"))


def test_a_text_of_a_part_may_be_a_file(tmp_path: Path) -> None:
    """A query writer's prompt comes from a file as a prompt of the chatbot does; one that is not there is a mistake."""
    writer = "query: {use: rewrite, model: openai/x, prompt: {file: ask.md}}"
    assert "no such file" in mistake(tmp_path, config("", writer))[2]
    (tmp_path / "ask.md").write_text("Make one question of {{ question }}\n")
    [variant] = loaded(tmp_path, "", writer).variants
    assert variant.chatbot.retrieval is not None
    assert variant.chatbot.retrieval.query.prompt == "Make one question of {{ question }}"
