"""Distinct model calls over HTTP, against the bare SDK in the same run; then the same again, from the cache.

python -m benchmarks.calls [calls] [--delay SECONDS] [--at-once N]     # 2000, 0.1, 100
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.provider import Conduct, provider, workspace

HARNESS = [sys.executable, "-m", "harness"]


async def bare(url: str, count: int, at_once: int) -> float:
    """The same calls in a loop over the same SDK and transport: no cache, no record, no score."""
    import openai

    client = openai.AsyncOpenAI(
        api_key="none", base_url=url, max_retries=0, http_client=openai.DefaultAioHttpClient(), timeout=60
    )
    gate = asyncio.Semaphore(at_once)

    async def ask(i: int) -> None:
        async with gate:
            done = await client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": f"Bare question {i}?"}]
            )
            assert done.choices[0].message.content

    started = time.perf_counter()
    await asyncio.gather(*(ask(i) for i in range(count)))
    seconds = time.perf_counter() - started
    await client.close()
    return seconds


def floor(url: str, count: int, at_once: int) -> tuple[float, float]:
    """The loop in a process of its own: seconds of the loop, and CPU seconds of the loop alone."""
    code = (
        "import asyncio, os, time, openai; from benchmarks.calls import bare\n"
        f"asyncio.run(bare({url!r}, 20, 20))\n"
        "a = sum(os.times()[:2])\n"
        f"s = asyncio.run(bare({url!r}, {count}, {at_once}))\n"
        "print(s, sum(os.times()[:2]) - a)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    seconds, cpu = out.split()
    return float(seconds), float(cpu)


def sweep(path: Path, *arguments: str) -> tuple[dict, float, float, float]:  # type: ignore[type-arg]
    """The command: its summary, its seconds, its CPU seconds, its peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        [*HARNESS, "sweep", str(path), "--json", "--quiet", *arguments], check=True, capture_output=True, text=True
    )
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), seconds, cpu, after.ru_maxrss / 1024


def asked_s(summary: dict) -> float:  # type: ignore[type-arg]
    """The time from the first call to the last answer, from the run's own record."""
    found: float = json.loads((Path(summary["path"]) / "exit.json").read_text())["asking_s"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("calls", type=int, nargs="?", default=2000)
    parser.add_argument("--delay", type=float, default=0.1)
    parser.add_argument("--at-once", type=int, default=100)
    given = parser.parse_args()
    count, at_once = given.calls, given.at_once
    with provider(Conduct(delay_s=given.delay)) as far, tempfile.TemporaryDirectory() as folder:
        seconds, cpu = floor(far.url, count, at_once)
        path = workspace(Path(folder), far.url, count, f"concurrency: {at_once}\n")
        found, whole, used, memory = sweep(path)
        answering = asked_s(found)
        idle_path = workspace(Path(folder), far.url, 1, f"concurrency: {at_once}\nname: one\n", words=1)
        _, _, idle, _ = sweep(idle_path)
        workspace(Path(folder), far.url, count, f"concurrency: {at_once}\n")
        again, warm, _, _ = sweep(path)
        latency = found["runs"][0]["metrics"]["latency_ms"]["mean"]
        size = sum(f.stat().st_size for f in Path(found["path"]).rglob("*") if f.is_file())
        work = sum(f.stat().st_size for f in (Path(folder) / ".harness").rglob("*") if f.is_file())
    print(
        f"{count} calls of {given.delay * 1000:.0f} ms, {at_once} at once: ideal {count * given.delay / at_once:.1f} s"
    )
    print(f"floor (loop over the SDK): {seconds:.2f} s, {1000 * cpu / count:.2f} ms CPU per call")
    print(f"answering: {answering:.2f} s ({answering / seconds:.2f} x floor); whole command: {whole:.2f} s")
    print(f"CPU: {1000 * (used - idle) / count:.2f} ms per call above start-up ({idle:.2f} s); memory {memory:.0f} MB")
    print(f"recorded latency, mean: {latency:.0f} ms")
    print(f"stored per call: run folder {size / count:.0f} B, work cache {work / count:.0f} B")
    print(f"again: {warm:.2f} s, {again['calls']['made']} calls made, {count / warm:.0f} cells/s")


if __name__ == "__main__":
    main()
