"""Sweeps over a provider on loopback: retried, limited, paid for, and ended when nothing can succeed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.config import load
from harness.errors import Incomplete, ProviderError
from harness.records import Reply
from harness.store import Folder, StoredSweep
from harness.study.loaded import Sweep
from harness.study.summary import summarise
from harness.sweeps.gateway import retries
from harness.sweeps.gateway.prices import Prices
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.loopback import Loopback
from tests.workspaces import CONFIG, make_workspace


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A provider on loopback; pauses between attempts are short."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    with Loopback() as running:
        yield running


def config_for(server: Loopback, folder: Path, extra: str = "") -> Path:
    """The small sweep, answered by the loopback provider at a known price."""
    model = f"model: {{use: openai/gpt-4o-mini, base_url: '{server.url}/v1'}}"
    prices = "prices: {openai/gpt-4o-mini: {input: 1.0, output: 10.0, cached: 0.5}}\n"
    return make_workspace(folder, CONFIG.replace("model: local/extractive", model) + prices + extra)


def run(path: Path, *overrides: str) -> StoredSweep:
    """Run it."""
    return run_sweep(load(path, overrides), Options(), Progress())


def test_every_distinct_request_is_sent_once(server: Loopback, tmp_path: Path) -> None:
    """As many HTTP calls as distinct requests, the second time none."""
    path = config_for(server, tmp_path)
    first = summarise(run(path))
    assert len(server.calls) == first["calls"]["distinct"] == first["calls"]["made"] < first["cells"]
    again = summarise(run(path))
    assert again["calls"]["made"] == 0
    assert len(server.calls) == first["calls"]["distinct"]


def test_passing_troubles_are_retried_and_counted(server: Loopback, tmp_path: Path) -> None:
    """429, 500 and broken JSON cost attempts, not cells."""
    path = config_for(server, tmp_path, "concurrency: 1\n")
    server.failures = [(429, {"retry-after": "0"}), (500, {})]
    server.broken = 1
    sweep = Sweep(run(path))
    assert sweep.summary["failed_cells"] == 0
    assert sweep.outcomes["attempts"].max() >= 3


def test_a_wrong_key_ends_the_sweep_at_once(server: Loopback, tmp_path: Path) -> None:
    """Not one failure for each cell: one call, and the variable's name."""
    path = config_for(server, tmp_path, "concurrency: 1\n")
    server.failures = [(401, {})] * 500
    with pytest.raises(ProviderError, match="OPENAI_API_KEY"):
        run(path)
    assert len(server.calls) == 1
    [folder] = (tmp_path / "runs").iterdir()
    assert StoredSweep(Folder(folder)).status == "incomplete"


def test_a_request_that_is_refused_is_a_recorded_failure(server: Loopback, tmp_path: Path) -> None:
    """HTTP 400 once: its cells failed with the provider's words, the others are scored."""
    path = config_for(server, tmp_path, "concurrency: 1\n")
    server.failures = [(400, {})]
    sweep = Sweep(run(path))
    failed = sweep.outcomes[sweep.outcomes["failure"].notna()]
    assert 0 < len(failed) < len(sweep.outcomes)
    assert failed["failure_kind"].eq("bad_request").all()
    assert len(server.calls) == sweep.outcomes["request"].nunique()


def test_failures_are_tried_again_by_the_next_run(server: Loopback, tmp_path: Path) -> None:
    """A failure is not served as an answer."""
    path = config_for(server, tmp_path, "concurrency: 1\n")
    server.failures = [(400, {})]
    run(path)
    again = summarise(run(path))
    assert again["failed_cells"] == 0
    assert again["calls"]["made"] == 1


def test_money_is_counted_and_the_budget_kept(server: Loopback, tmp_path: Path) -> None:
    """Cost is tokens times price; a spent budget stops the sweep, which goes on with a larger one."""
    path = config_for(server, tmp_path, "concurrency: 1\n")
    whole = Sweep(run(path))
    own = whole.outcomes[~whole.outcomes["shared"]]
    expected = (own["input_tokens"] - 1) * 1e-6 + 0.5e-6 + own["output_tokens"] * 10e-6
    assert whole.summary["cost_usd"] == pytest.approx(expected.sum())
    half = whole.summary["cost_usd"] / 2
    limited = config_for(server, tmp_path / "limited", "concurrency: 1\n")
    with pytest.raises(Incomplete, match="budget"):
        run(limited, f"budget.usd={half}")
    [folder] = (tmp_path / "limited/runs").iterdir()
    spent = summarise(StoredSweep(Folder(folder)))
    assert half <= spent["cost_usd"] <= half + own["cost_usd"].max()
    done = summarise(run(limited))
    assert done["sweep"] == spent["sweep"]
    assert done["cost_usd"] == pytest.approx(whole.summary["cost_usd"])


def test_what_costs_nothing_needs_no_money(tmp_path: Path) -> None:
    """A local model runs under a budget of 0 USD."""
    path = make_workspace(tmp_path)
    assert summarise(run(path, "budget.usd=0"))["cost_usd"] == 0


def test_an_unknown_price_is_unknown_not_zero() -> None:
    """Neither the table nor the file knows the model."""
    prices = Prices({})
    assert prices.cost("nobody/knows-this", Reply("x", 10, 10)) is None
    assert prices.cost(None, Reply("x", 10, 10)) == 0.0


def test_the_price_table_knows_the_common_models_without_litellm() -> None:
    """Prices come from the package's file; cached tokens are cheaper."""
    import subprocess
    import sys

    code = (
        "import sys; from harness.sweeps.gateway.prices import Prices; p = Prices({});"
        "assert all(p.per_token(n) for n in ('gpt-4o-mini', 'claude-haiku-4-5', 'text-embedding-3-small'));"
        "assert p.of_tokens('gpt-4o-mini', 100, 0, 100) < p.of_tokens('gpt-4o-mini', 100, 0, 0);"
        "assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
