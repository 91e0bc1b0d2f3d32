"""What judges will be asked, told before they are asked: how many scores, which are known, the calls of the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.config import NamedMetric, SweepConfig
from harness.errors import ProviderError
from harness.plugins import JudgingMetric, identity
from harness.records import Case, Message, digest
from harness.sweeps import keys
from harness.sweeps.asker import taken
from harness.sweeps.cache import Overlay
from harness.sweeps.estimate import Call
from harness.sweeps.gateway import Answer
from harness.sweeps.rivals import against, rival_of
from harness.sweeps.workload import Cell, Workload

T = TypeVar("T")
_TRIED = 100
"""Cases of one metric by which its calls are estimated."""
_USUAL_ANSWER = f"{'word ' * 60}[1]. "
"""An answer that nobody knows yet, with a citation, of the length that the cost of answers is estimated by."""


@dataclass
class Judgements:
    """Scores that models are asked for: `naive` one for each cell and metric, `distinct` at the most, `cached` known.

    `calls` are thought to be made for the rest: as many as each metric says it asks for one score.
    """

    naive: int = 0
    distinct: int = 0
    cached: int = 0
    calls: list[Call] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of scores, and of the calls that are thought to be made."""
        return {"naive": self.naive, "distinct": self.distinct, "cached": self.cached, "calls": len(self.calls)}


async def foreseen(
    config: SweepConfig, workload: Workload, known: Mapping[str, Answer], cache: Overlay
) -> Judgements | None:
    """What judging a workload will take; None where no metric asks a model.

    `known` are the answers that are there, by request: where they are, judgements can be known too.
    """
    metrics = [metric for metric in config.metrics if isinstance(metric.part, JudgingMetric)]
    if not metrics:
        return None
    found = Judgements()
    candidates = [(variant.id, variant.label) for variant in config.variants]
    for metric in metrics:
        applying = sum(metric.part.applies(example) for example in workload.examples)
        found.naive += applying * len(config.variants) * config.repeats
        named = against(metric.part)
        rival = None if named is None else rival_of(metric.name, named, candidates)
        cases = _cases(metric, workload, known, rival) or _guessed(metric, workload, rival)
        await _add(metric, cases, found, cache)
    return found


def _cases(metric: NamedMetric, workload: Workload, known: Mapping[str, Answer], rival: str | None) -> list[Case]:
    """The cells as a judge would see them, one for each request, or where answers are held against others' each."""
    asked = [c for c in workload.cells if c.request is not None and metric.part.applies(c.example)]
    if rival is None:
        asked = list({cell.request: cell for cell in asked}.values())
    texts = {cell.id: _text(cell, known) for cell in workload.cells if cell.request is not None}
    return [
        Case(
            cell.example,
            texts[cell.id],
            cell.context.passages,
            rival=None if rival is None else texts.get((rival, cell.example.id, cell.repeat), _USUAL_ANSWER),
        )
        for cell in asked
    ]


def _text(cell: Cell, known: Mapping[str, Answer]) -> str:
    """The answer to a cell's request, where it is known, else a made-up one."""
    answer = known.get(cell.request or "")
    text = answer.reply.text if answer is not None and answer.reply is not None else None
    return f"{_USUAL_ANSWER}{cell.request}" if text is None else text


def _guessed(metric: NamedMetric, workload: Workload, rival: str | None) -> list[Case]:
    """Cases where nothing was retrieved: one for each cell, with no passages."""
    chosen = [example for example in workload.examples if metric.part.applies(example)]
    return [
        Case(
            example,
            f"{_USUAL_ANSWER}{variant.id}{n}",
            rival=None if rival is None else f"{_USUAL_ANSWER}{rival}{n}",
        )
        for example in chosen
        for variant in workload.config.variants
        for n in range(workload.config.repeats)
    ]


async def _add(metric: NamedMetric, cases: Sequence[Case], found: Judgements, cache: Overlay) -> None:
    """Count the cases of one metric, and its calls."""
    part, identified = metric.part, digest(identity(metric.part))
    by_key = {
        keys.score_key(identified, part.reads, case.example.digest, case, keys.passages_digest(case.passages)): case
        for case in cases
    }
    made = cache.makers(list(by_key))
    todo = [case for key, case in by_key.items() if key not in made]
    found.distinct += len(by_key)
    found.cached += len(made)
    tried = todo[:: max(1, len(todo) // _TRIED)]
    calls = [call for case in tried for call in await _calls(part, case)]
    found.calls += [calls[i % len(calls)] for i in range(round(len(calls) * len(todo) / len(tried)))] if calls else []


async def _calls(metric: Any, case: Case) -> list[Call]:
    """The calls of one score: those that are made at once, as many times as the metric asks after each other."""
    noting = _Noting()
    with suppress(Exception):  # what it raises will be a failed score
        await metric.assess(case, noting)
    asks = getattr(metric, "asks", 1)
    return noting.calls * (asks(case) if callable(asks) else asks)


class _Noting:
    """An asker that notes what it is asked, and replies to nothing."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def ask(
        self,
        model: Any,
        messages: Sequence[Message],
        sampling: Mapping[str, Any],
        read: Callable[[str], T],
        *,
        draw: int = 0,
    ) -> T:
        sent = model.parameters(dict(taken(model, sampling)))
        self.calls.append((model, sent, sum(len(message.content) for message in messages)))
        raise ProviderError("this is a plan", kind="plan")

    async def embed(self, embedder: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        raise ProviderError("this is a plan", kind="plan")
