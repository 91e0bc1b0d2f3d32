"""What a gate may rest on: whole runs on the same data, scored alike, by judges that people bear out."""

from __future__ import annotations

from typing import Any

from harness.config.gate import Gate, gate_of
from harness.errors import Incomplete, UserError, advice
from harness.store import StoredSweep
from harness.study.choosing.matrix import Matrix
from harness.study.comparing.changed import Run
from harness.study.figures import scale_of
from harness.study.judging.cautions import cautions

MOST_LOST = 0.05
"""The share of cells without an answer or without a score from which on a run says nothing about the candidate."""


def rules_of(stored: StoredSweep) -> Gate:
    """The rules in the configuration that a sweep was run with."""
    scales = {metric["name"]: scale_of(metric) for metric in stored.metrics}
    return gate_of(stored.header["config"]["given"].get("gate"), scales, f"{stored.id}/sweep.json: gate")


def margins_of(stored: StoredSweep, gate: Gate) -> dict[str, float]:
    """The margin of each metric that decides. Raises UserError where the objective has no range to take 2% of."""
    if gate.margins:
        return dict(gate.margins)
    name = stored.header["objective"]["metric"]
    scale = scale_of(next(m for m in stored.metrics if m["name"] == name))
    if scale.low is None or scale.high is None:
        raise UserError(f"gate: {name} has no range to take a margin of; write gate: {{margins: {{{name}: …}}}}")
    return {name: 0.02 * (scale.high - scale.low)}


def check(run: Run, baseline: Run, gate: Gate, metrics: list[str]) -> None:
    """Raise UserError or Incomplete where the two runs give no ground for a verdict on some metrics."""
    (stored, _), (base, _) = run, baseline
    for side, which in ((stored, "candidate"), (base, "baseline")):
        if side.status != "complete":
            raise Incomplete(f"gate: the {which}, {side.id}, is {side.status}; run the same sweep again to finish it")
    _same_examples(stored, base)
    theirs = {metric["name"]: metric for metric in base.metrics}
    for metric in (m for m in stored.metrics if m["name"] in metrics):
        _same_metric(metric, theirs, base)
    if gate.uncalibrated_judges:
        return
    said = {name: told for name, told in cautions(stored).items() if name in metrics}
    if said:
        name, told = next(iter(said.items()))
        raise UserError(
            f"gate: {name} rests on a judge: {'; '.join(told)}; label answers (harness labels sample {stored.id}) and "
            f"run harness calibrate, or let it decide all the same: gate: {{uncalibrated_judges: true}}"
        )


def check_lost(matrix: Matrix, run: Run, which: str) -> None:
    """Raise Incomplete where more than a twentieth of a run's cells have no score by a metric."""
    stored, variant = run
    column = matrix.variants.index(variant["id"])
    failed, scored = int(matrix.failed[:, column].sum()), int(matrix.scored[:, column].sum())
    if not scored:
        raise Incomplete(f"gate: the {which}, {stored.id}, has no score by {matrix.metric}")
    if failed > MOST_LOST * (failed + scored):
        unanswered = int(matrix.unanswered[:, column].sum())
        raise Incomplete(
            f"gate: {failed} of {failed + scored} cells of the {which}, {stored.id}, have no score by {matrix.metric} "
            f"({unanswered} for want of an answer): too many to decide on; harness show {stored.id} tells why"
        )


def _same_examples(stored: StoredSweep, base: StoredSweep) -> None:
    theirs = {e["id"]: e for e in base.examples}
    missing = [e["id"] for e in stored.examples if theirs.get(e["id"]) != e]
    if missing:
        again = f"run the baseline's configuration on this dataset; first without a partner: {', '.join(missing[:3])}"
        raise UserError(
            f"gate: the baseline, {base.id}, was run on other data: {len(missing)} of the candidate's "
            f"{len(stored.examples)} examples are not in it as they are; {again}"
        )


def _same_metric(metric: dict[str, Any], theirs: dict[str, dict[str, Any]], base: StoredSweep) -> None:
    name = metric["name"]
    if name not in theirs:
        told = advice(name, list(theirs), "its metrics")
        raise UserError(f"gate: the baseline, {base.id}, has no {name}; {told}; harness score adds one")
    if theirs[name]["identity"] != metric["identity"]:
        raise UserError(
            f"gate: {name} of the baseline, {base.id}, was measured by other settings or another judge; score both "
            f"alike: harness score {base.id} --metric …"
        )
