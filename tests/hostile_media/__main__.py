"""Thousands of hostile files through the service, by the seeds that make them.

    python -m tests.hostile_media [--count 10000] [--seed 0] [--whole 200]

Each is uploaded and decoded as a visitor's would be, and read by tiny extractors; of those that are analysed
so many as --whole says go through a server with all its weights too. Exit code 1 where one ends in anything
but an analysis or a clear sentence, takes longer than it may, kills the server, reads a canary or calls
anybody. What fails is named by its seed: `--seed SEED --count 1` repeats it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from tests.hostile_media.trial import AT_ONCE, Outcome, Trials, trials
from tests.hostile_media.whole import through_all
from tests.serving import serving


def main() -> int:
    """Prints how all of them ended, and what should not have been."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile_media",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first of so many")
    parser.add_argument("--whole", type=int, default=200, help="that a server with all its weights gets too")
    options = parser.parse_args()
    logging.getLogger("app.service").setLevel(logging.ERROR)
    seeds = range(options.seed, options.seed + options.count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with trials(folder) as service:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                outcomes = list(tqdm(pool.map(service.run, seeds), total=options.count))
            analysed = [outcome.seed for outcome in outcomes if outcome.ended == "analysis"]
            some = analysed[:: max(1, len(analysed) // options.whole)] if options.whole else []
            whole = through_a_server(some, service, folder) if some else []
    tell("files", outcomes)
    tell("of them through a server with all its weights", whole)
    faults = [
        f"seed {outcome.seed} ({outcome.kind}), {outcome.ended}: {outcome.fault}"
        for outcome in (*outcomes, *whole)
        if outcome.fault
    ]
    faults += [*service.watch.touched, *service.watch.blunders]
    print(*faults, f"{len(faults)} faults", sep="\n")
    return int(bool(faults))


def through_a_server(seeds: list[int], service: Trials, folder: Path) -> list[Outcome]:
    """What becomes of the seeds' files there; what it should not have said is a blunder."""
    own = folder / "server"
    own.mkdir()
    with serving(own) as served:
        outcomes = through_all(served.url, tqdm(seeds), service.world, folder)
        if "Traceback" in (said := served.log.read_text()):
            service.watch.blunders.append(said)
    return outcomes


def tell(what: str, outcomes: list[Outcome]) -> None:
    """How often they ended in what, and how long it took."""
    seconds = sorted(outcome.seconds for outcome in outcomes) or [0.0]
    print(
        f"{len(outcomes)} {what}: {seconds[len(seconds) // 2]:.2f} s (median), {seconds[-1]:.1f} s (longest)"
    )
    for ended, number in Counter(outcome.ended for outcome in outcomes).most_common():
        print(f"  {number:6} {ended}")


if __name__ == "__main__":
    sys.exit(main())
