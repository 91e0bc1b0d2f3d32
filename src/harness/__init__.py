"""Harness: choose, prove and guard the configuration of an LLM chatbot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from harness.study.choosing.effects import Effects
    from harness.study.choosing.pareto import Front
    from harness.study.choosing.race import Race
    from harness.study.choosing.ranking import Ranking
    from harness.study.comparing.comparison import Comparison
    from harness.study.inference.power import Power
    from harness.study.loaded import Sweep

__all__ = ["compare", "effects", "load", "pareto", "power", "race", "rank", "runs", "sweep"]


def sweep(path: str, **overrides: Any) -> Sweep:
    """Run a sweep file and return the loaded sweep.

    `overrides` replace values of the file by name: `repeats=3`, `top_k=5`, a swept one's by a list, `chatbot={…}`.
    Besides, the command line's options: `limit` (number of examples), `fresh` (ignore cached answers), `runs_uri`
    (where runs are kept).
    Raises harness.errors.UserError for wrong input, Incomplete when the sweep could not finish.
    """
    import json

    from harness.config import load as load_config
    from harness.study.loaded import Sweep
    from harness.study.summary import summarise
    from harness.sweeps.progress import Progress
    from harness.sweeps.session import Options, run_sweep

    limit, fresh = overrides.pop("limit", None), overrides.pop("fresh", False)
    options = Options(limit=limit, fresh=fresh, runs=overrides.pop("runs_uri", None))
    texts = [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
    stored = run_sweep(load_config(path, texts), options, Progress())
    summarise(stored, keep=True)
    return Sweep(stored)


def runs(uri: str = "runs") -> pd.DataFrame:
    """A frame with one row per run of a folder, local or by URI: settings and the mean of each metric."""
    from harness.study.listing import runs as list_runs

    return list_runs(uri)


def load(sweep: str) -> Sweep:
    """Load a sweep from its folder: `.variants`, `.outcomes`, `.scores` (frames), `.config`, `.summary`."""
    from harness.study.loaded import load as load_sweep

    return load_sweep(sweep)


def compare(
    a: ArrayLike | pd.DataFrame,
    b: ArrayLike | pd.DataFrame,
    clusters: Iterable[object] | None = None,
    alpha: float = 0.05,
) -> Comparison:
    """Paired comparison of two arrays of scores, or of two frames with `example` and `value`, `repeat`, `cluster`.

    `.difference` is how much `a` is above `b`; `.sentence()` says what can be claimed, or what it would take.
    """
    from harness.study.comparing.comparison import compare as compare_scores

    return compare_scores(a, b, clusters, alpha)


def power(
    a: ArrayLike | pd.DataFrame | None = None,
    b: ArrayLike | pd.DataFrame | None = None,
    clusters: Iterable[object] | None = None,
    **known: Any,
) -> Power:
    """What a number of examples can show: from a pilot as `compare` takes it, or from assumptions.

    By name: `difference`, `n`, `power` (two at most: the third is computed), `alpha`; without a pilot `sd` or
    `discordance`, `icc`, `cluster_size`. See harness.study.inference.power.
    """
    from harness.study.inference.power import power as power_of

    return power_of(a, b, clusters, **known)


def rank(
    scores: pd.DataFrame, alpha: float = 0.05, costs: Mapping[str, float] | pd.Series | None = None, **options: Any
) -> Ranking:
    """Rank variants by a frame `variant`, `example`, `value`[, `repeat`, `cluster`]; `.table`, `.best`, `.best_set`.

    `.winner` has the first's `.score` with `.low` and `.high`, corrected for having been chosen, and `.raw`; given
    `costs`, `.cheapest` is the least costly of the best set. `options`: `direction` (`"minimize"`), the metric's `low`
    and `high`, and `within`, what the cheapest may lose (0.02).
    """
    from harness.study.choosing.ranking import rank_scores

    return rank_scores(scores, alpha, costs, **options)


def effects(scores: pd.DataFrame, variants: pd.DataFrame, alpha: float = 0.05, **options: Any) -> Effects:
    """What each axis does: `scores` as for `rank`, `variants` a frame with `variant` and a column per axis.

    `.levels`, `.differences` and `.shares` are frames. `options`: `direction`, and the metric's `low` and `high`.
    """
    from harness.study.choosing.effects import effects_of

    return effects_of(scores, variants, alpha, **options)


def pareto(
    frame: pd.DataFrame,
    maximize: Iterable[str] | None = None,
    minimize: Iterable[str] | None = None,
    alpha: float = 0.05,
) -> Front:
    """The front of a frame with `variant` and objectives, one row per variant or cell: `.front`, `.kept`, `.table`.

    `.front` is that of the means, `.kept` are those that nothing beats beyond noise. Objectives that are not named are
    `quality` or `value` (more is better), `cost`, `cost_usd`, `latency`, `latency_ms` (less).
    """
    from harness.study.choosing.pareto import pareto as front_of

    return front_of(
        frame, None if maximize is None else list(maximize), None if minimize is None else list(minimize), alpha
    )


def race(values: ArrayLike, confidence: float = 0.95, clusters: Iterable[object] | None = None, seed: int = 0) -> Race:
    """Replay a race on an array variants x examples (higher is better, NaN: no such cell): `.kept`, `.best`, `.cells`.

    Variants leave as soon as they cannot be the best with this confidence, which holds at every look.
    """
    from harness.study.choosing.race import race as run_race

    return run_race(values, confidence, clusters, seed)
