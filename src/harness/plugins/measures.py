"""What each kind of metric must be able to do: one that looks, one that asks models, one that is made of others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from harness.records import Case, Example, Message, Scale, Verdict

T = TypeVar("T")


class Measure(Protocol):
    """What all metrics have.

    `direction` is `maximize` or `minimize`; `low` and `high` bound the values, None where unbounded; `unit` is for
    people (`ms`, `USD`, empty where there is none); `reads` names the fields of Case besides `example` that decide the
    value. A method `ready`, where there is one, is called before anything is spent; it raises UserError if the metric
    cannot work.
    """

    version: ClassVar[int]
    direction: ClassVar[str]
    low: ClassVar[float | None]
    high: ClassVar[float | None]
    unit: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]

    def applies(self, example: Example) -> bool:
        """Whether the metric says anything about this example. "Does not apply" is not zero."""


@runtime_checkable
class Metric(Measure, Protocol):
    """A function of an outcome.

    One that is `cheap: ClassVar[bool] = True` is computed anew each time: to look its value up takes longer.
    """

    def score(self, case: Case) -> Verdict | float | Awaitable[Verdict | float | None] | None:
        """The value for one case; None where it turns out not to apply. Whatever it raises is recorded."""


class Asker(Protocol):
    """How a metric asks models: through the gateway, so that calls are cached, limited, retried, paid for, counted."""

    async def ask(
        self,
        model: Any,
        messages: Sequence[Message],
        sampling: Mapping[str, Any],
        read: Callable[[str], T],
        *,
        draw: int = 0,
    ) -> T:
        """What `read` makes of the model's reply.

        `read` raises ValueError for a reply that is of no use; the model is then told why, and asked once more. `draw`
        numbers independent replies to the same messages. `sampling` is settings such as `max_tokens`; a `temperature`
        that the model does not take is left out.

        Raises ProviderError where no usable reply came, of kind `broken_answer` where `read` refused all of them, of
        kind `content_filter` where the model refused to reply; what ends the sweep (Incomplete, Interrupted, a fatal
        ProviderError) is raised as it is, and must be let through.
        """

    async def embed(self, embedder: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts as passages, one row each, each text embedded once. Raises ProviderError."""


@runtime_checkable
class JudgingMetric(Measure, Protocol):
    """A metric that asks models or embedders, those that its fields hold (`Annotated[Any, PartOf("model")]`).

    Its values are kept by what it reads: equal cases are judged once. A failed one is not kept. Where one question of
    its follows another, `asks`, a number or a method of the case, tells the plan how many there are.
    """

    async def assess(self, case: Case, asker: Asker) -> Verdict | float | None:
        """The value for one case; None where it turns out not to apply. Whatever it raises is recorded.

        What models said goes into the verdict's `details`; an entry `opinions` there is a list of mappings with
        `judge` (a label), `draw` and `value`, from which the agreement of judges with themselves and with each other
        is told.
        """


@runtime_checkable
class CompositeMetric(Measure, Protocol):
    """A metric that is made of the scores of others of the same cell; `reads` is empty."""

    def members(self, scales: Mapping[str, Scale]) -> tuple[str, ...]:
        """Names of the metrics that it is made of, among all that there are besides composites.

        Raises ValueError where one that it names is not among them or cannot be used; several arguments of the error
        are several mistakes.
        """

    def combine(self, values: Mapping[str, float], scales: Mapping[str, Scale]) -> Verdict | None:
        """The value of a cell from those of its members that apply to it, all of them scored; None where it has none.

        A cell with a failed member is a failed score, of which the metric is not asked.
        """
