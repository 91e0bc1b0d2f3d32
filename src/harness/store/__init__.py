"""The door between the two wings: run folders, their one writer and their tolerant reader."""

from harness.store.folder import Folder
from harness.store.passes import PassWriter
from harness.store.reader import StoredSweep
from harness.store.writer import Writer, write_summary

__all__ = ["Folder", "PassWriter", "StoredSweep", "Writer", "write_summary"]
