"""The order in which units count, drawn by chance and not found.

Cells come in as they are asked for and answered: variant by variant, prompts of one kind together, short answers before
long ones. Scores that are in are therefore no sample of those to come. Units are counted in an order that was drawn
beforehand, each only after all before it are in, whole; whatever order the cells take, the units that count are then
independent draws, and the first of a random order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.bool_]


def drawn(names: Sequence[str], seed: int) -> NDArray[np.int64]:
    """The places of names in the drawn order, the same on every machine: by the digest of seed and name."""
    marks = [hashlib.blake2b(f"{seed}\n{name}".encode(), digest_size=16).digest() for name in names]
    return np.array(sorted(range(len(names)), key=marks.__getitem__), dtype=np.int64)


def counted(whole: Marks) -> Marks:
    """The units that count: of each column of `whole` (units in drawn order x columns) those before the first gap."""
    found: Marks = np.logical_and.accumulate(whole, axis=0)
    return found
