"""What speaks against a promotion, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.errors import UserError
from harness.store.status import RUNNING

_NAMED = 3
FORCE, WITHOUT_CALIBRATION = "--force", "--without-calibration"


class Objection(NamedTuple):
    """What was found, what to do, and the option that overrules it; None: nothing does."""

    found: str
    todo: str
    option: str | None

    def __str__(self) -> str:
        also = f", or overrule this with {self.option}" if self.option else ""
        return f"{self.found}: {self.todo}{also}"


def objections(record: Mapping[str, Any]) -> list[Objection]:
    """All that speaks against promoting a record (see `harness.study.registry.record`)."""
    return [*_of_work(record), *_of_judges(record), *_of_rank(record)]


def checked(record: Mapping[str, Any], *, force: bool, without_calibration: bool) -> list[str]:
    """What was found and overruled. Raises UserError with everything that was not overruled."""
    allowed = {FORCE: force, WITHOUT_CALIBRATION: without_calibration}
    found = objections(record)
    standing = [objection for objection in found if not allowed.get(objection.option or "", False)]
    if standing:
        listed = "\n".join(f"  {objection}" for objection in standing)
        raise UserError(f"{record['run']} is not promoted:\n{listed}")
    return [objection.found for objection in found]


def _of_work(record: Mapping[str, Any]) -> list[Objection]:
    if record["imported"]:
        todo = "promote a run of a sweep that was run here"
        return [Objection("its results were imported, there is no configuration that could run", todo, None)]
    if record["status"] == RUNNING:
        return [Objection("its sweep is running", "wait for the end", None)]
    if record["status"] != "complete":
        again = f"harness sweep {record['origin']['config']} carries it on"
        return [Objection(f"its sweep is {record['status']}", again, FORCE)]
    return []


def _of_judges(record: Mapping[str, Any]) -> list[Objection]:
    objective = record["objective"]["metric"]
    said = record["judges"].get(objective)
    if not said:
        return []
    todo = f"harness labels sample {record['sweep']}, label, then harness calibrate {record['sweep']}"
    return [Objection(f"the objective, {objective}, rests on a judge: {'; '.join(said)}", todo, WITHOUT_CALIBRATION)]


def _of_rank(record: Mapping[str, Any]) -> list[Objection]:
    rank = record["rank"]
    if rank["in_best_set"]:
        return []
    if rank["best"] is None:
        return [Objection("its sweep has no score to rank by", f"harness show {record['sweep']} tells why", FORCE)]
    found = f"it is not among the best of its sweep by {record['objective']['metric']}"
    named, rest = rank["best_set"][:_NAMED], len(rank["best_set"]) - _NAMED
    more = f" or of {rest} others (harness show {record['sweep']})" if rest > 0 else ""
    return [Objection(found, f"promote one of {', '.join(named)}{more}", FORCE)]
