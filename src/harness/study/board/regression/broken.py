"""One night against its baseline: the examples that broke, the rules that need no baseline, what was set otherwise."""

from __future__ import annotations

from typing import Any

from harness.errors import HarnessError
from harness.study.board.opening import open_run
from harness.study.choosing.matrix import matrices
from harness.study.comparing.pairs import compare_runs
from harness.study.gate.evidence import rules_of
from harness.study.gate.rules import rules
from harness.study.gate.verdict import ALL

_LOOKED_AT = 2000


def broken(runs: str, run: str, baseline: str, metric: str, label: str, count: int) -> dict[str, Any]:
    """How a night's first answers differ from the baseline's by a metric, on the examples of a tag or `all`.

    `rows` are the examples that lost, worst first, at most `count` of `lost`, as of `comparing.changed`; `pair` is the
    paired difference of this night alone; `settings` differ; `rules` are floors, limits and examples that must pass as
    the night's own file has them, `note` why they cannot be told. Raises UserError where a run is gone.
    """
    mine, other = open_run(runs, run), open_run(runs, baseline)
    whole = label == ALL
    found = compare_runs(mine, other, [metric], not whole, count if whole else _LOOKED_AT, metric)
    up = next(entry["direction"] == "maximize" for entry in mine[0].metrics if entry["name"] == metric)
    lost = [row for row in found["changed"] if (row["difference"] < 0) == up and (whole or label in row["tags"])]
    pair = next((row for row in found["metrics"] if row["slice"] == label and row["n"]), None)
    held: list[dict[str, Any]] = []
    note = ""
    try:
        held = [rule.as_json() for rule in rules(mine, rules_of(mine[0]), matrices(mine[0]))]
    except (HarnessError, KeyError) as error:
        note = str(error)
    return {
        "rows": lost[:count],
        "lost": pair["losses"] if pair else len(lost),
        "pair": pair,
        "settings": found["settings"],
        "rules": held,
        "note": note,
    }
