"""Model folders as Hugging Face lays them out: their JSON, their weights in safetensors, a digest of what decides."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError

_KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}
_DECISIVE = ("*.json", "*.txt", "*.safetensors", "*.model", "onnx/model.onnx*", "*/config.json", "*/*.safetensors")
_OTHER_WEIGHTS = ("pytorch_model*.bin",)


def folder_of(name: str, workspace: str) -> Path | None:
    """The local folder that a model's name stands for, relative to the workspace; None for a name of the Hub."""
    folder = Path(workspace) / Path(name).expanduser()
    return folder if folder.is_dir() else None


def looks_local(name: str) -> bool:
    """Whether a name can only be a path."""
    return name.startswith((".", "/", "~")) or "\\" in name


def read_json(path: Path) -> Any:
    """What a JSON file holds, None where there is no such file. Raises UserError for what is not JSON."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}") from None


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """All tensors of a file by name; the floats as float32. Raises UserError for a broken file.

    The format: 8 bytes with the length of a JSON header, the header (dtype, shape and offsets by name), the data.
    """
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        length = int.from_bytes(data[:8].tobytes(), "little")
        header = json.loads(data[8 : 8 + length].tobytes())
        header.pop("__metadata__", None)
        return {name: _tensor(data[8 + length :], **told) for name, told in header.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a readable safetensors file: {error}") from None


def _tensor(data: NDArray[np.uint8], dtype: str, shape: list[int], data_offsets: list[int]) -> NDArray[Any]:
    start, end = data_offsets
    found = np.frombuffer(data[start:end].tobytes(), dtype=_KINDS[dtype]).reshape(shape)
    if dtype == "BF16":  # the upper half of a float32
        return (found.astype("<u4") << 16).view("<f4")
    return found.astype(np.float32) if dtype in ("F16", "F64") else found


def digest_of(folder: Path) -> str:
    """A digest of the files in a model's folder that decide what it gives: weights, tokenizer, configuration.

    PyTorch's own format counts only where there are no other weights. Each file is read once for as long as its time
    and size stay the same.
    """
    found = {path for pattern in _DECISIVE for path in folder.glob(pattern)}
    if not any(path.suffix in (".safetensors", ".onnx") for path in found):
        found |= {path for pattern in _OTHER_WEIGHTS for path in folder.glob(pattern)}
    whole = hashlib.sha256()
    for path in sorted(found):
        about = path.stat()
        whole.update(f"{path.relative_to(folder)} {_digest(path, about.st_mtime_ns, about.st_size)}\n".encode())
    return whole.hexdigest()[:16]


@lru_cache(maxsize=1024)
def _digest(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
