"""Indexes of many vectors: built, searched and opened again, beside Chroma used bare in the same run.

python -m benchmarks.indexes [--count 100000] [--dimensions 384] [--queries 1000] [--rounds 1] [--only embedded]

Every measurement has a process of its own. The vectors lie in 200 clusters; what is bare and what is ours take turns in
coming first.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.plugins import make
from harness.records import Chunk

K = 5
CLUSTERS = 200
SPREAD = 0.7
NAME = "benchmark"
Vectors = NDArray[np.float32]
Measured = dict[str, Any]


def vectors(count: int, dimensions: int, seed: int) -> Vectors:
    """Rows in clusters; the centres are the same for every seed."""
    centres = np.random.default_rng(0).standard_normal((CLUSTERS, dimensions), dtype=np.float32)
    random = np.random.default_rng(seed)
    found = random.standard_normal((count, dimensions), dtype=np.float32)
    found *= SPREAD
    for start in range(0, count, 10_000):
        part = found[start : start + 10_000]
        part += centres[random.integers(0, CLUSTERS, len(part))]
    return found


def chunks(count: int) -> list[Chunk]:
    """Texts of 200 characters."""
    return [Chunk(f"d{i // 100}.md", 200 * i, 200 * i + 200, f"text {i:08d} ".ljust(200, "x")) for i in range(count)]


class Bare:
    """Chroma as one would use it without us, with the same settings and content."""

    def __init__(self, folder: Path, url: str | None) -> None:
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        self._client = (
            chromadb.HttpClient(host=url, settings=settings)
            if url
            else chromadb.PersistentClient(str(folder), settings=settings)
        )
        graph = {"space": "cosine", **make("index", "chroma").graph()}
        self._collection = self._client.get_or_create_collection(
            NAME, embedding_function=None, configuration={"hnsw": graph}
        )

    def count(self) -> int:
        return int(self._collection.count())

    def fill(self, given: list[Chunk], rows: Vectors) -> None:
        step = self._client.get_max_batch_size()
        for start in range(0, len(given), step):
            part = given[start : start + step]
            self._collection.upsert(
                ids=[f"{start + i:08d}" for i in range(len(part))],
                embeddings=rows[start : start + step],
                documents=[chunk.text for chunk in part],
                metadatas=[{"document": c.document, "start": c.start, "end": c.end} for c in part],
            )

    def search(self, queries: Vectors, k: int) -> list[list[tuple[int, float]]]:
        got = self._collection.query(query_embeddings=queries, n_results=k, include=["distances"])
        return [
            [(int(i), 1 - d) for i, d in zip(*answer, strict=True)]
            for answer in zip(got["ids"], got["distances"], strict=True)
        ]

    def close(self) -> None:
        self._client.close()


def opening(who: str, folder: Path, url: str | None) -> Callable[[], Any]:
    """How the index of a measurement is opened."""
    if who == "bare":
        return lambda: Bare(folder, url)
    part = make("index", "exact" if who == "exact" else {"use": "chroma", "search": "approximate", "url": url})
    return lambda: part.open(folder, NAME)


class Clock:
    """Seconds, and seconds of processor time of this process and of the server."""

    def __init__(self, server: int | None) -> None:
        self._stat = Path(f"/proc/{server}/stat") if server else None
        self.told: Measured = {}

    def _cpu(self) -> float:
        spent = time.process_time()
        if self._stat:
            fields = self._stat.read_text().rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return spent

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        cpu = self._cpu()
        self.told[name], done = timed(work)
        self.told[f"{name} cpu"] = self._cpu() - cpu
        return done


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def memory() -> float:
    """MB at the most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(who: str, folder: Path, url: str | None, server: int | None, sizes: tuple[int, int, int]) -> Measured:
    """One measurement, in this process, of so many vectors, dimensions and queries."""
    count, dimensions, asked = sizes
    rows, given = vectors(count, dimensions, 1), chunks(count)
    together, singly = vectors(asked, dimensions, 2), vectors(asked, dimensions, 3)
    before, clock = memory(), Clock(server)
    start = opening(who, folder, url)
    opened = start()
    clock("build", lambda: opened.fill(given, rows))
    found = clock("together", lambda: opened.search(together, K))
    clock("singly", lambda: [opened.search(query[None, :], K) for query in singly])
    opened.close()
    if who != "exact":
        opened = clock("opening", start)
        clock("first", lambda: (opened.count(), opened.search(together[:1], K)))
        clock("again", lambda: opened.search(singly, K))
        opened.close()
    told = {**clock.told, "memory": memory() - before}
    told["recall"] = recall(found, rows, given, together)
    return told


def recall(found: list[list[tuple[int, float]]], rows: Vectors, given: list[Chunk], queries: Vectors) -> float:
    """The share of the true nearest that were found."""
    truth = make("index", "exact").open(Path(), NAME)
    truth.fill(given, rows)
    true = truth.search(queries, K)
    hits = sum(len({n for n, _ in a} & {n for n, _ in b}) for a, b in zip(found, true, strict=True))
    return float(hits / sum(map(len, true)))


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """A Chroma server: its URL, and the id of its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder), "--host", "127.0.0.1"]
    running = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", running.pid
    finally:
        running.terminate()
        running.wait()


def peak(pid: int) -> float:
    """MB at the most of another process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def child(kind: str, who: str, sizes: list[str]) -> Measured:
    """One measurement in a process of its own, with the disk that it takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "store"
        folder.mkdir()

        def run(url: str, pid: int) -> Measured:
            command = [sys.executable, "-m", "benchmarks.indexes", *sizes, "--measure", who, "--folder", str(folder)]
            told = subprocess.run(
                [*command, "--url", url, "--server", str(pid)], check=True, stdout=subprocess.PIPE, text=True
            ).stdout
            found: Measured = json.loads(told.splitlines()[-1])
            return found

        if kind == "server":
            with server(folder) as (url, pid):
                told = run(url, pid)
                told["server"] = peak(pid)
        else:
            told = run("", 0)
        told["disk"] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
        shutil.rmtree(folder)
    print(f"{kind} {who}: {json.dumps({k: round(v, 4) for k, v in told.items()})}", flush=True)
    return told


def show(kind: str, bare: list[Measured], ours: list[Measured]) -> None:
    """The medians of bare and ours, and the median of the ratios within a round."""
    print(f"\n{kind}: bare, ours, ours / bare")
    for name in ours[0]:
        one, two = (statistics.median(told[name] for told in side) for side in (bare, ours))
        ratio = statistics.median(b[name] / a[name] if a[name] else 1.0 for a, b in zip(bare, ours, strict=True))
        print(f"  {name:13} {one:10.3f} {two:10.3f} {ratio:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=("exact", "embedded", "server"))
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--server", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        sizes = (chosen.count, chosen.dimensions, chosen.queries)
        print(json.dumps(measure(chosen.measure, chosen.folder, chosen.url or None, chosen.server or None, sizes)))
        return
    texts = [f"--{name}={getattr(chosen, name)}" for name in ("count", "dimensions", "queries")]
    if chosen.only in (None, "exact"):
        child("exact", "exact", texts)
    for kind in ("embedded", "server"):
        sides: dict[str, list[Measured]] = {"bare": [], "ours": []}
        for i in range(chosen.rounds if chosen.only in (None, kind) else 0):
            for who in ("ours", "bare") if i % 2 else ("bare", "ours"):
                sides[who].append(child(kind, who, texts))
        if sides["ours"]:
            show(kind, sides["bare"], sides["ours"])


if __name__ == "__main__":
    main()
