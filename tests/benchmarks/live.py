"""How often a live score comes, how far behind it is, and what its parts cost.

    python tests/benchmarks/live.py [CLIP] [--seconds 60] [--streams 1]

A clip is given again and again in real time, as a browser gives it: what came since the last score, once a
second or as soon as a slower answer has come. Behind: from the end of the sound and frames that a score rests
on to the moment when it is there, which leaves out the network and the browser. The machine's load stands
beside it: where it is above the cores, everything takes as many times as long.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path
from time import monotonic, process_time, sleep

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.service.analyst import Analyst
from app.service.live.block import Block
from app.service.live.reading import PERIOD, Live
from models.media.clip import SAMPLE_RATE, Clip
from models.media.decode import decode
from models.types import MODALITIES
from tests.benchmarks.results import keep_latest

CLIP = Path(__file__).resolve().parents[2] / "assets" / "examples" / "delight.mp4"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--streams", type=int, default=1)
    options = parser.parse_args()
    analyst, clip = Analyst(), decode(options.clip)
    analyst.prepare()
    given: list[list[tuple[float, Live]]] = [[] for _ in range(options.streams)]
    threads = [threading.Thread(target=play, args=(analyst, clip, options.seconds, shown)) for shown in given]
    start, used = monotonic(), process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy = (process_time() - used) / (monotonic() - start)
    every = np.concatenate([np.diff([at for at, _ in shown]) for shown in given])
    lives = [live for shown in given for _, live in shown]
    behind = [live.delay for live in lives]
    parts = sorted({part for live in lives for part in live.costs})
    figures = {
        "streams": options.streams,
        "load": round(os.getloadavg()[0], 1),
        "cores_busy": round(busy, 2),
        **spread("every_s", every),
        **spread("behind_s", behind),
        **{f"{part}_s": middle([live.costs[part] for live in lives if part in live.costs]) for part in parts},
    }
    for name, value in figures.items():
        print(f"{name:14} {value}")
    keep_latest(figures)


def play(analyst: Analyst, clip: Clip, seconds: float, shown: list[tuple[float, Live]]) -> None:
    """Gives the clip in real time; adds when each answer was there, and the answer."""
    assert clip.audio is not None and clip.frames is not None and clip.frame_times is not None
    rounds = int(seconds / clip.duration) + 2
    sound = np.tile(clip.audio, rounds)
    times = np.concatenate([clip.frame_times + n * len(clip.audio) / SAMPLE_RATE for n in range(rounds)])
    stream, start, sent = analyst.live(), monotonic(), 0.0
    while sent < seconds:
        sleep(max(0.0, start + sent + PERIOD - monotonic()))
        at = monotonic() - start
        now = np.flatnonzero((times >= sent) & (times < at))
        frames = tuple((float(times[n]), clip.frames[n % len(clip.frames)]) for n in now)
        stream.give(Block(at, sent, sound[round(sent * SAMPLE_RATE) : round(at * SAMPLE_RATE)], frames))
        sent = at
        live = stream.tick("lmf", MODALITIES)
        shown.append((monotonic() - start, live))
    stream.end()


def spread(name: str, values: np.ndarray | list[float]) -> dict[str, float]:
    """The median, and what one in ten is above."""
    return {name: middle(values), f"{name}_p90": round(float(np.quantile(values, 0.9)), 2)}


def middle(values: np.ndarray | list[float]) -> float:
    return round(float(np.median(values)), 2)


if __name__ == "__main__":
    main()
