"""A verdict as OpenMetrics text, for monitoring that scrapes a file or a push gateway."""

from __future__ import annotations

from collections.abc import Iterable

from harness.study.gate.margins import PASS, REGRESSION, UNSURE
from harness.study.gate.verdict import Verdict

_ENDED, _ENDED_HELP = (
    "harness_gate_exit_code",
    "0 pass, 1 regression, 2 wrong input, 3 incomplete, 4 cannot tell, 130 not finished.",
)
_CODES = {PASS: 0, REGRESSION: 1, UNSURE: 2}


def openmetrics(found: Verdict) -> str:
    """Gauges: the exit code; the verdict (0 pass, 1 regression, 2 cannot tell); for each metric and slice the mean, the
    baseline's, the difference, its lower bound and the margin."""
    name = ("candidate", found.candidate), ("baseline", found.baseline)
    lines = _family(_ENDED, _ENDED_HELP, [((), found.exit_code)])
    lines += _family("harness_gate_verdict", "0 pass, 1 regression, 2 cannot tell.", [(name, _CODES[found.verdict])])
    columns = {
        "score": "Mean of the candidate.",
        "baseline_score": "Mean of the baseline.",
        "difference": "Candidate less baseline, above 0 is better.",
        "difference_low": "Lower bound of the difference.",
        "margin": "What may be lost.",
        "row_verdict": "0 pass, 1 regression, 2 cannot tell.",
    }
    values = [
        (
            (("metric", row.metric), ("slice", row.slice)),
            {
                "score": row.mean,
                "baseline_score": row.baseline_mean,
                "difference": row.decided.difference,
                "difference_low": row.decided.low,
                "margin": row.decided.margin,
                "row_verdict": _CODES[row.decided.verdict],
            },
        )
        for row in found.rows
    ]
    for column, told in columns.items():
        lines += _family(f"harness_gate_{column}", told, [(labels, row[column]) for labels, row in values])
    kept = [((("rule", rule.name),), int(rule.holds)) for rule in found.rules]
    lines += _family("harness_gate_rule_holds", "1 where the rule holds.", kept)
    return "\n".join([*lines, "# EOF"]) + "\n"


def undecided(exit_code: int) -> str:
    """The page of a gate that could not decide: that it did not, and no verdict of before."""
    return "\n".join([*_family(_ENDED, _ENDED_HELP, [((), exit_code)]), "# EOF"]) + "\n"


def _family(name: str, told: str, samples: Iterable[tuple[Iterable[tuple[str, str]], float]]) -> list[str]:
    lines = [f"{name}{_labels(labels)} {_number(value)}" for labels, value in samples]
    return [f"# TYPE {name} gauge", f"# HELP {name} {told}", *lines] if lines else []


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    told = ",".join(f"{key}={_quoted(value)}" for key, value in labels)
    return f"{{{told}}}" if told else ""


def _number(value: float) -> str:
    text = f"{float(value):.10g}"
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text, text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
