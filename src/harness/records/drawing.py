"""An order drawn by chance, and not found: the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def drawn(names: Sequence[str], seed: int) -> NDArray[np.int64]:
    """The places of names in the drawn order: by the digest of seed and name."""
    marks = [hashlib.blake2b(f"{seed}\n{name}".encode(), digest_size=16).digest() for name in names]
    return np.array(sorted(range(len(names)), key=marks.__getitem__), dtype=np.int64)
