"""Components of variance of nested groups by the method of moments, balanced or not.

Source: S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components" (1992), chapter 5: sums of squares of nested
groups are equated with their expectations. On balanced data with no negative estimate this is REML.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def nested_variances(values: Floats, levels: Sequence[Codes]) -> Floats:
    """Variance of each level but the first, whose groups only have means of their own, and last that of single values.

    `levels` (outermost first) number the groups of each value; a level's groups lie within those of the level before.
    Estimates may be negative. Raises ValueError where a level has as many groups as the next, so that the two cannot be
    told apart.
    """
    groups = [*_within(levels), np.arange(len(values))]
    counts = [int(codes.max()) + 1 for codes in groups]
    if any(fewer >= more for fewer, more in pairwise(counts)):
        raise ValueError(
            f"levels with {counts} groups cannot be told apart: each needs more groups than the one before"
        )
    sizes = [np.bincount(codes).astype(np.float64) for codes in groups]
    totals = [np.bincount(codes, weights=values) for codes in groups]
    squares = np.array([float((total**2 / size).sum()) for total, size in zip(totals, sizes, strict=True)])
    expected = np.array([_expected(groups, sizes, level) for level in range(len(groups))])
    found: Floats = np.linalg.solve(np.diff(expected, axis=0), np.diff(squares))
    return found


def _within(levels: Sequence[Codes]) -> list[Codes]:
    """Groups numbered 0, 1, … such that equal numbers within different outer groups are different groups."""
    found: list[Codes] = []
    for codes in levels:
        both = codes[:, None] if not found else np.stack([found[-1], codes], axis=1)
        found.append(np.unique(both, axis=0, return_inverse=True)[1].ravel().astype(np.int64))
    return found


def _expected(groups: list[Codes], sizes: list[Floats], level: int) -> Floats:
    """How often each variance but that of the first level stands in the expectation of a level's sum of squares."""
    n = len(groups[0])
    row = np.full(len(groups) - 1, float(n))
    for finer in range(level + 1, len(groups)):
        outer = np.empty(len(sizes[finer]), dtype=np.int64)
        outer[groups[finer]] = groups[level]
        row[finer - 1] = float((np.bincount(outer, weights=sizes[finer] ** 2) / sizes[level]).sum())
    return row
