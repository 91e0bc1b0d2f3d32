"""Sweeps with a judge on loopback: how tests write them, and what the judge says."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from tests.loopback import Loopback
from tests.workspaces import make_workspace, write

JUDGE = "/v1/chat/completions"
PLUGIN = '''
import json
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from harness.plugins import PartOf, part
from harness.records import Message, Verdict


@part("metric", "marks")
@dataclass(frozen=True)
class Marks:
    """A judge's mark out of ten."""

    version: ClassVar[int] = 1
    direction: ClassVar[str] = "maximize"
    low: ClassVar[float | None] = 0.0
    high: ClassVar[float | None] = 1.0
    unit: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ("answer",)
    judge: Annotated[Any, PartOf("model")]
    words: str = "Mark"

    def applies(self, example):
        return example.expected == "answer"

    async def assess(self, case, asker):
        text = f"{self.words}|{case.example.question}|{case.answer}"
        mark = await asker.ask(self.judge, [Message("user", text)], {"max_tokens": 9, "temperature": 0}, read)
        return Verdict(mark / 10, f"{mark} of 10", {"mark": mark})


@part("metric", "better")
@dataclass(frozen=True)
class Better(Marks):
    """1 where the judge finds it better than the answer of another variant."""

    reads: ClassVar[tuple[str, ...]] = ("answer", "rival")
    against: str = ""

    async def assess(self, case, asker):
        text = f"Better|{case.example.question}|{case.answer}|{case.rival}"
        return (await asker.ask(self.judge, [Message("user", text)], {}, read)) / 10


def read(text):
    mark = json.loads(text)["mark"]
    if not 0 <= mark <= 10:
        raise ValueError(f"{mark} is no mark of 0 to 10")
    return mark
'''
PRICES = "prices: {openai/judge: {input: 1.0, output: 10.0, cached: 1.0}}\n"
AXES = "chunk_size: [60, 120], similarity_threshold: [0.0, 0.2]"
CONFIG = """
name: judged
plugins: [marks.py]
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: MODEL
  retrieval: {splitter: {use: recursive, chunk_size: 80, chunk_overlap: 10}, index: exact, top_k: 1}
sweep: {axes: {AXES}}
metrics: METRICS
"""


def judge(server: Loopback) -> str:
    """The judge as a sweep file names it."""
    return f"{{use: openai/judge, base_url: '{server.url}/v1'}}"


def judged(
    folder: Path,
    server: Loopback,
    metrics: str = "[token_f1, {marks: {judge: JUDGE}}]",
    *,
    model: str = "local/extractive",
    axes: str = AXES,
    extra: str = PRICES,
) -> Path:
    """A workspace whose answers the loopback model judges; the path of its sweep file."""
    text = CONFIG.replace("MODEL", model).replace("AXES", axes)
    text = text.replace("METRICS", metrics).replace("JUDGE", judge(server)) + extra
    write(folder / "marks.py", PLUGIN)
    return make_workspace(folder, text)


def mark(messages: list[dict[str, Any]]) -> str:
    """What the judge says: a mark that depends on the text alone."""
    return json.dumps({"mark": zlib.crc32(str(messages[0]["content"]).encode()) % 11})


def questions(server: Loopback, begins: str) -> list[str]:
    """The judge's questions that begin with a word, in the order they came."""
    texts = [str(call.body["messages"][-1]["content"]) for call in server.calls if call.path == JUDGE]
    return [text for text in texts if text.startswith(begins)]
