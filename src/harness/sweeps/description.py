"""What a sweep is, as its run folder tells it: everything that can change a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from harness.config import NamedMetric, SweepConfig, Variant
from harness.data import Problem
from harness.plugins import CompositeMetric, JudgingMetric, identity, label, parts_within, registration
from harness.records import Scale, digest
from harness.store import Writer
from harness.sweeps import provenance
from harness.sweeps.inputs import Inputs


def describe(writer: Writer, config: SweepConfig, inputs: Inputs, options: dict[str, Any], key: str) -> None:
    """Write config, variants, examples and origin into the run folder."""
    state, diff = provenance.git(config.workspace)
    files = {"sweep.yaml": config.text, "given.yaml": yaml.safe_dump(dict(config.given), sort_keys=False)}
    if diff:
        files["uncommitted.diff"] = diff
    header = {
        "id": writer.path.name,
        "name": config.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": provenance.who(),
        "resume_key": key,
        "config": {"path": str(config.path), "given": config.given, "overrides": list(config.overrides)},
        "options": {**options, "concurrency": config.limits.concurrency},
        **_inputs(config, inputs),
        "axes": list(config.axes),
        "metrics": metric_entries(config.metrics),
        "objective": {"metric": config.objective.metric, "direction": config.objective.direction},
        "repeats": config.repeats,
        "seed": config.seed,
        "cells": len(config.variants) * len(inputs.dataset.examples) * config.repeats,
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "git": state,
    }
    writer.describe(header, [_variant(v) for v in config.variants], inputs.dataset.examples, files)


def _inputs(config: SweepConfig, inputs: Inputs) -> dict[str, Any]:
    dataset = {
        "path": config.dataset.path,
        "where": config.dataset.where,
        "digest": inputs.dataset.digest,
        "examples": len(inputs.dataset.examples),
    }
    return {"dataset": dataset, "corpus": _corpus(config, inputs)}


def _corpus(config: SweepConfig, inputs: Inputs) -> dict[str, Any] | None:
    corpus = inputs.corpus
    if corpus is None or config.corpus is None:
        return None
    return {
        "path": ", ".join(config.corpus.paths),
        "paths": list(config.corpus.paths),
        "problems": config.corpus.problems,
        "digest": corpus.digest,
        "documents": len(corpus.documents),
        "characters": sum(len(document.text) for document in corpus.documents),
        "skipped": [_skipped(problem, config.workspace) for problem in inputs.problems],
        "loaders": dict(inputs.loaders),
    }


def _skipped(problem: Problem, workspace: Path) -> dict[str, Any]:
    """The file as seen from the workspace, so that it reads the same on every machine."""
    place = problem.mistake.place
    file = Path(place.file)
    name = file.relative_to(workspace).as_posix() if file.is_relative_to(workspace) else place.file
    line = {"line": place.line} if place.line else {}
    return {"file": name, **line, "document": problem.document, "reason": problem.mistake.found}


def metric_entries(
    metrics: Sequence[NamedMetric],
    known: Mapping[str, Scale] | None = None,
    identities: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Metrics as the run folder tells them: what their values mean, what decides them, and what they are made of.

    `known` and `identities` are scales and identities of metrics that are there besides.
    """
    plain = [m for m in metrics if not isinstance(m.part, CompositeMetric)]
    scales = {**(known or {}), **{m.name: m.scale for m in plain}}
    own = {m.name: identity(m.part) for m in plain}
    return [_metric(metric, scales, {**(identities or {}), **own}) for metric in metrics]


def _metric(metric: NamedMetric, scales: Mapping[str, Scale], identities: Mapping[str, Any]) -> dict[str, Any]:
    part = metric.part
    members = list(part.members(scales)) if isinstance(part, CompositeMetric) else []
    made_of = {name: digest(identities.get(name), asdict(scales[name])) for name in members}
    return {
        "name": metric.name,
        "label": label(part),
        "identity": {**identity(part), "members": made_of} if members else identity(part),
        "direction": part.direction,
        "low": part.low,
        "high": part.high,
        "unit": part.unit,
        "at_least": metric.at_least,
        "at_most": metric.at_most,
        "judge": isinstance(part, JudgingMetric) and not _embeds_only(part),
        "composite": isinstance(part, CompositeMetric),
        "members": members,
    }


def _embeds_only(metric: Any) -> bool:
    """Whether it asks embedders and no model: a formula, whose values nobody needs to trust."""
    kinds = {registration(held).kind for held in parts_within(metric)}
    return kinds == {"embedder"}


def _variant(variant: Variant) -> dict[str, Any]:
    chatbot = variant.chatbot
    return {
        "id": variant.id,
        "label": variant.label,
        "params": dict(variant.params),
        "chatbot": chatbot.written(),
        "content": chatbot.content(),
        "sent": chatbot.model.parameters(dict(chatbot.sampling)),
    }
