"""Cross-encoders: models that read question and passage together, run on this machine.

The package sentence-transformers (an extra, since it brings torch) runs them where it is installed; a local folder
runs without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.parts.rerankers.cut import Cut
from harness.plugins import RerankerConnection, part, setting, weights
from harness.plugins.checkpoints import Checkpoint
from harness.records import Ranked

_HUB = "cross-encoder/"
_OLD_ACTIVATION = "sbert_ce_default_activation_function"

Score = Callable[[Sequence[tuple[str, str]]], NDArray[Any]]
"""One number for each pair of question and text."""


@part("reranker", "cross-encoder/", argument="name")
@dataclass(frozen=True)
class CrossEncoderReranker(Cut, Checkpoint):
    """A cross-encoder by its Hub name (needs the extra `sentence-transformers`) or from a local folder.

    `cross-encoder/ms-marco-MiniLM-L6-v2` is that model of the Hub's cross-encoder account, `cross-encoder/BAAI/…`
    one of another's. A folder, relative to the workspace, runs without torch where it holds `onnx/model.onnx`, or is
    a BERT for sequence classification (needs the extra `onnx`). Where question and text are too long for the model,
    the text is cut; the question only where it takes more than half of the room.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 64
    name: str = ""
    workspace: str = setting("", inert=True)

    def connect(self) -> RerankerConnection:
        """Load the model. Raises UserError when a package is missing or the model cannot be loaded."""
        known = self.name if "/" in self.name else _HUB + self.name
        try:
            with self.loading():
                from sentence_transformers import CrossEncoder

                model = CrossEncoder(str(self.folder or known))
        except ImportError as error:
            return _Connection(_without_torch(self, str(error.name)))
        return _Connection(_by_package(model, self.about))


class _Connection:
    def __init__(self, score: Score) -> None:
        self._score = score

    async def score(self, question: str, texts: Sequence[str]) -> Ranked:
        found = await asyncio.to_thread(self._score, [(question, text) for text in texts])
        return Ranked(tuple(float(score) for score in found))

    async def close(self) -> None:
        return None


def _by_package(model: Any, about: str) -> Score:
    _check_labels(int(getattr(model, "num_labels", 1)), about)

    def score(pairs: Sequence[tuple[str, str]]) -> NDArray[Any]:
        return np.asarray(model.predict(list(pairs), show_progress_bar=False))

    return score


def _without_torch(reranker: CrossEncoderReranker, missing: str) -> Score:
    """Run a local folder by onnxruntime. Raises UserError where there is none, or it cannot be run so."""
    folder, encoder = reranker.runner(missing, scores=True)
    labels = encoder.run([("a", "b")], lambda output, mask: output).shape[1]
    _check_labels(labels, reranker.about)
    sigmoid = _squeezes(folder, reranker.about)

    def finish(output: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = output[:, 0]
        # The sigmoid, by a formula that does not overflow.
        return ((1 + np.tanh(logits / 2)) / 2).astype(np.float32) if sigmoid else logits

    return lambda pairs: encoder.run(pairs, finish)


def _check_labels(count: int, about: str) -> None:
    if count != 1:
        raise UserError(f"{about}: the model tells {count} labels apart; a reranker gives one score")


def _squeezes(folder: Path, about: str) -> bool:
    """Whether a sigmoid is put over the model's number: the usual, unless its configuration says otherwise."""
    config = weights.read_json(folder / "config.json") or {}
    later = weights.read_json(folder / "config_sentence_transformers.json") or {}
    told = (config.get("sentence_transformers") or {}).get("activation_fn") or config.get(_OLD_ACTIVATION)
    name = str(told or later.get("activation_fn") or "Sigmoid").rpartition(".")[2]
    if name not in ("Sigmoid", "Identity"):
        raise UserError(f"{about}: the activation {name} is not known without sentence-transformers")
    return name == "Sigmoid"
