"""Every setting enters the keys it must, and no others."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from harness.config import Chatbot, Variant, load
from harness.config.prompting import request_of
from harness.plugins import KINDS, identity, known, make
from harness.records import Context, Corpus, Document, Example, Message, Passage
from harness.sweeps import keys
from tests.parts.needed import needed
from tests.workspaces import make_workspace, write

CORPUS = Corpus((Document("a.md", "Some text about opening hours. And more of it."),))
EXAMPLE = Example("e", (Message("user", "before"), Message("assistant", "so"), Message("user", "When?")))
PASSAGES = (Passage("a.md", 0, 30, "Some text about opening hours.", 0.5),)
CONTEXT = Context(PASSAGES, PASSAGES[0].text, (0,))

BASE = """
dataset: datasets/questions.jsonl
corpus: datasets/articles
plugins: [parts.py]
chatbot:
  model: {use: chatty, name: m}
  temperature: 0.1
  top_p: 0.9
  max_tokens: 100
  stop: END
  system_prompt: Be brief.
  user_prompt: "{{ context }} {{ question }}"
  retrieval:
    splitter: {use: recursive, chunk_size: 80, chunk_overlap: 10}
    embedder: {use: local/hashing, dimensions: 64}
    index: {use: chroma, search: exact, url: "http://127.0.0.1:8001"}
    retriever: {use: dense}
    reranker: {use: none}
    top_k: 3
    similarity_threshold: 0.1
"""
PARTS = """
from dataclasses import dataclass
from typing import ClassVar
from harness.plugins import part, setting

@part("model", "chatty")
@dataclass(frozen=True)
class Chatty:
    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    name: str = "m"
    timeout_s: float = setting(60.0, inert=True)
    provider = "test"
    price_name = None
    environment = ()
    def parameters(self, sampling):
        return dict(sampling)
    def connect(self):
        raise AssertionError("not asked in this test")

@part("retriever", "other")
@dataclass(frozen=True)
class Other:
    version: ClassVar[int] = 1
    uses_vectors: ClassVar[bool] = True

def part_of(answer):
    return 1.0

@part("reranker", "other")
@dataclass(frozen=True)
class OtherReranker:
    version: ClassVar[int] = 1
    top_n = None
"""
CHUNK, EMBED, INDEX, RETRIEVE, REQUEST, VARIANT = "chunk", "embed", "index", "retrieve", "request", "variant"
ALL_RETRIEVAL = {CHUNK, INDEX, RETRIEVE, VARIANT}
CHANGES: dict[str, tuple[str, set[str]]] = {
    "model.name": ("other", {REQUEST, VARIANT}),
    "model.timeout_s": ("5.0", set()),
    "temperature": ("0.2", {REQUEST, VARIANT}),
    "top_p": ("0.8", {REQUEST, VARIANT}),
    "max_tokens": ("101", {REQUEST, VARIANT}),
    "stop": ("STOP", {REQUEST, VARIANT}),
    "system_prompt": ("Be kind.", {REQUEST, VARIANT}),
    "user_prompt": ('"{{ question }} {{ context }}"', {REQUEST, VARIANT}),
    "splitter.chunk_size": ("90", ALL_RETRIEVAL),
    "splitter.chunk_overlap": ("11", ALL_RETRIEVAL),
    "splitter.length": ("cl100k_base", ALL_RETRIEVAL),
    "splitter.separators": ('[" ", ""]', ALL_RETRIEVAL),
    "splitter": ("{use: sentence, chunk_size: 80, chunk_overlap: 10}", ALL_RETRIEVAL),
    "embedder.dimensions": ("128", {EMBED, INDEX, RETRIEVE, VARIANT}),
    "embedder.query_prefix": ("'q: '", {EMBED, INDEX, RETRIEVE, VARIANT}),
    "embedder.passage_prefix": ("'p: '", {EMBED, INDEX, RETRIEVE, VARIANT}),
    "index.search": ("approximate", {INDEX, RETRIEVE, VARIANT}),
    "index.exact_limit": ("9", {INDEX, RETRIEVE, VARIANT}),
    "index.ef_construction": ("9", {INDEX, RETRIEVE, VARIANT}),
    "index.ef_search": ("9", {INDEX, RETRIEVE, VARIANT}),
    "index.max_neighbors": ("9", {INDEX, RETRIEVE, VARIANT}),
    "index.url": ("http://127.0.0.1:8000", {INDEX, RETRIEVE, VARIANT}),
    "index.headers": ("{X-Chroma-Token: '${TOKEN}'}", set()),
    "index.timeout_s": ("5.0", set()),
    "index.tenant": ("shop", {INDEX, RETRIEVE, VARIANT}),
    "index.database": ("shop", {INDEX, RETRIEVE, VARIANT}),
    "index": ("exact", {INDEX, RETRIEVE, VARIANT}),
    "retriever": ("other", {RETRIEVE, VARIANT}),
    "reranker": ("other", {VARIANT}),
    "query": ("conversation", {RETRIEVE, VARIANT}),
    "context.passage_order": ("best_last", {VARIANT}),
    "context.passage_template": ("'* {{ text }}'", {VARIANT}),
    "context.passage_separator": ("' '", {VARIANT}),
    "context.citations": ("true", {VARIANT}),
    "context.overlaps": ("merge", {VARIANT}),
    "context.context_tokens": ("9", {VARIANT}),
    "context.tokenizer": ("o200k_base", {VARIANT}),
    "filter": ("document.id != 'b.md'", {VARIANT}),
    "top_k": ("4", {VARIANT}),
    "similarity_threshold": ("0.2", {VARIANT}),
}


LATE: dict[str, Any] = {
    "query_prefix": "query: ",
    "passage_prefix": "passage: ",
    "dimensions": 8,
    "url": "http://127.0.0.1:8000",
    "tenant": "shop",
    "database": "articles",
    "on": "needed",
}
"""Another value for each field that came after its part was first used."""


def keys_of(variant: Variant) -> dict[str, str]:
    """All keys of a configuration, over one corpus, one example and fixed passages."""
    chatbot: Chatbot = variant.chatbot
    retrieval = chatbot.retrieval
    assert retrieval is not None
    request = request_of(chatbot, EXAMPLE, CONTEXT, chatbot.model.parameters(dict(chatbot.sampling)))
    return {
        CHUNK: keys.chunks_key(CORPUS, retrieval),
        EMBED: keys.vector_key(identity(retrieval.embedder), "passage", "text"),
        INDEX: keys.index_key(CORPUS, retrieval),
        RETRIEVE: keys.retrieval_key(CORPUS, retrieval),
        REQUEST: keys.request_key(chatbot.model, identity(chatbot.model), request, 0),
        VARIANT: variant.id,
    }


@pytest.fixture
def config_path(tmp_path: Path) -> Path:
    """A sweep of one variant with a model that takes every sampling setting."""
    write(tmp_path / "parts.py", PARTS)
    return make_workspace(tmp_path, BASE)


@pytest.mark.parametrize("field", CHANGES)
def test_a_field_changes_the_keys_it_must_and_no_others(field: str, config_path: Path) -> None:
    """One setting, changed alone."""
    value, expected = CHANGES[field]
    [before] = load(config_path).variants
    [after] = load(config_path, (f"{field}={value}",)).variants
    old, new = keys_of(before), keys_of(after)
    assert {name for name in old if old[name] != new[name]} == expected


def test_every_field_of_the_configuration_is_in_the_table(config_path: Path) -> None:
    """A field that is added to the chatbot cannot be forgotten here."""
    [variant] = load(config_path).variants
    written = variant.chatbot.written()
    retrieval = written.pop("retrieval")
    fields = {name for name in written if name != "model"} | {"model.name", "model.timeout_s"}
    for name, value in retrieval.items():
        fields |= {f"{name}.{key}" for key in value if key != "use"} if isinstance(value, dict) else {name}
    assert fields <= set(CHANGES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_every_part_is_part_of_its_identity(kind: str, config_path: Path) -> None:
    """A built-in part's field is in its identity, unless it is marked as inert."""
    for registration in known(kind):
        fields = [f for f in dataclasses.fields(registration.cls) if not f.metadata.get("inert")]
        names = {f.name for f in fields if not f.metadata.get("late")}
        required: dict[str, Any] = {registration.argument: "5"} if registration.argument else {}
        if registration.argument in ("k",):
            required = {"k": 5}
        if registration.name == "python:":
            required = {"target": f"{config_path.parent.parent / 'parts.py'}:part_of"}
        if "model" in names:
            required = {"model": "local/extractive"}
        if kind == "metric":
            required = {**required, **needed(registration.name)}
        use = registration.name if registration.is_prefix else {"use": registration.name}
        part = registration.cls(**required) if isinstance(use, str) else make(kind, {**use, **required})
        assert names <= set(identity(part)), registration.name
        for late in (f.name for f in fields if f.metadata.get("late")):
            server = {"url": LATE["url"]} if late in ("tenant", "database") else {}
            changed = dataclasses.replace(part, **server, **{late: LATE[late]})
            assert late not in identity(part), f"{registration.name}.{late}: keys from before it came are lost"
            assert identity(changed)[late] == LATE[late]


def test_the_repeat_number_makes_another_request(config_path: Path) -> None:
    """Repeats are separate draws."""
    [variant] = load(config_path).variants
    model = variant.chatbot.model
    request = request_of(variant.chatbot, EXAMPLE, CONTEXT, {})
    assert keys.request_key(model, identity(model), request, 0) != keys.request_key(model, identity(model), request, 1)


def test_equal_passages_of_two_thresholds_share_a_request(config_path: Path) -> None:
    """A threshold that changes nothing for a question shares its answer."""
    found = set()
    for variant in load(config_path, ("sweep.axes.similarity_threshold=[0.1, 0.2]",)).variants:
        model = variant.chatbot.model
        request = request_of(variant.chatbot, EXAMPLE, CONTEXT, {})
        found.add(keys.request_key(model, identity(model), request, 0))
    assert len(found) == 1


def test_another_corpus_makes_other_chunks(config_path: Path) -> None:
    """A changed document changes the chunk key."""
    [variant] = load(config_path).variants
    assert variant.chatbot.retrieval is not None
    retrieval = variant.chatbot.retrieval
    other = Corpus((Document("a.md", CORPUS.documents[0].text + "!"),))
    assert keys.chunks_key(CORPUS, retrieval) != keys.chunks_key(other, retrieval)
