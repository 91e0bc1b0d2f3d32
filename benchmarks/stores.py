"""Many collections in one store: how long opening takes, and what is left in memory and open, beside bare Chroma.

python -m benchmarks.stores [--collections 200] [--count 2000] [--dimensions 384]

Ours opens the store for each collection anew, as a sweep does. Bare keeps one client, and opens a client for each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.indexes import Measured, chunks, vectors

from harness.plugins import make

K = 5


def name_of(i: int) -> str:
    return f"collection-{i:04d}"


def build(folder: Path, number: int, count: int, dimensions: int) -> None:
    """All collections, filled by our part."""
    part, given = make("index", "chroma"), chunks(count)
    for i in range(number):
        opened = part.open(folder, name_of(i))
        opened.fill(given, vectors(count, dimensions, i))
        opened.close()


def ours(folder: Path) -> Callable[[str, Any], None]:
    part = make("index", "chroma")

    def visit(name: str, query: Any) -> None:
        opened = part.open(folder, name)
        assert opened.count() > 0
        assert len(opened.search(query, K)[0]) == K
        opened.close()

    return visit


def client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))


def _asked(opened: Any, name: str, query: Any) -> None:
    collection = opened.get_collection(name, embedding_function=None)
    assert collection.count() > 0
    assert len(collection.query(query_embeddings=query, n_results=K, include=["distances"])["ids"][0]) == K


def bare(folder: Path) -> Callable[[str, Any], None]:
    """One client for all."""
    opened = client(folder)
    return lambda name, query: _asked(opened, name, query)


def anew(folder: Path) -> Callable[[str, Any], None]:
    """A client for each collection, closed after it."""

    def visit(name: str, query: Any) -> None:
        opened = client(folder)
        _asked(opened, name, query)
        opened.close()

    return visit


def measure(who: str, folder: Path, number: int, dimensions: int) -> Measured:
    """Every collection opened, counted, searched and closed once, in this process."""
    visit = {"ours": ours, "bare": bare, "bare, a client each": anew}[who](folder)
    query = vectors(1, dimensions, 7)
    spent = []
    for i in range(number):
        started = time.perf_counter()
        visit(name_of(i), query)
        spent.append(time.perf_counter() - started)
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
    files = len(list(Path("/proc/self/fd").iterdir()))
    return {
        "first": spent[0],
        "median": statistics.median(spent),
        "max": max(spent),
        "all": sum(spent),
        "RSS MB": resident,
        "files": files,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collections", type=int, default=200)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.measure, chosen.folder, chosen.collections, chosen.dimensions)))
        return
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        build(Path(folder), chosen.collections, chosen.count, chosen.dimensions)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 2**20
        print(f"built {chosen.collections} in {time.perf_counter() - started:.1f} s, {size:.0f} MB")
        sizes = [f"--collections={chosen.collections}", f"--dimensions={chosen.dimensions}"]
        for who in ("bare", "bare, a client each", "ours"):
            command = [sys.executable, "-m", "benchmarks.stores", *sizes, "--folder", folder, "--measure", who]
            told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
            print(f"{who}: {', '.join(f'{key} {value:.3g}' for key, value in told.items())}", flush=True)


if __name__ == "__main__":
    main()
