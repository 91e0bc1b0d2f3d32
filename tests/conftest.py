"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.store import StoredSweep
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.workspaces import CONFIG, make_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with `configs/small.yaml`."""
    make_workspace(tmp_path)
    return tmp_path


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., StoredSweep]:
    """Run a sweep in a workspace of its own: `run(config, overrides=…, **options)`."""

    def start(
        config: str = CONFIG, overrides: tuple[str, ...] = (), folder: Path | None = None, **options: Any
    ) -> StoredSweep:
        path = make_workspace(folder or tmp_path, config)
        return run_sweep(load(path, overrides), Options(**options), Progress())

    return start


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real evaluation data beside the project; tests that need it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared evaluation data is not here")
    return folder
