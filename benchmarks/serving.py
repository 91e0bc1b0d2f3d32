"""`harness serve` under many requests at once, against the bare provider and against the same answers in one process.

python -m benchmarks.serving [questions] [--at-once N] [--rounds N]     # 2000, 200, 3

A client in a process of its own keeps `at-once` distinct questions under way: to the provider itself (the floor), to
`harness serve` in front of it, with the helpdesk's articles behind retrieval, and to a Responder in the client's own
process. By turns, since the machine may be busy; the medians of the rounds count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
from benchmarks.provider import Conduct, provider

ROOT = Path(__file__).resolve().parents[1]
DELAY_S = 0.1
SWEEP = """
name: serving
dataset: q.jsonl
corpus: ARTICLES
chatbot:
  model: {use: openai/gpt-4o-mini, base_url: URL}
  user_prompt: "{{ context }}\\n\\n{{ question }}"
  retrieval: {index: exact, top_k: 4}
metrics: [token_f1]
concurrency: 256
prices: {openai/gpt-4o-mini: {input: 0.15, output: 0.6}}
"""


class Pace(NamedTuple):
    """Answers a second, latencies in ms, and CPU ms per answer of the process that is measured (0: not looked at)."""

    per_s: float
    p50: float
    p95: float
    cpu_ms: float = 0.0


def questions(count: int, mark: str) -> list[str]:
    """Distinct questions of the helpdesk's kind."""
    lines = (ROOT / "datasets/helpdesk/questions.jsonl").read_text().splitlines()
    asked = [entry["question"] for entry in map(json.loads, lines) if "question" in entry]
    return [f"{asked[n % len(asked)]} ({mark} {n})" for n in range(count)]


async def paced(ask: Callable[[str], Awaitable[None]], asked: list[str], at_once: int) -> Pace:
    """Keep so many under way until all are answered; the first hundred warm up."""
    waiting = iter(asked)
    took: list[float] = []

    async def work() -> None:
        for question in waiting:
            started = time.perf_counter()
            await ask(question)
            took.append((time.perf_counter() - started) * 1000)

    await asyncio.gather(*(ask(question) for question in asked[:100]))
    waiting = iter(asked[100:])
    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    cuts = statistics.quantiles(took, n=20)
    return Pace(len(took) / (time.perf_counter() - started), cuts[9], cuts[18])


async def over_http(url: str, model: str, asked: list[str], at_once: int) -> Pace:
    """To an endpoint of OpenAI's kind."""
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(question: str) -> None:
            content = {"model": model, "messages": [{"role": "user", "content": question}]}
            async with session.post(f"{url}/chat/completions", json=content) as answer:
                found = await answer.json()
                assert answer.status == 200, found
                assert found["choices"][0]["message"]["content"]

        return await paced(ask, asked, at_once)


async def in_process(path: Path, asked: list[str], at_once: int) -> Pace:
    """To a Responder of this process."""
    from harness.config import load
    from harness.records import Message
    from harness.sweeps.conversing import Responder

    async with Responder(load(path)) as responder:

        async def ask(question: str) -> None:
            said = await responder.say([Message("user", question)])
            assert said.text

        before = time.process_time()
        pace = await paced(ask, asked, at_once)
        return pace._replace(cpu_ms=(time.process_time() - before) * 1000 / len(asked))


def in_a_process_of_its_own(call: str) -> Pace:
    """A call of this module, awaited."""
    code = f"import asyncio; from pathlib import Path; from benchmarks.serving import *\nprint(*asyncio.run({call}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return Pace(*map(float, done.stdout.split()))


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """`harness serve` for the sweep's one run: where it listens, and its process."""
    harness = [sys.executable, "-m", "harness"]
    sweep = [*harness, "sweep", "s.yaml", "--quiet"]
    subprocess.run(sweep, check=True, cwd=folder, capture_output=True)
    process = subprocess.Popen(
        [*harness, "serve", "latest", "--port", "0"], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        found = re.search(r"at (http://\S+/v1) ", process.stderr.readline())
        assert found
        yield found.group(1), process.pid
    finally:
        process.terminate()
        assert process.wait(60) == 0


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("questions", type=int, nargs="?", default=2000)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    count, at_once = chosen.questions, chosen.at_once
    paces: dict[str, list[Pace]] = {"provider": [], "responder": [], "serve": []}
    with tempfile.TemporaryDirectory() as name, provider(Conduct(delay_s=DELAY_S)) as far:
        folder = Path(name)
        (folder / "q.jsonl").write_text(json.dumps({"question": "Open?", "references": ["Yes"]}))
        text = SWEEP.replace("URL", far.url).replace("ARTICLES", str(ROOT / "datasets/helpdesk/articles"))
        (folder / "s.yaml").write_text(text)
        with served(folder) as (url, pid):
            for turn in range(chosen.rounds):
                asked = f"questions({count}, 'round {turn}'), {at_once}"
                floor = in_a_process_of_its_own(f"over_http({far.url!r}, 'gpt-4o-mini', {asked})")
                paces["provider"].append(floor)
                own = in_a_process_of_its_own(f"in_process(Path({str(folder / 's.yaml')!r}), {asked})")
                paces["responder"].append(own)
                before = cpu_s(pid)
                pace = in_a_process_of_its_own(f"over_http({url!r}, 'latest', {asked})")
                paces["serve"].append(pace._replace(cpu_ms=(cpu_s(pid) - before) * 1000 / count))
    print(f"{count} questions, {at_once} at once, provider {DELAY_S * 1000:.0f} ms; medians of {chosen.rounds} rounds")
    middle = {name: Pace(*map(statistics.median, zip(*found, strict=True))) for name, found in paces.items()}
    for name, pace in middle.items():
        print(f"{name:10} {pace.per_s:7.0f}/s   p50 {pace.p50:6.0f} ms   p95 {pace.p95:6.0f} ms")
    for name in ("provider", "responder"):
        ours, theirs = middle["serve"], middle[name]
        ratios = (ours.per_s / theirs.per_s, ours.p50 / theirs.p50, ours.p95 / theirs.p95)
        print("serve / {}: throughput {:.2f}, p50 {:.2f}, p95 {:.2f}".format(name, *ratios))
    print(f"CPU ms an answer: responder {middle['responder'].cpu_ms:.2f}, serve {middle['serve'].cpu_ms:.2f}")


if __name__ == "__main__":
    main()
