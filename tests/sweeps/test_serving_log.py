"""The log of conversations: a dataset, whoever writes it and whatever breaks."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.config import load
from harness.data import read_dataset
from harness.errors import UserError
from harness.records import Context, Passage, Reply
from harness.sweeps.conversing import Said
from harness.sweeps.gateway import Answer
from harness.sweeps.serving import Log, Settings, Stamp
from harness.sweeps.serving.log import line_of
from harness.sweeps.serving.question import Asked
from tests.loopback import Loopback
from tests.sweeps.served import HOSTED, STAMP, body, hosted, serving, swept, turns
from tests.workspaces import write


@pytest.fixture
def far() -> Iterator[Loopback]:
    """The provider."""
    with Loopback() as found:
        yield found


def asked(number: int = 0, **given: Any) -> Asked:
    """A question."""
    fields: dict[str, Any] = {"messages": turns("Hello", "Good day", f"Open? {number}"), "metadata": {}}
    return Asked(f"chatcmpl-{number:024}", 0, stream=False, with_usage=False, **{**fields, **given})


def said(text: str = "Yes") -> Said:
    """An answer."""
    context = Context((Passage("hours.md", 0, 4, "Open", 0.5),))
    return Said(Answer(Reply(text, 3, 1), "made", 0.25), context, 1.5, 20.25)


def write_many(path: Path, writer: int) -> None:
    """What another process does."""
    log = Log(path, print)
    for number in range(200):
        log.add(line_of(asked(writer * 1000 + number), STAMP, said("long " * 2000), None))
    log.close()


def test_logged_conversations_are_a_dataset_that_runs(far: Loopback, tmp_path: Path) -> None:
    """Every turn is an example with its answer and where it came from; a sweep file can name the file."""
    config = hosted(tmp_path, far)
    path, told = tmp_path / "turns.jsonl", list[str]()
    with serving(config, settings=Settings(log=Log(path, told.append))) as service:
        answer = service.post(body("When are you open?", metadata={"area": "north", "time": "noon"}))
        again = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
        service.post({"model": "production", "messages": [*again, {"role": "user", "content": "Open?"}]})
        service.post(body("Open?", stream=True))
        service.post(body(temperature=2))
        far.fail(1, 400)
        service.post(body("Does it fail?"))
    examples = read_dataset(path).examples
    assert [example.question for example in examples] == ["When are you open?", "Open?", "Open?", "Does it fail?"]
    first = examples[0]
    assert first.id == answer.json()["id"]
    assert first.references == ()
    found = first.metadata
    assert found["answer"] == answer.json()["choices"][0]["message"]["content"]
    assert (found["alias"], found["version"], found["run"]) == ("production", 3, STAMP.run)
    assert 0 < found["retrieval_ms"] <= found["latency_ms"]
    assert found["passages"][0]["document"] == "hours.md"
    assert (found["area"], found["asked_with"]) == ("north", {"time": "noon"})
    assert len(examples[1].messages) == 3
    assert (examples[3].metadata["answer"], examples[3].metadata["failure"]) == (None, "generate: bad_request")
    text = HOSTED.replace("URL", far.url).replace("datasets/questions.jsonl", "{path: turns.jsonl, where: WHERE}")
    text = text.replace("WHERE", "\"metadata.version == 3 and 'failure' not in metadata\"")
    stored = swept(load(write(tmp_path / "configs/again.yaml", text)))
    assert len(stored.examples) == 3


def test_a_client_that_leaves_is_in_the_log(far: Loopback, tmp_path: Path) -> None:
    """Without an answer."""
    path, told = tmp_path / "turns.jsonl", list[str]()
    far.hang = 1
    settings = Settings(log=Log(path, told.append))
    with serving(hosted(tmp_path, far), settings=settings) as service, pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{service.url}/v1/chat/completions", json=body(), timeout=0.5, trust_env=False)
    [example] = read_dataset(path).examples
    assert (example.metadata["answer"], example.metadata["failure"]) == (None, "disconnected")


def test_turns_that_begin_alike_are_one_cluster() -> None:
    """Those of one conversation depend on each other."""
    lines = [line_of(asked(n), STAMP, said(), None) for n in range(2)]
    other = line_of(asked(2, messages=turns("Good evening")), STAMP, said(), None)
    assert lines[0]["cluster"] == lines[1]["cluster"] != other["cluster"]


def test_a_turn_is_on_its_way_to_the_disk_at_once(tmp_path: Path) -> None:
    """The process may be killed a moment later; only its owner may read the file."""
    path = tmp_path / "turns.jsonl"
    log = Log(path, print)
    log.add(line_of(asked(), Stamp("a", "s/v"), said(), None))
    ends = time.monotonic() + 5
    while not path.read_bytes().endswith(b"\n"):
        assert time.monotonic() < ends
        time.sleep(0.005)
    assert len(read_dataset(path).examples) == 1
    assert os.stat(path).st_mode & 0o077 == 0
    log.close()


def test_several_processes_write_whole_lines(tmp_path: Path) -> None:
    """Lines of ten thousand bytes, three writers at once: none is lost, none is torn."""
    path = tmp_path / "turns.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, writer)) for writer in range(3)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
        assert process.exitcode == 0
    assert len(read_dataset(path).examples) == 600


@pytest.mark.parametrize("before", ["", '{"question": "Open?"}\n', '{"question": "Open?"}'])
def test_what_a_killed_writer_left_of_a_line_is_cut_off(before: str, tmp_path: Path) -> None:
    """What others wrote stays, with an end of line or without; then lines follow."""
    path = write(tmp_path / "turns.jsonl", before)
    torn = json.dumps(line_of(asked(1), STAMP, said("long " * 50_000), None), separators=(",", ":"))[:-9]
    log = Log(path, print)
    with open(path, "a") as file:
        file.write(torn)
    log.add(line_of(asked(2), STAMP, said(), None))
    log.close()
    kept = [example.question for example in read_dataset(path).examples]
    assert kept == (["Open?"] if before else []) + ["Open? 2"]


def test_a_log_may_be_renamed_while_it_is_written(tmp_path: Path) -> None:
    """The next line begins a new file."""
    path = tmp_path / "turns.jsonl"
    log = Log(path, print)
    log.add(line_of(asked(1), STAMP, said(), None))
    while not path.stat().st_size:
        time.sleep(0.005)
    path.rename(tmp_path / "yesterday.jsonl")
    log.add(line_of(asked(2), STAMP, said(), None))
    log.close()
    assert [read_dataset(p).examples[0].id[-1] for p in (tmp_path / "yesterday.jsonl", path)] == ["1", "2"]


def test_a_log_that_cannot_be_written_is_told_and_answers_go_on(far: Loopback, tmp_path: Path) -> None:
    """Before anything listens where it is known then; later each lost turn is counted."""
    told: list[str] = []
    with pytest.raises(UserError, match=r"turns\.jsonl"):
        Log(tmp_path / "turns.txt", told.append)
    with pytest.raises(UserError, match="cannot write"):
        Log(tmp_path / "nowhere" / "turns.jsonl", told.append)
    folder = tmp_path / "logs"
    folder.mkdir()
    log = Log(folder / "turns.jsonl", told.append)
    (folder / "turns.jsonl").unlink()
    folder.rmdir()
    with serving(hosted(tmp_path, far), settings=Settings(log=log)) as service:
        assert service.post(body()).status_code == 200
    assert "turns that are not in it: 1" in told[0]
