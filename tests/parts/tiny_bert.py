"""A tiny random BERT in a folder as Hugging Face lays it out, and its forward pass in numpy, written from the paper.

Nothing here comes from what is tested: the weights are written by hand in safetensors' format, the graph is not ONNX.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = "the shop is open from nine to when parcels take two three days a b c d refund card week ##s ##ed ? .".split()
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
Weights = dict[str, NDArray[np.float32]]
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 40,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "vocab_size": len(SPECIAL) + len(WORDS),
}


def write_json(path: Path, content: Any) -> None:
    """A JSON file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def tokenizer() -> Tokenizer:
    """A WordPiece of a few words."""
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *WORDS])}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    return made


def random_weights(seed: int = 0, labels: int = 0) -> Weights:
    """Weights by name; with `labels` those of a sequence classification, named with `bert.` before them."""
    draw = np.random.default_rng(seed)
    width, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (CONFIG["vocab_size"], width),
        "embeddings.position_embeddings.weight": (CONFIG["max_position_embeddings"], width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "pooler.dense": (width, width),
    }
    for layer in range(CONFIG["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        shapes |= {f"{name}.attention.self.{part}": (width, width) for part in ("query", "key", "value")}
        shapes |= {f"{name}.attention.output.dense": (width, width)}
        shapes |= {f"{name}.intermediate.dense": (inner, width), f"{name}.output.dense": (width, inner)}
    if labels:
        shapes["classifier"] = (labels, width)
    norms = ["embeddings.LayerNorm"] + [
        f"encoder.layer.{layer}.{part}.LayerNorm"
        for layer in range(CONFIG["num_hidden_layers"])
        for part in ("attention.output", "output")
    ]
    weights: Weights = {}
    for name, shape in shapes.items():
        if name.endswith(".weight"):
            weights[name] = draw.normal(0, 1, shape).astype(np.float32)
            continue
        weights[f"{name}.weight"] = draw.normal(0, 0.3, shape).astype(np.float32)
        weights[f"{name}.bias"] = draw.normal(0, 0.3, shape[:1]).astype(np.float32)
    for name in norms:
        weights[f"{name}.weight"] = draw.normal(1, 0.3, width).astype(np.float32)
        weights[f"{name}.bias"] = draw.normal(0, 0.3, width).astype(np.float32)
    own = ("classifier",)
    return {n if n.startswith(own) or not labels else f"bert.{n}": array for n, array in weights.items()}


def write_safetensors(path: Path, weights: Weights, kind: str = "F32") -> None:
    """The format by hand: length of the header, header, data. `kind` is F32, F16 or BF16."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in weights.items():
        piece = _bytes_of(array, kind)
        told = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(piece)]}
        header[name] = told
        data += piece
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def _bytes_of(array: NDArray[np.float32], kind: str) -> bytes:
    if kind == "BF16":
        return (array.view(np.uint32) >> 16).astype("<u2").tobytes()
    return array.astype({"F32": "<f4", "F16": "<f2"}[kind]).tobytes()


def write_bert(folder: Path, weights: Weights, **config: Any) -> Path:
    """A folder with configuration, weights and tokenizer; `config` is changed in its configuration."""
    write_json(folder / "config.json", {**CONFIG, **config})
    write_safetensors(folder / "model.safetensors", weights)
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def write_embedder(folder: Path, weights: Weights, pooling: str = "mean_tokens", longest: int = 24) -> Path:
    """A folder as sentence-transformers saves an embedding model."""
    write_bert(folder, weights)
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": i, "path": path, "type": f"sentence_transformers.models.{kind}"} for i, (path, kind) in enumerate(kinds)
    ]
    write_json(folder / "modules.json", modules)
    modes = {f"pooling_mode_{mode}": mode == pooling for mode in ("cls_token", "mean_tokens", "max_tokens")}
    write_json(folder / "1_Pooling/config.json", {"word_embedding_dimension": CONFIG["hidden_size"], **modes})
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False})
    return folder


def hidden(weights: Weights, ids: list[int], types: list[int]) -> NDArray[np.float64]:
    """The last layer for one text without padding: tokens x width."""
    w = {name.removeprefix("bert."): array.astype(np.float64) for name, array in weights.items()}
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][types]
    x = _norm(w, "embeddings.LayerNorm", x + w["embeddings.position_embeddings.weight"][: len(ids)])
    heads = CONFIG["num_attention_heads"]
    size = CONFIG["hidden_size"] // heads
    for layer in range(CONFIG["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        q, k, v = (_dense(w, f"{name}.attention.self.{part}", x) for part in ("query", "key", "value"))
        seen = []
        for head in range(heads):
            at = slice(head * size, (head + 1) * size)
            fit = np.exp(q[:, at] @ k[:, at].T / math.sqrt(size))
            seen.append(fit / fit.sum(axis=1, keepdims=True) @ v[:, at])
        x = _norm(
            w,
            f"{name}.attention.output.LayerNorm",
            x + _dense(w, f"{name}.attention.output.dense", np.concatenate(seen, axis=1)),
        )
        wide = _dense(w, f"{name}.intermediate.dense", x)
        wide = wide * (1 + np.vectorize(math.erf)(wide / math.sqrt(2))) / 2
        x = _norm(w, f"{name}.output.LayerNorm", x + _dense(w, f"{name}.output.dense", wide))
    return x


def embedding(weights: Weights, text: str, pooling: str = "mean_tokens", longest: int = 24) -> NDArray[np.float64]:
    """The unit vector of one text."""
    cut = tokenizer()
    cut.enable_truncation(longest)
    encoded = cut.encode(text)
    states = hidden(weights, encoded.ids, encoded.type_ids)
    pooled = states.mean(axis=0) if pooling == "mean_tokens" else states[0]
    return np.asarray(pooled / np.linalg.norm(pooled))


def logits(weights: Weights, ids: list[int], types: list[int]) -> NDArray[np.float64]:
    """The labels' numbers for one pair of texts."""
    w = {name.removeprefix("bert."): array.astype(np.float64) for name, array in weights.items()}
    pooled = np.tanh(_dense(w, "pooler.dense", hidden(weights, ids, types)[0]))
    return _dense(w, "classifier", pooled)


def _dense(w: dict[str, NDArray[np.float64]], name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(x @ w[f"{name}.weight"].T + w[f"{name}.bias"])


def _norm(w: dict[str, NDArray[np.float64]], name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    middle, spread = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return np.asarray((x - middle) / np.sqrt(spread + 1e-12) * w[f"{name}.weight"] + w[f"{name}.bias"])
