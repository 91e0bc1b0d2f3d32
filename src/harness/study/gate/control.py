"""Whose fault a loss is: the baseline's own configuration, asked again the same night on some of the examples, tells.

What the control lost came of the provider's model or of the judge: nothing of ours changed in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.records import digest
from harness.study.choosing.matrix import matrices
from harness.study.clusters import clustered_error
from harness.study.comparing.changed import Run
from harness.study.comparing.comparison import LEAST_CLUSTERS
from harness.study.gate.evidence import check_lost

Floats = NDArray[np.float64]

OURS, DRIFT, EITHER = "ours", "drift", "either"
MOST_SHARE = 0.3
"""How much of the examples the control may have. A night that alarms costs 3.9 times a plain run with it: once, twice
more, and three times this."""
_Z = 1.645


@dataclass(frozen=True)
class Attribution:
    """A loss laid to what the candidate changed (`ours`), to the provider or the judge (`drift`), or `either`."""

    blame: str
    drift: float
    drift_error: float
    left: float
    left_error: float

    @property
    def told(self) -> str:
        """In a sentence."""
        control = f"the control moved by {self.drift:+.3g} (error {self.drift_error:.2g})"
        return {
            OURS: f"{control}; what is left, {self.left:+.3g}, is of the candidate",
            DRIFT: f"{control}: the provider's model or the judge changed, not the candidate",
            EITHER: f"{control}: too little to tell the candidate from the provider",
        }[self.blame]


def drift_of(moved: Floats, clusters: NDArray[np.int64], span: float) -> tuple[float, float] | None:
    """How far a control moved, and the error of that, from its differences by example; None with fewer than 5 clusters.

    The error is of clusters, with one example more that changed by the whole `span`, so that a few that agree are not
    taken for certain; it is stretched by Student's t for their number.
    """
    from scipy.special import stdtrit

    mean, error, groups = clustered_error(moved, clusters)
    if groups < LEAST_CLUSTERS:
        return None
    return mean, float(stdtrit(groups - 1, 0.95)) / _Z * math.hypot(error, span / len(moved))


def asked_of(examples: Sequence[Mapping[str, Any]], slices: Iterable[str]) -> list[str]:
    """The ids of the examples that a control is asked: at most 30%, drawn once for all, some of each slice first."""
    drawn = sorted(examples, key=lambda e: digest("control", e["id"]))
    firsts = [next((e["id"] for e in drawn if tag in e["tags"]), None) for tag in slices]
    most = max(1, int(MOST_SHARE * len(examples)))
    return list(dict.fromkeys([*(name for name in firsts if name), *(e["id"] for e in drawn)]))[:most]


def check_control(control: Run, baseline: Run, metrics: Iterable[str]) -> None:
    """Raise UserError or Incomplete where a control cannot tell drift: it is another configuration, or lost cells."""
    (stored, variant), (base, base_variant) = control, baseline
    corpora = [(side.header.get("corpus") or {}).get("digest") for side in (stored, base)]
    if variant["id"] != base_variant["id"] or corpora[0] != corpora[1]:
        raise UserError("it is not the baseline's configuration and knowledge base")
    found = matrices(stored)
    for name in metrics:
        if name not in found:
            raise UserError(f"it has no {name}")
        check_lost(found[name], control, "control")


def attributed(loss: float, error: float, drift: float, drift_error: float) -> Attribution:
    """Attribute a difference (below 0: lost) with its error, given that of the control, both against the baseline.

    Ours: the difference without the control's is beyond its error (one-sided 5%). Drift: it is not, and the control
    lost beyond its own. The control's error makes what is left less certain.
    """
    left, left_error = loss - drift, math.hypot(error, drift_error)
    if left < -_Z * left_error:
        blame = OURS
    elif drift < -_Z * drift_error:
        blame = DRIFT
    else:
        blame = EITHER
    return Attribution(blame, drift, drift_error, left, left_error)
