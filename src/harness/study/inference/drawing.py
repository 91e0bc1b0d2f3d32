"""The order in which units count, drawn by chance and not found.

Cells come in as they are asked for and answered: variant by variant, prompts of one kind together, short answers before
long ones. Scores that are in are therefore no sample of those to come. Units are counted in an order that was drawn
beforehand, each only after all before it are in, whole; whatever order the cells take, the units that count are then
independent draws, and the first of a random order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.records.drawing import drawn

__all__ = ["Marks", "counted", "drawn"]

Marks = NDArray[np.bool_]


def counted(whole: Marks) -> Marks:
    """The units that count: of each column of `whole` (units in drawn order x columns) those before the first gap."""
    found: Marks = np.logical_and.accumulate(whole, axis=0)
    return found
