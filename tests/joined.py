"""Labelled clips joined to one recording, of which it is known who says what and when."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import av
import numpy as np

from models.media.clip import SAMPLE_RATE
from models.media.decode import decode

RATE = 25  # frames a second
SIZE = (640, 360)  # pixels, width and height


@dataclass(frozen=True)
class Said:
    """One clip of a recording: who speaks, from when to when in seconds, and the clip's own file."""

    speaker: str
    start: float
    end: float
    file: Path


def alternating(
    clips: Path, speakers: Sequence[str], shortest: float, longest: float
) -> list[tuple[str, Path]]:
    """(speaker, file) of the labelled clips of such a length in seconds, the speakers taking turns.

    clips : the folder of `manifest.csv`
    """
    with (clips / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["video"], clips / row["file"]) for row in csv.DictReader(file)]
    turns = [
        [
            (speaker, file)
            for video, file in rows
            if video == speaker and shortest <= seconds_of(file) <= longest
        ]
        for speaker in speakers
    ]
    return [turn for turn in chain.from_iterable(zip_longest(*turns)) if turn is not None]


def join(turns: Sequence[tuple[str, Path]], out: Path) -> list[Said]:
    """Writes the clips one after the other as mp4; what is said when."""
    said, time = [], 0.0
    with av.open(str(out), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for speaker, file in turns:
            frames, samples = _pictures(file), decode(file, picture=False).audio
            count = max(1, round(len(samples) / SAMPLE_RATE * RATE))
            sound = np.zeros(count * SAMPLE_RATE // RATE, np.float32)
            sound[: len(samples)] = samples[: len(sound)]
            for picture in (frames[min(n, len(frames) - 1)] for n in range(count)):
                container.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            heard = av.AudioFrame.from_ndarray((sound * 32767).astype(np.int16)[None], "s16", "mono")
            heard.sample_rate = SAMPLE_RATE
            container.mux(audio.encode(heard))
            said.append(Said(speaker, time, time + count / RATE, file))
            time += count / RATE
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return said


def seconds_of(file: Path) -> float:
    """Of a media file, as its header has them."""
    with av.open(str(file)) as container:
        return (container.duration or 0) / av.time_base


def _pictures(file: Path) -> list[np.ndarray]:
    """The frames at RATE, in the middle of a black picture of SIZE."""
    pictures: list[np.ndarray] = []
    with av.open(str(file)) as container:
        for frame in container.decode(video=0):
            scale = min(SIZE[0] / frame.width, SIZE[1] / frame.height)
            width, height = round(frame.width * scale), round(frame.height * scale)
            small = frame.reformat(width, height, "rgb24").to_ndarray()
            left, top = (SIZE[0] - width) // 2, (SIZE[1] - height) // 2
            picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            picture[top : top + height, left : left + width] = small
            while len(pictures) <= (frame.time or 0) * RATE:
                pictures.append(picture)
    return pictures
