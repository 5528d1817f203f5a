"""Does the memory of a running page grow with what it is asked?

    python tests/benchmarks/memory.py CLIPS_FOLDER [--requests 1000] [--first 100]

Callers at every door ask about clips, words, methods and tabs; prints the server's resident memory after
the first requests and after all, and their ratio. Exit code 1 where it grew by more than 5 %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks.results import keep_latest
from tests.crowd import OFFERED, crowd
from tests.serving import serving

CALLERS = 4
MOST_GROWTH = 1.05


def main() -> int:
    """Asks, measures, asks on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="CLIPS_FOLDER", help="mp4 files")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--first", type=int, default=100, help="after which memory is measured first")
    args = parser.parse_args()
    clips, asked, memory = sorted(args.folder.rglob("*.mp4"))[:6], 0, []
    with tempfile.TemporaryDirectory() as name, serving(Path(name), **OFFERED) as served:
        while asked < args.requests:
            outcome = crowd(served.url, clips, CALLERS, args.first // CALLERS, Path(name))
            if outcome.failures:
                sys.exit("\n".join(outcome.failures))
            asked += outcome.requests
            memory.append(served.memory)
            print(f"{asked:5} requests: {memory[-1]:.0f} MB, {memory[-1] / memory[0]:.3f}", flush=True)
    keep_latest({"requests": asked, "memory_mb": memory, "growth": memory[-1] / memory[0]})
    return int(memory[-1] > MOST_GROWTH * memory[0])


if __name__ == "__main__":
    sys.exit(main())
