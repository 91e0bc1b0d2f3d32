"""Three ragas metrics on many answers: a sweep of the harness against ragas' own runner, on the same judge.

python -m benchmarks.ragas_runner [answers] [--delay SECONDS] [--at-once N]     # 1000, 0.5, 100
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.calls import sweep
from tests.loopback import Loopback
from tests.parts.ragas_judges import WORDS, reply

CALLS = 6
"""Of one answer: faithfulness 2, answer_relevancy 3, context_recall 1."""


class Work(NamedTuple):
    """What the judge was asked: how often, at most at once, in how many seconds from the first call to the last."""

    calls: int
    peak: int
    seconds: float


def serve(delay_s: float, pipe: Connection) -> None:
    """A judge in a process of its own; it tells the work since it was last asked."""

    def answer(messages: list[dict[str, Any]]) -> str:
        return reply(str(messages[-1]["content"]), 0)

    with Loopback(answer=answer, delay_s=delay_s) as server:
        pipe.send(server.url)
        while pipe.recv():
            calls = [call.at for call in server.calls]
            pipe.send(Work(len(calls), server.peak, max(calls) - min(calls) + delay_s if calls else 0.0))
            server.calls.clear()
            server.peak = 0


@contextmanager
def judge(delay_s: float) -> Iterator[tuple[str, Connection]]:
    """The judge's URL, and the pipe by which it is asked for its work."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(delay_s, theirs), daemon=True)
    process.start()
    try:
        yield str(ours.recv()), ours
    finally:
        process.terminate()
        process.join()


def work(pipe: Connection) -> Work:
    pipe.send(True)
    found: Work = pipe.recv()
    return found


def samples(count: int) -> list[dict[str, Any]]:
    """Questions, answers, references and passages of some words, all different."""
    chance = random.Random(7)

    def words(least: int) -> str:
        return " ".join(chance.choices(WORDS, k=least)) + "."

    return [
        {
            "user_input": f"Question {n}: {words(8)[:-1]}?",
            "response": f"Answer {n}: {words(25)}",
            "reference": f"Reference {n}: {words(20)}",
            "retrieved_contexts": [f"Passage {n}.{k}: {words(60)}" for k in range(3)],
        }
        for n in range(count)
    ]


def of_harness(folder: Path, url: str, given: list[dict[str, Any]], at_once: int, metrics: str) -> tuple[float, float]:
    """Seconds and CPU seconds of the whole command. A bot of a few lines answers from three passages."""
    folder.mkdir()
    (folder / "bot.py").write_text(
        "import json\nKNOWN = {s['user_input']: s['response'] for s in json.load(open('samples.json'))}\n"
        "def answer(messages):\n    text = messages[-1]['content']\n"
        "    return next(a for q, a in KNOWN.items() if q in text)\n"
    )
    (folder / "samples.json").write_text(json.dumps(given))
    passages = [{"id": f"p{n}", "text": "\n\n".join(s["retrieved_contexts"])} for n, s in enumerate(given)]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, passages)))
    lines = [{"id": f"q{n}", "question": s["user_input"], "references": [s["reference"]]} for n, s in enumerate(given)]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, lines)))
    path = folder / "sweep.yaml"
    path.write_text(
        "dataset: questions.jsonl\ncorpus: corpus.jsonl\n"
        "chatbot:\n  model: python:bot.py:answer\n"
        "  retrieval: {retriever: bm25, index: exact, top_k: 3}\n"
        f"metrics: [token_f1{metrics}]\nconcurrency: {at_once}\n"
        f"prices: {{openai/judge: {{input: 0.15, output: 0.6}}}}\n".replace("URL", url)
    )
    before = Path.cwd()
    os.chdir(folder)
    try:
        found, seconds, cpu, _ = sweep(path)
    finally:
        os.chdir(before)
    for name, values in found["runs"][0]["metrics"].items():
        assert not values["failed"], f"{name}: {values}"
    return seconds, cpu


JUDGED = "".join(
    f", {{ragas/{name}: {{judge: {{use: openai/judge, base_url: URL/v1}}{more}}}}}"
    for name, more in (("faithfulness", ""), ("answer_relevancy", ", embedder: local/hashing"), ("context_recall", ""))
)


def of_ragas(url: str, given: list[dict[str, Any]], at_once: int) -> None:
    """ragas' Executor, which its evaluate() uses for the metrics before these; the same embedder."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    import openai
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.executor import Executor
    from ragas.llms import llm_factory
    from ragas.metrics.collections import AnswerRelevancy, ContextRecall, Faithfulness
    from ragas.run_config import RunConfig

    from harness.plugins import make

    connection = make("embedder", "local/hashing").connect()

    class Hashing(BaseRagasEmbedding):  # type: ignore[misc]
        def embed_text(self, text: str, **_: Any) -> list[float]:
            raise NotImplementedError

        async def aembed_text(self, text: str, **_: Any) -> list[float]:
            vector: list[float] = (await connection.embed([text], "passage")).vectors[0].tolist()
            return vector

    client = openai.AsyncOpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0, timeout=120)
    llm = llm_factory("judge", client=client, max_tokens=2048)
    metrics = [
        (Faithfulness(llm=llm), ("user_input", "response", "retrieved_contexts")),
        (AnswerRelevancy(llm=llm, embeddings=Hashing()), ("user_input", "response")),
        (ContextRecall(llm=llm), ("user_input", "reference", "retrieved_contexts")),
    ]
    runner = Executor(show_progress=False, raise_exceptions=True, run_config=RunConfig(max_workers=at_once))
    for metric, taken in metrics:
        for sample in given:
            runner.submit(metric.ascore, **{key: sample[key] for key in taken})
    before = sum(os.times()[:2])
    found = asyncio.run(runner.aresults())
    assert len(found) == 3 * len(given)
    print(f"ragas: {1000 * (sum(os.times()[:2]) - before) / (CALLS * len(given)):.2f} ms CPU per call")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("answers", type=int, nargs="?", default=1000)
    parser.add_argument("--delay", type=float, default=0.5)
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--ragas", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    given, at_once = samples(chosen.answers), chosen.at_once
    if chosen.ragas:
        of_ragas(chosen.ragas, given, at_once)
        return
    with judge(chosen.delay) as (url, pipe), tempfile.TemporaryDirectory() as folder:
        whole, used = of_harness(Path(folder) / "judged", url, given, at_once, JUDGED)
        ours = work(pipe)
        bare, idle = of_harness(Path(folder) / "bare", url, given, at_once, "")
        again = [sys.executable, "-m", "benchmarks.ragas_runner", str(chosen.answers), "--at-once", str(at_once)]
        started = time.perf_counter()
        subprocess.run([*again, "--ragas", url], check=True)
        command = time.perf_counter() - started
        theirs = work(pipe)
    ideal = CALLS * chosen.answers * chosen.delay / at_once
    print(f"{CALLS * chosen.answers} calls of {chosen.delay * 1000:.0f} ms, {at_once} at once: ideal {ideal:.1f} s")
    for name, found in (("harness", ours), ("ragas", theirs)):
        print(
            f"{name}: {found.calls} calls, {found.peak} at once, {found.seconds:.1f} s from first to last:"
            f" {ideal / found.seconds:.0%} of the ideal"
        )
    print(f"harness: {1000 * (used - idle) / ours.calls:.2f} ms CPU per call above a sweep without judges")
    print(f"harness: whole sweep {whole:.1f} s, {bare:.1f} s of it without judges; ragas: whole script {command:.1f} s")


if __name__ == "__main__":
    main()
