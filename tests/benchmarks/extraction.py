"""How much quicker `python -m models extract` is with more cores: clips a second with 1, 2, 4 … of them.

    python tests/benchmarks/extraction.py [--data ../shared/data] [--clips 72] [--repeats 1]

Linux alone lets a process have only some of the cores. The numbers of cores take turns; the median of each
counts, with starting up and loading the weights, which one core does alone.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.results import keep_latest  # noqa: E402


def write_manifest(data: Path, clips: int, path: Path) -> int:
    """A manifest of so many of the labelled clips, from all speakers; how many there are."""
    with (data / "clips" / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows = rows[:: max(1, len(rows) // clips)][:clips]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "text", "score", "split"])
        table.writerows([(data / "clips" / r["file"]).resolve(), r["text"], r["score"], "test"] for r in rows)
    return len(rows)


def seconds(manifest: Path, cores: int) -> float:
    """What the command takes on so many cores."""
    command = [sys.executable, "-m", "models", "extract", "--manifest", manifest, "--device", "cpu"]
    everywhere = os.sched_getaffinity(0)
    start = time.perf_counter()
    os.sched_setaffinity(0, sorted(everywhere)[:cores])  # which the command inherits
    try:
        subprocess.run(
            [*command, "--out", manifest.with_suffix(".npz")],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    finally:
        os.sched_setaffinity(0, everywhere)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--clips", type=int, default=72)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    most = len(os.sched_getaffinity(0))
    numbers = [n for n in (1, 2, 4, 8) if n <= most]
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "clips.csv"
        clips = write_manifest(options.data, options.clips, manifest)
        runs = [{cores: seconds(manifest, cores) for cores in numbers} for _ in range(options.repeats)]
    rates = {cores: clips / statistics.median(run[cores] for run in runs) for cores in numbers}
    for cores, rate in rates.items():
        print(f"{cores} cores: {rate:.2f} clips a second, {rate / rates[1]:.2f} times one core's")
    keep_latest({"clips": clips, "clips_per_second_by_cores": rates, "ratio": rates[numbers[-1]] / rates[1]})


if __name__ == "__main__":
    main()
