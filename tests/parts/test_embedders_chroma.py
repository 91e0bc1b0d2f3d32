"""Chroma's default embedder: a real ONNX model where the package expects it, and no network where it does not."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2
from pydantic import ValidationError

from harness.errors import UserError
from harness.plugins import bert, make
from harness.testing.embedders import check_embedder
from tests.parts import tiny_bert
from tests.parts.asking import embed

TEXTS = ["the shop is open from nine to three", "parcels take two days", "", "the shop is open from nine to three"]


@pytest.fixture
def expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the package looks for its model: nothing is there."""
    monkeypatch.setattr(ONNXMiniLM_L6_V2, "DOWNLOAD_PATH", tmp_path / "models")
    return tmp_path / "models" / "onnx"


def put_model(folder: Path) -> tiny_bert.Weights:
    """A tiny BERT under the names of the package's own files; it pads every text to 256 tokens."""
    tensors = tiny_bert.random_weights()
    places = np.random.default_rng(5).normal(0, 1, (256, 32)).astype(np.float32)
    tensors["embeddings.position_embeddings.weight"] = places
    tiny_bert.write_json(folder / "config.json", tiny_bert.CONFIG)
    tiny_bert.tokenizer().save(str(folder / "tokenizer.json"))
    for name in ("special_tokens_map.json", "tokenizer_config.json", "vocab.txt"):
        (folder / name).write_text("{}")
    (folder / "model.onnx").write_bytes(bert.bert(tiny_bert.CONFIG, tensors, scores=False, about="tiny"))
    return tensors


@contextmanager
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[Any] = []

        def take() -> None:
            try:
                while True:
                    taken.append(listening.accept())
            except OSError:
                return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/onnx.tar.gz"
        for connection, _ in taken:
            connection.close()


def test_it_gives_the_models_vectors_and_keeps_the_contract(expected: Path) -> None:
    """What a forward pass in numpy gives, for texts of any length, also for one that is empty."""
    tensors = put_model(expected)
    embedder = make("embedder", "chroma/default")
    vectors = check_embedder(embedder, [text for text in TEXTS if text])
    wanted = np.stack([tiny_bert.embedding(tensors, text, longest=256) for text in TEXTS if text])
    assert np.abs(vectors - wanted).max() < 2e-6
    assert np.abs(embed(embedder, [""]).vectors - tiny_bert.embedding(tensors, "")).max() < 2e-6


def test_prefixes_are_put_before_the_texts(expected: Path) -> None:
    """By purpose, as with every embedder."""
    put_model(expected)
    prefixed = make("embedder", {"use": "chroma/default", "query_prefix": "when ", "passage_prefix": "the "})
    wanted = embed(make("embedder", "chroma/default"), ["when shop", "the shop"]).vectors
    found = [embed(prefixed, ["shop"], purpose).vectors[0] for purpose in ("query", "passage")]
    assert np.abs(np.stack(found) - wanted).max() < 1e-6


def test_without_a_network_it_says_what_it_wanted_and_where(expected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is the user's to mend: the address, and the folder that the files belong into."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = f"http://127.0.0.1:{port}/onnx.tar.gz"
    monkeypatch.setattr(ONNXMiniLM_L6_V2, "MODEL_DOWNLOAD_URL", address)
    with pytest.raises(UserError, match="could not be fetched") as caught:
        make("embedder", "chroma/default").connect()
    assert address in str(caught.value) and str(expected) in str(caught.value)


def test_a_download_that_stalls_ends(expected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits longer than `download_s`."""
    with silent_server() as address:
        monkeypatch.setattr(ONNXMiniLM_L6_V2, "MODEL_DOWNLOAD_URL", address)
        with pytest.raises(UserError, match=r"not there within 0.3 s"):
            make("embedder", {"use": "chroma/default", "download_s": 0.3}).connect()


def test_a_broken_model_is_named(expected: Path) -> None:
    """A file that onnxruntime does not take."""
    put_model(expected)
    (expected / "model.onnx").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"the model in .* cannot be used"):
        make("embedder", "chroma/default").connect()


def test_batches_at_once_do_not_mix(expected: Path) -> None:
    """Eight batches over one connection come out as one by one."""
    put_model(expected)

    async def together() -> list[Any]:
        connection = make("embedder", "chroma/default").connect()
        return list(await asyncio.gather(*(connection.embed([text], "passage") for text in TEXTS * 2)))

    found = np.concatenate([made.vectors for made in asyncio.run(together())])
    assert np.abs(found - embed(make("embedder", "chroma/default"), TEXTS * 2).vectors).max() < 1e-6


def test_no_time_at_all_is_refused() -> None:
    """`download_s` is more than 0."""
    with pytest.raises(ValidationError, match="download_s must be more than 0"):
        make("embedder", {"use": "chroma/default", "download_s": 0.0})
