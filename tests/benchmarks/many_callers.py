"""Many callers at once: does one fail, or get another score than its clip gets alone, and does memory grow?

    python tests/benchmarks/many_callers.py CLIPS [--callers 64] [--requests 20 | --minutes 10] [--clips 6]

A quarter of the callers each visit the page, call its endpoint, REST, and the tools of MCP; new clips, known
clips, words, switches, methods and tabs are mixed by chance. Memory is the server's, resident; it grows from
the median of the second quarter of the time, when all is loaded, to that of the last. Exit code 1 where a
caller failed, a score differs by more than 0.001 (on the page: by more than its rounding), or memory grew by
more than 5 % with --minutes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks.memory import MOST_GROWTH
from tests.benchmarks.results import keep_latest
from tests.crowd import OFFERED, crowd, differing
from tests.serving import Served, serving

SAMPLED = 2.0  # s between two looks at the memory


@contextmanager
def watched(served: Served) -> Iterator[list[float]]:
    """The server's memory in MB, looked at every SAMPLED seconds of the context."""
    seen, over = [], threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLED):
            seen.append(served.memory)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def of_minutes(memory: list[float]) -> list[float]:
    """The median of each minute, the last one perhaps in part."""
    each = round(60 / SAMPLED)
    return [statistics.median(memory[start : start + each]) for start in range(0, len(memory), each)]


def growth(memory: list[float]) -> float:
    """How many times the median of the second quarter that of the last one is."""
    quarter = len(memory) // 4
    return statistics.median(memory[3 * quarter :]) / statistics.median(memory[quarter : 2 * quarter])


def main() -> int:
    """Runs the crowd, then asks the same alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="CLIPS", help="mp4 files")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--requests", type=int, default=20, help="of each caller")
    parser.add_argument("--minutes", type=float, help="ask for as long, instead of so many requests")
    parser.add_argument("--clips", type=int, default=6, help="different ones")
    args = parser.parse_args()
    clips = sorted(args.folder.rglob("*.mp4"))[: args.clips]
    requests, minutes = (args.requests, inf) if args.minutes is None else (sys.maxsize, args.minutes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder, **OFFERED) as served, watched(served) as memory:
            start = time.monotonic()
            outcome = crowd(served.url, clips, args.callers, requests, folder, minutes)
            seconds, load = time.monotonic() - start, os.getloadavg()[1]
        with serving(folder) as served:
            wrong = differing(outcome, served.url)
    by_minute = of_minutes(memory)
    grown = growth(memory) if len(memory) >= 4 else 1.0
    print(
        f"{args.callers} callers, {outcome.requests} requests in {seconds:.0f} s "
        f"({outcome.requests / seconds:.1f} a second), {outcome.turned_away} told to come again: "
        f"{len(outcome.failures)} failed, {len(wrong)} of {len(outcome.scores)} scores other than alone; "
        f"memory by minutes {' '.join(f'{mb:.0f}' for mb in by_minute)} MB, growth {grown:.3f}; "
        f"load of the machine {load:.1f}"
    )
    keep_latest(
        {
            "requests": outcome.requests,
            "scores": len(outcome.scores),
            "requests_per_second": outcome.requests / seconds,
            "told_to_come_again": outcome.turned_away,
            "memory_mb": by_minute,
            "memory_growth": grown,
            "failed": len(outcome.failures),
            "other_scores": len(wrong),
            "load_of_the_machine": load,
        }
    )
    for line in [*outcome.failures, *wrong][:10]:
        print(f"  {line}")
    grew = args.minutes is not None and grown > MOST_GROWTH
    return int(bool(outcome.failures or wrong or grew))


if __name__ == "__main__":
    sys.exit(main())
