"""The pytest plugin: the marker `harness`, the fixtures `run` and `sweep`, and how a failing assertion is told.

Pytest imports this module at every start, wherever harness is installed. So it imports nothing else of harness: that is
done when a marked test asks for its fixture.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.errors import HarnessError
    from harness.pytest_plugin.order import Order
    from harness.pytest_plugin.run import Run
    from harness.pytest_plugin.session import Session
    from harness.pytest_plugin.swept import Swept

_MARKER = (
    "harness(config, *, set={}, limit=None, fresh=False, variant=None, runs=None, **overrides): the sweep file that "
    "this test's fixtures `run` and `sweep` are of; overrides replace its values, as harness sweep --set does"
)
_SESSION = pytest.StashKey["Session"]()
_OF_WORKERS = pytest.StashKey[list[dict[str, Any]]]()
_OUTPUT = "harness"
"""Under which name a worker of pytest-xdist hands over what it did."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The command line's options."""
    group = parser.getgroup("harness", "harness: tests of chatbots")
    group.addoption(
        "--harness-offline",
        action="store_true",
        help="Skip marked tests of which a model, an embedder or a store is asked over a network.",
    )
    group.addoption(
        "--harness-skip-missing-keys",
        action="store_true",
        help="Skip marked tests that need a key which is not in the environment, where they fail otherwise.",
    )
    group.addoption("--harness-report", metavar="DIR", help="Write each sweep's report to DIR/SWEEP.html.")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def harness_sweep(request: pytest.FixtureRequest) -> Swept:
    """All variants of the sweep file that the marker `harness` names, run once in a session; also called `sweep`."""
    return _asked(request, "sweep")


@pytest.fixture
def harness_run(request: pytest.FixtureRequest) -> Run:
    """The one variant of the sweep file that the marker `harness` names, run once in a session; also called `run`."""
    from harness.errors import HarnessError

    try:
        return _asked(request, "run").only
    except HarnessError as error:
        told = str(error)
    pytest.fail(told, pytrace=False)


@pytest.fixture
def sweep(harness_sweep: Swept) -> Swept:
    """All variants of the sweep file that the marker `harness` names, run once in a session."""
    return harness_sweep


@pytest.fixture
def run(harness_run: Run) -> Run:
    """The one variant of the sweep file that the marker `harness` names, run once in a session."""
    return harness_run


def _asked(request: pytest.FixtureRequest, fixture: str) -> Swept:
    """The sweep of a test's marker. What goes wrong is told without a traceback: it is no fault of the test's code."""
    from harness.errors import HarnessError, Interrupted
    from harness.pytest_plugin.order import order_of

    session, order = _session(request.config), None
    try:
        order = order_of(request.node, fixture)
        reason = session.reason_to_skip(order)
        if reason is None:
            return session.sweep(order)
    except Interrupted as error:
        raise KeyboardInterrupt from error
    except HarnessError as error:
        reason, told = None, _told(error, order, request.node.nodeid)
    if reason is not None:
        pytest.skip(reason)
    pytest.fail(told, pytrace=False)


def _told(error: HarnessError, order: Order | None, test: str) -> str:
    """The error; of mistakes that lie elsewhere, such as in the environment, which file and which test it stops."""
    places = [mistake.place.file for mistake in getattr(error, "mistakes", ())]
    if order is None or not places or any(Path(place).name == order.config.name for place in places):
        return str(error)
    return f"{order.config.name} cannot be run for {test}: {error}"


def _session(config: pytest.Config) -> Session:
    from harness.pytest_plugin.session import Session

    if _SESSION not in config.stash:
        worker = getattr(config, "workerinput", {})
        config.stash[_SESSION] = Session(
            offline=config.getoption("harness_offline"),
            skip_missing_keys=config.getoption("harness_skip_missing_keys"),
            report=config.getoption("harness_report"),
            shared_by=worker.get("testrunuid"),
        )
    return config.stash[_SESSION]


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """What a comparison with a figure that does not hold is told as."""
    if "harness.pytest_plugin.figure" not in sys.modules:
        return None
    from harness.pytest_plugin.telling import told

    return told(op, left, right, long=config.get_verbosity(pytest.Config.VERBOSITY_ASSERTIONS) >= 2)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist: hand over what was done."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None and _SESSION in session.config.stash:
        output[_OUTPUT] = session.config.stash[_SESSION].done


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Beside the workers of pytest-xdist: take over what one of them did."""
    done = getattr(node, "workeroutput", {}).get(_OUTPUT, [])
    node.config.stash.setdefault(_OF_WORKERS, []).extend(done)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What the sweeps took, in a line; none where there was no sweep."""
    done = [*_own(config), *config.stash.get(_OF_WORKERS, [])]
    if done:
        from harness.pytest_plugin.telling import totals

        for line in totals(done):
            terminalreporter.write_line(line)


def _own(config: pytest.Config) -> Iterator[dict[str, Any]]:
    if _SESSION in config.stash:
        yield from config.stash[_SESSION].done
