"""`harness serve`: from the registry to an answer, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import openai
import pytest
from click.testing import CliRunner

from harness.cli.main import command
from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.registry import promote, rollback
from harness.study.registry.record import record_of
from tests.cli.test_cli import harness
from tests.loopback import Loopback
from tests.sweeps.served import HOSTED, hosted, swept
from tests.workspaces import write

KEY = "HARNESS_SERVE_API_KEY"


class Workspace(NamedTuple):
    """A workspace with two versions, of two runs with other prompts; the second is in production."""

    folder: Path
    far: Loopback
    first: str
    second: str

    @property
    def runs(self) -> Folder:
        """Its runs."""
        return Folder(self.folder / "runs")


@dataclass
class Serving:
    """The process, where it listens, and the lines on its stderr so far."""

    process: subprocess.Popen[str]
    url: str = ""
    told: list[str] = field(default_factory=list)

    def ask(self, question: str, **given: Any) -> httpx.Response:
        """The answer to a question."""
        content = {"model": "production", "messages": [{"role": "user", "content": question}], **given}
        return httpx.post(f"{self.url}/chat/completions", json=content, timeout=30, trust_env=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Made once."""
    folder = tmp_path_factory.mktemp("serve")
    with Loopback() as far:
        runs = []
        for text in (HOSTED, HOSTED.replace("{{ question }}", "Again: {{ question }}")):
            stored = swept(hosted(folder, far, text))
            promote(Folder(folder / "runs"), record_of(stored, stored.variants[0]), "production", reason="r", by="ann")
            runs.append(f"{stored.id}/{stored.variants[0]['id']}")
        yield Workspace(folder, far, *runs)


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it, and a provider that asks for nothing special."""
    made.far.delay_s = 0.0
    return made._replace(folder=Path(shutil.copytree(made.folder, tmp_path / "workspace")))


@contextmanager
def serving(workspace: Workspace, *arguments: str, **environment: str) -> Iterator[Serving]:
    """The command, answering; killed in the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "serve", *arguments, "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=workspace.folder,
        env={**os.environ, **environment},
    )
    found, is_ready = Serving(process), threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            found.told.append(line.rstrip())
            url = re.search(r"at (http://\S+/v1) ", line)
            if url:
                found.url = url.group(1)
                is_ready.set()
        is_ready.set()

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        assert is_ready.wait(60)
        assert found.url, found.told
        yield found
    finally:
        process.kill()
        process.wait(30)
        reading.join(30)


def until(holds: Any) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_an_alias_a_version_and_a_run_are_served(workspace: Workspace) -> None:
    """Each under its own name, with the answers of its run; stderr says what is served."""
    for name, model, prompt, version in (
        ("production", "production", "aGAIN: ", "2"),
        ("@v1", "v1", "", "1"),
        (workspace.first, workspace.first, "", None),
    ):
        with serving(workspace, name) as served:
            client = openai.OpenAI(base_url=served.url, api_key="none", max_retries=0)
            messages: Any = [{"role": "user", "content": "When are you closed?"}]
            raw = client.chat.completions.with_raw_response.create(model=model, messages=messages)
            assert raw.headers.get("x-harness-version") == version
            assert raw.parse().choices[0].message.content == f"{prompt}wHEN ARE YOU CLOSED?"
            assert model in served.told[0]
    listed = harness("registry", "list", "--json", cwd=workspace.folder)
    assert listed.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_finished_at_the_end(number: signal.Signals, workspace: Workspace) -> None:
    """The signal comes while the provider is at it: the answer arrives, the log has it, the exit code is 0."""
    log = workspace.folder / "turns.jsonl"
    with serving(workspace, "production", "--log", str(log), "--fresh") as served:
        workspace.far.delay_s = 2.0
        before = workspace.far.count()
        answers: list[httpx.Response] = []
        asking = [
            threading.Thread(target=lambda n=n: answers.append(served.ask(f"Open {n}?", stream=bool(n))))
            for n in range(2)
        ]
        for thread in asking:
            thread.start()
        until(lambda: workspace.far.count() == before + 2)
        served.process.send_signal(number)
        for thread in asking:
            thread.join()
        assert served.process.wait(30) == 0
        with pytest.raises(httpx.ConnectError):
            served.ask("Open?")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert any(answer.text.endswith("data: [DONE]\n\n") for answer in answers)
    told = harness("data", "validate", str(log), cwd=workspace.folder)
    assert (told.returncode, "2 examples are fine" in told.stdout) == (0, True), told.stderr
    assert not any("Traceback" in line for line in served.told)
    assert served.told[-1] == "harness: ended; production is not served any more"


def test_evidence_that_is_gone_is_told_and_answers_go_on(workspace: Workspace) -> None:
    """One line, once it serves; where the run is what it was there is none."""
    with serving(workspace, "production") as served:
        assert served.ask("Open?").status_code == 200
    assert not any("note: " in line for line in served.told)
    shutil.rmtree(workspace.folder / "runs" / workspace.second.partition("/")[0])
    with serving(workspace, "production") as served:
        until(lambda: len(served.told) == 2)
        assert served.ask("Open?").status_code == 200
    assert "that version 2 was promoted on is gone" in served.told[1]


def test_a_rollback_is_followed(workspace: Workspace) -> None:
    """While questions come, the alias goes back; from then on the older version answers, and no question failed."""
    with serving(workspace, "production", "--follow") as served:
        assert served.ask("Open?").headers["x-harness-version"] == "2"
        rollback(workspace.runs, "production", reason="tone", by="ann")
        versions: list[str] = []

        def back() -> bool:
            answer = served.ask(f"Open {len(versions)}?")
            assert answer.status_code == 200
            versions.append(answer.headers["x-harness-version"])
            return versions[-1] == "1"

        until(back)
        assert set(versions) == {"1", "2"}
        write(workspace.folder / "datasets/articles/hours.md", "# Hours\n\nAlways open.\n")
        promote(workspace.runs, _record(workspace), "production", reason="back", by="ann")
        until(lambda: any("cannot be followed" in line for line in served.told))
        assert served.ask("And now?").headers["x-harness-version"] == "1"
    assert any("the knowledge base" in line for line in served.told)


def _record(workspace: Workspace) -> dict[str, Any]:
    """The record of the second version."""
    from harness.study.registry import registry_of

    return dict(registry_of(workspace.runs).version(2).record)


def test_a_tampered_version_is_not_served(workspace: Workspace) -> None:
    """The file is named, and nothing listens."""
    file = workspace.folder / "runs/_registry/000002.json"
    file.chmod(0o644)
    file.write_text(file.read_text().replace("Again: ", "Never: "))
    done = harness("serve", "production", "--port", "0", cwd=workspace.folder)
    assert done.returncode == 2
    assert "000002.json was changed after it was written" in done.stderr


def test_another_knowledge_base_is_served_only_when_that_is_wanted(workspace: Workspace) -> None:
    """The error says what changed; with --changed it answers, and says that nothing vouches for it."""
    write(workspace.folder / "datasets/articles/hours.md", "# Hours\n\nAlways open.\n")
    done = harness("serve", "production", "--port", "0", cwd=workspace.folder)
    assert done.returncode == 2
    assert "the scores do not hold for it" in done.stderr
    assert "hours.md changed" in done.stderr
    assert "--changed answers with it all the same" in done.stderr
    with serving(workspace, "production", "--changed", "--passages") as served:
        found = served.ask("Always open?").json()["harness"]["passages"]
    assert any(passage["document"] == "hours.md" for passage in found)
    assert "is not what was evaluated" in served.told[0]


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_others_are_not_let_in_without_a_key(
    address: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal names the variable."""
    monkeypatch.delenv(KEY, raising=False)
    arguments = ["serve", "production", "--address", address, "--runs", str(workspace.folder / "runs")]
    with pytest.raises(UserError, match=KEY):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_with_a_key_others_are_let_in_who_have_it(workspace: Workspace) -> None:
    """The key comes from the environment; no line of the process tells it."""
    with serving(workspace, "production", "--address", "0.0.0.0", **{KEY: "secret-of-ours"}) as served:
        assert served.ask("Open?").status_code == 401
        url = served.url.replace("0.0.0.0", "127.0.0.1")
        client = openai.OpenAI(base_url=url, api_key="secret-of-ours", max_retries=0)
        assert [model.id for model in client.models.list()] == ["production"]
    assert "secret-of-ours" not in "".join(served.told)


def test_what_cannot_be_served_is_told_before_anything_is_made(workspace: Workspace) -> None:
    """A port that is taken, a name that cannot be followed, a log that is no dataset."""
    runs = ["--runs", str(workspace.folder / "runs")]

    def refused(*arguments: str) -> str:
        with pytest.raises(UserError) as caught:
            CliRunner().invoke(command, ["serve", *arguments, *runs], catch_exceptions=False)
        return str(caught.value)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"127.0.0.1:{port} cannot be used" in refused("production", "--port", port)
    assert "--follow needs an alias" in refused("@v1", "--follow")
    assert "--follow needs an alias" in refused(workspace.first, "--follow")
    assert "turns.jsonl" in refused("production", "--port", "0", "--log", str(workspace.folder / "turns.txt"))
    assert "no alias '@nothing'" in refused("@nothing")


@pytest.mark.skipif(shutil.which("jq") is None, reason="the recipe is one for jq")
def test_the_recipe_for_the_log_keeps_conversations(workspace: Workspace) -> None:
    """The commands of the page, run as they stand: follow-ups with their history, failures, one cluster each."""
    log = workspace.folder / "turns.jsonl"
    with serving(workspace, "production", "--log", str(log)) as served:
        past = [{"role": "user", "content": "Open?"}, {"role": "assistant", "content": "Yes."}]
        served.ask("", messages=past[:1])
        served.ask("", messages=[*past, {"role": "user", "content": "Until when?"}])
        workspace.far.fail(1, 400)
        assert served.ask("Shall this fail?").status_code == 502
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
    page = (Path(__file__).resolve().parents[2] / "docs/serving.md").read_text(encoding="utf-8")
    [recipe] = re.findall(r"```\n(jq .*?)```", page, flags=re.S)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = "set -e\n" + recipe.replace("METRIC", "abstention")
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=workspace.folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    runs = Folder(workspace.folder / "runs")
    stored = StoredSweep(runs / runs.sweeps()[-1])
    assert [variant["label"] for variant in stored.variants] == ["v2"]
    assert sorted(len(example["messages"]) for example in stored.examples) == [1, 1, 3]
    assert len({example["cluster"] for example in stored.examples}) == 2
    sheet = [json.loads(line) for line in (workspace.folder / "sheet.jsonl").read_text().splitlines()]
    assert {line["metric"] for line in sheet} == {"abstention"}
    assert {(line["question"], len(line["history"])) for line in sheet} == {("Open?", 0), ("Until when?", 2)}
