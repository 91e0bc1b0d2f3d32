"""The work cache: group commit, hits, pruning; and claims, by which two processes pay for one answer."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.errors import UserError
from harness.study.summary import summarise
from harness.sweeps.cache import WORK_FILE, DiskCache, Overlay
from harness.sweeps.claims import Claims
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.loopback import Loopback
from tests.workspaces import CONFIG, make_workspace, write


def questions(folder: Path, server: Loopback, count: int, name: str, extra: str = "") -> Path:
    """A sweep of distinct questions in a shared workspace."""
    lines = [json.dumps({"id": f"q{i}", "question": f"Question {i}?", "references": ["x"]}) for i in range(count)]
    write(folder / "q.jsonl", "\n".join(lines) + "\n")
    model = f"{{use: openai/gpt-4o-mini, base_url: '{server.url}/v1'}}"
    return write(folder / f"{name}.yaml", f"name: {name}\ndataset: q.jsonl\nchatbot: {{model: {model}}}\n{extra}")


def run(path: Path, *overrides: str, **options: Any) -> dict[str, Any]:
    """Run it to its summary."""
    return summarise(run_sweep(load(path, overrides), Options(**options), Progress()))


def test_what_is_put_is_there_at_once_and_on_disk_within_100_ms(tmp_path: Path) -> None:
    """The same process sees it before, another one after the group commit."""
    cache = DiskCache(tmp_path, "me")
    cache.put("generate", {"a": b"1"}, "openai")
    assert cache.get(["a"])["a"].value == b"1"
    assert cache.makers(["a"]) == {"a": "me"}
    time.sleep(0.1)
    other = sqlite3.connect(tmp_path / WORK_FILE)
    assert other.execute("SELECT value, provider FROM work WHERE key = 'a'").fetchone() == (b"1", "openai")
    other.close()
    cache.close()


def test_closing_writes_what_is_left(tmp_path: Path) -> None:
    """Nothing waits for a group that never comes."""
    cache = DiskCache(tmp_path, "me")
    cache.put("generate", {"a": b"1"})
    cache.close()
    assert DiskCache(tmp_path, "you").get(["a"])["a"].maker == "me"


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    """Nothing is lost and nobody fails."""
    code = (
        "import sys; from pathlib import Path; from harness.sweeps.cache import DiskCache\n"
        "cache = DiskCache(Path(sys.argv[1]), sys.argv[2])\n"
        "for i in range(2000): cache.put('s', {f'{sys.argv[2]}{i}': b'x'})\n"
        "cache.close()"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    cache = DiskCache(tmp_path, "")
    assert cache.stages()[0].entries == 6000
    cache.close()


def test_hits_are_counted_where_another_sweep_made_it(tmp_path: Path) -> None:
    """Own entries are no hits, nor is what planning reads."""
    first = DiskCache(tmp_path, "first")
    first.put("generate", {"a": b"1", "b": b"2"}, "openai")
    first.get(["a"])
    first.close()
    second = DiskCache(tmp_path, "second")
    second.get(["a", "b", "c"])
    second.get(["a"])
    second.close()
    plan = Overlay(tmp_path)
    plan.get(["a"])
    plan.close()
    shown = DiskCache(tmp_path, "")
    assert [(s.stage, s.provider, s.entries, s.hits) for s in shown.stages()] == [("generate", "openai", 2, 3)]
    shown.close()


def test_a_cache_that_cannot_be_written_says_where_and_what_to_do(tmp_path: Path) -> None:
    """A full disk ends the sweep with the file's name; nothing is lost in silence."""
    cache = DiskCache(tmp_path, "me")
    cache._database.execute("PRAGMA max_page_count = 1")
    cache.put("generate", {"a": b"x" * 100_000})
    with pytest.raises(UserError, match=r"work\.sqlite: .*; make room"):
        cache.flush()
    time.sleep(0.2)
    with pytest.raises(UserError, match="make room"):
        cache.put("generate", {"b": b"1"})


def test_pruning_by_provider_leaves_the_others(tmp_path: Path) -> None:
    """All that is given must hold."""
    cache = DiskCache(tmp_path, "me")
    cache.put("generate", {"a": b"1"}, "openai")
    cache.put("generate", {"b": b"2"}, "anthropic")
    cache.put("embed", {"c": b"3"}, "openai")
    cache.flush()
    assert cache.prune(provider="openai", stage="generate") == 1
    assert set(cache.get(["a", "b", "c"])) == {"b", "c"}
    cache.close()


def test_a_cache_of_the_version_before_is_kept(tmp_path: Path) -> None:
    """Its entries have no provider, and are still paid for."""
    old = sqlite3.connect(tmp_path / WORK_FILE)
    old.execute("CREATE TABLE work (key TEXT PRIMARY KEY, stage TEXT, value BLOB, maker TEXT, made REAL) WITHOUT ROWID")
    old.execute("INSERT INTO work VALUES ('a', 'generate', x'31', 'me', 1.0)")
    old.commit()
    old.close()
    cache = DiskCache(tmp_path, "you")
    assert cache.get(["a"])["a"].value == b"1"
    cache.put("generate", {"b": b"2"}, "openai")
    cache.close()


def test_a_claim_holds_until_it_is_dropped(tmp_path: Path) -> None:
    """What one sweep claims another does not get, but what it gives up."""
    one, two = Claims(tmp_path, "one"), Claims(tmp_path, "two")
    assert one.take(["a", "b"]) == {"a", "b"}
    assert two.take(["a", "b", "c"]) == {"c"}
    one.drop(["a"])
    assert two.take(["a", "b"]) == {"a"}
    one.close()
    assert two.take(["b"]) == {"b"}
    two.close()


def test_a_claim_dies_with_its_process(tmp_path: Path) -> None:
    """kill -9 leaves no key locked."""
    code = (
        "import os, sys, time; from pathlib import Path; from harness.sweeps.claims import Claims\n"
        "Claims(Path(sys.argv[1]), 'dead').take(['a']); print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    mine = Claims(tmp_path, "mine")
    assert mine.take(["a"]) == set()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert mine.take(["a"]) == {"a"}
    mine.close()


def test_two_sweeps_at_once_pay_for_each_answer_once(tmp_path: Path) -> None:
    """Two commands, the same questions, one workspace: every distinct request reaches the server once."""
    with Loopback(delay_s=0.05) as server:
        paths = [questions(tmp_path, server, 300, name, "concurrency: 8\n") for name in ("one", "two")]
        command = [sys.executable, "-m", "harness", "sweep", "--quiet", "--json"]
        both = [subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, text=True) for path in paths]
        found = [json.loads(process.communicate(timeout=120)[0]) for process in both]
        asked = Counter(call.body["messages"][-1]["content"] for call in server.calls)
    assert [entry["failed_cells"] for entry in found] == [0, 0]
    assert (len(asked), set(asked.values())) == (300, {1})
    assert sum(entry["calls"]["made"] for entry in found) == 300


def test_two_sweeps_at_once_pay_for_each_vector_once(tmp_path: Path) -> None:
    """Two commands over the same articles: every text reaches the embedding server once."""
    with Loopback(delay_s=0.2) as server:
        embedder = f"embedder: {{use: openai/text-embedding-3-small, base_url: '{server.url}/v1'}}"
        config = CONFIG.replace("embedder: local/hashing", embedder)
        paths = [make_workspace(tmp_path, config.replace("name: small", f"name: {n}"), f"{n}.yaml") for n in "ab"]
        command = [sys.executable, "-m", "harness", "sweep", "--quiet", "--json"]
        both = [subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, text=True) for path in paths]
        found = [json.loads(process.communicate(timeout=120)[0]) for process in both]
        texts = Counter(text for call in server.calls for text in call.body["input"])
    assert [entry["failed_cells"] for entry in found] == [0, 0]
    assert set(texts.values()) == {1}
    assert sum(entry["embeddings"]["made"] for entry in found) == len(texts)


def test_what_another_sweep_gives_up_is_asked_by_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process claims five requests before us, and ends half a second later without an answer."""
    other = Claims(tmp_path / ".harness", "other")
    theirs: list[str] = []
    take = Claims.take

    def after_them(self: Claims, keys: Collection[str]) -> set[str]:
        if not theirs:
            theirs.extend(list(keys)[:5])
            take(other, theirs)
            threading.Timer(0.5, other.close).start()
        return take(self, keys)

    monkeypatch.setattr(Claims, "take", after_them)
    with Loopback() as server:
        found = run(questions(tmp_path, server, 30, "one"))
        late = [call.body["messages"][-1]["content"] for call in server.calls[-5:]]
    assert (found["failed_cells"], found["calls"]["made"], len(theirs)) == (0, 30, 5)
    assert late == [f"Question {i}?" for i in range(5)]


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_what_is_no_answer_is_not_served_again(finish: str, tmp_path: Path) -> None:
    """It is recorded as what it is; another sweep asks anew."""
    with Loopback() as server:
        server.finish = finish
        first = run(questions(tmp_path, server, 3, "one"))
        server.finish = None
        second = run(questions(tmp_path, server, 3, "two"))
    assert (first["calls"]["made"], second["calls"]["made"]) == (3, 3)


def test_fresh_asks_again_whatever_is_known(tmp_path: Path) -> None:
    """And what it made is there for the next."""
    with Loopback() as server:
        path = questions(tmp_path, server, 3, "one")
        run(path)
        assert run(path, fresh=True)["calls"]["made"] == 3
        assert run(path)["calls"]["made"] == 0
        assert server.count() == 6
