"""What a sweep reads before it does anything: the corpus and the examples, checked against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.config import NamedMetric, SweepConfig
from harness.data import Dataset, Problem, read_dataset, read_documents, select
from harness.plugins import identity
from harness.records import Corpus, digest


@dataclass(frozen=True)
class Inputs:
    """The corpus (None without retrieval) and the examples to run.

    `problems` are the documents that were left out of the corpus, `loaders` the versions of the libraries that made
    the texts of documents that are no text files.
    """

    corpus: Corpus | None
    dataset: Dataset
    problems: tuple[Problem, ...] = ()
    loaders: Mapping[str, str] = field(default_factory=dict)

    def digests(self) -> dict[str, str | None]:
        """What decides every result besides the configuration."""
        return {"dataset": self.dataset.digest, "corpus": self.corpus.digest if self.corpus else None}


def read_inputs(config: SweepConfig, limit: int | None = None) -> Inputs:
    """Read and check dataset and corpus; `limit` overrides the file's. Raises UserError with every bad line."""
    choice = config.dataset if limit is None else replace(config.dataset, limit=limit)
    corpus = config.corpus
    if corpus is None:
        dataset = read_dataset(config.workspace / choice.path)
        return Inputs(None, select(dataset, choice.limit, choice.where, config.seed))
    found = read_documents(corpus.paths, config.workspace, corpus.problems)
    dataset = read_dataset(config.workspace / choice.path, found.corpus, found.problems)
    chosen = select(dataset, choice.limit, choice.where, config.seed)
    return Inputs(found.corpus, chosen, found.problems, found.loaders)


def resume_key(config: SweepConfig, inputs: Inputs, fresh: bool) -> str:
    """Equal for commands that mean the same sweep: what was interrupted is carried on under the same key."""
    return digest(
        "sweep",
        config.name,
        inputs.digests(),
        [example.id for example in inputs.dataset.examples],
        [variant.id for variant in config.variants],
        [dict(variant.params) for variant in config.variants],
        [(m.name, identity(m.part), *_thresholds(m)) for m in config.metrics],
        [config.objective.metric, config.objective.direction],
        config.repeats,
        fresh,
        *_filtered_by(config, inputs.corpus),
    )


def _thresholds(metric: NamedMetric) -> list[float | None]:
    return [metric.at_least, metric.at_most] if metric.scale.has_threshold else []


def _filtered_by(config: SweepConfig, corpus: Corpus | None) -> list[Any]:
    """The documents' metadata, where a filter reads them: the corpus' digest is that of the texts alone."""
    filters = [v.chatbot.retrieval.filter for v in config.variants if v.chatbot.retrieval is not None]
    if corpus is None or not any(condition is not None for condition in filters):
        return []
    return [[(document.id, document.metadata) for document in corpus.documents]]
