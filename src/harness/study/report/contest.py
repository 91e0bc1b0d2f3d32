"""The winner against a baseline, example by example."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.store import StoredSweep
from harness.study.choosing.matrix import matrices
from harness.study.comparing.comparison import Comparison, compare
from harness.study.comparing.pairs import Run, compare_runs
from harness.study.report.amounts import finite
from harness.study.report.material import Floats, Material
from harness.study.summary import worst_of


@dataclass(frozen=True)
class Contest:
    """Scores of the winner (`here`) and of the baseline (`there`) on the `examples` that both sweeps hold.

    Failed cells count as the worst score, as in the ranking. `chosen` says how the baseline was chosen. `gap` is the
    difference that examples are reckoned for; `points` whether differences are told in points.
    """

    winner: Run
    baseline: Run
    chosen: str
    examples: list[dict[str, Any]]
    here: Floats
    there: Floats
    direction: str
    width: float | None
    gap: float | None
    points: bool

    @property
    def gains(self) -> Floats:
        """How much better the winner is in each example, in the metric's direction; NaN where one has no score."""
        gains: Floats = self.here - self.there if self.direction == "maximize" else self.there - self.here
        return gains

    def possible(self, end: float) -> float | None:
        """The end of an interval of differences, at most as far out as two scores can differ; None where unbounded."""
        return finite(end if self.width is None else min(max(end, -self.width), self.width))

    @cached_property
    def comparison(self) -> Comparison | None:
        """The paired comparison; None where no example has both scores."""
        return self.of(range(len(self.examples)))

    @property
    def sentence(self) -> str:
        """The comparison in words; empty where there is none."""
        found = self.comparison
        if found is None:
            return ""
        if self.gap is None:
            return f"no difference can be claimed: all scores are equal (n = {found.n:,})"
        return dataclasses.replace(found, points=self.points).sentence(self.gap)

    def of(self, rows: Iterable[int]) -> Comparison | None:
        """The comparison on some of the examples."""
        chosen = [i for i in rows if not np.isnan(self.here[i] - self.there[i])]
        if not chosen:
            return None
        return compare(self.here[chosen], self.there[chosen], [self.examples[i]["cluster"] for i in chosen])


def contest_of(material: Material, baseline: Run | None) -> Contest | None:
    """The winner against a baseline; without one, the first variant, or the second best where the first variant won.

    None where there is no winner or nothing else to compare it with. Raises UserError where sweeps share no example.
    """
    if not material.places:
        return None
    stored, winner = material.stored, material.ranking.places[0].variant
    run = (stored, material.variants[winner])
    chosen = "as asked for"
    if baseline is None:
        others = [name for name in (next(iter(material.variants)), *material.places) if name != winner]
        if not others:
            return None
        first = others[0] == next(iter(material.variants))
        chosen = "the first variant of the sweep" if first else "the second best: the sweep's first variant won"
        baseline = (stored, material.variants[others[0]])
    base, entry = baseline
    if base.id == stored.id and entry["id"] == winner:
        return None
    rows, columns = _shared(stored, base), []
    for source, name in ((stored, winner), (base, entry["id"])):
        matrix = material.matrices if source is stored else matrices(source)
        found = matrix.get(material.metric["name"])
        if found is None:
            return None
        at = {example: i for i, example in enumerate(found.examples)}
        column = found.filled(worst_of(stored))[:, found.variants.index(name)]
        columns.append(column[[at[example["id"]] for example in rows]])
    return Contest(
        run,
        baseline,
        chosen,
        rows,
        columns[0],
        columns[1],
        material.direction,
        material.width,
        material.gap,
        material.points,
    )


def contest_section(contest: Contest | None) -> dict[str, Any]:
    """The comparison in words and figures, for the objective and for every other metric that both have."""
    if contest is None or contest.comparison is None:
        return {"note": "there is nothing to compare the winner with"}
    found = contest.comparison
    (stored, winner), (base, entry) = contest.winner, contest.baseline
    rows = compare_runs(contest.winner, contest.baseline, [], slices=False, changed=0)["metrics"]
    return {
        "note": "",
        "run": f"{stored.id}/{winner['id']}",
        "label": winner["label"],
        "baseline": f"{base.id}/{entry['id']}",
        "baseline_label": entry["label"],
        "chosen": contest.chosen,
        "sentence": contest.sentence,
        "difference": found.difference,
        "low": contest.possible(found.low),
        "high": contest.possible(found.high),
        "p": found.p,
        "n": found.n,
        "clusters": found.clusters,
        "dropped": found.dropped,
        "wins": found.wins if contest.direction == "maximize" else found.losses,
        "losses": found.losses if contest.direction == "maximize" else found.wins,
        "ties": found.ties,
        "method": found.method,
        "assumptions": found.assumptions,
        "metrics": rows,
    }


def _shared(stored: StoredSweep, base: StoredSweep) -> list[dict[str, Any]]:
    """The examples of both sweeps, equal in id and content."""
    if base is stored:
        return stored.examples
    others = {example["id"]: example for example in base.examples}
    shared = [example for example in stored.examples if others.get(example["id"]) == example]
    if not shared:
        raise UserError(
            f"{stored.id} and {base.id} share no example: name a baseline that was asked the same questions"
        )
    return shared
