"""Whose fault a loss is: the baseline's own configuration, asked again the same night on some of the examples, tells.

What the control lost came of the provider's model or of the judge: nothing of ours changed in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

OURS, DRIFT, EITHER = "ours", "drift", "either"
MOST_SHARE = 0.3
"""How much of the examples the control may have: nightly calls stay within 1.3 times a plain run."""
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
