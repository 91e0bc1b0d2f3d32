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
from harness.plugins import RerankerConnection, encoders, part, setting, weights
from harness.records import Ranked

_HUB = "cross-encoder/"
_OLD_ACTIVATION = "sbert_ce_default_activation_function"

Score = Callable[[Sequence[tuple[str, str]]], NDArray[Any]]
"""One number for each pair of question and text."""


@part("reranker", "cross-encoder/", argument="name")
@dataclass(frozen=True)
class CrossEncoderReranker(Cut):
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

    @property
    def folder(self) -> Path | None:
        """The local folder; None where the name is one of the Hub."""
        return weights.folder_of(self.name, self.workspace)

    @property
    def place(self) -> Path:
        """Where a relative folder is looked for."""
        return Path(self.workspace or Path.cwd())

    @property
    def price_name(self) -> str | None:
        """Free."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """Needs nothing."""
        return ()

    def identity_extra(self) -> dict[str, Any]:
        """A digest of the folder's content: another model under the same path is another reranker."""
        return {"content": weights.digest_of(self.folder)} if self.folder else {}

    def connect(self) -> RerankerConnection:
        """Load the model. Raises UserError when a package is missing or the model cannot be loaded."""
        about = f"cross-encoder/{self.name}"
        if self.folder is None and weights.looks_local(self.name):
            raise UserError(f"{about}: no such folder (looked in {self.place})")
        try:
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            return _Connection(_without_torch(self, about, str(error.name)))
        known = self.name if "/" in self.name else _HUB + self.name
        try:
            return _Connection(_by_package(CrossEncoder(str(self.folder or known)), about))
        except (OSError, ValueError) as error:
            nowhere = "" if self.folder else f"there is no such folder (looked in {self.place}), and the model "
            raise UserError(f"{about}: {nowhere}cannot be loaded: {error}") from error


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


def _without_torch(reranker: CrossEncoderReranker, about: str, missing: str) -> Score:
    """Run a local folder by onnxruntime. Raises UserError where there is none, or it cannot be run so."""
    folder = reranker.folder
    if folder is None:
        raise UserError(
            f"{about}: there is no such folder (looked in {reranker.place}), and for a model of the Hub a package is "
            f"not installed ({missing}): pip install 'harness-sweep[sentence-transformers]'; without it, name a local "
            "folder with a BERT or an ONNX model: pip install 'harness-sweep[onnx]'"
        ) from None
    try:
        encoder = encoders.load(folder, scores=True, about=about)
    except ImportError as error:
        raise UserError(
            f"{about} needs a package that is not installed ({error.name}): pip install 'harness-sweep[onnx]', "
            "or 'harness-sweep[sentence-transformers]'"
        ) from None
    labels = encoder.run([("a", "b")], lambda output, mask: output).shape[1]
    _check_labels(labels, about)
    sigmoid = _squeezes(folder, about)

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
