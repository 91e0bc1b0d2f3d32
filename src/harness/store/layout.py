"""The files of a run folder, `runs/<sweep>/`. Every file carries the format number."""

from __future__ import annotations

FORMAT = 1

HEADER = "sweep.json"
"""What the sweep is: config, digests, versions, plan. Written once, when it starts."""
VARIANTS = "variants.jsonl"
EXAMPLES = "examples.jsonl"
CELLS = "cells.jsonl"
"""The journal: one line per finished cell, outcome and scores together. Gone once it is compacted."""
BATCHES = "batches.jsonl"
"""What was handed in to providers' batch APIs: written before a batch is waited for, so that none is paid for twice."""
TEXTS = "texts.jsonl"
"""The texts of passages, each once; becomes TEXTS_TABLE."""
OUTCOMES_TABLE = "outcomes.parquet"
SCORES_TABLE = "scores.parquet"
TEXTS_TABLE = "texts.parquet"
HEARTBEAT = "heartbeat.json"
"""The writer's sign of life: process, host, time."""
EXIT = "exit.json"
"""How the writer ended: `complete`, `incomplete`, `interrupted` or `failed`, and why."""
SUMMARY = "summary.json"
"""Figures per run, derived from the rows; may be deleted."""
LOCK = "writer.lock"
ARTIFACTS = "artifacts"
