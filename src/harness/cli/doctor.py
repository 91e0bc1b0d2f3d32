"""`harness doctor`."""

from __future__ import annotations

import os
from typing import Any

import click

from harness.cli import options
from harness.cli.output import print_json, print_table


@click.command("doctor")
@options.as_json
def command(json_: bool) -> None:
    """Tell what this machine has: keys (only whether they are set), versions, where runs would go. Asks no network."""
    from harness.plugins.providers import KEYS
    from harness.sweeps import provenance

    keys = {variable: bool(os.environ.get(variable)) for variable in sorted(set(KEYS.values()))}
    content: dict[str, Any] = {
        "keys": keys,
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "extras": {"onnx": _installed("onnx"), "sentence-transformers": _installed("sentence_transformers")},
    }
    if json_:
        print_json(content)
        return
    print_table("Keys", ["variable", "set"], [[name, "yes" if given else "no"] for name, given in keys.items()])
    print_table("\nVersions", ["package", "version"], [list(pair) for pair in content["versions"].items()])
    machine = [[name, str(value)] for name, value in content["machine"].items()]
    print_table("\nMachine", ["what", "value"], machine)
    for extra, there in content["extras"].items():
        if not there:
            click.echo(f"\nNot installed: {extra} (pip install 'harness-sweep[{extra}]')")


def _installed(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None
