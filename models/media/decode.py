"""A media file -> `Clip`, with PyAV and numpy alone: importable without torch."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from models.media.allowed import OPTIONS, READABLE, may_decode
from models.media.clip import MAX_SECONDS, Clip, MediaError
from models.media.missing_end import is_missing
from models.media.picture import SLOT_TOLERANCE, Picture
from models.media.sound import Sound
from models.media.timestamps import INTERLEAVING, SHORT, Clock, Track

MAX_FRAMES = 30_000  # 120 s at 250 frames a second
LARGE_PIXELS = 1920 * 1080  # above this, frames that no other frame needs are not decoded
INDEXED = {"mov", "matroska", "avi"}  # formats that know which pictures need no other
LONGEST_GROUP = 10.0  # s, between two such pictures of other formats
END_TOLERANCE = 0.1  # s by which encoders pad the last packet: such a clip is not "longer"

PICTURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"avif": "AVIF"}  # of an ISO file's first box

log = logging.getLogger(__name__)


def decode(
    path: Path | str,
    max_seconds: float = MAX_SECONDS,
    max_frames: int = MAX_FRAMES,
    *,
    start: float = 0.0,
    picture: bool = True,
    sound: bool = True,
    threads: int = 2,
) -> Clip:
    """Decode a clip's picture and sound in one pass, or one of them alone.

    Frames are the first at or after each slot of 1 / FRAME_RATE seconds, by time stamp; frame times and sound
    share one start. Jumps of the time stamps are closed up (see `timestamps`). Damaged packets are
    skipped; where there were any, or the end is missing, the clip is marked `damaged`.
    start : seconds of the file that are left out; the clip's times begin there
    max_seconds : what comes later is cut and the clip marked `truncated`
    max_frames : limit on the frames decoded, kept or not
    picture, sound : False for a stream that nobody needs: the clip has none then
    threads : that decode the picture; 1 where other clips keep the other cores busy
    Raises MediaError: no such file, empty, a picture, not media, nothing that can be decoded, over before
    `start`, too many or too large frames, sound or pixels that cannot be converted.
    """
    path = Path(path).resolve()
    with _open(path) as container:
        video, audio = _video_stream(container, threads), _audio_stream(container)
        if video is None and audio is None:
            raise _nothing_to_decode(container)
        unneeded = {stream for stream, needed in ((video, picture), (audio, sound)) if stream and not needed}
        origin, end, truncated = math.inf, -math.inf, False
        if start:
            origin = start + _seek(container, start)
        clock, frames, samples = Clock(), Picture(max_seconds, video, origin if start else None), Sound()
        tracks: dict[Stream, Track] = {stream: Track() for stream in (video, audio) if stream is not None}
        running = set(tracks)
        whole = container.duration / av.time_base if container.duration else None
        hole = damaged = False

        for decoded in _frames(container, list(tracks), unneeded):
            if decoded is None:
                hole = True
                continue
            stream, frame = decoded
            track = tracks[stream]
            other = next((tracks[key] for key in tracks if key is not stream), None)
            time = clock.place(track, other, _stamp(frame), _seconds(frame))
            if start and time + (_seconds(frame) if stream is audio else SLOT_TOLERANCE) <= origin:
                hole = False  # a picture that needs an earlier one
                continue
            damaged = damaged or hole or frame.is_corrupt  # what is broken at the end may be mere padding
            origin = origin if start else min(origin, time)
            if time - origin >= max_seconds + END_TOLERANCE:
                truncated = True
                running.discard(stream)
                if not running or time - origin >= max_seconds + INTERLEAVING:
                    break
            if time - origin >= max_seconds:
                continue
            if isinstance(frame, av.VideoFrame):
                frames.add(frame, time, max_frames)
            elif isinstance(frame, av.AudioFrame):
                samples.add(frame, time, track.joined)
            end = max(end, track.end, samples.end)

        truncated = truncated or end - origin > max_seconds + END_TOLERANCE
        if not truncated:
            read = {stream: track.read_until for stream, track in tracks.items() if track.begun}
            damaged = damaged or is_missing(path, container, read)

    if end == -math.inf and start:
        raise _over_before(start)
    if end == -math.inf:
        raise MediaError(
            "damaged",
            "Nothing in this file could be decoded: it is damaged or uses an unknown codec. "
            f"Export it again as {READABLE}.",
        )
    pictures, times = frames.collect(origin)
    heard = samples.collect(origin, max_seconds)
    silent = audio is None or (sound and heard is None)
    if frames.decoded == 1 and not start and silent and not truncated and not damaged:
        raise _still(path)
    return Clip(pictures, times, heard, min(end - origin, max_seconds), truncated, damaged, whole)


def _seek(container: InputContainer, start: float) -> float:
    """The time at which the file begins, after a jump to a picture before `start` seconds from there."""
    begin = (container.start_time or 0) / av.time_base
    margin = 0.0 if container.format.name.split(",")[0] in INDEXED else LONGEST_GROUP
    try:
        container.seek(round(max(0.0, begin + start - margin) * av.time_base))
    except OverflowError as error:  # more than 64 bits of microseconds
        raise _over_before(start) from error
    except FFmpegError as error:  # all before `start` is decoded then, which is slower
        log.info("cannot seek: %s", error)
    return begin


def _over_before(start: float) -> MediaError:
    text = f"The recording is over before {start:g} seconds. Ask about an earlier part of it."
    return MediaError("over_before", text, start=start)


def _stamp(frame: av.VideoFrame | av.AudioFrame | av.Packet) -> float | None:
    """Seconds at which a frame stands in the file.

    Of a packet, when it is decoded, for that runs on; what is decoded before the start counts as the start.
    """
    if not isinstance(frame, av.Packet):
        return frame.time
    known = (stamp for stamp in (frame.dts, frame.stream.start_time) if stamp is not None)
    return float(max(known) * frame.time_base)


def _seconds(frame: av.VideoFrame | av.AudioFrame | av.Packet) -> float:
    """How long a frame lasts; SHORT for a video frame of a file that does not say."""
    if isinstance(frame, av.AudioFrame):
        return frame.samples / frame.sample_rate if frame.sample_rate else 0.0
    return float((frame.duration or 0) * (frame.time_base or 0)) or SHORT


def _open(path: Path) -> InputContainer:
    if not path.is_file():
        raise MediaError("missing", f"There is no file {path.name}.", name=path.name)
    if path.stat().st_size == 0:
        raise MediaError("empty", f"The file is empty (0 bytes). Give {READABLE}.")
    try:
        return av.open(str(path), options=dict(OPTIONS), metadata_errors="ignore")
    except MemoryError:
        raise
    except (FFmpegError, ValueError) as error:
        log.info("cannot open %s: %s", path.name, error)
        raise _not_media(path) from error


def _not_media(path: Path) -> MediaError:
    kind = _kind_of_picture(path)
    if kind:
        return _picture(kind)
    named = f"The file is named {path.suffix}, but what" if path.suffix else "What"
    return MediaError(
        "not_media",
        f"{named} is in it is not video or sound that can be read, or it is incomplete. Give {READABLE}.",
        suffix=path.suffix,
    )


def _still(path: Path) -> MediaError:
    """One frame and no sound: a photo in a video's container, such as HEIC, or a film of one picture."""
    return _picture(_kind_of_picture(path) or path.suffix.lstrip(".").upper() or "one frame")


def _kind_of_picture(path: Path) -> str | None:
    """The name of a format for pictures, by the first bytes of a file."""
    with path.open("rb") as file:
        start = file.read(12)
    if start.startswith(b"RIFF") and start.endswith(b"WEBP"):
        return "WebP"
    if start[4:8] == b"ftyp":
        return BRANDS.get(start[8:12])
    return next((name for signature, name in PICTURES.items() if start.startswith(signature)), None)


def _picture(kind: str) -> MediaError:
    return MediaError("picture", f"This is a picture ({kind}), not a clip. Give {READABLE}.", kind=kind)


def _nothing_to_decode(container: InputContainer) -> MediaError:
    kinds = sorted({_named(stream) for stream in container.streams})
    found = f"only {' and '.join(kinds)}" if kinds else "nothing"
    return MediaError(
        "no_streams",
        f"The file has neither picture nor sound that can be decoded: {found} was found in it. "
        f"Give {READABLE}.",
        found=found,
    )


def _named(stream: Stream) -> str:
    """The kind of a stream and, where FFmpeg knows it, its codec: "video (vp9)"."""
    return f"{stream.type} ({stream.codec_context.codec.name})" if stream.codec_context else stream.type


def _video_stream(container: InputContainer, threads: int) -> VideoStream | None:
    """The main video stream, ready to decode; cover art of a song is not one."""
    streams = [
        stream
        for stream in container.streams.video
        if _is_decodable(stream) and not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        return None
    best = container.streams.best("video")
    stream = next((stream for stream in streams if stream == best), streams[0])
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    if stream.width * stream.height > LARGE_PIXELS and (stream.average_rate or 0) >= 24:
        stream.codec_context.skip_frame = "NONREF"
    return stream


def _audio_stream(container: InputContainer) -> AudioStream | None:
    streams = [stream for stream in container.streams.audio if _is_decodable(stream)]
    best = container.streams.best("audio")
    return next((s for s in streams if s == best), streams[0] if streams else None)


def _is_decodable(stream: VideoStream | AudioStream) -> bool:
    return stream.codec_context is not None and may_decode(stream.codec_context.codec.name)


def _frames(
    container: InputContainer, streams: list[Stream], unneeded: Collection[Stream]
) -> Iterator[tuple[Stream, av.VideoFrame | av.AudioFrame | av.Packet] | None]:
    """Decoded frames of the streams in file order; None where a packet is damaged.

    unneeded : streams whose packets are not decoded, but given as they are
    """
    # PyAV's stub types streams of one kind alone, and its Packet takes no parameter when it runs.
    packets = cast("Iterator[av.Packet[VideoStream] | av.Packet[AudioStream]]", container.demux(streams))
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            if packet.stream in unneeded:
                decoded = [] if packet.dts is None else [packet]
            else:
                decoded = packet.decode()
        except MemoryError:
            raise
        except (FFmpegError, ValueError, IndexError):  # the last for a stream that begins midway
            yield None
            continue
        for frame in decoded:
            yield packet.stream, frame
