"""Datasets and knowledge bases: in from files, checked, narrowed down, described."""

from __future__ import annotations

from harness.data.corpora import Found, Problem, freeze, read_corpus, read_documents
from harness.data.datasets import FORMATS, Dataset, read_dataset
from harness.data.selection import select
from harness.data.stats import describe

__all__ = [
    "FORMATS",
    "Dataset",
    "Found",
    "Problem",
    "describe",
    "freeze",
    "read_corpus",
    "read_dataset",
    "read_documents",
    "select",
]
