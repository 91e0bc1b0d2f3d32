"""2,000 distinct model calls of 100 ms each, 100 at once, over HTTP to a server on loopback.

python benchmarks/calls.py [calls]     # the server runs in a process of its own
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from harness.config import load
from harness.plugins import make
from harness.records import Message, Request
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep

DELAY_S, AT_ONCE = 0.1, 100


def serve(pipe: Connection) -> None:
    """A provider on loopback, until the pipe closes."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests.loopback import Loopback

    with Loopback(delay_s=DELAY_S) as server:
        pipe.send(server.url)
        pipe.recv()


async def bare(url: str, count: int) -> float:
    """The same calls by the SDK alone, through the model part: no cache, no record, no score."""
    connection = make("model", {"use": "openai/gpt-4o-mini", "base_url": f"{url}/v1"}).connect()
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(i: int) -> None:
        async with gate:
            await connection.complete(Request((Message("user", f"Bare question {i}?"),)))

    started = time.perf_counter()
    await asyncio.gather(*(ask(i) for i in range(count)))
    await connection.close()
    return time.perf_counter() - started


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=serve, args=(theirs,), daemon=True).start()
    url = ours.recv()
    least = asyncio.run(bare(url, count))
    with tempfile.TemporaryDirectory() as folder:
        lines = [{"id": f"q{i}", "question": f"Question {i}?", "references": ["qUESTION"]} for i in range(count)]
        (Path(folder) / "q.jsonl").write_text("\n".join(map(json.dumps, lines)))
        path = Path(folder) / "s.yaml"
        path.write_text(
            f"dataset: q.jsonl\nchatbot: {{model: {{use: openai/gpt-4o-mini, base_url: {url}/v1}}}}\n"
            f"metrics: [answer_match, token_f1, latency_ms]\nconcurrency: {AT_ONCE}\n"
            "prices: {openai/gpt-4o-mini: {input: 0.15, output: 0.6}}\n"
        )
        before = os.times()
        started = time.perf_counter()
        stored = run_sweep(load(path), Options(), Progress())
        seconds = time.perf_counter() - started
        after = os.times()
        summary = summarise(stored, keep=True)
        size = sum(f.stat().st_size for f in stored.folder.path.rglob("*") if f.is_file())
        spent = (after.user + after.system) - (before.user + before.system)
        latency = summary["runs"][0]["metrics"]["latency_ms"]["mean"]
        started = time.perf_counter()
        run_sweep(load(path), Options(), Progress())
        warm = time.perf_counter() - started
    ideal = count * DELAY_S / AT_ONCE
    print(f"{count} calls of {DELAY_S * 1000:.0f} ms, {AT_ONCE} at once: ideal {ideal:.1f} s")
    print(f"floor (the SDK alone): {least:.2f} s")
    print(f"sweep: {seconds:.2f} s ({seconds / least:.2f} x floor), {1000 * spent / count:.2f} ms CPU per call")
    print(f"recorded latency, mean: {latency:.0f} ms; stored: {size / count / 1000:.2f} kB per call")
    print(f"again, all cached: {warm:.2f} s; made {summary['calls']['made']} calls")


if __name__ == "__main__":
    main()
