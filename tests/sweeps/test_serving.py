"""A configuration behind an endpoint: what clients of OpenAI get, and that it is what the run answered."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.config import load
from harness.store import StoredSweep
from harness.study.loaded import load as load_sweep
from harness.sweeps.serving import Settings, Stamp
from tests.loopback import Loopback
from tests.sweeps.served import HOSTED, STAMP, Service, body, hosted, of_run, serving, swept
from tests.workspaces import QUESTIONS, make_workspace, write

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def far() -> Iterator[Loopback]:
    """The provider."""
    with Loopback() as found:
        yield found


def read_all(messages: list[dict[str, Any]]) -> str:
    """An answer of several words that every character of the request decides."""
    return f"It is {hashlib.sha256(json.dumps(messages).encode()).hexdigest()} then."


async def ask_all(service: Service, conversations: list[Any], model: str) -> list[str]:
    """What OpenAI's client hears when all are asked at once, every other one in a stream."""
    client = service.async_client()

    async def ask(number: int, messages: Any) -> str:
        if number % 2:
            stream = await client.chat.completions.create(model=model, messages=messages, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        return (await client.chat.completions.create(model=model, messages=messages)).choices[0].message.content or ""

    try:
        return await asyncio.gather(*[ask(*pair) for pair in enumerate(conversations)])
    finally:
        await client.close()


def answers(stored: StoredSweep) -> tuple[list[Any], list[str]]:
    """The conversations of a run with one variant, and what it answered to each."""
    asked = {example["id"]: example["messages"] for example in stored.examples}
    frame = load_sweep(str(stored.folder.path)).outcomes
    return [asked[each] for each in frame["example"]], list(frame["answer"])


def test_two_hundred_at_once_get_the_run_s_answers_from_a_provider_in_trouble(far: Loopback, tmp_path: Path) -> None:
    """Not one fails though the provider is slow, refuses and breaks; every character is as in the run."""
    far.answer = read_all
    make_workspace(tmp_path, HOSTED.replace("URL", far.url), "hosted.yaml")
    lines = [json.dumps({"question": f"{QUESTIONS[n % 8]['question']} (case {n})"}) for n in range(200)]
    write(tmp_path / "datasets/questions.jsonl", "\n".join(lines) + "\n")
    stored = swept(load(tmp_path / "configs/hosted.yaml"))
    conversations, known = answers(stored)
    before = far.count()
    far.delay_s = 0.05
    far.fail(20, 429, "0")
    far.fail(20, 500)
    with serving(of_run(stored, tmp_path), fresh=True) as service:
        heard = asyncio.run(ask_all(service, conversations, "production"))
    assert heard == known
    assert len(set(heard)) == 200
    assert far.count() == before + 240
    assert service.told == []


def test_the_shipped_helpdesk_answers_as_in_its_run(tmp_path: Path) -> None:
    """The local reader over real articles, two hundred questions at once."""
    text = (ROOT / "configs/nightly.yaml").read_text().replace(": datasets/", f": {ROOT}/datasets/")
    stored = swept(load(write(tmp_path / "configs/nightly.yaml", text)), limit=200)
    conversations, known = answers(stored)
    config = of_run(stored, tmp_path)
    with serving(config, stamp=Stamp("desk", "run/id")) as service:
        assert asyncio.run(ask_all(service, conversations, "desk")) == known
    assert len(known) == 200
    assert any(len(messages) > 1 for messages in conversations)


def test_an_answer_bears_the_stamp_of_the_version(far: Loopback, tmp_path: Path) -> None:
    """Fingerprint, headers and the extra object; passages only where they are wanted; a run has no version."""
    config = hosted(tmp_path, far)
    with serving(config, settings=Settings(passages=True)) as service:
        first = service.post(body())
        read = service.client().chat.completions.create(**body())
        assert service.client().models.retrieve("production").id == "production"
        assert [model.id for model in service.client().models.list()] == ["production"]
        health = httpx.get(f"{service.url}/health", trust_env=False).json()
        assert health == {"status": "ok", "serves": "harness-v3-feedbeef"}
    assert read.system_fingerprint == "harness-v3-feedbeef"
    assert (first.headers["x-harness-version"], first.headers["x-harness-run"]) == ("3", STAMP.run)
    found = first.json()["harness"]
    assert found["passages"][0]["document"] == "hours.md"
    assert set(found["passages"][0]) == {"document", "start", "end", "similarity"}
    assert (found["alias"], found["version"], found["cached"]) == ("production", 3, False)
    assert found["cost_usd"] > 0
    assert read.usage
    assert read.usage.total_tokens == read.usage.prompt_tokens + read.usage.completion_tokens
    with serving(config, stamp=Stamp("sweep/0123456789", "sweep/0123456789")) as service:
        answer = service.post(body(model="sweep/0123456789"))
        assert service.client().models.retrieve("sweep/0123456789").object == "model"
    assert answer.json()["system_fingerprint"] == "harness-0123456789"
    assert "x-harness-version" not in answer.headers
    assert "passages" not in answer.json()["harness"]


def test_a_stream_is_heard_while_it_comes(far: Loopback, tmp_path: Path) -> None:
    """Words in pieces, then how it ended, then the usage where it is wanted."""
    far.drip_s = 0.02
    with serving(hosted(tmp_path, far)) as service:
        options: Any = {"include_usage": True}
        chunks = list(service.client().chat.completions.create(**body(), stream=True, stream_options=options))
        plain = list(service.client().chat.completions.create(**body(), stream=True))
    texts = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert len(texts) > 2
    assert "".join(texts) == "wHEN IS THE SHOP OPEN?"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert (chunks[-2].choices[0].finish_reason, chunks[-1].choices) == ("stop", [])
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 5
    assert not any(chunk.usage for chunk in plain)
    assert plain[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize(("given", "told"), [("length", "length"), ("content_filter", "content_filter")])
def test_how_an_answer_ended_is_told_in_openai_s_words(given: str, told: str, far: Loopback, tmp_path: Path) -> None:
    """Whole and in a stream."""
    far.finish = given
    with serving(hosted(tmp_path, far)) as service:
        client = service.client()
        assert client.chat.completions.create(**body()).choices[0].finish_reason == told
        assert list(client.chat.completions.create(**body(), stream=True))[-1].choices[0].finish_reason == told


def test_a_refusal_is_told_as_openai_does(far: Loopback, tmp_path: Path) -> None:
    """In `refusal`, without content; in a stream the last chunk says that it was one."""
    far.finish = "refusal"
    text = HOSTED.replace('v1"}', 'v1", api: responses}')
    with serving(hosted(tmp_path, far, text)) as service:
        choice = service.client().chat.completions.create(**body()).choices[0]
        chunks = list(service.client().chat.completions.create(**body(), stream=True))
    assert (choice.message.content, choice.finish_reason) == (None, "stop")
    assert choice.message.refusal == "wHEN IS THE SHOP OPEN?"
    assert chunks[-1].choices[0].delta.refusal == "wHEN IS THE SHOP OPEN?"


def test_the_conversation_reaches_the_model(far: Loopback, tmp_path: Path) -> None:
    """Parts of text are joined, turns that say nothing are left out, what the SDK writes into a turn is taken."""
    with serving(hosted(tmp_path, far)) as service:
        said = service.client().chat.completions.create(**body("Hello")).choices[0].message
        parts = [{"type": "text", "text": "Are you"}, {"type": "text", "text": "open?"}]
        messages: Any = [
            {"role": "user", "content": "Hello"},
            said.model_dump(),
            {"role": "assistant", "content": ""},
            {"role": "user", "content": parts},
        ]
        service.client().chat.completions.create(model="production", messages=messages)
    sent = far.calls[-1].body["messages"][1:]
    assert [m["role"] for m in sent] == ["user", "assistant", "user"]
    assert sent[-1]["content"] == "Are you\nopen?"


def test_a_filter_reads_the_metadata_of_the_request(tmp_path: Path) -> None:
    """With it only those documents are looked in; without it the request is wrong, not the server."""
    text = """
    name: narrowed
    dataset: datasets/questions.jsonl
    corpus: datasets/articles
    chatbot:
      model: local/extractive
      retrieval: {index: exact, filter: "document.area == metadata.area"}
    """
    path = make_workspace(tmp_path, text)
    for article in (tmp_path / "datasets/articles").glob("*.md"):
        write(article.with_suffix(".md.meta.json"), json.dumps({"area": article.stem}))
    with serving(load(path), settings=Settings(passages=True)) as service:
        found = service.post(body(metadata={"area": "returns"})).json()
        lacking = service.post(body())
    assert {passage["document"] for passage in found["harness"]["passages"]} == {"returns.md"}
    assert (lacking.status_code, lacking.json()["error"]["param"]) == (400, "metadata")
    assert "metadata.area" in lacking.json()["error"]["message"]
