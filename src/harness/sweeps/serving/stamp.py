"""Which configuration gave an answer: the stamp that each answer bears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.config import SweepConfig
from harness.sweeps.conversing import Evaluated


@dataclass(frozen=True)
class Stamp:
    """The name that is served, the run `SWEEP/VARIANT`, and the version of the registry with its digest, if it has one.

    `name` is also the model's name for clients.
    """

    name: str
    run: str
    version: int | None = None
    digest: str = ""

    @property
    def fingerprint(self) -> str:
        """OpenAI's `system_fingerprint`: it changes whenever the configuration does."""
        if self.version is None:
            return f"harness-{self.run.rpartition('/')[2]}"
        return f"harness-v{self.version}-{self.digest[:8]}"

    def headers(self) -> dict[str, str]:
        """The headers of an answer."""
        version = {"x-harness-version": str(self.version)} if self.version is not None else {}
        return {"x-harness-run": self.run, **version}

    def content(self) -> dict[str, Any]:
        """As a part of an answer."""
        return {"alias": self.name, "version": self.version, "run": self.run}


@dataclass(frozen=True)
class Promoted:
    """A configuration to be served, and its stamp; `evaluated` as of `harness.sweeps.conversing.Responder`."""

    stamp: Stamp
    config: SweepConfig
    evaluated: Evaluated | None
