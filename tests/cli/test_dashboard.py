"""`harness dashboard`: where it may listen, and what it refuses."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.app import settings
from harness.cli.main import command
from harness.errors import UserError


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_others_are_not_let_in_without_a_password_or_a_proxy(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal names both ways."""
    monkeypatch.delenv(settings.PASSWORD, raising=False)
    monkeypatch.delenv(settings.IDENTITY, raising=False)
    arguments = ["dashboard", "--address", address, "--runs", str(tmp_path)]
    with pytest.raises(UserError, match=rf"{settings.PASSWORD}.*--identity-header"):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Before Streamlit starts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = ["dashboard", "--port", str(port), "--runs", str(tmp_path)]
        with pytest.raises(UserError, match=f"127.0.0.1:{port} cannot be used"):
            CliRunner().invoke(command, arguments, catch_exceptions=False)
