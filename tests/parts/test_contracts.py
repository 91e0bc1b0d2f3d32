"""The contract tests: built-ins pass, and every broken part is found out with a word on what to do."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from harness.plugins import known, make, names, part, registry
from harness.records import Case, Example, Span, Verdict, digest
from harness.testing import check_metric, check_part, check_splitter
from tests.parts.needed import needed

METRICS = [
    found.name.replace("@", "@3")
    for found in known("metric")
    if not found.name.endswith(("/", ":")) and hasattr(found.cls, "score")
]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    known("metric")
    monkeypatch.setattr(registry, "_register", dict(registry._register))


@pytest.mark.parametrize("name", METRICS)
def test_built_in_metrics_keep_the_contract(name: str) -> None:
    """Each built-in passes the contract test that plug-in authors run."""
    check_metric(make("metric", {"use": name, **needed(name)}))


@pytest.mark.parametrize("kind", ["metric", "search", "splitter"])
def test_built_in_parts_keep_the_contract_of_parts(kind: str) -> None:
    """Each built-in of these kinds passes the contract of all parts."""
    for name in names(kind):
        if ":" not in name:  # those name a user's file
            check_part(make(kind, {"use": name.replace("@K", "@3"), **needed(name)}))


@pytest.mark.parametrize(
    ("name", "direction", "low", "high", "unit", "reads"),
    [
        *((name, "maximize", 0, 1, "", "answer") for name in ("answer_match", "token_f1", "abstention", "correct")),
        *(
            (name, "maximize", 0, 1, "", "passages")
            for name in ("recall@2", "precision@2", "mrr", "mrr@2", "map", "map@2", "ndcg@2", "hit_rate", "span_iou")
        ),
        ("precision_omega", "maximize", 0, 1, "", "evidence_chunks"),
        ("index_recall", "maximize", 0, 1, "", "index_recall"),
        ("context_tokens", "minimize", 0, None, "tokens", "passages"),
        ("latency_ms", "minimize", 0, None, "ms", "latency_ms"),
        ("answer_tokens", "minimize", 0, None, "tokens", "output_tokens"),
        ("cost_usd", "minimize", 0, None, "USD", "cost_usd"),
    ],
)
def test_how_built_in_metrics_are_read(
    name: str, direction: str, low: float, high: float | None, unit: str, reads: str
) -> None:
    """Direction, bounds, unit and what they read."""
    metric = make("metric", name)
    assert (metric.direction, metric.low, metric.high, metric.unit, metric.reads) == (
        direction,
        low,
        high,
        unit,
        (reads,),
    )


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("latency_ms", Case(Example("e", ()), "x", latency_ms=12.5)),
        ("answer_tokens", Case(Example("e", ()), "x", output_tokens=12)),
        ("cost_usd", Case(Example("e", ()), "x", cost_usd=0.0)),
        ("index_recall", Case(Example("e", ()), "x", index_recall=0.0)),
    ],
)
def test_what_was_measured_comes_through_and_unknown_is_not_zero(name: str, case: Case) -> None:
    """The figures come through unchanged, zero too; what is unknown gives no value."""
    metric = make("metric", name)
    assert metric.applies(case.example)
    assert metric.score(case) == getattr(case, metric.reads[0])
    assert metric.score(Case(case.example, "x")) is None


@dataclass(frozen=True)
class GoodMetric:
    """A metric without a fault, for others to be made from."""

    version: ClassVar[int] = 1
    direction: ClassVar[str] = "maximize"
    low: ClassVar[float | None] = 0.0
    high: ClassVar[float | None] = 1.0
    unit: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ("answer",)

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    def score(self, case: Case) -> Any:
        """1 for any answer."""
        return float(bool(case.answer))


async def _later(value: float) -> Verdict:
    return Verdict(value, "thought it over")


BROKEN_METRICS: list[tuple[dict[str, Any], str]] = [
    ({"direction": "up"}, "direction is 'up'"),
    ({"high": float("inf")}, "write None"),
    ({"low": 2.0}, "not below high"),
    ({"unit": None}, "unit is None"),
    ({"reads": ("answers",)}, "reads is"),
    ({"reads": ()}, "answer changes its value"),
    ({"score": lambda self, case: len(case.passages) / 100}, "passages changes its value"),
    ({"score": lambda self, case: 1.5}, "above high"),
    ({"score": lambda self, case: -0.5}, "below low"),
    ({"score": lambda self, case: float("nan")}, "return None"),
    ({"score": lambda self, case: "good"}, "a number, Verdict or None"),
    ({"score": lambda self, case: 1 / len(case.answer)}, "raised ZeroDivisionError"),
    ({"score": lambda self, case: _later(7.0)}, "above high"),
    ({"score": lambda self, case: Verdict(1.0, 3)}, "reason is 3"),  # type: ignore[arg-type]
    ({"applies": lambda self, example: 1}, "not True or False"),
    ({"version": 0}, "version is 0"),
]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("changes", "said"), BROKEN_METRICS)
def test_a_broken_metric_is_found_out(changes: dict[str, Any], said: str) -> None:
    """A sound metric passes; with one fault it fails with a sentence that names the fault."""
    check_metric(part("metric", "good")(_subclass(GoodMetric, {}))())
    broken = part("metric", "broken")(_subclass(GoodMetric, changes))
    with pytest.raises(AssertionError, match=said):
        check_metric(broken())


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Case) if field.name != "example"])
def test_whatever_a_metric_reads_it_must_name(name: str) -> None:
    """Each field of Case changes in the contract test, so that one read in secret is found out."""

    def score(self: Any, case: Case) -> float:
        return int(digest(repr(getattr(case, name)))[:8], 16) / 16**8

    check_metric(part("metric", "open")(_subclass(GoodMetric, {"score": score, "reads": (name,)}))())
    with pytest.raises(AssertionError, match=f"{name} changes its value"):
        check_metric(part("metric", "secret")(_subclass(GoodMetric, {"score": score, "reads": ()}))())


@pytest.mark.usefixtures("fresh")
def test_a_metric_may_be_awaited() -> None:
    """A judge, whose score is awaited, passes, and may read what it does not name."""
    judge = _subclass(GoodMetric, {"score": lambda self, case: _later(0.5)})
    check_metric(part("metric", "judge")(judge)())


@pytest.mark.usefixtures("fresh")
def test_a_metric_that_lacks_something_is_told_what() -> None:
    """A metric without `unit` and `reads` hears so."""

    @part("metric", "bare")
    @dataclass(frozen=True)
    class Bare:
        version: ClassVar[int] = 1
        direction: ClassVar[str] = "maximize"
        low: ClassVar[float | None] = None
        high: ClassVar[float | None] = None

    with pytest.raises(AssertionError, match="also has unit, reads, applies, score"):
        check_metric(Bare())  # type: ignore[arg-type]


@dataclass(frozen=True)
class Lines:
    """A splitter without a fault, for others to be made from."""

    version: ClassVar[int] = 1

    def split(self, text: str) -> Any:
        """The whole text."""
        return [Span(0, len(text))] if text.strip() else []


BROKEN_SPLITTERS: list[tuple[Any, str]] = [
    (lambda self, text: [Span(0, len(text))], "is empty or outside"),
    (lambda self, text: [Span(0, len(text) + 1)] if text.strip() else [], "is empty or outside"),
    (lambda self, text: [(0, len(text))] if text.strip() else [], "no harness.records.Span"),
    (lambda self, text: (Span(0, len(text)),) if text.strip() else (), "not a list"),
    (lambda self, text: [Span(0, len(text))] if text else [], "only whitespace"),
    (lambda self, text: [Span(i, i + 1) for i in reversed(range(len(text))) if text[i].strip()], "order spans"),
    (lambda self, text: [Span(0, len(text))] * 2 if text.strip() else [], "twice"),
    (lambda self, text: [Span(0, 1)] if text[:1].strip() else [], "no span holds"),
]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("split", "said"), BROKEN_SPLITTERS)
def test_a_broken_splitter_is_found_out(split: Any, said: str) -> None:
    """A sound splitter passes; with one fault it fails with a sentence that names the fault."""
    check_splitter(part("splitter", "good")(_subclass(Lines, {}))())
    broken = part("splitter", "broken")(_subclass(Lines, {"split": split}))
    with pytest.raises(AssertionError, match=said):
        check_splitter(broken())


@pytest.mark.usefixtures("fresh")
def test_a_splitter_that_differs_each_time_is_found_out() -> None:
    """The same text must give the same spans."""
    calls: list[int] = []

    def split(self: Lines, text: str) -> list[Span]:
        calls.append(1)
        return [Span(0, len(text))] if len(calls) % 2 and text.strip() else []

    with pytest.raises(AssertionError, match="other spans"):
        check_splitter(part("splitter", "moody")(_subclass(Lines, {"split": split}))(), whole=False)


@pytest.mark.usefixtures("fresh")
def test_a_splitter_may_leave_text_out_on_purpose() -> None:
    """`whole=False` allows text that no span holds."""
    first = _subclass(Lines, {"split": lambda self, text: [Span(0, 1)] if text[:1].strip() else []})
    check_splitter(part("splitter", "first")(first)(), whole=False)


@dataclass(frozen=True)
class Listed:
    """A part whose field cannot be hashed."""

    version: ClassVar[int] = 1
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Unwritable:
    """A part whose field JSON cannot hold."""

    version: ClassVar[int] = 1
    words: Any = frozenset({"x"})


@dataclass(frozen=True, eq=False)
class Unequal:
    """A part that is equal to nothing but itself."""

    version: ClassVar[int] = 1


@dataclass(frozen=True)
class Drifting:
    """A part whose identity is never the same."""

    version: ClassVar[int] = 1

    def identity_extra(self) -> dict[str, Any]:
        """Another one for each object."""
        return {"address": id(self)}


@dataclass(frozen=True)
class Settable:
    """A part whose version is a field."""

    version: int = 1


@dataclass(frozen=True)
class Vague:
    """A part that YAML gives back as another one."""

    version: ClassVar[int] = 1
    pair: Any = (1, 2)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("cls", "said"),
    [
        (Listed, "make its fields tuples"),
        (Unwritable, "identity is no JSON"),
        (Unequal, "leave __eq__"),
        (Drifting, "different identities"),
        (Settable, "ClassVar"),
        (Vague, "written to YAML and made again"),
    ],
)
def test_a_broken_part_is_found_out(cls: type, said: str) -> None:
    """Each fault that would corrupt keys or run records fails with a sentence that names it."""
    broken = part("search", "broken")(_subclass(cls, {}, eq=cls is not Unequal))
    with pytest.raises(AssertionError, match=said):
        check_part(broken())


def test_what_is_no_registered_part_is_found_out() -> None:
    """A class, a mutable dataclass and an unregistered or merely inherited part hear what is missing."""

    @dataclass
    class Mutable:
        version: ClassVar[int] = 1

    registered = type(make("metric", "mrr"))
    inherited: Any = dataclasses.dataclass(frozen=True)(type("Inherited", (registered,), {}))
    for thing, said in (
        (registered, "instance of a frozen dataclass"),
        (Mutable(), "frozen=True"),
        (GoodMetric(), "not registered"),
        (inherited(), "not registered"),
    ):
        with pytest.raises(AssertionError, match=said):
            check_part(thing)


def _subclass(base: type, changes: dict[str, Any], eq: bool = True) -> Any:
    """A frozen dataclass like `base` but for `changes`."""
    return dataclass(frozen=True, eq=eq)(type(base.__name__, (base,), {"__module__": __name__, **changes}))
