"""Sweeps over the retrieval chain: how tests write them, run them and read what was retrieved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.config import load
from harness.study.loaded import Sweep
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.workspaces import make_workspace, write

SPLITTER = "{use: recursive, chunk_size: 80, chunk_overlap: 10}"


def config(
    axes: str, retrieval: str = "", *, extra: str = "", model: str = "local/extractive", metrics: str = "[correct]"
) -> str:
    """A sweep file: exact search in small chunks, with these settings of the retrieval besides."""
    common = f"splitter: {SPLITTER}, " if "splitter:" not in retrieval else ""
    common += "index: exact, " if "index:" not in retrieval else ""
    sweep = f"sweep: {{axes: {{{axes}}}}}\n" if axes else ""
    return (
        "name: small\ndataset: datasets/questions.jsonl\ncorpus: datasets/articles\n"
        f"chatbot: {{model: {model}, retrieval: {{{common}{retrieval}}}}}\n{sweep}metrics: {metrics}\n{extra}"
    )


def sweep(folder: Path, text: str, *overrides: str, **options: Any) -> Sweep:
    """Run a sweep in the small workspace."""
    return sweep_of(make_workspace(folder, text), *overrides, **options)


def sweep_of(path: Path, *overrides: str, **options: Any) -> Sweep:
    """Run a sweep of a workspace that is there."""
    return Sweep(run_sweep(load(path, overrides), Options(**options), Progress()))


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write a JSONL file."""
    return write(path, "".join(json.dumps(row) + "\n" for row in rows))


def retrieved(found: Sweep) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """The passages of each cell, by the variant's settings (in the order of the axes) and the example."""
    params = {v["id"]: tuple(v["params"].values()) for v in found.stored.variants}
    rows = found.outcomes.to_dict("records")
    return {(*params[row["variant"]], row["example"]): list(row["passages"]) for row in rows}


def spans(passages: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """Where passages stand."""
    return [(p["document"], p["start"], p["end"]) for p in passages]


def failures(found: Sweep) -> dict[tuple[Any, ...], str]:
    """The failures of cells, by the variant's settings and the example."""
    params = {v["id"]: tuple(v["params"].values()) for v in found.stored.variants}
    rows = found.outcomes.to_dict("records")
    return {
        (*params[r["variant"]], r["example"]): f"{r['failure_stage']}: {r['failure_kind']}: {r['failure']}"
        for r in rows
        if isinstance(r["failure"], str)
    }


def made(summary: Mapping[str, Any]) -> dict[str, int]:
    """What a sweep made itself, by stage."""
    return {
        **{stage: entry["made"] for stage, entry in summary["stages"].items()},
        "embed": summary["embeddings"]["made"],
        "generate": summary["calls"]["made"],
    }


def hashed(texts: list[str], purpose: str = "passage") -> NDArray[np.float64]:
    """Unit vectors of local/hashing, asked without the sweep."""
    import asyncio

    from harness.plugins import make

    async def embed() -> Any:
        connection = make("embedder", "local/hashing").connect()
        return (await connection.embed(texts, purpose)).vectors

    vectors = np.asarray(asyncio.run(embed()), dtype=np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = vectors / np.where(norms == 0, 1.0, norms)
    return scaled
