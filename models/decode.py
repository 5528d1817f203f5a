"""A media file -> `Clip`, with PyAV and numpy alone: importable without torch."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.reformatter import VideoReformatter

from models.clip import FRAME_RATE, MAX_SECONDS, SAMPLE_RATE, Clip

LONGER_SIDE = 480  # pixels; larger frames are scaled down, smaller ones stay
MAX_FRAMES = 30_000  # 120 s at 250 frames a second
MAX_PIXELS = 7680 * 4320  # a frame of 8K video
LARGE_PIXELS = 1920 * 1080  # above this, frames that no other frame needs are not decoded
SLOT_TOLERANCE = 0.005  # s; containers round time stamps to milliseconds or worse
END_TOLERANCE = 0.1  # s by which encoders pad the last packet: such a clip is not "longer"
MAX_GAP = 0.2  # s; a larger hole in the sound is filled with silence
INTERLEAVING = 5.0  # s by which one stream of a file may run ahead of the other

READABLE = "mp4, webm, mov, mkv or avi for video; wav, mp3, ogg, flac or m4a for sound"

# Only formats that carry the media themselves. FFmpeg also opens playlists (HLS, concat, DASH), which name
# other files and addresses: an upload must not make the server fetch those.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,flv,asf,mxf,gif,"
    "ogg,wav,w64,mp3,aac,flac,aiff,au,caf,amr,ac3,eac3,wv"
)
PICTURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}

log = logging.getLogger(__name__)


class MediaError(ValueError):
    """A file that cannot be analysed.

    The message is plain English for the person who gave the file; `code` and `values` let a page translate.
    """

    def __init__(self, code: str, text: str, **values: str | float | int) -> None:
        super().__init__(text)
        self.code = code
        self.values = values


def decode(path: Path | str, max_seconds: float = MAX_SECONDS, max_frames: int = MAX_FRAMES) -> Clip:
    """Decode a clip's picture and sound in one pass.

    Frames are the first at or after each slot of 1 / FRAME_RATE seconds, by time stamp; frame times and sound
    share one start. Damaged packets are skipped and the clip marked `damaged`.
    max_seconds : what comes later is cut and the clip marked `truncated`
    max_frames : limit on the frames decoded, kept or not
    Raises MediaError: no such file, empty, a picture, not media, nothing that can be decoded, too many or too
    large frames.
    """
    path = Path(path).resolve()
    with _open(path) as container:
        video, audio = _video_stream(container), _audio_stream(container)
        if video is None and audio is None:
            raise _nothing_to_decode(container)

        picture, sound = _Picture(max_seconds, video and video.sample_aspect_ratio), _Sound()
        running = {stream.index for stream in (video, audio) if stream is not None}
        origin, end, truncated, decoded = math.inf, -math.inf, False, 0
        hole = damaged = False

        for stream, frame in _frames(container, video, audio):
            if frame is None:
                hole = True
                continue
            damaged = damaged or hole or frame.is_corrupt  # what is broken at the end may be mere padding
            track = picture if stream is video else sound
            time = track.end if frame.time is None else frame.time
            origin = min(origin, time)
            if time - origin >= max_seconds + END_TOLERANCE:
                truncated = True
                running.discard(stream.index)
                if not running or time - origin >= max_seconds + INTERLEAVING:
                    break
            if time - origin >= max_seconds:
                continue
            if track is picture:
                decoded += 1
                _check_frame(frame, decoded, max_frames)
            track.add(frame, time)
            end = max(end, track.end)

    if origin is math.inf:
        raise MediaError(
            "damaged",
            "Nothing in this file could be decoded: it is damaged or uses an unknown codec. "
            f"Export it again as {READABLE}.",
        )
    duration = end - origin
    truncated = truncated or duration > max_seconds + END_TOLERANCE
    frames, frame_times = picture.collect(origin)
    samples = sound.collect(origin, max_seconds)
    return Clip(frames, frame_times, samples, min(duration, max_seconds), truncated, damaged)


def _open(path: Path) -> InputContainer:
    if not path.is_file():
        raise MediaError("missing", f"There is no file {path.name}.", name=path.name)
    if path.stat().st_size == 0:
        raise MediaError("empty", f"The file is empty (0 bytes). Give {READABLE}.")
    try:
        options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
        return av.open(str(path), options=options, metadata_errors="ignore")
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        log.info("cannot open %s: %s", path.name, error)
        raise _not_media(path) from error


def _not_media(path: Path) -> MediaError:
    with path.open("rb") as file:
        start = file.read(12)
    kind = next((name for signature, name in PICTURES.items() if start.startswith(signature)), None)
    if start.startswith(b"RIFF") and start.endswith(b"WEBP"):
        kind = "WebP"
    if kind:
        return MediaError("picture", f"This is a picture ({kind}), not a clip. Give {READABLE}.", kind=kind)
    named = f"The file is named {path.suffix}, but what" if path.suffix else "What"
    return MediaError(
        "not_media",
        f"{named} is in it is not video or sound that can be read, or it is incomplete. Give {READABLE}.",
        suffix=path.suffix,
    )


def _nothing_to_decode(container: InputContainer) -> MediaError:
    kinds = sorted({stream.type for stream in container.streams})
    found = f"only {' and '.join(kinds)}" if kinds else "nothing"
    return MediaError(
        "no_streams",
        f"The file has neither picture nor sound that can be decoded: {found} was found in it. "
        f"Give {READABLE}.",
        found=found,
    )


def _video_stream(container: InputContainer) -> Stream | None:
    """The main video stream, ready to decode; cover art of a song is not one."""
    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context and not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        return None
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = 2
    if stream.width * stream.height > LARGE_PIXELS and (stream.average_rate or 0) >= 24:
        stream.codec_context.skip_frame = "NONREF"
    return stream


def _audio_stream(container: InputContainer) -> Stream | None:
    streams = [s for s in container.streams.audio if s.codec_context]
    best = container.streams.best("audio")
    return best if best in streams else next(iter(streams), None)


def _frames(
    container: InputContainer, video: Stream | None, audio: Stream | None
) -> Iterator[tuple[Stream, av.VideoFrame | av.AudioFrame] | tuple[None, None]]:
    """Decoded frames of both streams in file order; a pair of None where a packet is damaged."""
    streams = [stream for stream in (video, audio) if stream is not None]
    packets = container.demux(streams)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            decoded = packet.decode()
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            yield None, None
            continue
        for frame in decoded:
            yield packet.stream, frame


def _check_frame(frame: av.VideoFrame, decoded: int, max_frames: int) -> None:
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


class _Picture:
    """Keeps the first frame at or after each slot, scaled and upright."""

    def __init__(self, max_seconds: float, pixel_aspect: Fraction | None) -> None:
        self.end = 0.0  # s, of the last frame seen, kept or not
        self._pixel_aspect = float(pixel_aspect or 1)
        self._capacity = math.floor(max_seconds * FRAME_RATE + 1)
        self._start = 0.0
        self._next_slot = 0
        self._times: list[float] = []
        self._reformatter = VideoReformatter()

    def add(self, frame: av.VideoFrame, time: float) -> None:
        if not self._times:
            self._start = time
            self._size = _scaled_size(frame.width * self._pixel_aspect, frame.height)
            self._turns = round(frame.rotation / 90) % 4
        self.end = max(self.end, time + _frame_seconds(frame))
        slot = math.floor((time - self._start + SLOT_TOLERANCE) * FRAME_RATE)
        if slot < self._next_slot or len(self._times) == self._capacity:
            return
        self._next_slot = slot + 1
        width, height = self._size
        rgb = self._reformatter.reformat(frame, width, height, "rgb24", interpolation="AREA").to_ndarray()
        upright = np.rot90(rgb, self._turns)
        if not self._times:
            # One block: a list and np.stack would need twice the memory, and untouched pages cost nothing.
            self._frames = np.empty((self._capacity, *upright.shape), np.uint8)
        self._frames[len(self._times)] = upright
        self._times.append(time)

    def collect(self, origin: float) -> tuple[np.ndarray | None, np.ndarray | None]:
        """(N, H, W, 3) frames and (N,) times from `origin`, or (None, None)."""
        if not self._times:
            return None, None
        return self._frames[: len(self._times)], np.asarray(self._times, np.float64) - origin


def _scaled_size(width: float, height: float) -> tuple[int, int]:
    """(width, height) with the longer side at most LONGER_SIDE."""
    scale = min(1.0, LONGER_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _frame_seconds(frame: av.VideoFrame) -> float:
    return float(frame.duration * (frame.time_base or Fraction(0))) or 1 / 25


class _Sound:
    """16 kHz mono; holes in the sound become silence, so that it stays in step with the picture."""

    def __init__(self) -> None:
        self.end = 0.0  # s, of the last sample given
        self._start: float | None = None
        self._setup: tuple | None = None
        self._resampler: AudioResampler | None = None
        self._blocks: list[np.ndarray] = []

    def add(self, frame: av.AudioFrame, time: float) -> None:
        if self._start is None:
            self._start = self.end = time
        gap = time - self.end if time - self.end > MAX_GAP else 0.0
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if gap or setup != self._setup:
            self._resample(None)
            self._blocks.append(np.zeros(round(gap * SAMPLE_RATE), np.int16))
            # Mono 16-bit lets libswresample normalise the downmix: the result stays in [-1, 1].
            self._resampler, self._setup = AudioResampler("s16", "mono", SAMPLE_RATE), setup
        frame.pts = None  # the filter graph inside would complain about stamps that jump
        self._resample(frame)
        self.end += gap + frame.samples / frame.sample_rate

    def collect(self, origin: float, max_seconds: float) -> np.ndarray | None:
        """(n,) float32 in [-1, 1] from `origin` on, at most `max_seconds`, or None without a sample."""
        self._resample(None)
        if not any(map(len, self._blocks)):
            return None
        pad = np.zeros(round((self._start - origin) * SAMPLE_RATE), np.int16)
        samples = np.concatenate([pad, *self._blocks])[: round(max_seconds * SAMPLE_RATE)]
        return samples.astype(np.float32) / 32768

    def _resample(self, frame: av.AudioFrame | None) -> None:
        if self._resampler is not None:
            self._blocks += [block.to_ndarray()[0] for block in self._resampler.resample(frame)]
