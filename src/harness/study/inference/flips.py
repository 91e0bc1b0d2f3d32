"""Sign flips of whole clusters: the test and the interval that keep their level with few and unequal clusters.

Two variants that are equal could swap their scores in any cluster: the signs of the clusters' sums are then tosses of a
coin, whatever the sizes, the spread and the dependence within. The interval holds the shifts that the same test does
not refuse; its ends are order statistics of the means of all subsets of clusters.
Sources: R. A. Fisher, "The Design of Experiments" (1935), section 21; J. A. Hartigan, "Using subsample values as
typical values", JASA 64 (1969). For a mean this is also the wild cluster bootstrap with the null imposed (Cameron,
Gelbach, Miller 2008) with Rademacher weights, not studentised.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALL_UP_TO = 13
DRAWS = 9999
_BITS_AT_ONCE = 4_000_000


def reaches(clusters: int, alpha: float) -> bool:
    """Whether so many clusters can show a difference at all: the smallest p-value is 2^(1 - clusters)."""
    return 2.0 ** (1 - clusters) < alpha


def flip_test(sums: Floats, sizes: Floats, alpha: float, seed: int = 0) -> tuple[float, float, float]:
    """Two-sided p-value of no difference, and the ends of the interval; zero is outside exactly when p < alpha.

    `sums` (clusters,) are sums of differences, `sizes` their numbers of examples. All 2^clusters flips are used up to
    13 clusters, else 9,999 at random. An end is infinite where so few clusters bound nothing.
    """
    means = np.sort(subset_means(sums, sizes, seed))
    count = len(means) + 1
    below, above = int(np.searchsorted(means, 0.0, "right")), len(means) - int(np.searchsorted(means, 0.0, "left"))
    p = _p(min(below, above), count)
    cut = max(0, math.floor(alpha * count / 2) - 2)
    while _p(cut, count) < alpha:
        cut += 1
    if cut == 0:
        return p, -math.inf, math.inf
    return p, float(means[cut - 1]), float(means[-cut])


def subset_means(sums: Floats, sizes: Floats, seed: int) -> Floats:
    """Means of the examples of subsets of clusters: of every subset but the empty one, or of random ones."""
    groups = len(sums)
    columns = np.stack([sums, sizes], axis=1)
    if groups <= ALL_UP_TO:
        chosen = (np.arange(1, 2**groups)[:, None] >> np.arange(groups)) & 1
        totals = chosen.astype(np.float64) @ columns
    else:
        random = np.random.default_rng(seed)
        rows = max(1, _BITS_AT_ONCE // groups)
        parts = []
        for start in range(0, DRAWS, rows):
            shape = (min(rows, DRAWS - start), -(-groups // 8))
            bits = np.unpackbits(random.integers(0, 256, size=shape, dtype=np.uint8), axis=1, count=groups)
            parts.append(bits.astype(np.float64) @ columns)
        totals = np.concatenate(parts)
        totals = totals[totals[:, 1] > 0]
    # sums that cancel but for rounding are ties with zero
    totals[np.abs(totals[:, 0]) <= 1e-12 * np.abs(sums).sum(), 0] = 0.0
    means: Floats = totals[:, 0] / totals[:, 1]
    return means


def _p(as_far: int, count: int) -> float:
    """Twice the share of flips at least as far, the observed one among them."""
    return min(1.0, 2 * (1 + as_far) / count)
