"""Where a gate's candidate and baseline come from: a sweep file that is run, or a run that there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.cli import options
from harness.errors import Incomplete, UserError

if TYPE_CHECKING:
    from harness.config import SweepConfig
    from harness.config.gate import Gate
    from harness.config.sweepfile import Budget
    from harness.study.comparing.changed import Run
    from harness.study.gate.verdict import Verdict


class Given(NamedTuple):
    """What the command was given."""

    target: str
    baseline: str | None
    variant: str | None
    overrides: tuple[str, ...]
    limit: int | None
    fresh: bool
    runs: str | None
    quiet: bool


def one_night(given: Given, control: str | None, worst: int, without_calibration: bool) -> Verdict:
    """One night: the candidate once, again where it looks bad, the control where there is an alarm."""
    from harness.config import load
    from harness.study.gate.control import asked_of
    from harness.study.gate.evidence import margins_of
    from harness.study.gate.nights import AGAIN
    from harness.study.gate.series import night

    if not is_config(given.target):
        raise UserError("gate: --nightly asks afresh, and asks a bad night again: it needs a sweep file, not a run")
    config = load(Path(given.target), given.overrides)
    config = replace(_one_variant(config, given.variant or config.gate.variant), repeats=1)
    text = given.baseline or config.gate.baseline
    if text is not None and is_config(text):
        raise UserError("gate: nights need one stored baseline: harness sweep FILE --repeats 10, then name its run")
    other = _baseline(text, given.runs or str(config.workspace / "runs"), given.limit, given.quiet)
    gate = judges_allowed(config.gate, without_calibration)
    gate = replace(gate, margins=margins_of(other[0], gate))
    held, notes = None, []
    if control is not None and _deployed(config):
        notes = ["the candidate is deployed: a control would ask the same chatbot, so none was asked"]
    elif control is not None:
        there = load(Path(control))
        held = _on(_one_variant(there, there.gate.variant), asked_of(other[0].examples, gate.slices))
        held = replace(held, repeats=1 + AGAIN)
        if held.variants[0].id != other[1]["id"]:
            raise UserError(
                f"gate: --control {control} is another configuration ({held.variants[0].id}) than the baseline, "
                f"{other[0].id}/{other[1]['id']}: give the sweep file that made the baseline, or the YAML that "
                "harness registry show prints for it"
            )

    def asked(what: SweepConfig, limit: int | None) -> Callable[[], Run]:
        # An interrupted night is not carried on: its answers are of another night.
        return lambda: _run(what, limit, True, given.runs, given.quiet, resume=False)

    found = night(
        asked(config, given.limit),
        asked(replace(config, repeats=AGAIN), given.limit),
        None if held is None else asked(held, None),
        other,
        gate,
        worst,
    )
    return replace(found, notes=[*found.notes, *notes])


def _on(config: SweepConfig, examples: list[str]) -> SweepConfig:
    """A configuration that is asked these examples of its dataset alone."""
    return replace(config, dataset=replace(config.dataset, where=f"id in {json.dumps(examples)}", limit=None))


def _deployed(config: SweepConfig) -> bool:
    """Whether the candidate is a chatbot at an address: it may have changed while the sweep file did not."""
    return any(getattr(variant.chatbot.model, "deployed", False) for variant in config.variants)


def is_config(text: str) -> bool:
    """Whether a name is that of a sweep file."""
    return text.lower().endswith((".yaml", ".yml"))


def by_running(given: Given, most: int | None, worst: int, without_calibration: bool) -> Verdict:
    """The verdict of a candidate that is run from its sweep file; the baseline is looked for before anything is spent.

    Where it cannot be told, and `most` repeats are allowed, it is asked so often; where the budget does not reach for
    that, the first verdict stands.
    """
    from harness.config import load
    from harness.study.gate.margins import UNSURE
    from harness.study.gate.verdict import decide

    config = load(Path(given.target), given.overrides)
    config = _one_variant(config, given.variant or config.gate.variant)
    runs = given.runs or str(config.workspace / "runs")
    other, noted = _baseline_of(given, config, runs)
    if other[0].status != "complete":
        raise Incomplete(f"gate: the baseline, {other[0].id}, is {other[0].status}; run the same sweep again first")
    gate = judges_allowed(config.gate, without_calibration)
    if most is not None and most > config.repeats:
        gate = replace(gate, alpha=gate.alpha / 2)  # it may be looked at twice
    fresh = given.fresh or _deployed(config)
    run = _run(config, given.limit, fresh, given.runs, given.quiet)
    found = decide(run, other, gate, worst)
    found = replace(found, notes=[*found.notes, *noted])
    if most is None or found.verdict != UNSURE or most <= config.repeats:
        return found
    try:
        left = replace(config, repeats=most, budget=_left(config.budget, run))
        again = _run(left, given.limit, fresh, given.runs, given.quiet)
    except Incomplete as error:
        return replace(found, notes=[*found.notes, f"{most} repeats were not reached: {error}"])
    found = decide(again, other, gate, worst)
    return replace(
        found, notes=[*found.notes, *noted, f"the candidate was asked {most} times, since once could not tell"]
    )


def _baseline_of(given: Given, config: SweepConfig, runs: str) -> tuple[Run, list[str]]:
    """The baseline that is named, and what is to be noted: the file's own is relative to its workspace."""
    from harness.config import load
    from harness.study.gate.rules import changed_rules

    text = given.baseline or config.gate.baseline
    if text is None or not is_config(text):
        return _baseline(text, runs, given.limit, given.quiet, config), []
    path = Path(text) if given.baseline else config.workspace / text
    changed = changed_rules(load(path).gate, config.gate)
    return _baseline(str(path), runs, given.limit, given.quiet, config), changed


def _left(budget: Budget, run: Run) -> Budget:
    """What a run has left of a budget. Raises Incomplete where that is nothing."""
    from harness.config.sweepfile import Budget
    from harness.study.summary import summary_of

    spent = summary_of(run[0])
    tokens = spent["tokens"]["input"] + spent["tokens"]["output"]
    amounts = {"usd": spent["cost_usd"], "calls": spent["calls"]["made"], "tokens": tokens}
    left = {name: most - (amounts[name] or 0) for name, most in asdict(budget).items() if most is not None}
    for name, rest in left.items():
        if rest <= 0:
            raise Incomplete(f"the budget of {name} is spent")
    return Budget(**left)


def judges_allowed(gate: Gate, without_calibration: bool) -> Gate:
    """The rules, with judges that nobody calibrated allowed where that was asked for."""
    return replace(gate, uncalibrated_judges=gate.uncalibrated_judges or without_calibration)


def finished(target: str, baseline: str | None, runs_uri: str | None, quiet: bool) -> tuple[Run, Run, Gate]:
    """A finished run, with the rules that it was run with."""
    from harness.study.gate.evidence import rules_of
    from harness.study.listing import find_run

    runs = options.store_of(target, runs_uri)
    run = find_run(runs, target)
    gate = rules_of(run[0])
    other = _baseline(baseline or gate.baseline, runs, None, quiet)
    return run, other, gate


def _baseline(text: str | None, runs: str, limit: int | None, quiet: bool, candidate: SweepConfig | None = None) -> Run:
    """The run that a name means, or what a sweep file describes, run now: on the candidate's questions, if any."""
    from harness.study.listing import find_run

    if text is None:
        raise UserError(
            "gate: no baseline; name one with --baseline RUN, or write gate: {baseline: …} in the sweep file; "
            "harness runs lists the runs"
        )
    if is_config(text):
        from harness.config import load

        config = load(Path(text))
        config = _one_variant(config, config.gate.variant)
        if candidate is None:
            return _run(config, limit, False, runs, quiet)
        try:
            return _run(_asked_alike(config, candidate), limit, False, runs, quiet)
        except UserError as error:
            late = "evidence[" in str(error)
            todo = "\nThe documents must go first, the questions about them after that." if late else ""
            raise UserError(f"gate: the baseline, {text}, on the candidate's questions: {error}{todo}") from error
    where = options.store_of(text, runs)
    try:
        found = find_run(where, text)
        _check_unchanged(where, text)
        return found
    except UserError as error:
        raise UserError(f"gate: the baseline {text!r}: {error}") from error


def _check_unchanged(runs: str, text: str) -> None:
    """Raise UserError where a version of the registry is named whose run is no longer the one that was promoted."""
    from harness.study.registry import registry_of
    from harness.study.registry.record import CHANGED, state_of_run

    registry = registry_of(runs)
    version = registry.named(text)
    if version is None:
        return
    state = state_of_run(registry.runs, version.record)
    if state["state"] == CHANGED:
        raise UserError(
            f"its run, {version.run}, was changed after it was promoted ({', '.join(state['files'])}): it proves "
            "nothing any more; put the files back, or promote another run"
        )


def _asked_alike(config: SweepConfig, candidate: SweepConfig) -> SweepConfig:
    """A baseline's chatbot and knowledge base on the candidate's questions, by its metrics: a change of these is no
    change of the chatbot."""
    dataset = replace(candidate.dataset, path=str((candidate.workspace / candidate.dataset.path).resolve()))
    told = (f"dataset.path={dataset.path}", f"metrics and objective of {candidate.path}")
    return replace(
        config,
        dataset=dataset,
        metrics=candidate.metrics,
        objective=candidate.objective,
        seed=candidate.seed,
        overrides=(*config.overrides, *told),
    )


def _one_variant(config: SweepConfig, wanted: str | None) -> SweepConfig:
    if wanted is None and len(config.variants) == 1:
        return config
    found = [variant for variant in config.variants if wanted and (variant.label == wanted or variant.id == wanted)]
    if len(found) != 1:
        what = (
            f"has no variant {wanted!r}" if wanted else f"describes {len(config.variants)} variants, a gate takes one"
        )
        listed = "\n".join(f"  {variant.id}  {variant.label}" for variant in config.variants[:20])
        todo = "name it with --variant, or gate: {variant: …}, by id or label:"
        raise UserError(f"gate: {config.path} {what}; {todo}\n{listed}")
    return replace(config, variants=tuple(found))


def _run(
    config: SweepConfig, limit: int | None, fresh: bool, runs_uri: str | None, quiet: bool, *, resume: bool = True
) -> Run:
    from harness.cli.display import shown
    from harness.study.summary import summarise
    from harness.sweeps.progress import Progress
    from harness.sweeps.session import Options, run_sweep

    progress = Progress()
    with shown(progress, quiet):
        stored = run_sweep(config, Options(limit, fresh, runs_uri, resume), progress)
    if stored.status == "complete":
        summarise(stored, keep=True)
    return stored, stored.variants[0]
