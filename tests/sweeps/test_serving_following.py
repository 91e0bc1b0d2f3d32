"""Following an alias: what it names next takes over, and no question is lost on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.config import SweepConfig
from harness.errors import UserError
from harness.sweeps.conversing import Evaluated
from harness.sweeps.serving import Promoted, Stamp, Unmade
from tests.loopback import Loopback
from tests.sweeps.served import HOSTED, STAMP, body, hosted, serving

NEXT = replace(STAMP, version=4, digest="cafe" * 8, run="sweep/9876543210")


@pytest.fixture
def far() -> Iterator[Loopback]:
    """The provider."""
    with Loopback() as found:
        yield found


class Registry:
    """An alias that names what it is made to name."""

    def __init__(self) -> None:
        self.named: Promoted | None = None
        self.problem: UserError | None = None

    def look(self, stamp: Stamp) -> Promoted | None:
        """As of the command."""
        if self.problem is not None:
            raise self.problem
        return self.named if self.named is not None and self.named.stamp != stamp else None


def until(holds: Any) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def other(config: SweepConfig, far: Loopback) -> SweepConfig:
    """The same with another prompt and other chunks, which are to be made."""
    return hosted(config.workspace, far, HOSTED.replace("{{ question }}", "Again: {{ question }}").replace("80", "60"))


def test_the_next_version_takes_over_and_the_old_one_ends_what_it_began(far: Loopback, tmp_path: Path) -> None:
    """A question under way is answered by the configuration that it was asked of; the stamp tells which it was."""
    config, registry = hosted(tmp_path, far), Registry()
    with serving(config, look=registry.look, every_s=0.05) as service:
        far.delays = [0.0, 2.0]
        slow: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: slow.append(service.post(body("Are you open?"))))
        asking.start()
        until(lambda: far.count() == 1)
        registry.named = Promoted(NEXT, other(config, far), None)
        until(lambda: service.told)
        far.delays = []
        answer = service.post(body("Are you closed?"))
        asking.join()
    assert answer.json()["system_fingerprint"] == "harness-v4-cafecafe"
    assert answer.json()["choices"][0]["message"]["content"] == "aGAIN: aRE YOU CLOSED?"
    assert slow[0].json()["system_fingerprint"] == "harness-v3-feedbeef"
    assert slow[0].json()["choices"][0]["message"]["content"] == "aRE YOU OPEN?"
    assert service.told == ["production is harness-v4-cafecafe now, run sweep/9876543210; it answers from here on"]


def test_back_and_forth_without_one_failure(far: Loopback, tmp_path: Path) -> None:
    """Questions that come all the while are answered, each by one of the two."""
    config, registry = hosted(tmp_path, far), Registry()
    both = [Promoted(NEXT, other(config, far), None), Promoted(STAMP, config, None)]
    answers: list[httpx.Response] = []
    with serving(config, look=registry.look, every_s=0.02) as service:
        ended = threading.Event()

        def ask(number: int) -> None:
            count = 0
            while not ended.is_set():
                answers.append(service.post(body(f"Open {number}, {count}?", stream=bool(number % 2))))
                count += 1

        asking = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
        for thread in asking:
            thread.start()
        for turn in range(6):
            registry.named = both[turn % 2]
            until(lambda turn=turn: len(service.told) > turn)
        ended.set()
        for thread in asking:
            thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-harness-version"] for answer in answers} == {"3", "4"}
    for answer in answers:
        said_again = "aGAIN: " in answer.text or '"aGAIN:"' in answer.text
        assert said_again == (answer.headers["x-harness-version"] == "4")


def test_a_version_that_cannot_be_built_changes_nothing(far: Loopback, tmp_path: Path) -> None:
    """It is told once; the old one goes on, until there is one that can be built."""
    config, registry = hosted(tmp_path, far), Registry()
    with serving(config, look=registry.look, every_s=0.02) as service:
        registry.named = Promoted(NEXT, other(config, far), Evaluated("0123456789", None))
        until(lambda: service.told)
        registry.problem = UserError("the registry was changed")
        until(lambda: len(service.told) > 1)
        assert service.post(body()).headers["x-harness-version"] == "3"
        registry.problem = None
        registry.named = Promoted(NEXT, other(config, far), None)
        until(lambda: service.post(body()).headers["x-harness-version"] == "4")
    assert len(service.told) <= 4
    assert service.told[0].startswith("production cannot be followed, harness-v3-feedbeef goes on answering: ")
    assert "what was evaluated was variant 0123456789" in service.told[0]
    assert "the registry was changed" in service.told[1]


def test_the_health_check_tells_that_another_version_should_answer(far: Loopback, tmp_path: Path) -> None:
    """A version that cannot be built, or made, or told; the status differs, until what answers is what is named."""
    config, registry = hosted(tmp_path, far), Registry()
    old, new = "harness-v3-feedbeef", "harness-v4-cafecafe"
    with serving(config, look=registry.look, every_s=0.02) as service:

        def health() -> dict[str, Any]:
            answer = httpx.get(f"{service.url}/health", trust_env=False)
            assert answer.status_code == 200
            return dict(answer.json())

        assert health() == {"status": "ok", "serves": old, "names": old}
        registry.named = Promoted(NEXT, other(config, far), Evaluated("0123456789", None))
        until(lambda: health() == {"status": "behind", "serves": old, "names": new})
        registry.named = None
        until(lambda: health() == {"status": "ok", "serves": old, "names": old})
        registry.problem = UserError("the registry was changed")
        until(lambda: health() == {"status": "unknown", "serves": old, "names": None})
        registry.problem = Unmade("a file is gone", NEXT)
        until(lambda: health() == {"status": "behind", "serves": old, "names": new})
        registry.problem = None
        registry.named = Promoted(NEXT, other(config, far), None)
        until(lambda: health() == {"status": "ok", "serves": new, "names": new})
