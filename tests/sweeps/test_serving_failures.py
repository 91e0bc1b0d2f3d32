"""What goes wrong behind the endpoint, or at its client, and what is told of it to whom."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from harness.config import Budget, SweepConfig, load
from harness.errors import UserError
from harness.records import Failure
from harness.sweeps.gateway import retries
from harness.sweeps.serving import Settings
from harness.sweeps.serving.notes import Notes
from harness.sweeps.serving.unsaid import without
from tests import dialects
from tests.loopback import Loopback
from tests.sweeps.served import HOSTED, body, hosted, serving
from tests.workspaces import make_workspace, write


@pytest.fixture
def far() -> Iterator[Loopback]:
    """The provider."""
    with Loopback() as found:
        yield found


def until(holds: Any, seconds: float = 20.0) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_stream_that_breaks_is_an_error_for_the_client(far: Loopback, tmp_path: Path) -> None:
    """Words came, then an error; there is no end that a client could take for the answer's."""
    far.cut = 2
    heard = []
    with serving(hosted(tmp_path, far)) as service:
        with pytest.raises(openai.APIError, match="broken_stream"):  # noqa: PT012  (words come before the error)
            for chunk in service.client().chat.completions.create(**body(), stream=True):
                heard.append(chunk.choices[0].delta.content)  # noqa: PERF401
        raw = service.post(body(stream=True)).text
        assert service.post(body()).status_code == 200
    assert heard
    assert "[DONE]" not in raw
    assert '"finish_reason":"stop"' not in raw


def test_a_client_that_leaves_gives_its_place_to_the_next(far: Loopback, tmp_path: Path) -> None:
    """In the midst of a stream and before an answer: the provider is left, and the only place is free again."""
    with serving(hosted(tmp_path, far), settings=Settings(most=1)) as service:
        far.drip_s = 0.2
        url, long = f"{service.url}/v1/chat/completions", "now and then " * 50
        with httpx.stream("POST", url, json=body(long, stream=True), trust_env=False, timeout=30) as leaving:
            lines = leaving.iter_lines()
            assert next(lines).startswith("data: ")
            refused = service.post(body())
            assert refused.status_code == 429
            assert refused.json()["error"]["code"] == "rate_limit_exceeded"
            assert refused.headers["retry-after"] == "1"
        far.drip_s = 0
        until(lambda: service.post(body()).status_code == 200, 4)
        far.hang = 1
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json=body("Really?"), timeout=0.5, trust_env=False)
        until(lambda: service.post(body()).status_code == 200, 4)


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "generate: auth"), (400, "generate: bad_request"), (402, "generate: quota")],
)
def test_a_provider_that_fails_is_a_bad_gateway(status: int, told: str, far: Loopback, tmp_path: Path) -> None:
    """The client learns the kind, whole and in a stream; whoever runs the server is told, and it goes on."""
    with serving(hosted(tmp_path, far)) as service:
        for stream in (False, True):
            far.fail(1, status)
            failed = service.post(body(stream=stream))
            assert (failed.status_code, failed.json()["error"]["type"]) == (502, "api_error")
            assert told in failed.json()["error"]["message"]
            assert "OPENAI_API_KEY" not in failed.text
        assert service.post(body()).status_code == 200
    assert len(service.told) == 1
    assert service.told[0].startswith("no answer")


def test_who_runs_it_reads_why_the_provider_failed(
    far: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status and words, without secrets and without what was said; the client gets none of the words."""
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-test-only")
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    words = "boom of-the-test-only: no engine for 'where is Xerxes?'"
    monkeypatch.setattr(dialects, "refusal", lambda *_: {"error": {"message": words}})
    about, left = "openai/small (key from OPENAI_API_KEY)", "boom ***: no engine for '*** is ***?'"
    told = [
        f"no answer: generate: {kind}: {about}: HTTP {status}: {left}"
        for kind, status in (("server", 500), ("bad_request", 400))
    ]
    with serving(hosted(tmp_path, far)) as service:
        for status in (500, 400, 500):
            far.failures = [(status, {})] * 5
            failed = service.post(body("Where is Xerxes?"))
            assert (failed.status_code, "boom" in failed.text) == (502, False)
            far.failures = []
    assert service.told == told


@pytest.mark.parametrize(
    ("text", "said", "left"),
    [
        ("unknown field 'tone' in Xerxes", ["my cat Xerxes"], "unknown field 'tone' in ***"),
        ("cannot read: where is Xer", ["Where is Xerxes?"], "cannot read: *** is Xer"),
        ("cannot read: where is Xerx", ["Where is Xerxes?"], "cannot read: *** is ***"),
        ("input 'preXERXESpost'", ["Xerxes"], "input '***'"),
        (r"input '\u043a\u043e\u0442'", ["мой кот"], "input '***'"),
        ("input '猫がいな'", ["黒い猫がいない"], "input '***'"),
        ("the model is overloaded", ["Is it the last one?"], "the model is overloaded"),
        ("call 0171 or Bo", ["I am Bo, 0171 234"], "call *** or ***"),
    ],
)
def test_words_that_were_said_are_crossed_out(text: str, said: list[str], left: str) -> None:
    """Whole, cut, as a part, spelt out; words that every sentence has are left."""
    assert without(text, said) == left


@pytest.mark.parametrize("kind", ["python", "broken_answer", "template", "content_filter"])
def test_a_message_that_is_not_a_provider_s_is_not_told(kind: str) -> None:
    """What a function raised may be the question in any form."""
    told: list[str] = []
    Notes(told.append).failed(Failure("generate", kind, "ValueError: sexreX"), ["Xerxes"])
    assert told == [f"no answer: generate: {kind}"]


def test_the_same_failure_is_told_once_a_minute_whatever_its_number() -> None:
    """A provider gives each request a number; another status is another failure."""
    told: list[str] = []
    notes = Notes(told.append)
    for number, status in enumerate((500, 500, 503)):
        notes.failed(Failure("generate", "server", f"x: HTTP {status}: boom (request {number}ab)"), [])
    assert [line[-27:] for line in told] == ["HTTP 500: boom (request 0ab)"[-27:], "HTTP 503: boom (request 2ab)"[-27:]]


def test_the_budget_holds_for_all_that_is_served(far: Loopback, tmp_path: Path) -> None:
    """Once it is spent, clients get OpenAI's own word for it, and are told not to ask again."""
    with serving(hosted(tmp_path, far), budget=Budget(usd=0.00003)) as service:
        assert service.post(body()).status_code == 200
        refused = service.post(body("And on Sundays?"))
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "insufficient_quota")
    assert refused.headers["x-should-retry"] == "false"
    assert far.count("/v1/chat/completions") == 1
    text = HOSTED.replace("prices: {openai/small: {input: 1, output: 2}}", "")
    with (
        pytest.raises(UserError, match="no price is known"),
        serving(hosted(tmp_path / "b", far, text), budget=Budget(usd=1)),
    ):
        pass


BAD = """
from dataclasses import dataclass
from typing import ClassVar
from harness.plugins import part

@part("model", "bad")
@dataclass(frozen=True)
class Bad:
    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    provider = "bad"
    price_name = None
    environment = ()

    def parameters(self, sampling):
        return {}

    def connect(self):
        return self

    async def complete(self, request):
        raise RuntimeError(request.question)

    async def close(self):
        pass
"""


def test_a_bug_is_told_without_a_traceback_and_without_what_was_said(tmp_path: Path) -> None:
    """The client gets a sentence, stderr the lines of the code; neither repeats the question."""
    write(tmp_path / "bad.py", BAD)
    text = "name: bad\ndataset: datasets/questions.jsonl\nplugins: [bad.py]\nchatbot: {model: bad}\n"
    with serving(load(make_workspace(tmp_path, text, "bad.yaml"))) as service:
        failed = [service.post(body("My secret is Xerxes", stream=stream)) for stream in (False, True)]
    for answer in failed:
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
        assert "Traceback" not in answer.text
    told = "".join(service.told)
    assert "bad.py" in told
    assert told.endswith("RuntimeError")
    assert "Xerxes" not in told + failed[0].text + failed[1].text


def test_an_error_of_a_function_of_one_s_own_is_not_repeated(tmp_path: Path) -> None:
    """What it raises may quote the question: the client and stderr learn that it failed."""
    write(tmp_path / "bot.py", "def answer(request):\n    raise ValueError(request.question)\n")
    text = 'name: bot\ndataset: datasets/questions.jsonl\nchatbot: {model: "python:bot.py:answer"}\n'
    with serving(load(make_workspace(tmp_path, text, "bot.yaml"))) as service:
        failed = service.post(body("My secret is Xerxes"))
    assert failed.status_code == 502
    assert "Xerxes" not in failed.text + "".join(service.told)


def test_what_users_say_stays_off_the_disk(far: Loopback, tmp_path: Path) -> None:
    """Without a log no byte of a question or an answer is kept."""
    config: SweepConfig = hosted(tmp_path, far)
    with serving(config) as service:
        assert service.post(body("Where is my iguana Xerxes?")).status_code == 200
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"XERXES" in path.read_bytes().upper() for path in files)
