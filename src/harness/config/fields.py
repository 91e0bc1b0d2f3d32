"""Reading checked values out of nodes; every mistake is collected, none stops the reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.nodes import Node
from harness.errors import Mistake, Place, UserError, advice


@dataclass
class Mistakes:
    """The mistakes found so far."""

    found: list[Mistake] = field(default_factory=list)

    def add(self, place: Place, found: str, advice: str = "") -> None:
        """Note one mistake, once."""
        mistake = Mistake(place, found, advice)
        if mistake not in self.found:
            self.found.append(mistake)

    def finish(self) -> None:
        """Raise UserError with all mistakes, in the order of the file, if there are any."""
        if self.found:
            raise UserError(sorted(self.found, key=lambda m: m.place))

    def mapping(self, node: Node, name: str, allowed: Sequence[str]) -> dict[str, Node]:
        """The entries of a mapping whose keys are all allowed; others are noted."""
        if not node.is_mapping:
            self.add(
                node.place,
                f"{name}: expected a mapping, found {node.describe()}",
                advice("", allowed, "keys"),
            )
            return {}
        for key in node.value:
            if key not in allowed:
                place = node.key_places.get(key, node.place)
                self.add(place, f"{name}: unknown key {key!r}", advice(key, allowed))
        return {key: value for key, value in node.items() if key in allowed}

    def text(self, node: Node, name: str) -> str | None:
        """A text that is not empty."""
        if isinstance(node.value, str) and node.value.strip():
            return node.value
        self.add(node.place, f"{name}: expected text, found {node.describe()}")
        return None

    def number(
        self,
        node: Node,
        name: str,
        *,
        whole: bool = False,
        low: float | None = None,
        high: float | None = None,
    ) -> Any:
        """A number within bounds."""
        value = node.value
        good = isinstance(value, int) if whole else isinstance(value, int | float)
        if not good or isinstance(value, bool):
            self.add(node.place, f"{name}: expected a {'whole ' if whole else ''}number, found {node.describe()}")
            return None
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"at least {low:g}" if high is None else f"between {low or 0:g} and {high:g}"
            self.add(node.place, f"{name}: {value:g} is not possible", f"expected {bounds}")
            return None
        return value

    def truth(self, node: Node, name: str) -> bool:
        """True or false."""
        if isinstance(node.value, bool):
            return node.value
        self.add(node.place, f"{name}: expected true or false, found {node.describe()}")
        return False

    def choice(self, node: Node, name: str, allowed: Iterable[str]) -> str | None:
        """One of a few words."""
        options = list(allowed)
        if node.value in options:
            return str(node.value)
        self.add(node.place, f"{name}: unknown value {node.describe()}", advice(str(node.value), options))
        return None

    def file_text(self, node: Node, name: str, workspace: Path) -> str | None:
        """The text of a file reference `{file: PATH}`; the path is relative to the workspace."""
        entries = self.mapping(node, name, ["file"])
        if "file" not in entries:
            return None
        relative = self.text(entries["file"], f"{name}.file")
        if relative is None:
            return None
        path = workspace / relative
        try:
            return path.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
            self.add(entries["file"].place, f"{name}: cannot read {relative}: {reason}", f"looked in {workspace}")
            return None


def is_file_reference(node: Node) -> bool:
    """Whether a node is `{file: PATH}`."""
    return node.is_mapping and list(node.value) == ["file"]
