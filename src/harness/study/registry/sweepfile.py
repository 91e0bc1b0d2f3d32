"""A run's sweep file with its one variant: what evaluates the same chatbot on the same data by the same metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

_OWN = ("chatbot", "sweep", "dataset", "metrics", "objective", "repeats")


def sweep_file(header: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, Any]:
    """The content of the file; texts of prompts and metrics stand in it, so that no other file can change them.

    Metrics that were added to the run later are left out: no sweep file has named them.
    """
    given: Mapping[str, Any] = (header.get("config") or {}).get("given") or {}
    found: dict[str, Any] = {"name": header["name"], "dataset": _dataset(header)}
    if given.get("corpus") is not None:
        found["corpus"] = given["corpus"]
    found["chatbot"] = variant["chatbot"]
    found["metrics"] = _metrics(given.get("metrics"), header["metrics"])
    objective = header["objective"]
    found["objective"] = given.get("objective") or {objective["direction"]: objective["metric"]}
    found["repeats"] = header["repeats"]
    return found | {name: value for name, value in given.items() if name not in (*found, *_OWN)}


def _dataset(header: Mapping[str, Any]) -> Any:
    """The dataset as given, with the number of examples that the command line allowed."""
    given = ((header.get("config") or {}).get("given") or {}).get("dataset") or header["dataset"]["path"]
    limit = (header.get("options") or {}).get("limit")
    if limit is None:
        return given
    return {**(given if isinstance(given, Mapping) else {"path": given}), "limit": limit}


def _metrics(given: Any, entries: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The metrics as given, with the texts of their files; by name where none was given."""
    if not given:
        return [entry["name"] for entry in entries if not entry.get("composite")]
    identities = [entry["identity"] for entry in entries]
    return [_metric(entry, identities[at] if at < len(identities) else None) for at, entry in enumerate(given)]


def _metric(given: Any, identity: Any) -> Any:
    if isinstance(given, Mapping) and len(given) == 1:
        [(name, settings)] = given.items()
        if isinstance(settings, Mapping) and name != "use":
            return {name: _with_texts(settings, identity)}
    return _with_texts(given, identity)


def _with_texts(given: Any, known: Any) -> Any:
    """What was given, with each `{file: …}` replaced by the text that was read from it."""
    if isinstance(given, Mapping):
        if set(given) == {"file"} and isinstance(known, str):
            return known
        inner = known if isinstance(known, Mapping) else {}
        return {name: _with_texts(value, inner.get(name)) for name, value in given.items()}
    if isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        return [_with_texts(value, inner) for value, inner in zip(given, known, strict=True)]
    return given


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text.strip() else None)


_Dumper.add_representer(str, _text)


def as_yaml(content: Mapping[str, Any]) -> str:
    """A sweep file's text."""
    return str(yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True))
