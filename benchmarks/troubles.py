"""A provider in trouble, and one that takes few at once: what that costs in time, against the faults' own minimum.

python -m benchmarks.troubles [calls]     # 2000
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.calls import asked_s, sweep
from benchmarks.provider import Conduct, provider, workspace

AT_ONCE, DELAY_S, TIMEOUT_S, PAUSE_S = 100, 0.1, 2.0, 0.5
FAULTS = Conduct(delay_s=DELAY_S, refused=0.10, failing=0.05, hanging=0.01)


def least_s(count: int) -> float:
    """The least time for these faults: every slot busy all the time, with the first calls, the second calls of those
    that went wrong, and the timeouts of those that hang; or one that hangs last, if that is longer."""
    wrong = FAULTS.refused + FAULTS.failing
    busy = count * (DELAY_S * (1 + wrong + FAULTS.hanging) + FAULTS.hanging * TIMEOUT_S)
    return busy / AT_ONCE


def run(folder: Path, conduct: Conduct, count: int, extra: str) -> tuple[dict, float, tuple]:  # type: ignore[type-arg]
    """A sweep against such a provider: its summary, the seconds of asking, what the provider counted."""
    folder.mkdir()
    with provider(conduct) as far:
        path = workspace(folder, far.url, count, f"concurrency: {AT_ONCE}\n{extra}")
        path.write_text(path.read_text().replace(far.url, f"{far.url}, timeout_s: {TIMEOUT_S}"))
        found, *_ = sweep(path)
        return found, asked_s(found), far.counts()


def scores(summary: dict) -> list[float]:  # type: ignore[type-arg]
    return [summary["runs"][0]["metrics"][name]["mean"] for name in ("answer_match", "token_f1")]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        good, undisturbed, _ = run(Path(folder) / "a", Conduct(delay_s=DELAY_S), count, "")
        bad, disturbed, (requests, *_) = run(Path(folder) / "b", FAULTS, count, "")
        few, seconds, (asked, refused, _, moments) = run(
            Path(folder) / "c", Conduct(delay_s=DELAY_S, admits=20), 4 * count, ""
        )
    least = least_s(count)
    floor = undisturbed / (count * DELAY_S / AT_ONCE)
    print(f"{count} calls of {DELAY_S * 1000:.0f} ms, {AT_ONCE} at once; undisturbed {undisturbed:.2f} s")
    print("10% refused first, 5% failing first, 1% hanging first (left after 2 s):")
    print(f"  failed cells {bad['failed_cells']}, requests {requests}, scores equal: {scores(good) == scores(bad)}")
    print(f"  {disturbed:.2f} s; the faults' own minimum {least:.2f} s, {least * floor:.2f} s at the undisturbed pace")
    start = moments[0][0]
    late = [(moment, no, inside) for moment, no, inside in moments if moment - start > 10]
    later = sum(no for _, no, _ in late) / len(late)
    level = sum(inside for _, _, inside in late) / len(late)
    print(
        f"a server that admits 20 at once, {4 * count} calls: {seconds:.1f} s, ideal {4 * count * DELAY_S / 20:.1f} s"
    )
    print(f"  failed cells {few['failed_cells']}; refused: {refused / asked:.1%}, after the first 10 s {later:.1%}")
    print(f"  found at work by a request after the first 10 s: {level:.1f} others, on average")


if __name__ == "__main__":
    main()
