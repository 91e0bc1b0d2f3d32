"""One execution of a sweep: found or begun, prepared, run, ended, whatever happens."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.config import Limits, SweepConfig
from harness.errors import HarnessError, Incomplete, Interrupted, ProviderError, UserError
from harness.store import Folder, StoredSweep, Writer, layout
from harness.store.folder import write_json
from harness.store.naming import sweep_id
from harness.sweeps.asker import GatewayAsker
from harness.sweeps.asking import Asking, Finished
from harness.sweeps.cache import DiskCache
from harness.sweeps.claims import Claims
from harness.sweeps.description import describe
from harness.sweeps.engine import Engine
from harness.sweeps.estimate import estimate, to_ask
from harness.sweeps.gateway import (
    Answer,
    Batches,
    Gateway,
    Prices,
    Spending,
    check_environment,
    check_prices,
    trace_of,
)
from harness.sweeps.inputs import Inputs, read_inputs, resume_key
from harness.sweeps.needs import indexes_of, parts_asked
from harness.sweeps.preparation import Preparation
from harness.sweeps.progress import Progress
from harness.sweeps.resuming import before
from harness.sweeps.scoring import Scorer
from harness.sweeps.stopping import stopping
from harness.sweeps.workload import Cell, CellId, Workload

WORK = ".harness"
_SCORES_AT_ONCE, _SPARE = 64, 2
"""More scores are under way than calls may be: a judge that asks one question after the other leaves a place empty."""


@dataclass(frozen=True)
class Options:
    """How to run, apart from what to run. Without `resume` nothing that was interrupted is carried on."""

    limit: int | None = None
    fresh: bool = False
    runs: str | None = None
    resume: bool = True


def run_sweep(config: SweepConfig, options: Options, progress: Progress) -> StoredSweep:
    """Run a sweep, or carry on with the same one where it was interrupted; return it from its folder.

    Raises UserError before anything is spent; Incomplete, Interrupted or ProviderError after everything that was
    finished is on disk.
    """
    inputs = read_inputs(config, options.limit)
    parts = parts_asked(config)
    check_environment([*parts, *indexes_of(config)])
    check_prices(parts, Prices(config.prices), config.budget)
    workload = Workload(config, inputs.corpus, inputs.dataset.examples)
    target = Folder(options.runs or config.workspace / "runs")
    local = target.path if target.is_local else config.workspace / WORK / "staged"
    key = resume_key(config, inputs, options.fresh)
    resumed = _unfinished(Folder(local), key) if options.resume else None
    path = resumed or local / sweep_id(config.name, datetime.now(UTC))
    session = _Session(config, workload, inputs, options, progress, path, key)
    session.parts = parts
    try:
        asyncio.run(session.run())
    except UserError:
        if not resumed and session.is_empty():
            shutil.rmtree(path)  # nothing began: a folder of nothing would only be in the way
            progress.sweep = ""
        raise
    finally:
        if not target.is_local and path.exists():
            (target / path.name).upload(path)
    check_scores(progress)
    return StoredSweep(Folder(path))


def check_scores(progress: Progress) -> None:
    """Raise Incomplete where a metric gave no score at all, for no answer; all that there is was written."""
    for metric, (count, failed) in progress.scores.items():
        if failed == count:
            raise Incomplete(
                f"{metric} failed in all {count} cells with an answer, the last time for: "
                f"{progress.last_failures[metric]}; mend that, and score again: "
                f"harness score {progress.sweep} --metric …"
            )


def scores_at_once(limits: Limits) -> int:
    """How many scores may be under way."""
    return max(_SCORES_AT_ONCE, _SPARE * limits.concurrency)


def _unfinished(runs: Folder, key: str) -> Path | None:
    """The newest sweep of the same key that did not end; another process's running sweep is refused by its lock."""
    for name in reversed(runs.sweeps()):
        stored = StoredSweep(runs / name)
        header = stored.folder.read_json("sweep.json") or {}
        if header.get("resume_key") == key and stored.status != "complete":
            return runs.path / name
    return None


class _Session:
    """The parts of one execution, put together."""

    def __init__(
        self,
        config: SweepConfig,
        workload: Workload,
        inputs: Inputs,
        options: Options,
        progress: Progress,
        path: Path,
        key: str,
    ) -> None:
        self.config = config
        self.inputs = inputs
        self.options = options
        self.progress = progress
        self.key = key
        self.parts: list[Any] = []
        self.writer = Writer(path)
        self.cache = DiskCache(config.workspace / WORK, path.name)
        self.workload = workload
        self.stop = asyncio.Event()
        self.started = time.time()
        progress.sweep = path.name

    def is_empty(self) -> bool:
        """Whether nothing was finished and nothing spent."""
        return not self.writer.finished_cells() and not self.writer.spent()

    async def run(self) -> None:
        """Run to the end, and write how it ended."""
        status, reason = "failed", ""
        try:
            with stopping(self.stop, self._say):
                await self._work()
            status = "complete"
        except Interrupted as error:
            status, reason = "interrupted", str(error)
            raise
        except (Incomplete, ProviderError) as error:
            status, reason = "incomplete", str(error)
            raise
        except HarnessError as error:
            reason = str(error)
            raise
        except BaseException as error:
            reason = type(error).__name__
            raise
        finally:
            seconds = {"wall_s": time.time() - self.started, "asking_s": self.progress.asking_s()}
            self.writer.end(status, reason=reason, **{name: round(value, 3) for name, value in seconds.items()})
            self.cache.close()

    async def _work(self) -> None:
        if not (self.writer.path / "sweep.json").exists():
            describe(self.writer, self.config, self.inputs, asdict(self.options), self.key)
        # A metric that cannot work (a user's broken file) is known before anything is spent.
        scorer = self._scorer()
        done, known, spent = before(self.writer)
        trace = trace_of(self.writer.path.name)
        # With --fresh an answer is wanted that is our own, whoever else asks.
        claims = None if self.options.fresh else Claims(self.config.workspace / WORK, self.writer.path.name)
        gateway = Gateway(
            self.cache,
            self.writer.path.name,
            Prices(self.config.prices),
            self.config.budget,
            spent,
            fresh=self.options.fresh,
            limits=self.config.limits,
            trace=trace,
            claims=claims,
            on_spent=self._spend,
            stop=self.stop,
        )
        try:
            # What runs here may have a broken file or lack a package, which is to be known before anything is spent. To
            # import a provider's SDK takes a second, which a sweep that is answered from the cache does not need.
            gateway.open(part for part in self.parts if part.local)
            await self._prepare(gateway)
            await self._answer(gateway, scorer, done, known)
        finally:
            await gateway.close()
            self.cache.flush()  # what a claim was for is there before the claim goes
            if claims is not None:
                claims.close()
            await asyncio.to_thread(trace.close)
        self.progress.message = "writing tables"
        self.writer.compact({cell.id: i for i, cell in enumerate(self.workload.cells)})

    def _scorer(self) -> Scorer:
        config = self.config
        variants = [(variant.id, variant.label) for variant in config.variants]
        at_once, fresh = scores_at_once(config.limits), self.options.fresh
        return Scorer(config.metrics, variants, self.cache, self.progress, at_once=at_once, fresh=fresh)

    async def _prepare(self, gateway: Gateway) -> None:
        """Run the stages before the first answer, and keep the counts of what was done."""
        preparation = Preparation(self.workload, self.cache, gateway, self.progress, self.config.workspace / WORK)
        counted = await preparation.run(fresh=self.options.fresh)
        write_json(self.writer.path / layout.WORK, preparation.counts(self.writer.path.name, counted))

    async def _answer(
        self, gateway: Gateway, scorer: Scorer, done: dict[CellId, str | None], known: dict[str, Answer]
    ) -> None:
        """Answer and score every cell."""
        progress, config = self.progress, self.config
        cells = self.workload.cells
        progress.cells, progress.cells_done, progress.message = len(cells), len(done), ""
        batches = Batches(gateway, self.writer.path / layout.BATCHES, self.stop, self._say) if config.batch else None

        def asking(finished: Finished) -> Asking:
            at_once = config.limits.concurrency
            return Asking(self.workload, gateway, batches, at_once, self.stop, finished)

        self._put_back(gateway, known)
        failures = config.failures_allowed(len(cells))
        asker = GatewayAsker(gateway, self.cache)
        engine = Engine(
            self.workload,
            gateway,
            scorer,
            asker,
            self.writer,
            progress,
            asking,
            lambda todo: self._foresee(gateway, todo),
            failures,
            self.stop,
        )
        try:
            await engine.run(done, known)
        finally:
            await asker.settle()
            if batches is not None:
                batches.close()

    def _spend(self, spending: Spending) -> None:
        self.writer.spend(asdict(spending))
        self.progress.spent(spending.stage, spending.usd)

    def _put_back(self, gateway: Gateway, known: Mapping[str, Answer]) -> None:
        """What a killed process paid for and wrote into the journal alone is put where other sweeps find it."""
        made = [key for key, answer in known.items() if answer.source == "made" and answer.reply is not None]
        lost = set(made) - self.cache.makers(made).keys()
        models = {c.request: c.variant.chatbot.model for c in self.workload.cells if c.request in lost} if lost else {}
        for key, model in models.items():
            answer = known[key or ""]
            if answer.reply is not None:
                gateway.keep(model, key or "", answer.reply, answer.wait_ms, answer.attempts)

    def _say(self, message: str) -> None:
        self.progress.message = message

    def _foresee(self, gateway: Gateway, todo: Mapping[str, Cell]) -> None:
        """Keep what the calls are thought to cost, to be compared; a sweep that is carried on keeps the first word."""
        path = self.writer.path / layout.ESTIMATE
        if not path.exists() and any(not cell.variant.chatbot.model.local for cell in todo.values()):
            found = estimate(to_ask(todo), gateway.prices, batched=self.config.batch)
            write_json(path, found.as_json())
