"""What a user must be told before or after a sweep: odd filters, servers that are not there, costs by stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import load
from harness.errors import UserError
from harness.study.summary import summarise
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import make_plan
from tests.loopback import Loopback
from tests.sweeps.chains import config, lines, sweep_of
from tests.workspaces import make_workspace, write

BOT = """
import pathlib

def answer(request):
    with pathlib.Path(__file__).with_name("asked.log").open("a") as log:
        log.write("asked\\n")
    return "What is it?"
"""


def filtered(folder: Path, condition: str) -> Path:
    """A sweep over two documents with numbers as versions, and questions with texts as versions."""
    text = config("top_k: [1, 2]", f'filter: "{condition}"').replace("datasets/articles", "kb.jsonl")
    path = make_workspace(folder, text)
    names = ("bikes", "boats")
    lines(folder / "kb.jsonl", [{"id": name, "text": f"All about {name}.", "version": 2} for name in names])
    rows = [{"question": f"About {name}?", "metadata": {"version": "2"}} for name in names]
    lines(folder / "datasets/questions.jsonl", rows)
    return path


def test_a_filter_that_leaves_nothing_is_told(tmp_path: Path) -> None:
    """A number never equals a text: the plan and the sweep say that no document is left, and for how many questions."""
    path = filtered(tmp_path, "document.version == metadata.version")
    checked = load(path)
    notes = make_plan(checked, read_inputs(checked)).notes
    [said] = [note for note in notes if "leaves no document for 2 of 2 questions" in note]
    assert said in summarise(sweep_of(path).stored)["cautions"]


def test_a_filter_that_leaves_the_evidence_out_is_told(tmp_path: Path) -> None:
    """Questions whose evidence lies in documents that their filter leaves out are counted."""
    path = filtered(tmp_path, "document.id == 'boats'")
    lines(
        tmp_path / "datasets/questions.jsonl",
        [{"question": f"About {name}?", "evidence": [{"document": name}]} for name in ("bikes", "boats")],
    )
    [caution] = summarise(sweep_of(path).stored)["cautions"]
    assert "leaves out evidence of 1" in caution


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("document.version == metadata.versoin", "metadata.versoin, which no example has; did you mean 'version'"),
        ("document.versoin == 2", "document.versoin, which no document has; did you mean 'version'"),
        ("document.version | nosuch", "No filter named 'nosuch'"),
    ],
)
def test_a_filter_that_reads_what_is_not_there_is_a_mistake(tmp_path: Path, condition: str, said: str) -> None:
    """Names of both sides are checked, and what is no expression is refused."""
    path = filtered(tmp_path, condition)
    with pytest.raises(UserError, match=said):
        sweep_of(path)


def test_a_filter_that_cannot_be_computed_leaves_nothing(tmp_path: Path) -> None:
    """Dividing by nothing ends no sweep."""
    [caution] = summarise(sweep_of(filtered(tmp_path, "document.version / 0")).stored)["cautions"]
    assert "leaves no document for 2 of 2" in caution


def test_nothing_is_paid_where_an_index_cannot_be_reached(tmp_path: Path) -> None:
    """One of two indexes is a server that is not there: nothing is embedded, and no run folder is left behind."""
    with Loopback() as server:
        embedder = f"embedder: {{use: openai/embedding, base_url: '{server.url}/v1'}}"
        text = config("index: [exact, {use: chroma, url: 'http://127.0.0.1:9'}]", embedder)
        path = make_workspace(tmp_path, text)
        with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
            sweep_of(path)
        assert server.count("/v1/embeddings") == 0
    assert not list((tmp_path / "runs").iterdir())


def test_a_plan_asks_no_function_of_the_users(tmp_path: Path) -> None:
    """A Python function that writes queries may cost money: a plan counts its calls and makes none of them."""
    write(tmp_path / "bot.py", BOT)
    path = make_workspace(tmp_path, config("top_k: [1, 2]", "query: {use: rewrite, model: 'python:bot.py:answer'}"))
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    lines(tmp_path / "datasets/questions.jsonl", [{"messages": [*turns, {"role": "user", "content": "And it?"}]}])
    checked = load(path)
    plan = make_plan(checked, read_inputs(checked))
    assert plan.stages["query"] == {"naive": 2, "distinct": 1, "cached": 0}
    assert not plan.exact
    assert not (tmp_path / "asked.log").exists()
    summary = summarise(sweep_of(path).stored)
    assert summary["stages"]["query"] == {"naive": 2, "distinct": 1, "cached": 0, "made": 1}
    again = make_plan(checked, read_inputs(checked))
    assert again.exact
    assert again.stages["query"]["cached"] == 1
    assert (tmp_path / "asked.log").read_text().count("asked") == 1


def test_what_a_variants_queries_cost_is_part_of_its_cost(tmp_path: Path) -> None:
    """`cost_usd` of a variant that has its queries written is the answer's and the query's, whoever paid."""
    with Loopback(answer=lambda messages: "a question") as server:
        writer = f"{{use: multi_query, model: {{use: openai/writer, base_url: '{server.url}/v1'}}}}"
        text = config(f"query: [question, {writer}]", extra="prices: {openai/writer: {input: 1.0, output: 1.0}}\n")
        path = make_workspace(tmp_path, text.replace("metrics: [", "metrics: [cost_usd, "))
        loaded = sweep_of(path)
        frame = loaded.outcomes.merge(loaded.variants, on="variant")
        means = frame.groupby("query")["query_usd"].mean()
        plain, written = means["question"], means.drop("question").iloc[0]
        assert plain == 0 < written
        scores = loaded.scores[loaded.scores["metric"] == "cost_usd"].groupby("variant")["value"].mean()
        assert sorted(scores.round(12)) == sorted([0.0, round(written, 12)])


def test_a_broken_splitter_is_named(tmp_path: Path) -> None:
    """A plug-in that raises, or gives spans outside of the text, is the user's to mend: exit code 2 with its name."""
    plugin = """
from dataclasses import dataclass
from typing import ClassVar
from harness.plugins import part
from harness.records import Span

@part("splitter", "odd")
@dataclass(frozen=True)
class Odd:
    version: ClassVar[int] = 1
    boom: bool = False

    def split(self, text):
        if self.boom:
            raise RuntimeError("boom")
        return [Span(0, len(text) + 50)]
"""
    write(tmp_path / "odd.py", plugin)
    for boom, said in (("true", "RuntimeError: boom"), ("false", "outside of")):
        text = config("top_k: [1, 2]", f"splitter: {{use: odd, boom: {boom}}}", extra="plugins: [odd.py]\n")
        with pytest.raises(UserError, match=f"splitter odd.* failed on document .*{said}"):
            sweep_of(make_workspace(tmp_path, text))
