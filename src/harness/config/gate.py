"""The section `gate` of a sweep file: what a candidate may lose, what it must reach, and how sure a verdict is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from harness.config.fields import Mistakes
from harness.config.nodes import Node, parse
from harness.records import Scale

GATE_KEYS = (
    "baseline",
    "variant",
    "margins",
    "floors",
    "limits",
    "must_pass",
    "slices",
    "strict_slices",
    "alpha",
    "false_alarms",
    "nights",
    "uncalibrated_judges",
)
LIMITS = ("latency_ms", "latency_p95_ms", "cost_usd", "failed_share", "retried_share")
"""What an answer may take: mean and 95th percentile of milliseconds, mean USD; the share of cells that fail, and of
answers that needed more than one attempt."""
_MUST_KEYS = ("examples", "tag", "metric", "at_least", "at_most")


@dataclass(frozen=True)
class MustPass:
    """Examples (by id, or all of a tag) each of which must score within bounds; None: the metric's threshold, else its
    best value."""

    metric: str
    examples: tuple[str, ...] = ()
    tag: str | None = None
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Gate:
    """The rules of a gate.

    `margins` is what each metric may lose, in its own units; empty: the objective alone, 2% of its range. `floors` are
    means that must be reached (for metrics that are minimized: not exceeded). `slices` are tags that are looked at,
    too. `alpha` is the error of one verdict, `false_alarms` that of all `nights` of a quarter together.
    """

    baseline: str | None = None
    variant: str | None = None
    margins: Mapping[str, float] = field(default_factory=dict)
    floors: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    must_pass: MustPass | None = None
    slices: tuple[str, ...] = ()
    strict_slices: bool = False
    alpha: float = 0.05
    false_alarms: float = 0.05
    nights: int = 90
    uncalibrated_judges: bool = False


def gate_of(given: Any, scales: Mapping[str, Scale], file: str) -> Gate:
    """The rules in a stored sweep's configuration, None: the defaults. Raises UserError with every mistake."""
    if given is None:
        return Gate()
    mistakes = Mistakes()
    found = read_gate(parse(orjson.dumps(given).decode(), file), scales, mistakes)
    mistakes.finish()
    return found


def read_gate(node: Node | None, scales: Mapping[str, Scale], mistakes: Mistakes) -> Gate:
    """The section, checked against the metrics of the sweep; mistakes are noted."""
    if node is None:
        return Gate()
    top = mistakes.mapping(node, "gate", GATE_KEYS)
    fields = _plain(top, mistakes)
    for name in ("margins", "floors"):
        if name in top:
            fields[name] = _by_metric(top[name], f"gate.{name}", scales, mistakes)
    for metric, margin in fields.get("margins", {}).items():
        _check_margin(top["margins"].value[metric], metric, margin, scales[metric], mistakes)
    if "limits" in top:
        entries = mistakes.mapping(top["limits"], "gate.limits", LIMITS)
        fields["limits"] = {k: mistakes.number(v, f"gate.limits.{k}", low=0) for k, v in entries.items()}
    if "must_pass" in top:
        fields["must_pass"] = _must_pass(top["must_pass"], scales, mistakes)
    if "slices" in top:
        fields["slices"] = _texts(top["slices"], "gate.slices", mistakes)
    return Gate(**fields)


def _plain(top: Mapping[str, Node], mistakes: Mistakes) -> dict[str, Any]:
    """The texts, the truths and the numbers."""
    fields: dict[str, Any] = {}
    for name in ("baseline", "variant"):
        if name in top:
            fields[name] = mistakes.text(top[name], f"gate.{name}")
    for name in ("strict_slices", "uncalibrated_judges"):
        if name in top:
            fields[name] = mistakes.truth(top[name], f"gate.{name}")
    for name in ("alpha", "false_alarms"):
        if name in top:
            fields[name] = mistakes.number(top[name], f"gate.{name}", low=0.0001, high=0.5)
    if "nights" in top:
        fields["nights"] = mistakes.number(top["nights"], "gate.nights", whole=True, low=1, high=400)
    return fields


def _by_metric(node: Node, name: str, scales: Mapping[str, Scale], mistakes: Mistakes) -> dict[str, float]:
    entries = mistakes.mapping(node, name, list(scales))
    found = {metric: mistakes.number(value, f"{name}.{metric}") for metric, value in entries.items()}
    return {metric: float(value) for metric, value in found.items() if value is not None}


def _check_margin(node: Node, metric: str, margin: float, scale: Scale, mistakes: Mistakes) -> None:
    span = scale.high - scale.low if scale.low is not None and scale.high is not None else None
    if margin <= 0 or (span is not None and margin >= span):
        most = "" if span is None else f" and below the metric's range, {span:g}"
        mistakes.add(node.place, f"gate.margins.{metric}: {margin:g} is not possible", f"expected above 0{most}")


def _must_pass(node: Node, scales: Mapping[str, Scale], mistakes: Mistakes) -> MustPass | None:
    entries = mistakes.mapping(node, "gate.must_pass", _MUST_KEYS)
    if "metric" not in entries:
        mistakes.add(node.place, "gate.must_pass: needs a metric")
        return None
    metric = mistakes.choice(entries["metric"], "gate.must_pass.metric", scales)
    examples = _texts(entries["examples"], "gate.must_pass.examples", mistakes) if "examples" in entries else ()
    tag = mistakes.text(entries["tag"], "gate.must_pass.tag") if "tag" in entries else None
    if not examples and tag is None:
        mistakes.add(node.place, "gate.must_pass: names no example", "give examples: [id, …], or tag: a tag of them")
    ends = {
        end: mistakes.number(entries[end], f"gate.must_pass.{end}") for end in ("at_least", "at_most") if end in entries
    }
    if metric is None:
        return None
    if not ends and not scales[metric].has_threshold and _best(scales[metric]) is None:
        mistakes.add(node.place, f"gate.must_pass: {metric} has no best value", "give at_least or at_most")
    return MustPass(metric, examples, tag, **ends)


def _best(scale: Scale) -> float | None:
    return scale.high if scale.direction == "maximize" else scale.low


def _texts(node: Node, name: str, mistakes: Mistakes) -> tuple[str, ...]:
    if not node.is_list:
        mistakes.add(node.place, f"{name}: expected a list, found {node.describe()}")
        return ()
    return tuple(text for text in (mistakes.text(entry, name) for entry in node.value) if text)
