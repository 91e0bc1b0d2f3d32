"""Datasets and knowledge bases: in from files, checked, narrowed down, described."""

from __future__ import annotations

from harness.data.corpora import read_corpus
from harness.data.datasets import FORMATS, Dataset, read_dataset
from harness.data.selection import select
from harness.data.stats import describe

__all__ = ["FORMATS", "Dataset", "describe", "read_corpus", "read_dataset", "select"]
