"""Talking to one configuration: it answers as it did in its sweep."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config import Budget, SweepConfig, load, load_chatbot
from harness.errors import Incomplete, ProviderError, UserError
from harness.records import Message
from harness.store import StoredSweep
from harness.study.loaded import load as load_sweep
from harness.study.registry.sweepfile import sweep_file
from harness.sweeps.cache import WORK_FILE
from harness.sweeps.conversing import Evaluated, Responder, Said, Talk
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.loopback import Loopback
from tests.workspaces import QUESTIONS, make_workspace, write

HOSTED = """
name: hosted
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: {use: openai/small, base_url: "URL/v1"}
  system_prompt: "Answer from: {{ context }}"
  user_prompt: "{{ question }} ({{ history|length }} turns before)"
  retrieval:
    splitter: {use: recursive, chunk_size: 80, chunk_overlap: 10}
    embedder: local/hashing
    index: INDEX
    retriever: RETRIEVER
    top_k: 2
    similarity_threshold: 0.1
metrics: [token_f1]
objective: {maximize: token_f1}
prices: {openai/small: {input: 1, output: 2}}
"""


@pytest.fixture
def server() -> Iterator[Loopback]:
    """The far side of the network."""
    with Loopback() as found:
        yield found


def hosted(folder: Path, server: Loopback, index: str = "chroma", retriever: str = "dense") -> SweepConfig:
    """A sweep with one variant that asks the server."""
    text = HOSTED.replace("URL", server.url).replace("INDEX", index).replace("RETRIEVER", retriever)
    return load(make_workspace(folder, text, "hosted.yaml"))


def swept(config: SweepConfig) -> StoredSweep:
    """The sweep, run."""
    return run_sweep(config, Options(), Progress())


def of_run(config: SweepConfig, stored: StoredSweep, variant: int = 0) -> SweepConfig:
    """The configuration of a run, as chat and serve get it."""
    return load_chatbot(sweep_file(stored.header, stored.variants[variant]), config.workspace, "run")


def ask(config: SweepConfig, *conversations: list[Message], **options: Any) -> list[Said]:
    """What a configuration says to conversations that come at the same time."""

    async def together() -> list[Said]:
        async with Responder(config, **options) as responder:
            return await asyncio.gather(*[responder.say(each) for each in conversations])

    return asyncio.run(together())


def user(text: str) -> list[Message]:
    """A conversation of one question."""
    return [Message("user", text)]


@pytest.mark.parametrize(("index", "retriever"), [("chroma", "dense"), ("exact", "hybrid"), ("chroma", "bm25")])
def test_every_question_is_answered_as_in_the_sweep(
    index: str, retriever: str, server: Loopback, tmp_path: Path
) -> None:
    """Answers and passages are those of the run, asked at once, in a workspace that has never seen the sweep."""
    config = hosted(tmp_path / "there", server, index, retriever)
    stored = swept(config)
    frame = load_sweep(str(stored.folder.path)).outcomes.sort_values("example")
    elsewhere = load_chatbot(
        sweep_file(stored.header, stored.variants[0]), make_workspace(tmp_path / "here").parent.parent, "run"
    )
    said = ask(elsewhere, *[user(question["question"]) for question in QUESTIONS])
    assert [each.text for each in said] == list(frame["answer"])
    for each, passages in zip(said, frame["passages"], strict=True):
        shown = [(p.document, p.start, p.end, p.similarity) for p in each.context.passages]
        assert shown == [(p["document"], p["start"], p["end"], p["similarity"]) for p in passages]


def test_what_the_sweep_paid_for_is_not_asked_again(server: Loopback, tmp_path: Path) -> None:
    """In the sweep's own workspace a known question costs no call, and says that it was known; `fresh` asks."""
    config = hosted(tmp_path, server)
    stored = swept(config)
    before = server.count()
    chatbot = of_run(config, stored)
    assert {each.answer.source for each in ask(chatbot, *[user(q["question"]) for q in QUESTIONS])} == {"cached"}
    assert server.count() == before
    assert ask(chatbot, user(QUESTIONS[0]["question"]), fresh=True)[0].answer.source == "made"
    assert server.count() == before + 1


def test_what_users_say_stays_off_the_disk_unless_it_is_to_be_remembered(server: Loopback, tmp_path: Path) -> None:
    """A question leaves no byte in the workspace; with `remember` it is asked once for all times."""
    chatbot = of_run(hosted(tmp_path, server), swept(hosted(tmp_path, server)))
    ask(chatbot, user("Where is my pet iguana Xerxes?"))
    ask(chatbot, user("Where is my pet iguana Xerxes?"))
    work = tmp_path / ".harness"
    assert not any(b"XERXES" in path.read_bytes().upper() for path in work.rglob("*") if path.is_file())
    before = server.count()
    ask(chatbot, user("Where is my pet iguana Xerxes?"), remember=True)
    [again] = ask(chatbot, user("Where is my pet iguana Xerxes?"), remember=True)
    assert (server.count(), again.answer.source) == (before + 1, "cached")
    assert (work / WORK_FILE).exists()


def test_the_turns_before_are_given_to_the_model(server: Loopback, tmp_path: Path) -> None:
    """A conversation reaches the model with its turns, the system prompt first and the question's prompt last."""
    config = hosted(tmp_path, server)
    turns = [*user("Hello"), Message("assistant", "Good day"), *user("When is the shop open?")]
    [said] = ask(config, turns)
    sent = server.calls[-1].body["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
    assert sent[-1]["content"] == "When is the shop open? (2 turns before)"
    assert said.answer.cost_usd is not None
    assert said.answer.cost_usd > 0
    assert 0 < said.retrieval_ms <= said.total_ms


def test_words_are_told_while_the_answer_is_made(server: Loopback, tmp_path: Path) -> None:
    """A model that can stream is heard piece by piece, and the pieces are the answer."""
    server.drip_s = 0.05
    told: list[str] = []
    talk = Talk(Responder(hosted(tmp_path, server)))
    try:
        said = talk.say(user("When are you closed on Sundays and on public holidays?"), told.append)
    finally:
        talk.close()
    assert len(told) > 1
    assert "".join(told) == said.text


def test_an_answer_that_breaks_off_is_not_begun_again(server: Loopback, tmp_path: Path) -> None:
    """After the first word a failure is final: what was heard cannot be taken back."""
    server.cut = 1
    told: list[str] = []
    talk = Talk(Responder(hosted(tmp_path, server)))
    try:
        said = talk.say(user("When are you closed on Sundays and on public holidays?"), told.append)
    finally:
        talk.close()
    assert told
    assert said.text is None
    assert said.answer.failure is not None
    assert said.answer.failure.kind == "broken_stream"
    assert server.count("/v1/chat/completions") == 1


def test_an_answer_can_be_given_up_by_who_started_it_and_by_the_end(server: Loopback, tmp_path: Path) -> None:
    """A cancelled answer leaves the next one alone; whoever waits when the talk is closed does not wait for ever."""
    talk = Talk(Responder(hosted(tmp_path, server)))
    server.hang = 2
    first = talk.start(user("When is the shop open?"))
    while server.count("/v1/chat/completions") < 1:
        assert not first.done()
    assert first.cancel()
    second = talk.start(user("And on Sundays?"))
    while server.count("/v1/chat/completions") < 2:
        assert not second.done()
    assert talk.say(user("Are you open?")).text
    talk.close()
    with pytest.raises(CancelledError):
        second.result(10)


def test_what_was_said_is_told_by_name(server: Loopback, tmp_path: Path) -> None:
    """Answer, where it came from, costs, tokens, times and passages; a failure says why there is no answer."""
    server.fail(1, 400)
    failed, good = (ask(hosted(tmp_path, server), user("When is the shop open?"))[0].as_json() for _ in range(2))
    assert (failed["answer"], failed["finish_reason"], failed["cost_usd"]) == (None, None, None)
    assert failed["failure"].startswith("generate: bad_request")
    assert (good["source"], good["failure"], good["finish_reason"]) == ("made", None, "stop")
    assert good["cost_usd"] == pytest.approx((good["input_tokens"] + 2 * good["output_tokens"]) / 1e6)
    assert {"document", "start", "end", "text", "similarity"} <= set(good["passages"][0])
    assert 0 < good["retrieval_ms"] < good["latency_ms"]


def test_a_refusal_for_good_is_not_remembered(server: Loopback, tmp_path: Path) -> None:
    """When the provider takes the key again, questions are answered again."""
    server.fail(1, 401)
    talk = Talk(Responder(hosted(tmp_path, server)))
    try:
        with pytest.raises(ProviderError, match="401"):
            talk.say(user("When is the shop open?"))
        assert talk.say(user("When is the shop open?")).text
    finally:
        talk.close()


def test_the_budget_ends_the_conversation(server: Loopback, tmp_path: Path) -> None:
    """Once the budget is spent nothing more is asked."""
    talk = Talk(Responder(hosted(tmp_path, server), budget=Budget(calls=1)))
    try:
        talk.say(user("When is the shop open?"))
        with pytest.raises(Incomplete, match="budget"):
            talk.say(user("And on Sundays?"))
    finally:
        talk.close()
    assert server.count("/v1/chat/completions") == 1


def test_a_knowledge_base_that_changed_is_refused(server: Loopback, tmp_path: Path) -> None:
    """The scores of a run hold for its own corpus and variant: another one is an error before anything is asked."""
    config = hosted(tmp_path, server)
    stored = swept(config)
    before = server.count()
    evaluated = Evaluated(stored.variants[0]["id"], stored.header["corpus"]["digest"])
    assert ask(of_run(config, stored), user("Are you open?"), evaluated=evaluated)[0].text
    with pytest.raises(UserError, match="what was evaluated was variant nothing"):
        ask(of_run(config, stored), user("Are you open?"), evaluated=replace(evaluated, variant="nothing"))
    write(tmp_path / "datasets/articles/hours.md", "# Hours\n\nAlways open.\n")
    with pytest.raises(UserError, match=r"the knowledge base .* the scores do not hold"):
        ask(of_run(config, stored), user("Are you open?"), evaluated=evaluated)
    assert server.count() == before + 1


def test_a_filter_that_refuses_one_question_leaves_the_others_alone(server: Loopback, tmp_path: Path) -> None:
    """A question without the metadata that a filter reads is refused, whatever comes with the others."""
    config = hosted(tmp_path, server)
    for path in (tmp_path / "datasets/articles").glob("*.md"):
        write(path.with_suffix(".md.meta.json"), json.dumps({"area": path.stem}))
    chatbot = config.variants[0].chatbot
    assert chatbot.retrieval is not None
    narrowed = replace(chatbot, retrieval=replace(chatbot.retrieval, filter="document.id == metadata.only"))
    config = replace(config, variants=(replace(config.variants[0], chatbot=narrowed),))

    async def together() -> list[Any]:
        async with Responder(config) as responder:
            asked = [responder.say(user("open"), metadata={"only": "hours.md"}), responder.say(user("open"))]
            return await asyncio.gather(*asked, return_exceptions=True)

    good, bad = asyncio.run(together())
    assert {passage.document for passage in good.context.passages} == {"hours.md"}
    assert isinstance(bad, UserError)


def test_a_key_that_is_missing_is_told_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model without its key is an error that names the variable."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    text = HOSTED.replace('{use: openai/small, base_url: "URL/v1"}', "openai/gpt-4o-mini")
    config = load(make_workspace(tmp_path, text.replace("INDEX", "chroma").replace("RETRIEVER", "dense"), "h.yaml"))
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        Responder(config)
    assert not (tmp_path / ".harness").exists()


def test_a_question_that_comes_as_the_lookup_before_it_ends_is_looked_up(server: Loopback, tmp_path: Path) -> None:
    """At whatever turn of the event loop it comes, somebody takes it up."""
    config = hosted(tmp_path, server, "exact", "bm25")

    async def one_after_the_other() -> None:
        async with Responder(config) as responder:
            for turns in range(60):
                first = asyncio.create_task(responder._standing.look_up(tuple(user("Are you open?")), {}))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await asyncio.wait_for(responder._standing.look_up(tuple(user("On Sundays?")), {}), 10)
                await asyncio.wait_for(first, 10)

    asyncio.run(one_after_the_other())
