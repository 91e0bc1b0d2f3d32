"""How many calls at once, and how much money: the limiter and the purse, alone and in a sweep."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.config import Budget, load
from harness.errors import Incomplete, UserError
from harness.records import Quota
from harness.store import Folder, StoredSweep
from harness.study.summary import summarise
from harness.sweeps.gateway import retries
from harness.sweeps.gateway.limiter import Limiter
from harness.sweeps.gateway.purse import Bill, Purse, Spent
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.loopback import Loopback
from tests.workspaces import write


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A provider on loopback; pauses between attempts are short."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.02)
    with Loopback(delay_s=0.02) as running:
        yield running


def questions(folder: Path, server: Loopback, count: int, extra: str = "") -> Path:
    """A sweep that asks `count` distinct questions of the loopback provider."""
    lines = [json.dumps({"id": f"q{i}", "question": f"Question {i}?", "references": ["x"]}) for i in range(count)]
    write(folder / "q.jsonl", "\n".join(lines) + "\n")
    model = f"{{use: openai/gpt-4o-mini, base_url: '{server.url}/v1'}}"
    prices = "prices: {openai/gpt-4o-mini: {input: 1.0, output: 100.0}}\n"
    return write(folder / "s.yaml", f"dataset: q.jsonl\nchatbot: {{model: {model}, max_tokens: 5}}\n{prices}{extra}")


def run(path: Path, *overrides: str) -> dict[str, Any]:
    """Run it to its summary."""
    return summarise(run_sweep(load(path, overrides), Options(), Progress()))


def stopped(folder: Path) -> dict[str, Any]:
    """The summary of the only sweep in a workspace."""
    [path] = (folder / "runs").iterdir()
    return summarise(StoredSweep(Folder(path)))


def test_a_refusal_cuts_by_the_share_refused_and_answers_add() -> None:
    """One of four at once refused cuts a little, all of four a half; answers add up to the most again."""
    limiter = Limiter(8)

    async def story() -> list[float]:
        seen = []
        async with limiter.slot(), limiter.slot(), limiter.slot(), limiter.slot() as slot:
            for _ in range(4):
                limiter.refused(slot, None)
                seen.append(limiter.limit)
            for _ in range(1000):
                limiter.succeeded(slot, 1)
        return [*seen, limiter.limit]

    one, _, _, four, after = asyncio.run(story())
    assert 3.4 < one < 4
    assert 2 <= four < 3
    assert after == 8


def test_a_refusal_among_many_answers_is_chance() -> None:
    """Where calls with as many at once are answered, one that is refused cuts nothing."""
    limiter = Limiter(8)

    async def story() -> float:
        async with limiter.slot() as slot:
            for _ in range(20):
                limiter.succeeded(slot, 1)
            limiter.refused(slot, None)
        return limiter.limit

    assert asyncio.run(story()) == 8


def test_no_call_is_sent_that_the_provider_has_no_room_for() -> None:
    """With two requests left, a third waits until the limit is whole again."""
    limiter = Limiter(8)

    async def story() -> list[float]:
        async with limiter.slot() as slot:
            limiter.succeeded(slot, 1, Quota(requests=2, requests_reset_s=0.3))
        started, waited = time.monotonic(), []
        for _ in range(3):
            async with limiter.slot():
                waited.append(time.monotonic() - started)
        return waited

    first, second, third = asyncio.run(story())
    assert max(first, second) < 0.25 < third


def test_never_more_at_once_than_the_limit() -> None:
    """Slots are given in turn, and all callers get theirs."""
    limiter, peak, done = Limiter(3), 0, 0

    async def caller() -> None:
        nonlocal peak, done
        async with limiter.slot():
            peak = max(peak, limiter.in_flight)
            await asyncio.sleep(0.001)
        done += 1

    async def all_of_them() -> None:
        await asyncio.gather(*(caller() for _ in range(50)))

    asyncio.run(all_of_them())
    assert (peak, done) == (3, 50)


def test_a_cancelled_caller_does_not_take_a_slot_with_it() -> None:
    """Cancelling one that waits leaves the slots to the others."""
    limiter = Limiter(1)

    async def story() -> int:
        async with limiter.slot():
            waiting = asyncio.create_task(limiter.slot().__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with limiter.slot():
            return limiter.in_flight

    assert asyncio.run(asyncio.wait_for(story(), 5)) == 1


def test_a_server_that_admits_few_is_not_flooded(server: Loopback, tmp_path: Path) -> None:
    """100 at once against a server that takes 10: every cell is filled, and few requests are refused in the end."""
    server.admits = 10
    found = run(questions(tmp_path, server, 400, "concurrency: 100\n"))
    assert found["failed_cells"] == 0
    refused = server.count() - 400
    assert refused < 300
    later = server.calls[-200:]
    assert len({call.body["messages"][-1]["content"] for call in later}) > 150


def test_a_slow_provider_does_not_hold_up_another(server: Loopback, tmp_path: Path) -> None:
    """Each provider has workers and slots of its own."""
    with Loopback(delay_s=0.5) as slow:
        path = questions(tmp_path, server, 12, "concurrency: 2\n")
        text = path.read_text()
        axes = (
            f"sweep: {{axes: {{model: {{fast: {{use: openai/gpt-4o-mini, base_url: '{server.url}/v1'}},"
            f" slow: {{use: openai/gpt-4o-mini, base_url: '{slow.url}/v1'}}}}}}}}\n"
        )
        path.write_text(text + axes)
        run(path)
        assert server.calls[-1].at < slow.calls[4].at


def test_a_budget_of_calls_is_kept_to_the_call(server: Loopback, tmp_path: Path) -> None:
    """500 calls with 100 at once: 500 reach the server, not 501; the rest is done later."""
    path = questions(tmp_path, server, 600, "concurrency: 100\n")
    with pytest.raises(Incomplete, match="500 of 500 calls"):
        run(path, "budget.calls=500")
    assert server.count() == 500
    done = run(path)
    assert done["finished_cells"] == 600
    assert server.count() == 600


def test_a_budget_of_money_is_overspent_by_one_call_at_the_most(server: Loopback, tmp_path: Path) -> None:
    """What is in flight is counted, also with 20 at once."""
    path = questions(tmp_path, server, 120, "concurrency: 20\n")
    with pytest.raises(Incomplete, match="usd"):
        run(path, "budget.usd=0.005")
    spent = stopped(tmp_path)
    one = spent["cost_usd"] / spent["calls"]["made"]
    assert 0.005 <= spent["cost_usd"] <= 0.005 + one


def test_a_budget_needs_a_price(server: Loopback, tmp_path: Path) -> None:
    """Money cannot be limited where the price is unknown; nothing is spent."""
    path = questions(tmp_path, server, 5)
    path.write_text(path.read_text().replace("use: openai/gpt-4o-mini", "use: openai/our-own-model"))
    with pytest.raises(UserError, match="no price is known"):
        run(path, "budget.usd=1")
    assert server.count() == 0


def test_a_retry_is_a_call(server: Loopback, tmp_path: Path) -> None:
    """The budget counts what reaches the provider."""
    server.fail(3, 500)
    with pytest.raises(Incomplete):
        run(questions(tmp_path, server, 20, "concurrency: 1\n"), "budget.calls=10")
    assert server.count() == 10


def test_near_the_end_calls_wait_for_what_is_in_flight() -> None:
    """A call that may not fit waits until the one before it has its true price, and then goes."""
    purse = Purse(Budget(usd=1.0), Spent())

    async def call(order: list[str], name: str) -> None:
        async with purse.call(Bill(0.9, 10)) as bill:
            order.append(f"{name} began")
            await asyncio.sleep(0.01)
            purse.pay(bill, 0.1, 10)
            order.append(f"{name} paid")

    async def both() -> list[str]:
        order: list[str] = []
        await asyncio.gather(call(order, "a"), call(order, "b"))
        return order

    assert asyncio.run(both()) == ["a began", "a paid", "b began", "b paid"]


@pytest.mark.parametrize("rate", ["requests_per_minute=1200", "tokens_per_minute=6000"])
def test_rates_space_calls_out(rate: str, server: Loopback, tmp_path: Path) -> None:
    """20 calls at 1,200 a minute, or of 5 tokens at 6,000 a minute, are spread over most of their time."""
    server.delay_s = 0
    run(questions(tmp_path, server, 20), rate)
    spread = server.calls[-1].at - server.calls[0].at
    assert spread > 0.4


def test_hanging_calls_hold_nothing_up(server: Loopback, tmp_path: Path) -> None:
    """Ten calls never come back: each is left after its timeout and asked again, next to the others."""
    server.hang = 10
    path = questions(tmp_path, server, 60, "concurrency: 10\n")
    path.write_text(path.read_text().replace("/v1'", "/v1', timeout_s: 0.5"))
    started = time.monotonic()
    found = run(path)
    assert (found["failed_cells"], server.count()) == (0, 70)
    assert time.monotonic() - started < 8


def test_a_cell_has_a_deadline_of_its_own(server: Loopback, tmp_path: Path) -> None:
    """A server that never answers fails the cell after cell_timeout_s, however many attempts that would leave."""
    server.hang = 100
    path = questions(tmp_path, server, 2, "cell_timeout_s: 0.6\nmax_failures: 2\n")
    path.write_text(path.read_text().replace("/v1'", "/v1', timeout_s: 0.25"))
    started = time.monotonic()
    found = run(path)
    assert time.monotonic() - started < 8
    assert found["failed_cells"] == 2
    [folder] = (tmp_path / "runs").iterdir()
    assert StoredSweep(Folder(folder)).outcomes["failure_kind"].to_pylist() == ["deadline"] * 2


def test_a_python_function_that_hangs_does_not_keep_the_process(tmp_path: Path) -> None:
    """Its cells fail at the deadline, and the command ends although its thread never does."""
    write(tmp_path / "bot.py", "import time\n\ndef answer(request):\n    time.sleep(1000)\n")
    write(tmp_path / "q.jsonl", json.dumps({"id": "q", "question": "Q?", "references": ["x"]}) + "\n")
    text = "dataset: q.jsonl\nchatbot: {model: 'python:bot.py:answer'}\ncell_timeout_s: 0.5\nmax_failures: 1\n"
    path = write(tmp_path / "s.yaml", text)
    command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout)["failed_cells"] == 1


def test_what_is_left_at_the_provider_is_kept(server: Loopback, tmp_path: Path) -> None:
    """A provider that says 'none left' is left alone until it says otherwise."""
    server.headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"}
    run(questions(tmp_path, server, 4, "concurrency: 1\n"))
    moments = [call.at for call in server.calls]
    assert all(later - earlier > 0.28 for earlier, later in itertools.pairwise(moments))


def test_two_models_of_one_provider_have_limits_of_their_own(server: Loopback, tmp_path: Path) -> None:
    """requests_per_minute is each model's: two models take no longer than one."""
    path = questions(tmp_path, server, 6, "requests_per_minute: 600\nconcurrency: 4\n")
    one = "{{use: openai/{}, base_url: '{}/v1'}}"
    models = ", ".join(f"{name}: {one.format(name, server.url)}" for name in ("gpt-4o-mini", "gpt-4.1-mini"))
    path.write_text(path.read_text() + f"sweep: {{axes: {{model: {{{models}}}}}}}\n")
    run(path)
    times = [call.at for call in server.calls]
    assert len(times) == 12
    assert max(times) - min(times) < 1.0


def test_requests_with_a_common_beginning_are_sent_next_to_each_other(server: Loopback, tmp_path: Path) -> None:
    """Providers keep beginnings for a while: one system prompt after the other, not in turns."""
    path = questions(tmp_path, server, 6, "concurrency: 1\n")
    path.write_text(
        path.read_text() + "sweep: {axes: {max_tokens: [5, 6], system_prompt: {a: Be kind., b: Be brief.}}}\n"
    )
    run(path)
    prompts = [call.body["messages"][0]["content"] for call in server.calls]
    assert len(prompts) == 24
    assert len([group for group, _ in itertools.groupby(prompts)]) <= 4  # two may overtake each other


def test_what_was_foreseen_is_kept_beside_what_it_cost(server: Loopback, tmp_path: Path) -> None:
    """The estimate of the calls that had to be made is in the summary, with its bounds; a rerun has none to make."""
    path = questions(tmp_path, server, 6)
    found = run(path)
    foreseen = found["estimate"]
    assert foreseen["calls"] == 6
    assert foreseen["low"] <= found["cost_usd"] <= foreseen["high"]
    assert run(path)["estimate"] is None
