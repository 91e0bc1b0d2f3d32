"""Recall, precision and IoU by chunking, computed without a line of harness: what chunkings.py compares with.

Texts are cut by langchain. Where each chunk lies is not searched for: the cutting is done again over offsets, and
must give langchain's chunks to the character. Vectors are those of sentence-transformers with torch where
HARNESS_TORCH_PYTHON names an interpreter that has both, else of a forward pass in numpy. Every question is compared
with every chunk in double precision. The metrics are those of Smith and Troynikov (2024), over arrays of characters.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEPARATORS = ("\n\n", "\n", ".", "?", "!", " ", "")
METRICS = ("span_recall", "span_precision", "span_iou", "precision_omega")
Span = tuple[int, int]
Placed = tuple[str, int, int]
Length = Callable[[str], int]
Rows = dict[tuple[int, int], dict[str, float]]
Vectors = NDArray[np.float64]
_BY_TORCH = """
import sys, json, logging, numpy, sentence_transformers
model = sentence_transformers.SentenceTransformer(sys.argv[1], device="cpu")
texts = json.load(open(sys.argv[2], encoding="utf-8"))
numpy.save(sys.argv[3], model.encode(texts, normalize_embeddings=True, show_progress_bar=False))
"""


def length_by(model: Path, special_tokens: bool = False) -> Length:
    """Tokens of the model's own tokenizer; with `special_tokens` those that it puts around every text are counted."""
    tokenizer = _tokenizer(model)
    return lru_cache(maxsize=1 << 18)(lambda text: len(tokenizer.encode(text, add_special_tokens=special_tokens).ids))


def _tokenizer(model: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def chunks_of(text: str, size: int, overlap: int, length: Length) -> list[Span]:
    """Where langchain's chunks lie. Raises ValueError where the cutting over offsets gives others."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    logging.getLogger("langchain_text_splitters.base").setLevel(logging.ERROR)
    splitter = RecursiveCharacterTextSplitter(
        separators=list(SEPARATORS), chunk_size=size, chunk_overlap=overlap, length_function=length
    )
    texts = splitter.split_text(text)
    spans = list(_cut(text, (0, len(text)), SEPARATORS, size, overlap, length))
    if [text[start:end] for start, end in spans] != texts:
        raise ValueError(f"cut over offsets, {size}/{overlap} gives other chunks than langchain")
    return spans


def _cut(text: str, whole: Span, separators: Sequence[str], size: int, overlap: int, length: Length) -> list[Span]:
    stretch = text[whole[0] : whole[1]]
    at = next(i for i, separator in enumerate(separators) if not separator or separator in stretch)
    found: list[Span] = []
    fitting: list[Span] = []
    for start, end in _pieces(text, whole, separators[at]):
        if length(text[start:end]) < size:
            fitting.append((start, end))
            continue
        found += _merged(text, fitting, size, overlap, length)
        fitting = []
        if separators[at + 1 :]:
            found += _cut(text, (start, end), separators[at + 1 :], size, overlap, length)
        else:
            found.append((start, end))
    return found + _merged(text, fitting, size, overlap, length)


def _pieces(text: str, whole: Span, separator: str) -> list[Span]:
    """The stretch, cut before each separator."""
    start, end = whole
    if not separator:
        return [(i, i + 1) for i in range(start, end)]
    cuts = [start + m.start() for m in re.finditer(re.escape(separator), text[start:end])]
    edges = sorted({start, *cuts, end})
    return list(pairwise(edges))


def _merged(text: str, pieces: list[Span], size: int, overlap: int, length: Length) -> list[Span]:
    """Neighbouring pieces, as many as fit; each chunk begins with what of the one before is within the overlap."""
    found: list[Span] = []
    held: list[Span] = []
    total, joint = 0, length("")  # not 0 where special tokens are counted
    for piece in pieces:
        more = length(text[piece[0] : piece[1]])
        if held and total + more + joint > size:
            found.append((held[0][0], held[-1][1]))
            while total > overlap or (total + more + (joint if held else 0) > size and total > 0):
                first = held.pop(0)
                total -= length(text[first[0] : first[1]]) + (joint if held else 0)
        total += more + (joint if held else 0)
        held.append(piece)
    found += [(held[0][0], held[-1][1])] if held else []
    return [span for span in (_stripped(text, *span) for span in found) if span[0] < span[1]]


def _stripped(text: str, start: int, end: int) -> Span:
    stretch = text[start:end]
    left = start + len(stretch) - len(stretch.lstrip())
    return left, max(left, start + len(stretch.rstrip()))


def first_places(text: str, spans: Sequence[Span]) -> list[Span]:
    """Where the published code takes the same chunks to lie: the first place of each, its final full stop left out."""
    found = []
    for start, end in spans:
        chunk = text[start:end].removesuffix(".")
        first = text.find(chunk)
        found.append((first, first + len(chunk)))
    return found


def embed(model: Path, texts: Sequence[str]) -> Vectors:
    """Unit vectors, one row each, made in a process of its own."""
    python = os.environ.get("HARNESS_TORCH_PYTHON")
    command = [python, "-c", _BY_TORCH] if python else [sys.executable, __file__]
    # On a busy machine the threads of numpy's library wait for each other: one is several times faster than two.
    environment = os.environ if python else {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as name:
        given, made = Path(name) / "texts.json", Path(name) / "vectors.npy"
        given.write_text(json.dumps(list(texts)), encoding="utf-8")
        subprocess.run([*command, str(model), str(given), str(made)], check=True, env=environment)
        return np.asarray(np.load(made), dtype=np.float64)


def by_numpy(model: Path, texts: Sequence[str], at_once: int = 32) -> Vectors:
    """A BERT's forward pass in single precision after Devlin et al. (2019), the masked mean, length 1."""
    tokenizer = _tokenizer(model)
    tokenizer.enable_truncation(json.loads((model / "sentence_bert_config.json").read_text())["max_seq_length"])
    config, weights = json.loads((model / "config.json").read_text()), _weights(model / "model.safetensors")
    encoded = [one.ids for one in tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    vectors = np.zeros((len(encoded), config["hidden_size"]))
    for start in range(0, len(order), at_once):
        part = order[start : start + at_once]
        ids = np.zeros((len(part), len(encoded[part[-1]])), dtype=int)
        mask = np.zeros(ids.shape, dtype=np.float32)
        for row, i in enumerate(part):
            ids[row, : len(encoded[i])], mask[row, : len(encoded[i])] = encoded[i], 1
        hidden = _forward(weights, config, ids, mask)
        mean = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        vectors[part] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return vectors


def _weights(file: Path) -> dict[str, NDArray[np.float32]]:
    data = file.read_bytes()
    head = int.from_bytes(data[:8], "little")
    told = json.loads(data[8 : 8 + head])
    told.pop("__metadata__", None)
    found = {}
    for name, about in told.items():
        if about["dtype"] == "F32":
            first, last = (8 + head + offset for offset in about["data_offsets"])
            found[name] = np.frombuffer(data[first:last], dtype="<f4").reshape(about["shape"])
    return found


def _forward(w: dict[str, Any], config: dict[str, Any], ids: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
    from scipy.special import erf, softmax

    texts, tokens = ids.shape
    heads, width = config["num_attention_heads"], config["hidden_size"]

    def dense(x: Any, name: str) -> Any:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + config["layer_norm_eps"])
        return centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"]

    def split(x: Any) -> Any:
        return x.reshape(texts, tokens, heads, width // heads).transpose(0, 2, 1, 3)

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:tokens]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{i}"
        q, k, v = (split(dense(x, f"{name}.attention.self.{part}")) for part in ("query", "key", "value"))
        fit = (
            q @ k.swapaxes(-1, -2) / math.sqrt(width // heads)
            + np.where(mask, 0, -np.inf).astype(np.float32)[:, None, None, :]
        )
        seen = (softmax(fit, axis=-1) @ v).transpose(0, 2, 1, 3).reshape(texts, tokens, width)
        x = norm(x + dense(seen, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        wide = dense(x, f"{name}.intermediate.dense")
        wide = wide * (1 + erf(wide / math.sqrt(2))) / 2
        x = norm(x + dense(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    return np.asarray(x)


def scores(evidence: Sequence[Placed], given: Sequence[Placed], chunks: Sequence[Placed]) -> dict[str, float]:
    """The four metrics of one question: `given` was retrieved, `chunks` are all there are."""
    wanted, seen = _marks(evidence), _marks(given)
    total = sum(int(marks.sum()) for marks in wanted.values())
    both = _common(wanted, seen)
    lengths = sum(end - start for _, start, end in given)
    holding = _marks([c for c in chunks if c[0] in wanted and wanted[c[0]][c[1] : c[2]].any()])
    held, size = _common(wanted, holding), sum(int(marks.sum()) for marks in holding.values())
    return {
        "span_recall": both / total,
        "span_precision": both / lengths,
        "span_iou": both / (lengths + total - both),
        "precision_omega": held / (size + total - held) if held else 0.0,
    }


def _marks(spans: Sequence[Placed]) -> dict[str, NDArray[np.bool_]]:
    """For each document which characters are covered."""
    longest: dict[str, int] = {}
    for document, _, end in spans:
        longest[document] = max(longest.get(document, 0), end)
    marks = {document: np.zeros(end, dtype=bool) for document, end in longest.items()}
    for document, start, end in spans:
        marks[document][start:end] = True
    return marks


def _common(a: dict[str, NDArray[np.bool_]], b: dict[str, NDArray[np.bool_]]) -> int:
    shorter = {document: min(len(a[document]), len(b[document])) for document in a.keys() & b.keys()}
    return sum(int((a[document][:n] & b[document][:n]).sum()) for document, n in shorter.items())


def rows(
    documents: dict[str, str],
    questions: Sequence[dict[str, Any]],
    model: Path,
    chunkings: Sequence[tuple[int, int]],
    k: int,
    special_tokens: bool = False,
) -> tuple[Rows, Rows]:
    """The mean of each metric by (size, overlap); `questions` are lines of a dataset whose evidence has spans.

    The second rows are of chunks that lie where the published code finds them, not where they were cut.
    """
    length = length_by(model, special_tokens)
    cut = {c: {d: chunks_of(text, *c, length) for d, text in sorted(documents.items())} for c in chunkings}
    texts = {documents[d][s:e] for by_document in cut.values() for d, spans in by_document.items() for s, e in spans}
    asked = [line["question"] for line in questions]
    known = dict(zip([*sorted(texts), *asked], embed(model, [*sorted(texts), *asked]), strict=True))
    found: tuple[Rows, Rows] = {}, {}
    for chunking, by_document in cut.items():
        near = (
            np.stack([known[q] for q in asked])
            @ np.stack([known[documents[d][s:e]] for d, spans in by_document.items() for s, e in spans]).T
        )
        best = np.argsort(-near, axis=1, kind="stable")[:, :k]
        published = {d: first_places(documents[d], spans) for d, spans in by_document.items()}
        for rows_, lie in zip(found, (by_document, published), strict=True):
            placed = [(d, *span) for d, spans in lie.items() for span in spans]
            rows_[chunking] = _means(questions, best.tolist(), placed)
    return found


def _means(questions: Sequence[dict[str, Any]], best: list[list[int]], placed: list[Placed]) -> dict[str, float]:
    of = [
        scores([(e["document"], e["start"], e["end"]) for e in line["evidence"]], [placed[i] for i in row], placed)
        for line, row in zip(questions, best, strict=True)
    ]
    return {metric: float(np.mean([one[metric] for one in of])) for metric in METRICS}


if __name__ == "__main__":
    np.save(sys.argv[3], by_numpy(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))))
