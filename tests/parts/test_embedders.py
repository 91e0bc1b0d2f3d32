"""The network embedders over real HTTP against a loopback server; sentence-transformers as an extra."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from harness.errors import ProviderError, UserError
from harness.plugins import identity, make
from harness.testing.embedders import check_embedder
from tests.dialects import vector
from tests.loopback import Loopback
from tests.parts.asking import embed

KINDS = ("openai", "litellm_openai", "ollama")
VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "OLLAMA_API_BASE")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A provider on loopback, and nothing about another in the environment."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with Loopback() as running:
        yield running


def embedder_for(kind: str, server: Loopback, **settings: Any) -> Any:
    """An embedder of each kind that asks the loopback server."""
    use = {
        "openai": {"use": "openai/text-embedding-3-small", "base_url": f"{server.url}/v1"},
        "litellm_openai": {"use": "litellm/openai/text-embedding-3-small", "api_base": f"{server.url}/v1"},
        "ollama": {"use": "ollama/nomic-embed-text", "api_base": server.url},
    }[kind]
    return make("embedder", {**use, **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_every_route_keeps_the_contract_of_an_embedder(kind: str, server: Loopback) -> None:
    """Whole batches, equal texts, other texts, queries: as the protocol promises, one HTTP call a batch."""
    check_embedder(embedder_for(kind, server))
    assert server.count() == 4


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_come_in_the_order_of_the_texts(kind: str, server: Loopback) -> None:
    """One row per text, also from a server that gives them in another order."""
    found = embed(embedder_for(kind, server), ["a", "b", "a", "c"])
    assert found.vectors.tolist() == [pytest.approx(vector(t), abs=1e-6) for t in "abac"]
    assert found.tokens == 4


def test_dimensions_are_sent_and_are_part_of_the_identity(server: Loopback) -> None:
    """A shorter vector is another vector."""
    short, plain = embedder_for("openai", server, dimensions=8), embedder_for("openai", server)
    assert embed(short, ["a"]).vectors.shape == (1, 8)
    assert server.calls[-1].body["dimensions"] == 8
    embed(plain, ["a"])
    assert "dimensions" not in server.calls[-1].body
    assert identity(short) != identity(plain)


@pytest.mark.parametrize("kind", KINDS)
def test_prefixes_are_put_before_the_texts_by_purpose(kind: str, server: Loopback) -> None:
    """The provider gets the longer text; unset, they are not in the identity."""
    embedder = embedder_for(kind, server, query_prefix="query: ", passage_prefix="passage: ")
    for purpose in ("query", "passage"):
        found = embed(embedder, ["a"], purpose).vectors[0]
        assert found.tolist() == pytest.approx(vector(f"{purpose}: a"), abs=1e-6)
    assert not {"query_prefix", "passage_prefix"} & set(identity(embedder_for(kind, server)))
    assert {"query_prefix", "passage_prefix"} <= set(identity(embedder))


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_holds_nothing_is_not_sent_and_gets_the_zero_vector(kind: str, server: Loopback) -> None:
    """One empty text would have a provider refuse the whole batch; it is similar to nothing instead."""
    texts = ["", "a", " \n", "b"]
    found = embed(embedder_for(kind, server), texts).vectors
    assert server.calls[-1].body["input"] == ["a", "b"]
    assert [row.any() for row in found] == [False, True, False, True]
    assert found[3].tolist() == pytest.approx(vector("b"), abs=1e-6)
    alone = embed(embedder_for(kind, server), ["", " "]).vectors
    assert alone.shape == (2, 16) and not alone.any()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 0}, "batch_size must be from 1 to 2048, found 0"),
        ({"batch_size": 2049}, "found 2049"),
        ({"batch_tokens": 0}, "batch_tokens must be at least 1"),
        ({"dimensions": 0}, "dimensions must be at least 1"),
    ],
)
def test_impossible_batches_are_refused(settings: dict[str, Any], said: str, server: Loopback) -> None:
    """OpenAI takes 2,048 texts in a request."""
    with pytest.raises(ValidationError, match=said):
        embedder_for("openai", server, **settings)


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_of_batches_is_no_part_of_the_identity(kind: str, server: Loopback) -> None:
    """It cannot change a vector."""
    assert identity(embedder_for(kind, server, batch_size=2, batch_tokens=10)) == identity(embedder_for(kind, server))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("status", "retryable"), [(429, True), (500, True), (400, False)])
def test_a_refusal_says_whether_to_ask_again(kind: str, status: int, retryable: bool, server: Loopback) -> None:
    """One HTTP call, and the same mapping as for models."""
    server.fail(3, status, retry_after="2")
    with pytest.raises(ProviderError) as caught:
        embed(embedder_for(kind, server), ["a"])
    assert caught.value.retryable is retryable
    assert server.count() == 1
    if kind == "openai" and retryable:
        assert caught.value.retry_after == 2.0


@pytest.mark.parametrize("kind", ["openai", "litellm_openai"])
def test_a_wrong_key_is_fatal_and_names_the_variable(kind: str, server: Loopback) -> None:
    """No other batch can succeed."""
    server.fail(1, 401)
    with pytest.raises(ProviderError, match="OPENAI_API_KEY") as caught:
        embed(embedder_for(kind, server), ["a"])
    assert caught.value.fatal and caught.value.kind == "auth"


@pytest.mark.parametrize("kind", KINDS)
def test_broken_and_missing_answers_are_retryable(kind: str, server: Loopback) -> None:
    """Nonsense, an aborted connection, silence."""
    embedder = embedder_for(kind, server, timeout_s=0.5)
    for trouble in ("broken", "drop", "hang"):
        setattr(server, trouble, 1)
        with pytest.raises(ProviderError) as caught:
            embed(embedder, ["a"])
        assert caught.value.retryable, trouble


def test_too_few_vectors_are_a_broken_answer(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that comes back short must not shift vectors to other texts."""
    embedder = embedder_for("openai", server)

    class Short:
        data: tuple[Any, ...] = ()
        usage = None
        headers: Mapping[str, str] = {}

        def parse(self) -> Short:
            return self

    async def create(*_: Any, **__: Any) -> Short:
        return Short()

    monkeypatch.setattr("openai.resources.embeddings.AsyncEmbeddings.create", create)
    with pytest.raises(ProviderError, match="0 vectors for 2 texts") as caught:
        embed(embedder, ["a", "b"])
    assert caught.value.kind == "broken_answer" and caught.value.retryable


def test_what_is_left_of_a_limit_comes_with_vectors_too(server: Loopback) -> None:
    """The headers of an embedding call are read like those of an answer."""
    server.headers = {"x-ratelimit-remaining-requests": "7"}
    quota = embed(embedder_for("openai", server), ["a"]).quota
    assert quota is not None
    assert quota.requests == 7


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the message is the command that installs it."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UserError, match=r"pip install 'harness-sweep\[sentence-transformers\]'"):
        make("embedder", "sentence-transformers/all-MiniLM-L6-v2").connect()


def stand_in(monkeypatch: pytest.MonkeyPatch, loaded: list[str] | None = None, **methods: Any) -> None:
    """A package sentence_transformers with a model that has these methods; what is loaded is noted."""

    def create(name: str) -> Any:
        if loaded is not None:
            loaded.append(name)
        if name == "missing":
            raise OSError("no such model")
        return type("Model", (), {key: staticmethod(value) for key, value in methods.items()})()

    package = ModuleType("sentence_transformers")
    package.SentenceTransformer = create  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", package)


def encoder(shift: float) -> Any:
    """An encoder as the package has it: keyword settings, an array of float64."""

    def encode(texts: list[str], *, normalize_embeddings: bool, show_progress_bar: bool, prompt: str = "") -> Any:
        assert normalize_embeddings and not show_progress_bar
        return np.array([vector(prompt + text) for text in texts]) + shift

    return encode


def test_sentence_transformers_keep_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the package: float32, local, free."""
    stand_in(monkeypatch, encode=encoder(0))
    embedder = make("embedder", "sentence-transformers/some/model")
    check_embedder(embedder)
    assert embedder.local and embedder.price_name is None


def test_queries_and_passages_have_their_own_encoder_where_the_model_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models with prompts need the right one for each purpose."""
    stand_in(monkeypatch, encode=encoder(0), encode_query=encoder(1), encode_document=encoder(2))
    embedder = make("embedder", "sentence-transformers/x")
    query, passage = (embed(embedder, ["a"], purpose).vectors[0, 0] for purpose in ("query", "passage"))
    assert (query, passage) == pytest.approx((vector("a")[0] + 1, vector("a")[0] + 2))


def test_a_prefix_is_the_packages_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the place of the model's own."""
    stand_in(monkeypatch, encode=encoder(0), encode_query=encoder(1), encode_document=encoder(2))
    embedder = make("embedder", {"use": "sentence-transformers/x", "query_prefix": "query: "})
    assert embed(embedder, ["a"], "query").vectors[0, 0] == pytest.approx(vector("query: a")[0] + 1)
    assert embed(embedder, ["a"], "passage").vectors[0, 0] == pytest.approx(vector("a")[0] + 2)


def test_a_folder_of_the_workspace_is_loaded_from_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The package gets the whole path, a name of the Hub as it is."""
    loaded: list[str] = []
    stand_in(monkeypatch, loaded, encode=encoder(0))
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for name in ("models/mine", "models/other"):
        make("embedder", {"use": f"sentence-transformers/{name}", "workspace": str(tmp_path)}).connect()
    assert loaded == [str(tmp_path / "models" / "mine"), "models/other"]


def test_a_model_that_cannot_be_loaded_is_the_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name or the path is wrong, or there is no network to fetch it."""
    stand_in(monkeypatch, encode=encoder(0))
    with pytest.raises(UserError, match=r"missing: there is no such folder .*cannot be loaded: no such model"):
        make("embedder", "sentence-transformers/missing").connect()
