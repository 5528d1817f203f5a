"""Small clips of ours, in every format that a visitor might give: what the mutations start from."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "delight.mp4"
SECONDS = 0.6
WIDTH, HEIGHT = 160, 120  # pixels
FRAMES_PER_SECOND = 10
EXACT = {"fflags": "+bitexact"}  # a writer that gives no name by chance: the same bytes each time


@dataclass(frozen=True)
class Format:
    """How a clip is written; None for a stream that it does not have."""

    picture: str | None
    sound: str | None
    rate: int = 16_000  # Hz
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return id(self)


FORMATS = {  # by the ending of a file
    "mp4": Format("libx264", "aac"),
    "front.mp4": Format("libx264", "aac", options={"movflags": "faststart"}),
    "live.mp4": Format("libx264", "aac", options={"movflags": "frag_keyframe+empty_moov"}),
    "mov": Format("mpeg4", "pcm_s16le"),
    "photos.mov": Format("mjpeg", None, pixels="yuvj420p"),
    "webm": Format("libvpx", "libopus"),
    "mkv": Format("libx264", "ac3", rate=48_000),
    "avi": Format("mpeg4", "libmp3lame"),
    "flv": Format("flv", "libmp3lame", rate=22_050),
    "ts": Format("mpeg2video", "mp2"),
    "wmv": Format("wmv2", "libmp3lame"),
    "gif": Format("gif", None, pixels="rgb8"),
    "m4a": Format(None, "aac"),
    "wav": Format(None, "pcm_s16le"),
    "mp3": Format(None, "libmp3lame"),
    "ogg": Format(None, "libopus"),
    "flac": Format(None, "flac"),
    "aiff": Format(None, "pcm_s16be"),
}
MUXERS = {"ts": "mpegts", "wmv": "asf", "m4a": "ipod", "mkv": "matroska"}
FILMS = [ending for ending, given in FORMATS.items() if given.picture]
ISO = [ending for ending in FORMATS if ending.rpartition(".")[2] in ("mp4", "mov", "m4a")]  # made of boxes


def muxer(ending: str) -> str:
    """FFmpeg's name of what writes such a file."""
    last = ending.rpartition(".")[2]
    return MUXERS.get(last, last)


@cache
def material() -> tuple[list[np.ndarray], np.ndarray]:
    """The start of an example: (HEIGHT, WIDTH, 3) frames and (n,) int16 of its sound at 16 kHz."""
    frames, sound = [], []
    with av.open(str(EXAMPLE)) as container:
        resampler = av.AudioResampler("s16", "mono", 16_000)
        for frame in container.decode():
            if frame.time is not None and frame.time > SECONDS + 1:
                break
            if isinstance(frame, av.VideoFrame):
                frames.append(frame.to_ndarray(width=WIDTH, height=HEIGHT, format="rgb24"))
            elif isinstance(frame, av.AudioFrame):
                sound += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    step = max(1, round(float(len(frames) / (SECONDS + 1) / FRAMES_PER_SECOND)))
    kept = frames[::step][: round(SECONDS * FRAMES_PER_SECOND)]
    return kept, np.concatenate(sound)[: round(SECONDS * 16_000)]


@cache
def base(ending: str) -> bytes:
    """A clip of SECONDS in the format of FORMATS[ending]."""
    return written(ending, FORMATS[ending])


def written(
    ending: str, given: Format, metadata: dict[str, str] | None = None, size=(WIDTH, HEIGHT)
) -> bytes:
    """The file; metadata of the whole container; size in pixels."""
    frames, samples = material()
    with (
        TemporaryDirectory() as folder,
        av.open(f"{folder}/a", "w", format=muxer(ending), options=EXACT | given.options) as container,
    ):
        container.metadata.update(metadata or {})
        picture = sound = None
        if given.picture:
            picture = container.add_stream(given.picture, rate=FRAMES_PER_SECOND)
            picture.width, picture.height = WIDTH, HEIGHT
            picture.pix_fmt = given.pixels
        if given.sound:
            sound = container.add_stream(given.sound, rate=given.rate, layout="mono")
        if picture:
            for number, frame in enumerate(frames):
                small = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format=given.pixels)
                small.pts, small.time_base = number, Fraction(1, FRAMES_PER_SECOND)
                container.mux(picture.encode(small))
            container.mux(picture.encode())
        if sound:
            frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
            frame.sample_rate = 16_000
            container.mux(sound.encode(frame))
            container.mux(sound.encode())
        container.close()
        return Path(folder, "a").read_bytes()
