"""How the vectors of a text's tokens become one: what the modules of a sentence-transformers folder say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.plugins.encoders import Finish
from harness.plugins.weights import read_json

_KNOWN = ("Transformer", "Pooling", "Normalize")
_MODES = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}
_TINY = 1e-12


def pooling_of(folder: Path, rank: int, about: str) -> Finish:
    """What makes unit vectors of a model's output: CLS or the masked mean, which is usual where nothing is said.

    A model whose output has `rank` 2 has pooled already. Raises UserError for modules that are not known here.
    """
    modules = read_json(folder / "modules.json") or []
    kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
    strange = [kind for kind in kinds if kind not in _KNOWN]
    mode = "done" if rank == 2 else _mode(folder, modules)
    if strange or mode not in _POOLS:
        raise UserError(
            f"{about}: {', '.join(strange) or f'pooling {mode}'} is not known without sentence-transformers: "
            "pip install 'harness-sweep[sentence-transformers]'"
        )
    pool = _POOLS[mode]

    def finish(output: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        vectors = pool(output, mask)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, _TINY)
        return unit

    return finish


def _mode(folder: Path, modules: list[dict[str, Any]]) -> str:
    """The pooling's name; several modes at once are joined by a plus."""
    paths = [str(module["path"]) for module in modules if str(module["type"]).endswith("Pooling")]
    told = read_json(folder / paths[0] / "config.json") if paths else None
    if not told:
        return "mean"
    if told.get("pooling_mode"):
        return str(told["pooling_mode"])
    chosen = [key for key, value in told.items() if key.startswith("pooling_mode_") and value is True]
    return "+".join(_MODES.get(key, key.removeprefix("pooling_mode_")) for key in chosen)


def _mean(output: NDArray[np.float32], mask: NDArray[np.int64]) -> Any:
    weights = mask[:, :, None].astype(np.float32)
    return (output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), _TINY)


_POOLS: dict[str, Any] = {
    "cls": lambda output, mask: output[:, 0],
    "mean": _mean,
    "done": lambda output, mask: output,
}
