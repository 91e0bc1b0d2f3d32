"""Two versions side by side: settings, prompts by word, data, and scores, paired where both runs are there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.comparing.changed import Run
from harness.study.comparing.pairs import compare_many, settings_between
from harness.study.registry.versions import Version

SAME, REMOVED, ADDED = "same", "removed", "added"
_PROMPT_LENGTH = 60
_WORDS = re.compile(r"\s*\S+|\s+$")


def difference(runs: Folder, before: Version, after: Version) -> dict[str, Any]:
    """What `after` has otherwise than `before`.

    `settings` and `prompts` have `setting`, `before`, `after` (None: not set); prompts also `words`, pieces of text
    that are `same`, `removed` or `added`. `data` tells whether dataset and corpus are the same. `compared` is of
    `harness.study.comparing.pairs.compare_many`, or None with the reason in `note`; `scores` has the figures that were
    promoted.
    """
    changed = settings_between(dict(before.record), dict(after.record))
    prompts = [entry for entry in changed if _is_prompt(entry)]
    compared, note = _compared(runs, before, after)
    return {
        "before": _side(before),
        "after": _side(after),
        "settings": [entry for entry in changed if entry not in prompts],
        "prompts": [{**entry, "words": words(entry["before"] or "", entry["after"] or "")} for entry in prompts],
        "data": {name: _data(name, before, after) for name in ("dataset", "corpus")},
        "scores": _scores(before, after),
        "compared": compared,
        "note": note,
    }


def words(before: str, after: str) -> list[tuple[str, str]]:
    """Two texts as one: pieces in order, each with what happened to it."""
    from rapidfuzz.distance import LCSseq

    ours, theirs = _WORDS.findall(before), _WORDS.findall(after)
    found: list[tuple[str, str]] = []
    gone = come = ""
    for step in LCSseq.opcodes([word.strip() for word in ours], [word.strip() for word in theirs]):
        here, there = "".join(ours[step.src_start : step.src_end]), "".join(theirs[step.dest_start : step.dest_end])
        if step.tag == "equal":
            found += [(REMOVED, gone), (ADDED, come), (SAME, there)]
            gone = come = ""
        else:
            gone, come = gone + here, come + there
    found += [(REMOVED, gone), (ADDED, come)]
    return [piece for piece in found if piece[1]]


def _is_prompt(entry: Mapping[str, Any]) -> bool:
    """Whether a setting is a text to be read: it is called a prompt, or is long."""
    texts = [text for text in (entry["before"], entry["after"]) if text is not None]
    named = str(entry["setting"]).endswith("prompt")
    return all(isinstance(t, str) for t in texts) and (named or any(len(t) > _PROMPT_LENGTH for t in texts))


def _compared(runs: Folder, before: Version, after: Version) -> tuple[dict[str, Any] | None, str]:
    if before.run == after.run:
        return None, "both are the same run"
    try:
        [pair] = compare_many([run_of(runs, after)], run_of(runs, before), [], slices=False)
    except UserError as error:
        return None, f"not compared in pairs: {error}"
    return pair, ""


def run_of(runs: Folder, version: Version) -> Run:
    """The run of a version. Raises UserError where it is no longer there."""
    sweep = str(version.record["sweep"])
    folder = runs / sweep
    if not folder.has("sweep.json"):
        kept = f"harness registry show {version.number} tells what is kept of it"
        raise UserError(f"{runs.uri}: the run of version {version.number}, {version.run}, is no longer there; {kept}")
    stored = StoredSweep(folder)
    found = [variant for variant in stored.variants if variant["id"] == version.record["variant"]]
    if not found:
        raise UserError(f"{stored.id} has no variant {version.record['variant']}, which version {version.number} names")
    return stored, found[0]


def _side(version: Version) -> dict[str, Any]:
    own = {"version": version.number, "run": version.run, "label": version.label, "time": version.time}
    return {**own, "git": version.record["origin"]["git"], "objective": version.record["objective"]}


def _data(name: str, before: Version, after: Version) -> dict[str, Any]:
    digests = [(version.record[name] or {}).get("digest") for version in (before, after)]
    return {"before": digests[0], "after": digests[1], "same": digests[0] == digests[1]}


def _scores(before: Version, after: Version) -> list[dict[str, Any]]:
    """The figures that were promoted, for every metric that one of the two has."""
    names = dict.fromkeys([*before.record["scores"], *after.record["scores"]])
    kept = ("mean", "low", "high", "n", "failed")
    return [
        {"metric": name}
        | {
            side: figure and {key: figure[key] for key in kept}
            for side, figure in (
                ("before", before.record["scores"].get(name)),
                ("after", after.record["scores"].get(name)),
            )
        }
        for name in names
    ]
