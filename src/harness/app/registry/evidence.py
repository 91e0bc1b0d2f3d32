"""The evidence of a version in words: score, cells, cautions, calibrations, digests, commit."""

from __future__ import annotations

from typing import Any

from harness.app import frame
from harness.study.report import amounts


def score(told: dict[str, Any]) -> str:
    """A score with its interval."""
    between = amounts.interval(told["low"], told["high"])
    return f"{told['metric']} {amounts.number(told['mean'])} ({between}, 95%)"


def counted(told: dict[str, Any]) -> str:
    """Of how many cells a score is."""
    best = "among the best of its sweep" if told["in_best_set"] else "not among the best of its sweep"
    return f"{amounts.count(told['n'])} cells scored, {amounts.count(told['failed'])} failed; {best}"


def listed(told: dict[str, Any]) -> None:
    """Cautions, calibrations, digests and commit of a version."""
    said = [f"! {caution}" for caution in told["cautions"]]
    for each in told["calibrations"]:
        if each["calibrated"]:
            kappa = f"kappa {amounts.number(each['kappa'])} ({amounts.interval(each['low'], each['high'])})"
            said.append(
                f"judge of {each['metric']}: {kappa}, {amounts.count(each['labels'])} labels, {each['time'][:10]}"
            )
        else:
            said.append(f"! judge of {each['metric']}: nobody calibrated it")
    said += [f"{noun} {told[noun]}" for noun in ("dataset", "corpus") if told[noun]]
    commit = f"commit {told['commit']}" if told["commit"] else "no commit: it was not run in a repository"
    said.append(commit + (", with uncommitted changes" if told["dirty"] else ""))
    frame.text("\n".join(said), "h-soft")
