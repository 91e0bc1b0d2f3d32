"""A part of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.data.datasets import Dataset
from harness.errors import Mistake, Place, UserError, advice, nearest
from harness.records import Example

NAMES = ("id", "question", "expected", "tags", "metadata", "references", "cluster")

_PLACE = Place("dataset.where")


def select(dataset: Dataset, limit: int | None = None, where: str | None = None, seed: int = 0) -> Dataset:
    """The first `limit` examples, in the order of the file, of those for which `where` holds.

    `where` is a sandboxed Jinja expression over id, question, expected, tags, metadata, references and
    cluster, such as `'billing' in tags and metadata.get('level', 0) > 1`. No sample is drawn: `seed` decides
    nothing, so that a higher limit only ever adds examples.
    Raises UserError for an expression that cannot be read or evaluated, a limit below 1, and when nothing is
    left.
    """
    if limit is not None and limit < 1:
        raise UserError(Mistake(Place("dataset.limit"), f"is {limit}", "a whole number from 1, or none"))
    kept = dataset.examples
    if where is not None:
        holds = _condition(where, dataset)
        kept = tuple(example for example in kept if holds(example))
        if not kept:
            raise UserError(Mistake(_PLACE, f"{where!r} holds for none of {len(dataset.examples)} examples"))
    return replace(dataset, examples=kept[:limit])


def _condition(where: str, dataset: Dataset) -> Callable[[Example], bool]:
    import jinja2
    from jinja2 import meta
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    environment.globals.clear()
    try:
        expression = environment.compile_expression(where, undefined_to_none=False)
        unknown = meta.find_undeclared_variables(environment.parse("{{ " + where + " }}")) - set(NAMES)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(Mistake(_PLACE, f"{where!r} is no expression: {error.message}")) from None
    if unknown:
        raise UserError(
            Mistake(_PLACE, f"unknown name {name!r} in {where!r}", advice(name, NAMES)) for name in sorted(unknown)
        )

    def holds(example: Example) -> bool:
        try:
            return bool(expression(**_values(example)))
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            found = f"{where!r} fails for example {example.id!r}: {error}"
            raise UserError(Mistake(_PLACE, found, _metadata_advice(where, example, dataset))) from None

    return holds


def _values(example: Example) -> dict[str, Any]:
    values = {name: getattr(example, name) for name in NAMES}
    return {**values, "tags": list(example.tags), "references": list(example.references)}


def _metadata_advice(where: str, example: Example, dataset: Dataset) -> str:
    """Which key of metadata may have been meant, where the expression reads one that the example lacks."""
    import re

    keys = sorted({key for other in dataset.examples for key in other.metadata})
    for key in re.findall(r"metadata\.(\w+)", where):
        if key in keys and key not in example.metadata:
            return f"not every example has it: write metadata.get({key!r})"
        if key not in keys and (close := nearest(key, keys)):
            return f"did you mean {close!r}?"
    return f"metadata has {', '.join(keys)}" if "metadata" in where and keys else ""
