"""Video frames -> one array of upright RGB frames at `FRAME_RATE`, each with its own proportions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.error import FFmpegError
from av.sidedata.sidedata import SideData, Type
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from models.media.clip import FRAME_RATE, MediaError

LONGER_SIDE = 480  # pixels; larger frames are scaled down, smaller ones stay
MAX_PIXELS = 7680 * 4320  # a frame of 8K video
SLOT_TOLERANCE = 0.005  # s; containers round time stamps to milliseconds or worse


class Picture:
    """Keeps the first frame at or after each slot of 1 / FRAME_RATE seconds, scaled and upright.

    Size, pixel aspect and display matrix are those of each frame, for all of them may change midway. A Clip
    has one array: where sizes differ, frames stand in the middle of a black canvas that holds each of them.
    start : seconds of the first slot; None for the first frame's
    """

    def __init__(self, max_seconds: float, stream: VideoStream | None, start: float | None = None) -> None:
        self.decoded = 0  # frames, kept or not
        self._stream = stream
        self._aspects = _aspects(stream)
        self._capacity = math.floor(max_seconds * FRAME_RATE + 1)
        self._start = start
        self._next_slot = 0
        self._times: list[float] = []
        self._frames = np.zeros((self._capacity, 0, 0, 3), np.uint8)
        self._reformatter = VideoReformatter()

    def add(self, frame: av.VideoFrame, time: float, max_frames: int) -> None:
        """One decoded frame at `time` seconds; MediaError for one too many or too large."""
        self.decoded += 1
        _check(frame, self.decoded, max_frames)
        if self._start is None:
            self._start = time
        slot = math.floor((time - self._start + SLOT_TOLERANCE) * FRAME_RATE)
        if slot < self._next_slot or len(self._times) == self._capacity:
            return
        self._next_slot = slot + 1
        upright = np.ascontiguousarray(oriented(self._rgb(frame), display_matrix(frame)))
        self._keep(upright)
        self._times.append(time)

    def collect(self, origin: float) -> tuple[np.ndarray | None, np.ndarray | None]:
        """(N, H, W, 3) frames and (N,) times from `origin`, or (None, None)."""
        if not self._times:
            return None, None
        return self._frames[: len(self._times)], np.asarray(self._times, np.float64) - origin

    def _rgb(self, frame: av.VideoFrame) -> np.ndarray:
        width, height = _scaled_size(frame.width * self._pixel_aspect(), frame.height)
        try:
            return self._reformatter.reformat(
                frame, width, height, "rgb24", interpolation="AREA"
            ).to_ndarray()
        except (FFmpegError, ValueError) as error:
            raise MediaError(
                "picture_not_converted",
                f"The picture of this file ({frame.format.name}) cannot be converted. "
                "Export the clip again as mp4.",
                format=frame.format.name,
            ) from error

    def _pixel_aspect(self) -> float:
        """Width by height of a pixel: the container's, unless the codec's changed since the start."""
        aspects = _aspects(self._stream)
        changed = aspects[1] != self._aspects[1]
        return float((aspects[1] if changed else self._aspects[0]) or 1)

    def _keep(self, frame: np.ndarray) -> None:
        kept = len(self._times)
        height, width = (max(sides) for sides in zip(frame.shape[:2], self._frames.shape[1:3], strict=True))
        if (height, width) != self._frames.shape[1:3]:
            # One block: a list and np.stack would need twice the memory, and untouched pages cost nothing.
            larger = np.zeros((self._capacity, height, width, 3), np.uint8)
            _middle(larger, self._frames.shape[1:3])[:kept] = self._frames[:kept]
            self._frames = larger
        _middle(self._frames, frame.shape[:2])[kept] = frame


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """(a, b, c, d) of a frame's display matrix: its pixel (x, y) is shown at (a x + c y, b x + d y).

    Without its shift, and in 65536ths, as libavutil/display.h defines it.
    """
    side_data = cast(Iterable[SideData], frame.side_data)  # PyAV's stub knows motion vectors alone
    matrix = next((data for data in side_data if data.type == Type.DISPLAYMATRIX), None)
    if matrix is None:
        return 1, 0, 0, 1
    a, b, _, c, d, *_ = np.frombuffer(bytes(matrix), np.int32).tolist()
    return a, b, c, d


def oriented(picture: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """(H, W, 3) as it is shown: mirrored and turned by the quarter turns next to its display matrix."""
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):  # x and y change places
        picture = picture.transpose(1, 0, 2)
        across, down = c, b
    else:
        across, down = a, d
    return picture[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]


def _aspects(stream: VideoStream | None) -> tuple[Fraction | None, Fraction | None]:
    """The pixel aspect that the container says, and the one that the codec says now."""
    if stream is None:
        return None, None
    return stream.sample_aspect_ratio, stream.codec_context.sample_aspect_ratio


def _scaled_size(width: float, height: float) -> tuple[int, int]:
    """(width, height) with the longer side at most LONGER_SIDE."""
    scale = min(1.0, LONGER_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _middle(canvas: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The view (N, *size, 3) in the middle of canvas (N, H, W, 3)."""
    top, left = ((whole - part) // 2 for whole, part in zip(canvas.shape[1:3], size, strict=True))
    return canvas[:, top : top + size[0], left : left + size[1]]


def _check(frame: av.VideoFrame, decoded: int, max_frames: int) -> None:
    if frame.width * frame.height > MAX_PIXELS:
        size = f"{frame.width} x {frame.height}"
        raise MediaError(
            "frame_too_large",
            f"The picture has {size} pixels; at most 7680 x 4320 can be read. Export the clip smaller.",
            size=size,
        )
    if decoded > max_frames:
        raise MediaError(
            "too_many_frames",
            f"The clip has more than {max_frames} frames. Export it with 60 frames a second or fewer, "
            "or cut it shorter.",
            limit=max_frames,
        )
