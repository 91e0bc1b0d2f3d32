"""The sweep file: YAML in, a checked sweep out, or every mistake at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.chatbot import Variant
from harness.config.gate import Gate
from harness.records import Scale

TOP_KEYS = (
    "name",
    "dataset",
    "corpus",
    "chatbot",
    "sweep",
    "metrics",
    "objective",
    "repeats",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "cell_timeout_s",
    "batch",
    "budget",
    "max_failures",
    "seed",
    "plugins",
    "prices",
    "gate",
)
PROBLEMS = ("stop", "skip")
DEFAULT_METRICS = ("answer_match", "token_f1")
METRIC_KEYS = ("as", "at_least", "at_most")
"""What every entry under `metrics` may have beside the metric's own settings."""
RUN_COLUMNS = ("run", "sweep", "name", "created", "status", "variant", "label", "best")
"""Columns of the table of runs that no metric may be called."""


@dataclass(frozen=True)
class DatasetChoice:
    """Which examples: all of a file, or the first `limit` of those for which `where` holds."""

    path: str
    limit: int | None = None
    where: str | None = None


@dataclass(frozen=True)
class CorpusChoice:
    """Which documents: those of all `paths`. `problems`: `stop` where one cannot be read, or `skip` it."""

    paths: tuple[str, ...]
    problems: str = "stop"


@dataclass(frozen=True)
class NamedMetric:
    """A metric part, the name of its column, and the least and the most that passes (None: no such threshold)."""

    name: str
    part: Any
    at_least: float | None = None
    at_most: float | None = None

    @property
    def scale(self) -> Scale:
        """How its values are read."""
        part = self.part
        return Scale(part.direction, part.low, part.high, self.at_least, self.at_most)


@dataclass(frozen=True)
class Objective:
    """What the sweep is ranked by."""

    metric: str
    direction: str


@dataclass(frozen=True)
class Budget:
    """What may be spent at most; None is no limit. `tokens` counts input and output."""

    usd: float | None = None
    calls: int | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Limits:
    """How much each model of a provider gets: calls at once at the most, calls and tokens a minute (None: no limit).

    `cell_timeout_s` bounds the time to an answer, from its first call on, with all retries and pauses.
    """

    concurrency: int = 64
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    cell_timeout_s: float = 600.0


@dataclass(frozen=True)
class SweepConfig:
    """A checked sweep file with `--set` applied.

    `given` is the file as written (a value that was not given is absent, one given as null is null), `axes` the names
    of the swept settings. `max_failures` is the number or the share of cells that may fail. `batch`: the providers'
    batch APIs are used, where there are any.
    """

    path: Path
    workspace: Path
    text: str
    given: Mapping[str, Any]
    overrides: tuple[str, ...]
    name: str
    dataset: DatasetChoice
    corpus: CorpusChoice | None
    variants: tuple[Variant, ...]
    axes: tuple[str, ...]
    metrics: tuple[NamedMetric, ...]
    objective: Objective
    repeats: int = 1
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    max_failures: int | float = 0.1
    seed: int = 0
    batch: bool = False
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)

    def failures_allowed(self, cells: int) -> int:
        """How many of so many cells may fail before the sweep stops."""
        allowed = self.max_failures
        return int(allowed * cells) if isinstance(allowed, float) else allowed


def workspace_of(path: Path) -> Path:
    """The folder that paths in the file are relative to: the file's own, or the parent of `configs/`."""
    folder = path.resolve().parent
    return folder.parent if folder.name == "configs" else folder
