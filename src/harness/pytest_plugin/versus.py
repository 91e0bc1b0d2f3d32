"""A run against a baseline, by the gate's rules, in a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.config.gate import GATE_KEYS, Gate, gate_of
from harness.errors import UserError, advice
from harness.store import Folder, StoredSweep
from harness.study.comparing.changed import Run as Pair
from harness.study.figures import scale_of
from harness.study.gate.verdict import Verdict, decide
from harness.study.listing import find_run
from harness.study.registry import registry_of
from harness.study.registry.versions import may_be_alias
from harness.study.report.texts import short, visible

Baseline = str | Pair | None
_WORST = 3
_PLACE = "run.no_worse_than"
_ELSEWHERE = {"margins": "margin={…}", "baseline": "the first argument", "variant": "the marker's variant="}
"""Keys of the section that a test gives in another way."""


def verdict_of(
    run: Pair, baseline: Baseline, margin: Mapping[str, float] | None, runs: str | None, rules: Mapping[str, Any]
) -> Verdict:
    """The verdict; see `harness.pytest_plugin.run.Run.against`."""
    stored, _ = run
    gate = _rules(stored, margin, rules)
    other = baseline if isinstance(baseline, tuple) else _found(stored, baseline or gate.baseline, runs)
    return decide(run, other, gate, _WORST)


def told_of(found: Verdict) -> str:
    """A verdict that is no pass, in lines."""
    lines = [f"{found.sentence}", f"run {found.candidate} ({found.label}) against {found.baseline}"]
    lines += [f"what was set otherwise: {e['setting']}: {e['before']} -> {e['after']}" for e in found.settings[:_WORST]]
    lines += [
        f"[{entry['example']}] {entry['metric']} {entry['difference']:+.3g}: {entry['question']}\n"
        f"    before: {_said(entry['baseline'])}\n    now: {_said(entry['run'])}"
        for entry in found.worst
    ]
    lines += [f"note: {note}" for note in found.notes]
    return "\n".join(short(visible(line), 1000) for line in lines)


def _rules(stored: StoredSweep, margin: Mapping[str, float] | None, rules: Mapping[str, Any]) -> Gate:
    for name in rules:
        if name in _ELSEWHERE or name not in GATE_KEYS:
            known = [key for key in GATE_KEYS if key not in _ELSEWHERE]
            hint = f"give it as {_ELSEWHERE[name]}" if name in _ELSEWHERE else advice(name, known, "rules")
            raise UserError(f"{_PLACE}: {name!r} is no rule; {hint}")
    given = {**(stored.header["config"]["given"].get("gate") or {}), **rules}
    if margin is not None:
        given["margins"] = dict(margin)
    scales = {metric["name"]: scale_of(metric) for metric in stored.metrics}
    return gate_of(given, scales, _PLACE)


def _found(stored: StoredSweep, name: str | None, runs: str | None) -> Pair:
    if name is None:
        raise UserError(f"{_PLACE}: no baseline; name a run or an alias, or write gate: {{baseline: …}}")
    folder = runs or stored.folder.uri.rpartition("/")[0]
    try:
        return find_run(folder, name)
    except UserError as error:
        told = _nothing(folder, name) or str(error)
    raise UserError(f"{_PLACE}: no baseline {name!r}: {told}")


def _nothing(folder: str, name: str) -> str | None:
    """What to do where neither a run nor an alias has the name; None where it means something."""
    runs, wanted = Folder(folder), name.removeprefix("@")
    if not may_be_alias(wanted) or any(wanted in sweep for sweep in runs.sweeps()):
        return None
    known = registry_of(runs).aliases()
    if wanted in known:
        return None
    hint = f"; {advice(wanted, list(known), 'aliases')}" if known else ""
    return f"{folder} has no run or alias of this name; harness promote RUN --as {wanted} makes one{hint}"


def _said(side: Mapping[str, Any]) -> str:
    text = f"failed: {side['failure']}" if side["failure"] else side["answer"] or ""
    return short(" ".join(text.split()), 300)
