"""A large sweep again, all of it known: 2,000 questions x 50 variants, 100,000 cells.

python -m benchmarks.cached [variants]     # 50
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.calls import sweep
from benchmarks.provider import Conduct, provider, workspace

QUESTIONS = 2000


def main() -> None:
    variants = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    values = ", ".join(str(i / 100) for i in range(variants))
    with provider(Conduct(delay_s=0)) as far, tempfile.TemporaryDirectory() as folder:
        axes = f"concurrency: 100\nsweep: {{axes: {{temperature: [{values}]}}}}\n"
        path = workspace(Path(folder), far.url, QUESTIONS, axes)
        first, took, *_ = sweep(path)
        again, seconds, cpu, memory = sweep(path)
    cells = again["cells"]
    print(f"{cells} cells; first run: {took:.1f} s, {first['calls']['made']} calls made")
    print(f"again: {again['calls']['made']} calls made, {seconds:.2f} s whole, {cells / seconds:.0f} cells/s")
    print(f"  {1e6 * cpu / cells:.0f} us of processor time per cell, {memory:.0f} MB at the most")


if __name__ == "__main__":
    main()
