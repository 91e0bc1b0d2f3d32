"""The ledger: every entry once, in one order, and whatever is changed later is noticed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from harness.errors import UserError
from harness.store import Folder
from harness.store.ledger import Ledger

WRITERS = 20
WRITER = """
import pathlib, sys, time
from harness.store import Folder
from harness.store.ledger import Ledger

folder, gate, name = sys.argv[1:]
pathlib.Path(gate, name).touch()
while not pathlib.Path(gate, "open").exists():
    time.sleep(0.001)
for turn in range(3):
    Ledger(Folder(folder)).append(lambda known: {"writer": name, "turn": turn, "saw": len(known)})
"""


def filled(folder: Folder, count: int = 3) -> Ledger:
    """A ledger with some entries."""
    ledger = Ledger(folder)
    for _ in range(count):
        ledger.append(lambda known: {"text": f"entry {len(known)}", "saw": len(known)})
    return ledger


def test_twenty_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    """Sixty entries, numbered without a gap, each made from all the entries before it; nothing else is left behind."""
    folder, gate = tmp_path / "ledger", tmp_path / "gate"
    gate.mkdir()
    names = [f"w{number}" for number in range(WRITERS)]
    started = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(gate), name]) for name in names]
    while len(list(gate.iterdir())) < WRITERS:
        assert all(process.poll() is None for process in started)
    (gate / "open").touch()
    assert [process.wait(timeout=120) for process in started] == [0] * WRITERS
    entries = Ledger(Folder(folder)).entries()
    assert sorted((e["writer"], e["turn"]) for e in entries) == sorted((n, t) for n in names for t in range(3))
    assert [entry["saw"] for entry in entries] == list(range(3 * WRITERS))
    assert sorted(os.listdir(folder)) == [f"{number:06}.json" for number in range(1, 3 * WRITERS + 1)]


def test_twenty_threads_at_once_lose_nothing_in_object_storage() -> None:
    """As on a disk."""
    uri = f"memory://{uuid.uuid4().hex}/ledger"

    def write(name: int) -> None:
        Ledger(Folder(uri)).append(lambda known: {"writer": name, "saw": len(known)})

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    entries = Ledger(Folder(uri)).entries()
    assert sorted(entry["writer"] for entry in entries) == list(range(WRITERS))
    assert [entry["saw"] for entry in entries] == list(range(WRITERS))


class Refusing(MemoryFileSystem):  # type: ignore[misc]
    """A store that tells a failed condition by an error of its own, and in which another writer is always quicker."""

    protocol = "refusing"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    rivals: ClassVar[list[bytes]] = []
    errors: ClassVar[list[OSError]] = []

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Create a file, the rival's before ours."""
        if mode == "create" and Refusing.rivals:
            super().pipe_file(path, Refusing.rivals.pop(0))
        if mode == "create" and self.exists(path):
            raise OSError(errno.EINVAL, "PreconditionFailed")
        if Refusing.errors and "Conflict" in str(Refusing.errors[0]):
            raise Refusing.errors.pop()
        super().pipe_file(path, value, mode, **kwargs)
        if Refusing.errors:
            raise Refusing.errors.pop()


def test_a_condition_that_failed_is_known_whatever_the_store_calls_it(tmp_path: Path) -> None:
    """The next number is taken, and the rival's entries stand."""
    filled(Folder(tmp_path))
    Refusing.rivals[:] = [(tmp_path / f"{number:06}.json").read_bytes() for number in (1, 2, 3)]
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    Ledger(Folder("refusing://bucket/ledger")).append(lambda known: {"text": "mine", "saw": len(known)})
    entries = Ledger(Folder("refusing://bucket/ledger")).entries()
    assert [entry["text"] for entry in entries] == ["entry 0", "entry 1", "entry 2", "mine"]
    assert entries[-1]["saw"] == 3


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EINVAL, "PreconditionFailed"), OSError(errno.EIO, "ConditionalRequestConflict")],
    ids=["lost reply", "conflict"],
)
def test_an_entry_is_there_once_after_an_error_of_the_store(error: OSError) -> None:
    """What was written though the reply was lost is not written again; a conflict is tried again."""
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    ledger = Ledger(Folder(f"refusing://bucket/{uuid.uuid4().hex}"))
    Refusing.errors[:] = [error]
    ledger.append(lambda known: {"text": "mine"})
    assert Refusing.errors == []
    assert [entry["text"] for entry in ledger.entries()] == ["mine"]


def test_a_store_that_takes_nothing_is_a_clear_error() -> None:
    """It says why, and nothing is written."""
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    ledger = Ledger(Folder(f"refusing://bucket/{uuid.uuid4().hex}"))
    Refusing.rivals[:] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Refusing, "makedirs", _denied)
        with pytest.raises(UserError, match=r"cannot write to refusing://bucket/.*: access denied"):
            ledger.append(lambda known: {"text": "mine"})
    assert ledger.entries() == []


def test_a_store_without_conditions_is_refused() -> None:
    """One that would write over what another wrote in the meantime."""

    class Old(Refusing):
        protocol = "old"

        def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> None:  # type: ignore[override]
            raise AssertionError("nothing may be written")

    fsspec.register_implementation("old", Old, clobber=True)
    with pytest.raises(UserError, match="cannot create a file only once; upgrade it"):
        Ledger(Folder("old://bucket/ledger")).append(lambda known: {})


def _denied(*_: Any, **__: Any) -> None:
    raise PermissionError(errno.EACCES, "access denied")


def test_a_disk_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is created where there is none, directly."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert [entry["text"] for entry in filled(Folder(tmp_path)).entries()] == ["entry 0", "entry 1", "entry 2"]
    assert len(os.listdir(tmp_path)) == 3


def edited(file: Path, **changes: Any) -> None:
    """Change fields of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def renewed(folder: Path) -> None:
    """Replace the second entry by one that is whole in itself, as if it had always been so."""
    (folder / "000003.json").rename(folder / "kept")
    (folder / "000002.json").unlink()
    Ledger(Folder(folder)).append(lambda known: {"text": "another"})
    (folder / "kept").rename(folder / "000003.json")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: edited(folder / "000002.json", text="better"), "000002.json was changed after it was written"),
        (lambda folder: edited(folder / "000003.json", before=None), "000003.json was changed after it was written"),
        (lambda folder: (folder / "000003.json").write_text("{"), "000003.json is no JSON mapping any more"),
        (lambda folder: (folder / "000002.json").unlink(), "000002.json is missing, 000003.json is there"),
        (lambda folder: (folder / "000001.json").unlink(), "000001.json is missing, 000002.json is there"),
        (renewed, "000003.json does not follow on 000002.json"),
    ],
    ids=["content", "chain", "torn", "middle", "first", "replaced"],
)
def test_what_was_changed_is_noticed_and_named(tmp_path: Path, damage: Callable[[Path], Any], told: str) -> None:
    """Reading and writing stop alike, with the file and what to do."""
    ledger = filled(Folder(tmp_path))
    damage(tmp_path)
    with pytest.raises(UserError, match=told) as caught:
        ledger.entries()
    assert "put the files back" in str(caught.value)
    with pytest.raises(UserError, match=told):
        ledger.append(lambda known: {})


def test_a_newer_format_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """It is no damage: the advice is to upgrade."""
    ledger = filled(Folder(tmp_path))
    edited(tmp_path / "000002.json", format=99)
    with pytest.raises(UserError, match=r"000002.json: format 99; this version reads up to \d+: upgrade harness"):
        ledger.entries()


def test_numbers_that_are_no_numbers_survive(tmp_path: Path) -> None:
    """The digest is of what a reader finds: NaN becomes null, keys become texts."""
    ledger = Ledger(Folder(tmp_path))
    ledger.append(lambda known: {"value": float("nan"), "by": {1: 0.1 + 0.2}})
    [entry] = ledger.entries()
    assert (entry["value"], entry["by"]) == (None, {"1": 0.1 + 0.2})


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path) -> None:
    """Notes, and what a killed writer left."""
    ledger = filled(Folder(tmp_path), 1)
    for name in ("README.md", "notes.json", ".000002.json.abc.tmp"):
        (tmp_path / name).write_text("x")
    assert len(ledger.entries()) == 1


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    """It names the folder."""
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UserError, match=r"cannot write to .*runs/_registry"):
        Ledger(Folder(tmp_path / "runs" / "_registry")).append(lambda known: {})
