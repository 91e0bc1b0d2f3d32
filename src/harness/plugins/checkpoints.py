"""Models that run on this machine, by their name on the Hub or from a local folder; for embedders and rerankers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.plugins import encoders, weights
from harness.plugins.parts import name as written_name

_PACKAGE, _RUNNER = "pip install 'harness-sweep[sentence-transformers]'", "pip install 'harness-sweep[onnx]'"


class Checkpoint:
    """What parts with the fields `name` and `workspace` have in common.

    A folder, relative to the workspace, is told from a name of the Hub by being there.
    """

    name: str
    workspace: str

    @property
    def folder(self) -> Path | None:
        """The local folder; None where the name is one of the Hub."""
        return weights.folder_of(self.name, self.workspace)

    @property
    def price_name(self) -> str | None:
        """Free."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """Needs nothing."""
        return ()

    def identity_extra(self) -> dict[str, Any]:
        """A digest of the folder's content: another model under the same path is another part."""
        return {"content": weights.digest_of(self.folder)} if self.folder else {}

    @property
    def about(self) -> str:
        """How messages call it."""
        return written_name(self)

    @property
    def _nowhere(self) -> str:
        return f"no such folder (looked in {Path(self.workspace or Path.cwd())})"

    @contextmanager
    def loading(self) -> Iterator[None]:
        """For the block in which the package loads the model: what goes wrong becomes a UserError.

        ImportError passes; a name that can only be a folder is refused where there is none.
        """
        if self.folder is None and weights.looks_local(self.name):
            raise UserError(f"{self.about}: {self._nowhere}")
        try:
            yield
        except ImportError:
            raise
        except (OSError, ValueError) as error:
            nowhere = "" if self.folder else f"there is {self._nowhere}, and the model "
            raise UserError(f"{self.about}: {nowhere}cannot be loaded: {error}") from error

    def runner(self, missing: str, *, scores: bool) -> tuple[Path, encoders.Encoder]:
        """The folder and what runs it by onnxruntime, where the package `missing` is not installed.

        Raises UserError where there is no folder, or it cannot be run so.
        """
        folder = self.folder
        if folder is None:
            raise UserError(
                f"{self.about}: there is {self._nowhere}, and for a model of the Hub a package is not installed "
                f"({missing}): {_PACKAGE}; without it, name a local folder with a BERT or an ONNX model: {_RUNNER}"
            ) from None
        try:
            return folder, encoders.load(folder, scores=scores, about=self.about)
        except ImportError as error:
            needs = f"{self.about} needs a package that is not installed ({error.name})"
            raise UserError(f"{needs}: {_RUNNER}, or {_PACKAGE}") from None
