"""Processor time of `harness --help`, against that of an empty Python.

python benchmarks/startup.py
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

RUNS = 11


def cpu(*arguments: str) -> float:
    """Median processor seconds of a command."""
    spent = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(spent)


def main() -> None:
    least = cpu("-c", "pass")
    for name, arguments in (
        ("harness --help", ("-m", "harness", "--help")),
        ("import harness", ("-c", "import harness")),
        ("harness parts", ("-m", "harness", "parts")),
    ):
        spent = cpu(*arguments)
        print(f"{name}: {spent:.3f} s CPU ({spent / least:.1f} x an empty Python, {least:.3f} s)")


if __name__ == "__main__":
    main()
