"""A provider in trouble, and one that takes few at once: what that costs in time, against the faults' own minimum.

python -m benchmarks.troubles [calls]     # 2000
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.calls import asked_s, sweep
from benchmarks.provider import Conduct, Moment, fate, provider, workspace

AT_ONCE, DELAY_S, TIMEOUT_S = 100, 0.1, 2.0
FAULTS = Conduct(delay_s=DELAY_S, refused=0.10, failing=0.05, hanging=0.01)


def least_s(undisturbed: float, moments: list[Moment]) -> float:
    """The least time that the faults themselves cost, at the pace of the undisturbed run.

    All slots busy with the requests that are needed now; or, if that is longer, the hanging call that came last in the
    undisturbed run: it comes later by the requests that are asked again before it, is left, and is asked again.
    """
    again = FAULTS.refused + FAULTS.failing + FAULTS.hanging
    busy = undisturbed * (1 + again) + len(moments) * FAULTS.hanging * (TIMEOUT_S - DELAY_S) / AT_ONCE
    last = max(moment.at for moment in moments if fate(FAULTS, moment.number) is None) - moments[0].at
    return max(busy, last * (1 + again) + TIMEOUT_S + DELAY_S)


def run(folder: Path, conduct: Conduct, count: int) -> tuple[dict[str, Any], float, list[Moment]]:
    """A sweep against such a provider: its summary, the seconds of asking, the requests that came in."""
    folder.mkdir()
    with provider(conduct) as far:
        path = workspace(folder, far.url, count, f"concurrency: {AT_ONCE}\n")
        path.write_text(path.read_text().replace(far.url, f"{far.url}, timeout_s: {TIMEOUT_S}"))
        found, *_ = sweep(path)
        return found, asked_s(found), far.counts()[3]


def scores(summary: dict[str, Any]) -> list[float]:
    return [summary["runs"][0]["metrics"][name]["mean"] for name in ("answer_match", "token_f1")]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        good, undisturbed, calm = run(Path(folder) / "a", Conduct(delay_s=DELAY_S), count)
        bad, disturbed, stormy = run(Path(folder) / "b", FAULTS, count)
        few, seconds, moments = run(Path(folder) / "c", Conduct(delay_s=DELAY_S, admits=20), 4 * count)
    least, ideal = least_s(undisturbed, calm), 4 * count * DELAY_S / 20
    print(f"{count} calls of {DELAY_S * 1000:.0f} ms, {AT_ONCE} at once; undisturbed {undisturbed:.2f} s")
    print("10% refused first, 5% failing first, 1% hanging first (left after 2 s):")
    print(f"  failed cells {bad['failed_cells']}, requests {len(stormy)}, scores equal: {scores(good) == scores(bad)}")
    print(f"  {disturbed:.2f} s; the faults' own minimum {least:.2f} s: {disturbed / least:.2f} x")
    late = [moment for moment in moments if moment.at - moments[0].at > 10]
    refused, later = (sum(moment.refused for moment in some) / len(some) for some in (moments, late))
    level = sum(m.inside + 1 for m in late if not m.refused) / sum(not m.refused for m in late)
    print(f"a server that admits 20 at once, {4 * count} calls: {seconds:.1f} s, {seconds / ideal:.2f} x ideal")
    print(f"  failed cells {few['failed_cells']}; refused: {refused:.1%}, after the first 10 s {later:.1%}")
    print(f"  at work after the first 10 s: {level:.1f} at once, on average")


if __name__ == "__main__":
    main()
