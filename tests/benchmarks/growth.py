"""How the cost of new clips grows: with a clip's length, with the callers at once, with clips in a row.

    python tests/benchmarks/growth.py [--seconds 1 2 5 10 20 40 60] [--callers 1 2 4 8 16] [--row 1 10 100]

Each clip is an example of the repository, repeated or cut to its length, which the server has never seen.
Prints, for a running server: seconds of a clip by its length, the median of --repeats; clips a second by
callers, each with --clips of 4 s; total time and resident memory after so many clips of 4 s in a row. Draws
all of it into --plot.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import av

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.results import draw, keep_latest  # noqa: E402
from tests.crowd import Caller, Question, as_new  # noqa: E402
from tests.serving import serving  # noqa: E402

EXAMPLE = ROOT / "assets" / "examples" / "brave.mp4"
USUAL = 4.0  # s of a clip where its length is not the question
GAP = 0.1  # s between two turns: the sound's first packet begins before 0
TICKS = 4  # marks on an axis, about


def of_length(seconds: float, folder: Path) -> Path:
    """The example repeated and cut to a length, as mp4, its packets as they are."""
    path = folder / f"{seconds:g}s.mp4"
    with av.open(path, "w") as target, av.open(EXAMPLE) as source:
        length = (source.duration or 0) / av.time_base + GAP
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for turn in count():
            if turn * length >= seconds:
                return path
            source.seek(0)
            for packet in source.demux():
                if packet.dts is None or packet.pts is None:
                    continue
                shift = turn * length
                if shift + float(packet.pts * packet.time_base) >= seconds:
                    continue
                packet.dts += round(shift / packet.time_base)
                packet.pts += round(shift / packet.time_base)
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    raise AssertionError("unreachable")


def ask(caller: Caller, clip: Path, folder: Path) -> float:
    """Seconds that a clip takes which the server has never seen."""
    new = as_new(clip, folder)
    start = time.perf_counter()
    caller.score(Question(clip, None), new)
    took = time.perf_counter() - start
    new.unlink()
    return took


def by_length(url: str, lengths: list[float], repeats: int, folder: Path) -> dict[float, float]:
    """{seconds of the clip: seconds of its answer}, medians of runs that take turns."""
    clips, caller = {seconds: of_length(seconds, folder) for seconds in lengths}, Caller(url)
    runs = [{seconds: ask(caller, clip, folder) for seconds, clip in clips.items()} for _ in range(repeats)]
    return {seconds: statistics.median(run[seconds] for run in runs) for seconds in lengths}


def by_callers(url: str, numbers: list[int], clips: int, folder: Path) -> dict[int, float]:
    """{callers at once: clips a second}, each caller with so many clips one after another."""
    clip, rates = of_length(USUAL, folder), {}
    callers = [Caller(url) for _ in range(max(numbers))]
    for number in numbers:
        with ThreadPoolExecutor(number) as pool:
            start = time.perf_counter()
            list(pool.map(lambda c: [ask(c, clip, folder) for _ in range(clips)], callers[:number]))
            rates[number] = number * clips / (time.perf_counter() - start)
    return rates


def in_a_row(served, numbers: list[int], folder: Path) -> tuple[dict[int, float], dict[int, float]]:
    """{clips: seconds for all of them} and {clips: resident MB of the server after them}."""
    clip, caller, took = of_length(USUAL, folder), Caller(served.url), 0.0
    seconds, memory = {}, {}
    for number in range(1, max(numbers) + 1):
        took += ask(caller, clip, folder)
        if number in numbers:
            seconds[number], memory[number] = took, served.memory
    return seconds, memory


def ticks(top: float) -> list[float]:
    """Round numbers from 0 up to at least `top`."""
    power = 10.0 ** (len(f"{int(top)}") - 2)
    step = next(s for k in range(9) for m in (1, 2, 5) if (s := m * power * 10**k / 10) * TICKS >= top)
    return [i * step for i in range(TICKS + 1) if (i - 1) * step < top]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 2, 5, 10, 20, 40, 60])
    parser.add_argument("--repeats", type=int, default=3, help="of each length")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--clips", type=int, default=4, help="of each caller")
    parser.add_argument("--row", type=int, nargs="+", default=[1, 10, 100], help="clips one after another")
    parser.add_argument("--plot", type=Path, default=ROOT / "assets" / "growth.svg")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as served:
        folder = Path(name)
        ask(Caller(served.url), of_length(USUAL, folder), folder)  # what only the first clip waits for
        row, memory = in_a_row(served, options.row, folder)
        lengths = by_length(served.url, options.seconds, options.repeats, folder)
        rates = by_callers(served.url, options.callers, options.clips, folder)
    panels = [
        ("s for a new clip", "s long", lengths),
        ("clips a second", "callers at once", rates),
        ("s for all", f"clips of {USUAL:g} s in a row", row),
        ("MB resident", f"clips of {USUAL:g} s in a row", memory),
    ]
    for up, across, values in panels:
        print(f"{up}: " + ", ".join(f"{value:.2f} ({x:g} {across})" for x, value in values.items()))
    first, last = min(rates), max(rates)
    print(f"{last} callers against {first}: {rates[last] / rates[first]:.2f} times the clips a second")
    keep_latest(
        {
            "seconds_by_length": lengths,
            "clips_per_second_by_callers": rates,
            "seconds_by_clips": row,
            "memory_mb_by_clips": memory,
        }
    )
    draw("growth.svg.jinja", options.plot, panels=panels, ticks=ticks)


if __name__ == "__main__":
    main()
