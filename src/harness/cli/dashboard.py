"""`harness dashboard`."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import click

from harness.app import settings
from harness.cli import options
from harness.errors import UserError
from harness.plugins.addresses import is_this_machine

_QUIET = {
    "server_headless": True,
    "server_fileWatcherType": "none",
    "server_runOnSave": False,
    "browser_gatherUsageStats": False,
    "client_toolbarMode": "viewer",
    "client_showErrorDetails": "none",
    "client_showSidebarNavigation": True,
    "global_developmentMode": False,
    "runner_magicEnabled": False,
    "theme_primaryColor": "#0072B2",
    "theme_dark_primaryColor": "#1F78B4",
}
"""Nothing phones home, nothing watches files, no trace of ours reaches a browser."""


@click.command("dashboard")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--password",
    envvar=settings.PASSWORD,
    help=f"Ask for this password. Better given as {settings.PASSWORD}: what stands on a command line others can see.",
)
@click.option(
    "--identity-header",
    envvar=settings.IDENTITY,
    metavar="NAME",
    help="Admit only requests that have this header, which a proxy in front sets to who looks.",
)
@click.option(
    "--read-only",
    is_flag=True,
    envvar=settings.READ_ONLY,
    help="Let no page write: nobody can promote, roll back or label.",
)
@options.runs_uri
def command(
    port: int, address: str, password: str | None, identity_header: str | None, read_only: bool, runs_uri: str | None
) -> None:
    """Open the dashboard over the runs, for a browser on this machine.

    No page of results needs a key or asks a model. Another address than this machine's own needs a password or a proxy
    that tells who looks.
    """
    if password and identity_header:
        raise UserError(
            "dashboard: a password and --identity-header exclude each other: the proxy admits, or this does"
        )
    if not is_this_machine(address) and not (password or identity_header):
        raise UserError(
            f"dashboard: {address} can be reached by others; set {settings.PASSWORD}, or name with --identity-header "
            "the header by which your proxy tells who looks"
        )
    _free(address, port)
    os.environ[settings.RUNS] = options.runs_or_default(runs_uri)
    os.environ[settings.READ_ONLY] = "1" if read_only else ""
    for name, value in ((settings.PASSWORD, password), (settings.IDENTITY, identity_header)):
        os.environ[name] = value or ""
    shown = f"[{address}]" if ":" in address else address
    click.echo(f"Dashboard over {os.environ[settings.RUNS]}: http://{shown}:{port}  (Ctrl-C ends it)", err=True)
    _serve({**_QUIET, "server_address": address, "server_port": port})


def _serve(flags: dict[str, Any]) -> None:
    from streamlit.web import bootstrap

    entry = Path(settings.__file__).with_name("main.py")
    bootstrap.load_config_options(flag_options=flags)
    bootstrap.run(str(entry), False, [], flags)


def _free(address: str, port: int) -> None:
    """Raises UserError where the port is taken or the address is not of this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            said = error.strerror or str(error)
            raise UserError(f"dashboard: {address}:{port} cannot be used ({said}); give another --port") from error
