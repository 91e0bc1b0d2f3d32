"""What providers behind litellm are sent: the purpose in their own words, and how long a vector shall be."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import ProviderError
from harness.plugins import identity, make
from harness.testing.embedders import check_embedder
from tests.dialects import vector
from tests.loopback import Loopback
from tests.parts.asking import embed

QUERY, DOCUMENT = "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"
TOLD = [
    ("cohere/embed-v4.0", "/v2/embed", "input_type", "search_query", "search_document"),
    ("voyage/voyage-3.5", "/v1", "input_type", "query", "document"),
    ("gemini/gemini-embedding-001", "/v1beta", "taskType", QUERY, DOCUMENT),
    ("jina_ai/jina-embeddings-v3", "/v1", "task", "retrieval.query", "retrieval.passage"),
    ("nvidia_nim/nvidia/nv-embedqa-e5-v5", "/v1", "input_type", "query", "passage"),
]
LENGTHS = {"cohere": "output_dimension", "voyage": "output_dimension", "gemini": "outputDimensionality"}


def embedder_for(name: str, base: str, server: Loopback, **settings: Any) -> Any:
    """The provider's embedder, asking the loopback server."""
    return make("embedder", {"use": name, "api_base": server.url + base, **settings})


def sent(server: Loopback) -> dict[str, Any]:
    """What the last request said; of Gemini's, what it said of the first text."""
    body = server.calls[-1].body
    first: dict[str, Any] = body["requests"][0] if "requests" in body else body
    return first


@pytest.mark.parametrize(("name", "base", "word", "query", "passage"), TOLD)
def test_the_purpose_is_told(name: str, base: str, word: str, query: str, passage: str, server: Loopback) -> None:
    """In the request's body, by the provider's own word; and it is in the identity."""
    embedder = embedder_for(name, base, server)
    for purpose, value in (("query", query), ("passage", passage)):
        assert embed(embedder, ["a", "b"], purpose).vectors.tolist() == [
            pytest.approx(vector(t), abs=1e-6) for t in "ab"
        ]
        assert sent(server)[word] == value
    assert "purpose" in identity(embedder)


@pytest.mark.parametrize("name", ["jina_ai/jina-embeddings-v2-base-en", "litellm/openai/x", "together_ai/BAAI/bge-m3"])
def test_who_does_not_want_to_know_is_not_told(name: str, server: Loopback) -> None:
    """No word that a model might refuse; and the identity is what it was before."""
    embedder = embedder_for(name, "/v1", server)
    embed(embedder, ["a"], "query")
    assert not {"input_type", "task", "task_type"} & set(server.calls[-1].body)
    assert "purpose" not in identity(embedder)


@pytest.mark.parametrize(("name", "base"), [told[:2] for told in TOLD[:4]] + [("litellm/openai/nomic", "/v1")])
def test_dimensions_are_sent_in_the_providers_word(name: str, base: str, server: Loopback) -> None:
    """Shorter vectors come back, and other keys find them; unset, nothing is said."""
    short, plain = embedder_for(name, base, server, dimensions=8), embedder_for(name, base, server)
    word = LENGTHS.get(name.split("/")[0], "dimensions")
    assert embed(short, ["a"]).vectors.shape == (1, 8)
    assert sent(server)[word] == 8
    embed(plain, ["a"])
    assert word not in sent(server)
    assert identity(short) != identity(plain) and "dimensions" not in identity(plain)


def test_dimensions_that_a_provider_does_not_know_are_refused_and_not_dropped(server: Loopback) -> None:
    """A vector of another length than asked for would be a silent mistake; no call is made."""
    with pytest.raises(ProviderError, match="dimensions") as caught:
        embed(embedder_for("mistral/mistral-embed", "/v1", server, dimensions=8), ["a"])
    assert not caught.value.retryable
    assert server.count() == 0


@pytest.mark.parametrize(("name", "base"), [told[:2] for told in TOLD])
def test_every_provider_keeps_the_contract_of_an_embedder(name: str, base: str, server: Loopback) -> None:
    """With the batch size that it has by default."""
    check_embedder(embedder_for(name, base, server))


@pytest.mark.parametrize("text", ["files/report.pdf is the report", "gs://bucket/x.png", "data:image/png;base64,aGk="])
@pytest.mark.parametrize(("name", "base"), [TOLD[0][:2], TOLD[2][:2], TOLD[3][:2]])
def test_a_text_is_never_taken_for_a_file(name: str, base: str, text: str, server: Loopback) -> None:
    """litellm would send it as a picture, or fetch it with the user's key: a space before it keeps it a text."""
    found = embed(embedder_for(name, base, server), [text, "a"])
    assert found.vectors.shape == (2, 16)
    assert found.vectors[0].tolist() == pytest.approx(vector(f" {text}"), abs=1e-6)


@pytest.mark.parametrize(("name", "base"), [told[:2] for told in TOLD[:4]])
@pytest.mark.parametrize("trouble", ["broken", "mistyped", "truncated", "drop", "hang"])
def test_troubles_are_retryable(name: str, base: str, trouble: str, server: Loopback) -> None:
    """Whatever litellm makes of them, and after one HTTP call."""
    setattr(server, trouble, 1)
    with pytest.raises(ProviderError) as caught:
        embed(embedder_for(name, base, server, timeout_s=0.5), ["a"])
    assert caught.value.retryable
    assert server.count() == 1
