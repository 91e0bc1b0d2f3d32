"""Where the figures come from: data, settings, versions, and what each metric measures."""

from __future__ import annotations

import inspect
from typing import Any

import yaml

from harness.records import digest
from harness.store import StoredSweep
from harness.store.layout import ARTIFACTS
from harness.study.judging.cautions import calibration_of, runs_of
from harness.study.report.material import Material
from harness.study.report.texts import cut

CONFIG = 100_000
"""The most characters of a configuration that a report shows."""


def origin(material: Material) -> dict[str, Any]:
    """Everything that it takes to find out how the figures came about, and to make them again."""
    stored, header = material.stored, material.stored.header
    winner = material.ranking.best
    return {
        "created": header["created"],
        "wall_s": stored.exit.get("wall_s"),
        "by": header.get("by"),
        "dataset": header["dataset"],
        "corpus": _corpus(header.get("corpus")),
        "config_path": (header.get("config") or {}).get("path"),
        "overrides": (header.get("config") or {}).get("overrides") or [],
        "limit": (header.get("options") or {}).get("limit"),
        "fresh": (header.get("options") or {}).get("fresh"),
        "seed": header.get("seed"),
        "repeats": header.get("repeats"),
        "git": header.get("git") or {},
        "versions": header.get("versions") or {},
        "machine": header.get("machine") or {},
        "format": header.get("format"),
        "resume_key": header.get("resume_key"),
        "passes": [
            {"time": p.header.get("created") or p.header.get("time"), "by": p.header.get("by")}
            | {"metrics": [metric["name"] for metric in p.header["metrics"]]}
            for p in stored.passes
        ],
        "labels": len(stored.labels),
        "winner_yaml": _winner_yaml(material.variants[winner]) if winner else None,
        "sweep_yaml": _sweep_yaml(stored),
    }


def _corpus(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """The corpus in figures; of documents that were left out, their number."""
    if not found:
        return None
    kept = {name: found.get(name) for name in ("path", "digest", "documents", "characters")}
    return {**kept, "left_out": len(found.get("skipped") or ())}


def _winner_yaml(variant: dict[str, Any]) -> dict[str, Any]:
    text = yaml.safe_dump({"chatbot": variant["chatbot"]}, sort_keys=False, allow_unicode=True)
    return cut(text, CONFIG)._asdict()


def _sweep_yaml(stored: StoredSweep) -> dict[str, Any]:
    """The sweep file with its overrides, as it was run."""
    kept = (stored.folder / ARTIFACTS).read("given.yaml")
    given = (stored.header.get("config") or {}).get("given")
    text = kept.decode("utf-8", "replace") if kept else yaml.safe_dump(given, sort_keys=False, allow_unicode=True)
    return cut(text, CONFIG)._asdict()


def metrics_section(material: Material) -> list[dict[str, Any]]:
    """What each metric is: direction, range, unit, thresholds, judge, digests, and what is to know about its judge."""
    judges = material.summary.get("judges") or {}
    return [
        {
            "name": entry["name"],
            "about": _about(entry["identity"]),
            **{key: entry.get(key) for key in ("direction", "low", "high", "unit", "at_least", "at_most")},
            "objective": entry["name"] == material.metric["name"],
            "judged": bool(entry.get("judge")),
            "judge": _judge(entry["identity"]) if entry.get("judge") else "",
            "digest": digest("metric", entry["identity"])[:12],
            "prompt_digest": _prompt_digest(entry["identity"]),
            "calibration": _calibration(material.stored, entry),
            "cautions": judges.get(entry["name"], []),
            "identity": entry["identity"],
        }
        for entry in material.stored.metrics
    ]


def _about(identity: Any) -> str:
    """The first paragraph of a part's description; empty for what is not installed here, or is no part."""
    from harness.plugins import known

    use = identity.get("use") if isinstance(identity, dict) else None
    found = next((each.cls for each in known("metric") if each.name == use), None)
    return " ".join((inspect.getdoc(found) or "").split("\n\n")[0].replace("`", "").split()) if found else ""


def _judge(identity: Any) -> str:
    """The names of the models that a metric asks."""
    names: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("use"), str) and "/" in value["use"] and value is not identity:
                name = value.get("name") if value["use"].endswith("/") else None
                names.append(value["use"] + (name if isinstance(name, str) else ""))
            for each in value.values():
                walk(each)
        elif isinstance(value, list | tuple):
            for each in value:
                walk(each)

    walk(identity)
    return ", ".join(dict.fromkeys(names)) or "see its definition"


def _prompt_digest(identity: Any) -> str | None:
    prompt = identity.get("prompt") if isinstance(identity, dict) else None
    return digest("prompt", prompt)[:12] if isinstance(prompt, str) and prompt else None


def _calibration(stored: StoredSweep, entry: dict[str, Any]) -> dict[str, Any] | None:
    if not entry.get("judge"):
        return None
    found = calibration_of(runs_of(stored), entry["identity"])
    names = ("time", "labels", "kappa", "low", "high", "agree", "sensitivity", "specificity")
    return None if found is None else {name: found.get(name) for name in names}
