"""Whether corrected means cover the truth, and how much shorter than labels alone their intervals are.

python benchmarks/prediction_powered.py [evaluations]

The judge calls a good answer good with probability 0.92 (sensitivity) and a bad one with probability 0.25. In clusters
of 5 the answers depend on each other (correlation 0.3 of whether they are good). The floor is the mean of the labels.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from numpy.typing import NDArray

from harness.study.judging.prediction_powered import Judged, corrected_difference, corrected_mean

SENSITIVITY, FALSE_POSITIVES = 0.92, 0.25
JUDGED, LABELS = 2000, 150
CORRELATION = 0.3


def evaluation(random: np.random.Generator, prevalence: float, size: int, labels: int = LABELS) -> Judged:
    """One evaluation: 2,000 judged answers in clusters of `size`, of which `labels` drawn at random are labelled."""
    groups = JUDGED // size
    chance = np.full(groups, prevalence)
    if size > 1:
        strength = (1 - CORRELATION) / CORRELATION
        chance = random.beta(prevalence * strength, (1 - prevalence) * strength, groups)
    clusters = np.repeat(np.arange(groups), size)
    return judged(random, random.random(JUDGED) < chance[clusters], clusters, labels)


def judged(
    random: np.random.Generator, good: NDArray[np.bool_], clusters: NDArray[np.int64], labels: int = LABELS
) -> Judged:
    """Answers of which some are good, as the judge and people see them."""
    scores = random.random(len(good)) < np.where(good, SENSITIVITY, FALSE_POSITIVES)
    seen = np.full(len(good), np.nan)
    drawn = random.choice(len(good), labels, replace=False)
    seen[drawn] = good[drawn]
    return Judged.of(scores.astype(float), seen, clusters.tolist())


def means(prevalence: float, size: int, evaluations: int, labels: int = LABELS) -> tuple[float, float, float, float]:
    """Shares in which the corrected interval and that of labels alone cover the truth; their mean widths."""
    random = np.random.default_rng([round(100 * prevalence), size, labels])
    covered, widths = np.zeros(2), np.zeros(2)
    for _ in range(evaluations):
        found = evaluation(random, prevalence, size, labels)
        for k, tuned in enumerate((True, False)):
            mean = corrected_mean(found, tuned=tuned)
            assert mean.low is not None
            assert mean.high is not None
            covered[k] += mean.low <= prevalence <= mean.high
            widths[k] += mean.high - mean.low
    shares, width = covered / evaluations, widths / evaluations
    return float(shares[0]), float(shares[1]), float(width[0]), float(width[1])


def differences(before: float, after: float, evaluations: int) -> tuple[float, float]:
    """Share in which the interval of a difference of two variants covers the truth; its width over labels alone."""
    random = np.random.default_rng(7)
    covered, width, alone = 0, 0.0, 0.0
    for _ in range(evaluations):
        luck, clusters = random.random(JUDGED), np.arange(JUDGED)
        a, b = (judged(random, luck < share, clusters) for share in (after, before))
        found, plain = corrected_difference(a, b), corrected_difference(a, b, tuned=False)
        assert found.low is not None
        assert found.high is not None
        assert plain.low is not None
        assert plain.high is not None
        covered += found.low <= after - before <= found.high
        width, alone = width + found.high - found.low, alone + plain.high - plain.low
    return covered / evaluations, width / alone


def main() -> None:
    evaluations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    started = time.process_time()
    print(
        f"{evaluations} evaluations each: {JUDGED} judged, sensitivity {SENSITIVITY}, false positives {FALSE_POSITIVES}"
    )
    print("labels  prevalence  cluster  judge's bias  covered  labels alone  width  labels alone  ratio")
    for labels in (30, LABELS, 500):
        for prevalence in (0.3, 0.6, 0.8):
            for size in (1, 5):
                bias = prevalence * SENSITIVITY + (1 - prevalence) * FALSE_POSITIVES - prevalence
                covered, alone, width, plain = means(prevalence, size, evaluations, labels)
                print(
                    f"{labels:6d}  {prevalence:10.1f}  {size:7d}  {bias:+12.3f}  {covered:7.3f}  {alone:12.3f}"
                    f"  {width:.3f}  {plain:12.3f}  {width / plain:.3f}"
                )
    covered, ratio = differences(0.6, 0.66, evaluations)
    print(f"difference of two variants, 0.66 and 0.60: covered {covered:.3f}, width {ratio:.3f} of labels alone")
    print(f"{time.process_time() - started:.0f} s CPU")


if __name__ == "__main__":
    main()
