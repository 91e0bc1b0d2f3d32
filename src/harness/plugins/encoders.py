"""Transformer models from a local folder, run by onnxruntime: texts, or pairs of texts, come in, rows of numbers out.

A folder with `onnx/model.onnx` is run as it is; a BERT without one is built in memory (harness.plugins.bert).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.plugins import bert
from harness.plugins.weights import read_json, read_safetensors

Finish = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]
"""Makes rows of a model's output; the second array is the mask, texts x tokens, 1 where a token is."""
_USUAL_LONGEST = 512
_TOKENS_AT_ONCE = 4096
"""Tokens of a run, padding included: more need more memory and are no faster."""
_EXPORTED = Path("onnx", "model.onnx")
_WEIGHTS = "model.safetensors"


class Encoder:
    """A model with its tokenizer. `rank` is the number of dimensions of its output; `about` begins every message."""

    def __init__(self, model: bytes | Path, tokenizer: Any, config: dict[str, Any], wanted: str, about: str) -> None:
        self._tokenizer = tokenizer
        self._pad = int(config.get("pad_token_id") or 0)
        self._session = _session(model, about)
        self._inputs = [told.name for told in self._session.get_inputs()]
        strange = sorted(set(self._inputs) - set(bert.INPUTS))
        if strange:
            raise UserError(f"{about}: the model wants {', '.join(strange)}; known inputs are {', '.join(bert.INPUTS)}")
        outputs = [(told.name, len(told.shape or ())) for told in self._session.get_outputs()]
        self._output, self.rank = _chosen(outputs, wanted, about)
        self._one_at_a_time = threading.Lock()

    def run(self, texts: Sequence[str] | Sequence[tuple[str, str]], finish: Finish) -> NDArray[np.float32]:
        """One row for each text or pair, in their order. Texts of a like length run together, so that short ones are
        not padded to the longest of all."""
        encoded = self._tokenizer.encode_batch(list(texts))
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i].ids), reverse=True)
        rows: list[Any] = [None] * len(encoded)
        with self._one_at_a_time:
            while order:
                fit = max(1, _TOKENS_AT_ONCE // max(1, len(encoded[order[0]].ids)))
                part, order = order[:fit], order[fit:]
                for i, row in zip(part, self._run([encoded[i] for i in part], finish), strict=True):
                    rows[i] = row
        return np.stack(rows).astype(np.float32)

    def _run(self, encoded: Sequence[Any], finish: Finish) -> NDArray[np.float32]:
        shape = (len(encoded), max(1, *(len(one.ids) for one in encoded)))
        given = {name: np.zeros(shape, dtype=np.int64) for name in bert.INPUTS}
        given["input_ids"][:] = self._pad
        for i, one in enumerate(encoded):
            for name, values in zip(bert.INPUTS, (one.ids, one.attention_mask, one.type_ids), strict=True):
                given[name][i, : len(values)] = values
        [found] = self._session.run([self._output], {name: given[name] for name in self._inputs})
        return finish(np.asarray(found, dtype=np.float32), given["attention_mask"])


def load(folder: Path, *, scores: bool, about: str) -> Encoder:
    """The model of a folder, as text encoder or, with `scores`, as sequence classification.

    Raises UserError when the folder holds none that can be run here, ImportError when a package is missing.
    """
    config = read_json(folder / "config.json") or {}
    exported = folder / _EXPORTED
    tokenizer = _tokenizer(folder, config, about)
    wanted = "logits" if scores else "last_hidden_state"
    if exported.is_file():
        return Encoder(exported, tokenizer, config, wanted, about)
    if config.get("model_type") != "bert" or not (folder / _WEIGHTS).is_file():
        raise UserError(
            f"{about}: {folder} holds neither {_EXPORTED} nor a BERT ({_WEIGHTS}, and config.json with model_type "
            f"bert; found {config.get('model_type')!r}); others need the extra sentence-transformers: "
            "pip install 'harness-sweep[sentence-transformers]'"
        )
    built = bert.bert(config, read_safetensors(folder / _WEIGHTS), scores=scores, about=about)
    return Encoder(built, tokenizer, config, "logits" if scores else "hidden", about)


def _tokenizer(folder: Path, config: dict[str, Any], about: str) -> Any:
    """The tokenizer, which cuts what is too long: a pair's longer text first."""
    import tokenizers

    [found, *_] = [*(p for p in (folder / "tokenizer.json", folder / "onnx/tokenizer.json") if p.is_file()), None]
    if found is None:
        raise UserError(f"{about}: {folder} holds no tokenizer.json")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(found))
    except Exception as error:  # noqa: BLE001  the package raises bare Exceptions
        raise UserError(f"{about}: {found} cannot be read: {error}") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(_longest(folder, config), strategy="longest_first")
    return tokenizer


def _longest(folder: Path, config: dict[str, Any]) -> int:
    """Tokens of a text at the most: what sentence-transformers was told, else what model and tokenizer allow."""
    told = (read_json(folder / "sentence_bert_config.json") or {}).get("max_seq_length")
    allowed = (read_json(folder / "tokenizer_config.json") or {}).get("model_max_length")
    limits = [told or allowed, config.get("max_position_embeddings")]
    return min([int(limit) for limit in limits if limit] or [_USUAL_LONGEST])


def _session(model: bytes | Path, about: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        given = model if isinstance(model, bytes) else str(model)
        return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  the package's exceptions have no base of their own
        raise UserError(f"{about}: onnxruntime cannot load the model: {error}") from None


def _chosen(outputs: Sequence[tuple[str, int]], wanted: str, about: str) -> tuple[str, int]:
    """The output to read: the one with the wanted name, else the first of its shape, else a finished vector."""
    rank = 2 if wanted == "logits" else 3
    for name, dimensions in outputs:
        if name == wanted:
            return name, dimensions
    for name, dimensions in outputs:
        if dimensions == rank or name == "sentence_embedding":
            return name, dimensions
    raise UserError(f"{about}: the model gives {', '.join(name for name, _ in outputs)}, but no {wanted}")
