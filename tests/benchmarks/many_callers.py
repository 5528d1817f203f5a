"""Many callers at once: does one fail, or get another score than its clip gets alone?

    python tests/benchmarks/many_callers.py CLIPS_FOLDER [--callers 64] [--requests 20] [--clips 6]

Every second caller is a visitor of the page, the others call the API; new clips, known clips, words,
switches, methods and tabs are mixed by chance. Exit code 1 where one failed or a score differs by more than
0.001 (on the page: by more than its rounding).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks.results import keep_latest
from tests.crowd import crowd, differing
from tests.serving import serving


def main() -> int:
    """Runs the crowd, then asks the same alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="CLIPS_FOLDER", help="mp4 files")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--requests", type=int, default=20, help="of each caller")
    parser.add_argument("--clips", type=int, default=6, help="different ones")
    args = parser.parse_args()
    clips = sorted(args.folder.rglob("*.mp4"))[: args.clips]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder) as served:
            start = time.monotonic()
            outcome = crowd(served.url, clips, args.callers, args.requests, folder)
            seconds, memory = time.monotonic() - start, served.memory
        with serving(folder) as served:
            wrong = differing(outcome, served.url)
    print(
        f"{args.callers} callers, {outcome.requests} requests in {seconds:.0f} s "
        f"({outcome.requests / seconds:.1f} a second), memory {memory:.0f} MB: "
        f"{len(outcome.failures)} failed, {len(wrong)} of {len(outcome.scores)} scores other than alone"
    )
    keep_latest(
        {
            "requests": outcome.requests,
            "requests_per_second": outcome.requests / seconds,
            "memory_mb": memory,
            "failed": len(outcome.failures),
            "other_scores": len(wrong),
        }
    )
    for line in [*outcome.failures, *wrong][:10]:
        print(f"  {line}")
    return int(bool(outcome.failures or wrong))


if __name__ == "__main__":
    sys.exit(main())
