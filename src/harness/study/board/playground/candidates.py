"""Configurations to talk to: which there are, what is known of them, and what was said so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import UserError, advice
from harness.records import Message
from harness.store import StoredSweep
from harness.study.board.opening import open_sweep
from harness.study.board.overview import Looked, short_name
from harness.study.proven import Proven, of_run, of_version
from harness.study.registry import registry_of
from harness.study.report import amounts
from harness.study.report.texts import short

_VERSIONS = 50


@dataclass(frozen=True)
class Evidence:
    """What a configuration was found to be: its figure of the objective, and the means of what an answer took.

    `score` has `mean`, `low`, `high`, `n`; `expense` is as `harness.study.expenses.Expense` by name. None: not known.
    """

    metric: str
    score: Mapping[str, Any] | None
    expense: Mapping[str, Any] | None

    @property
    def found(self) -> str:
        """The score with its interval, in words."""
        if self.score is None:
            return f"no score of {self.metric}"
        between = amounts.interval(self.score["low"], self.score["high"])
        return f"{self.metric} {amounts.number(self.score['mean'])} (95%: {between}; n {self.score['n']:,})"

    def price(self, free: bool) -> str:
        """What a question costs, in words."""
        if free:
            return "a question costs nothing"
        usd, n = (self.expense or {}).get("usd"), (self.expense or {}).get("n") or 0
        if usd is None or not n:
            why = "some answers of its run have no known price" if n else "its run has no answer"
            return f"what a question costs is not known: {why}"
        return f"a question costs about USD {money(usd)} (mean of {amounts.plural(n, 'answer')} of its run)"


def registered(runs: str) -> dict[str, str]:
    """What the registry names, by key (`@production`, `@v3`), in words: aliases first, then the newest versions."""
    registry = registry_of(runs)
    found = {f"@{alias}": f"{alias}: version {v.number}, {v.run}" for alias, v in registry.aliases().items()}
    for version in reversed(registry.versions()[-_VERSIONS:]):
        found[f"@v{version.number}"] = f"version {version.number}: {short(version.label)}"
    return found


def runs_of(stored: StoredSweep) -> dict[str, str]:
    """The runs of a sweep by key (`SWEEP/VARIANT`), in words."""
    return {f"{stored.id}/{entry['id']}": f"run {short_name(entry)}" for entry in stored.variants}


def proven_of(runs: str, key: str) -> Proven:
    """The configuration of a key, and of no other path or store. Raises UserError where there is none."""
    if key.startswith("@"):
        return of_version(registry_of(runs).version(key), runs)
    name, _, variant = key.partition("/")
    stored = open_sweep(runs, name, lean=True)
    found = next((entry for entry in stored.variants if entry["id"] == variant), None)
    if found is None:
        ids = [entry["id"] for entry in stored.variants]
        raise UserError(f"{name} has no variant {variant!r}; {advice(variant, ids[:40], 'variants')}")
    return of_run(stored, found)


def evidence_of(proven: Proven) -> Evidence:
    """What is known of a configuration. Nothing is written; a sweep without a kept summary is summarised."""
    if proven.version is not None:
        record = proven.version.record
        metric = str(record["objective"]["metric"])
        return Evidence(metric, _scored(record["scores"].get(metric)), record.get("expense"))
    assert proven.stored is not None
    material = Looked(proven.stored)
    metric = str(proven.stored.header["objective"]["metric"])
    figures = next(run for run in material.summary["runs"] if run["variant"] == proven.variant)
    return Evidence(metric, _scored(figures["metrics"].get(metric)), material.expenses[proven.variant].as_json())


def _scored(figure: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return figure if figure is not None and figure.get("mean") is not None else None


@dataclass
class Turn:
    """A question and what was said to it, by configuration: as `harness.sweeps.conversing.Said` by name.

    `words` are those that were heard so far.
    """

    question: str
    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)


def history(turns: Sequence[Turn], key: str) -> list[Message]:
    """The turns before as one configuration knows them; questions that it had no answer to are left out."""
    found: list[Message] = []
    for turn in turns:
        answer = turn.answers.get(key, {}).get("answer")
        if answer and answer.strip():
            found += [Message("user", turn.question), Message("assistant", answer)]
    return found


def failed(why: str) -> dict[str, Any]:
    """What stands in place of an answer that nobody got."""
    names = ("answer", "cost_usd", "latency_ms", "retrieval_ms", "finish_reason", "input_tokens", "output_tokens")
    return {**dict.fromkeys(names), "failure": why, "source": "made", "passages": []}


def facts(answer: Mapping[str, Any]) -> str:
    """Time, tokens, cost of an answer, and whether it was asked for, in one line."""
    if answer["latency_ms"] is None:
        return ""
    told = [f"{answer['latency_ms']:,.0f} ms (retrieval {answer['retrieval_ms']:,.0f} ms)"]
    if answer["failure"] is not None:
        return told[0]
    sent, received = answer["input_tokens"], answer["output_tokens"]
    counted = sent is not None or received is not None
    told.append(f"{amounts.count(sent)} + {amounts.count(received)} tokens" if counted else "tokens not told")
    cost = "free" if answer["cost_usd"] == 0 else f"USD {money(answer['cost_usd'])}"
    known = answer["source"] == "cached"
    told += [f"{cost} when it was asked" if known and cost != "free" else cost]
    told.append("known, not asked again" if known else "asked")
    if answer["finish_reason"] not in (None, "stop"):
        told.append(f"ended for {answer['finish_reason']}")
    return " · ".join(told)


def money(usd: float | None) -> str:
    """An amount in USD with two digits that count: single answers cost thousandths of a cent."""
    if usd is None:
        return "unknown"
    if usd == 0:
        return "0"
    return f"{usd:,.2f}" if usd >= 1 else f"{usd:.{1 - math.floor(math.log10(usd))}f}"


def paid(answers: Sequence[Mapping[str, Any]]) -> tuple[float, int]:
    """USD for the answers that were asked for, and how many of those have no known price."""
    made = [each["cost_usd"] for each in answers if each["source"] != "cached" and each["failure"] is None]
    return sum(cost for cost in made if cost is not None), sum(cost is None for cost in made)
