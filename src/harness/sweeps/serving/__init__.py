"""One configuration behind an endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

from harness.sweeps.serving.application import Settings
from harness.sweeps.serving.following import Look, Unmade
from harness.sweeps.serving.log import Log
from harness.sweeps.serving.server import Server, serve
from harness.sweeps.serving.stamp import Promoted, Stamp

__all__ = ["Log", "Look", "Promoted", "Server", "Settings", "Stamp", "Unmade", "serve"]
