"""Where a run's numbers come from: code, versions, machine."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "harness-sweep",
    "anthropic",
    "chromadb",
    "langchain-text-splitters",
    "litellm",
    "numpy",
    "openai",
    "pyarrow",
    "tiktoken",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a result; absent ones are left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """The machine: platform, processor, cores, memory in bytes (None where the system does not tell)."""
    try:
        memory: int | None = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = None
    return {
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "implementation": sys.implementation.name,
    }


def who() -> str:
    """The user's name: HARNESS_USER, else as the system knows it; empty where it does not."""
    try:
        return os.environ.get("HARNESS_USER") or getpass.getuser()
    except (OSError, KeyError):
        return ""


def git(folder: Path) -> tuple[dict[str, Any], str]:
    """Commit, branch and whether there are uncommitted changes, with their diff; empty outside a repository."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}, ""
    diff = _git(folder, "diff", "HEAD", "--no-color") or ""
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    status = _git(folder, "status", "--porcelain") or ""
    return {"commit": commit.strip(), "branch": (branch or "").strip(), "dirty": bool(status.strip())}, diff


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
