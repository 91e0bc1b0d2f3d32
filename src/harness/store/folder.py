"""A folder of runs, local or in object storage, as the reading side sees it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import orjson

from harness.errors import UserError
from harness.plugins import addresses
from harness.store.layout import FORMAT, HEADER, SUMMARY


class Folder:
    """One folder, by path or by URI (`s3://…`, through fsspec). Missing files read as None."""

    def __init__(self, uri: str | Path) -> None:
        self.uri = str(uri).rstrip("/") or "/"
        self.is_local = "://" not in self.uri or self.uri.startswith("file://")
        self.path = Path(self.uri.removeprefix("file://"))
        self._fs: Any = None
        self._root = self.uri
        if not self.is_local:
            import fsspec

            try:
                addresses.refuse_secrets("the address of runs", self.uri, "what its library reads from the environment")
            except ValueError as error:
                raise UserError(str(error)) from None
            self._fs, self._root = fsspec.core.url_to_fs(self.uri)

    def __truediv__(self, name: str) -> Folder:
        return Folder(self.path / name if self.is_local else f"{self.uri}/{name}")

    @property
    def name(self) -> str:
        """The last component."""
        return self.uri.rsplit("/", 1)[-1]

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, or None when there is none."""
        try:
            if self.is_local:
                with open(f"{self.path}/{name}", "rb") as file:
                    return file.read()
            return bytes(self._fs.cat_file(f"{self._root}/{name}"))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON file, or None when it is missing or torn."""
        content = self.read(name)
        if content is None:
            return None
        try:
            loaded = orjson.loads(content)
        except orjson.JSONDecodeError:
            return None
        return check_format(loaded, f"{self.uri}/{name}") if isinstance(loaded, dict) else None

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        if self.is_local:
            return os.path.exists(f"{self.path}/{name}")
        return bool(self._fs.exists(f"{self._root}/{name}"))

    def children(self) -> list[str]:
        """Names of the folders inside, sorted; none when the folder does not exist."""
        try:
            if self.is_local:
                with os.scandir(self.path) as entries:
                    return sorted(e.name for e in entries if e.name[0] not in "._" and self._holds(e))
            found = self._fs.ls(self._root, detail=True)
            return sorted(f["name"].rsplit("/", 1)[-1] for f in found if f["type"] == "directory")
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _holds(self, entry: os.DirEntry[str]) -> bool:
        """Whether an entry is a folder inside, and no link to a place elsewhere."""
        if not entry.is_dir():
            return False
        return not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(self.path.resolve())

    def sweeps(self) -> list[str]:
        """Ids of the sweeps inside, oldest first."""
        return [name for name in self.children() if (self / name).has(SUMMARY) or (self / name).has(HEADER)]

    def upload(self, source: Path) -> None:
        """Copy a local folder here (object storage only)."""
        for file in sorted(source.rglob("*")):
            if file.is_file() and file.suffix not in (".lock", ".tmp"):
                self._fs.pipe_file(f"{self._root}/{file.relative_to(source).as_posix()}", file.read_bytes())


def check_format(content: dict[str, Any], file: str) -> dict[str, Any]:
    """The content, if this version can read it; UserError when a newer version wrote it."""
    written = content.get("format", FORMAT)
    if written > FORMAT:
        raise UserError(f"{file}: format {written}; this version reads up to {FORMAT}: upgrade harness")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, content: dict[str, Any], *, compact: bool = False) -> None:
    """Write a JSON file atomically, with the format number; `compact` for what is read by the thousand."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | (0 if compact else orjson.OPT_INDENT_2)
    write_atomically(path, orjson.dumps({"format": FORMAT, **content}, option=options))
