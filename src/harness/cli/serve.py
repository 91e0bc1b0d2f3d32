"""`harness serve`."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.configured import Configured, changed, configured, doubts, workspace
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.study.registry import Version
    from harness.sweeps.serving import Look, Promoted, Server, Stamp

KEY = "HARNESS_SERVE_API_KEY"


@click.command("serve")
@click.argument("name", metavar="ALIAS|RUN")
@click.option("--port", type=click.IntRange(0, 65535), default=8400, show_default=True, help="0 takes a free one.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@options.runs_uri
@workspace
@changed
@click.option("--follow", is_flag=True, help="When the alias names another version, serve that one from then on.")
@click.option("--fresh", is_flag=True, help="Ignore cached answers and ask again.")
@click.option("--budget-usd", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Spend at most this much.")
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Add each turn to FILE, as a line of a dataset. Without it nothing that users say is kept.",
)
@click.option("--passages", is_flag=True, help="Tell in each answer which passages it was given.")
@click.option("--ignore-settings", is_flag=True, help="Drop settings that would change the configuration.")
@click.option(
    "--max-concurrent",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Questions at once at the most.",
)
def command(
    name: str,
    port: int,
    address: str,
    runs_uri: str | None,
    workspace: Path | None,
    changed: bool,
    follow: bool,
    fresh: bool,
    budget_usd: float | None,
    log: Path | None,
    passages: bool,
    ignore_settings: bool,
    max_concurrent: int,
) -> None:
    """Answer with the configuration that ALIAS (or @v3, or a RUN) names, behind OpenAI's chat completions.

    The model's name is ALIAS. Another address than this machine's own needs HARNESS_SERVE_API_KEY, which clients send
    as their API key. SIGINT and SIGTERM end it once the questions under way are answered.
    """
    from harness.config import Budget
    from harness.plugins.addresses import is_this_machine
    from harness.sweeps.serving import Log, Settings, serve

    key = os.environ.get(KEY) or None
    if key is None and not is_this_machine(address):
        raise UserError(
            f"serve: {address} can be reached by others; set {KEY}, which clients then send as their API key"
        )
    found = configured(name, runs_uri, workspace, changed)
    look = _look(found, runs_uri, workspace, changed) if follow else None
    with _bound(address, port) as listening:
        kept = Log(log, _tell) if log is not None else None
        settings = Settings(key, passages, ignore_settings, max_concurrent, log=kept)
        shown = f"[{address}]" if ":" in address else address

        def ready(_: Server) -> None:
            stamp = promoted.stamp
            url = f"http://{shown}:{listening.getsockname()[1]}/v1"
            _tell(f"serving {stamp.name} ({stamp.fingerprint}, run {stamp.run}) at {url}  (Ctrl-C ends it)")
            _doubt(found, runs_uri)

        promoted = _promoted(found)
        budget = Budget(usd=budget_usd) if budget_usd is not None else None
        serve(promoted, settings, listening, tell=_tell, ready=ready, fresh=fresh, budget=budget, look=look)
    _tell(f"ended; {promoted.stamp.name} is not served any more")


def _tell(text: str) -> None:
    click.echo(f"harness: {text}", err=True)


def _doubt(found: Configured, runs_uri: str | None) -> None:
    """Tell, once it is known, where the evidence of what is served is not what it was.

    In a thread: a run may be large and far, and neither an answer nor the end waits for it.
    """

    def look() -> None:
        try:
            told = doubts(found, runs_uri)
        except Exception as error:  # noqa: BLE001  (nobody else would hear of it; it is no reason to stop)
            told = f"whether the run {found.run} is what it was cannot be told: {error}"
        if told is not None:
            _tell(f"note: {told}")

    threading.Thread(target=look, daemon=True).start()


def _promoted(found: Configured) -> Promoted:
    from harness.sweeps.serving import Promoted

    return Promoted(_stamp(found.name, found.run, found.version), found.config, found.evaluated)


def _stamp(name: str, run: str, version: Version | None) -> Stamp:
    from harness.sweeps.serving import Stamp

    name = name.removeprefix("@")
    return Stamp(name, run, version.number, version.digest) if version else Stamp(name, run)


def _look(first: Configured, runs_uri: str | None, workspace: Path | None, changed: bool) -> Look:
    """What looks at the registry. Raises UserError for a name that will always mean the same."""
    from harness.study.registry import registry_of
    from harness.study.registry.versions import number_in
    from harness.sweeps.serving import Unmade

    name = first.name
    if first.version is None or number_in(name) is not None:
        raise UserError(f"serve: --follow needs an alias of the registry; {name!r} always means the same")
    uri = options.store_of(name, runs_uri)
    doubted = {first.version.number}

    def look(stamp: Stamp) -> Promoted | None:
        version = registry_of(uri).current(name)
        if (version.number, version.digest) == (stamp.version, stamp.digest):
            return None
        try:
            found = configured(name, uri, workspace, changed)
        except UserError as error:
            raise Unmade(str(error), _stamp(name, version.run, version)) from error
        if version.number not in doubted:
            doubted.add(version.number)
            _doubt(found, uri)
        return _promoted(found)

    return look


def _bound(address: str, port: int) -> socket.socket:
    """A socket on that address, before anything is made. Raises UserError where there can be none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
    except OSError as error:
        made.close()
        said = error.strerror or str(error)
        raise UserError(f"serve: {address}:{port} cannot be used ({said}); give another --port") from error
    return made
