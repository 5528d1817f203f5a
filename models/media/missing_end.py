"""Was less read of a media file than it promises? By durations in its header, and by sizes of its parts."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from av.container import InputContainer
from av.stream import Stream

# Formats with durations in a header. FFmpeg guesses those of others from the bit rate or the last stamp.
TIMED = {"mov", "matroska", "avi", "flv", "asf", "flac", "aiff", "au", "caf", "w64", "wv", "mxf"}
SLACK = 0.5  # s by which headers round, encoders pad and the last frames of a stream differ
SHARE = 0.02  # of the promised duration, as further slack
RIFF_SHARE = 0.01  # of a chunk; writers are often a few bytes out
UNKNOWN_SIZE = 0x7FFF0000  # bytes; programs that cannot go back to the header write such sizes, or 0
MOST_PARTS = 200_000  # parts looked at, so that no file takes long


def is_missing(path: Path, container: InputContainer, read: dict[Stream, float]) -> bool:
    """Whether clearly less was read than the file promises.

    read : seconds up to the end of the last frame, of each stream that was decoded
    """
    return _breaks_off(path) or any(
        seconds + SLACK < (1 - SHARE) * _promised(path, container, stream) for stream, seconds in read.items()
    )


def _promised(path: Path, container: InputContainer, stream: Stream) -> float:
    """Seconds of a stream as the header has them, 0 where it does not say."""
    name = container.format.name.split(",")[0]
    if name not in TIMED and not (name == "mp3" and _xing_fits(path)):
        return 0.0
    if name == "matroska":
        return _matroska_seconds(container, stream)
    return float((stream.duration or 0) * (stream.time_base or 0))


def _matroska_seconds(container: InputContainer, stream: Stream) -> float:
    """The stream's own, which most writers note, or the file's where no stream beside it may be longer."""
    noted = stream.metadata.get("DURATION", "").rstrip("\0").split(":")
    try:
        hours, minutes, seconds = map(float, noted)
        return 3600 * hours + 60 * minutes + seconds
    except ValueError:
        return (container.duration or 0) / 1e6 if len(container.streams) == 1 else 0.0


def _xing_fits(path: Path) -> bool:
    """Whether an MP3 file has a Xing header, which counts its frames, that speaks of the whole of it."""
    with path.open("rb") as file:
        start = file.read(10)
        if start.startswith(b"ID3"):
            a, b, c, d = start[6:10]  # seven bits each
            file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
            start = b""
        head = start + file.read(4096)
        length = file.seek(0, 2)
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or len(head) < at + 16:
        return False
    flags, _, size = struct.unpack(">III", head[at + 4 : at + 16])
    return flags & 3 == 3 and size > length * 15 // 16  # smaller: files joined, as FFmpeg judges too


def _breaks_off(path: Path) -> bool:
    """Whether a part that holds picture or sound is longer than what is left of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        file.seek(0)
        walk: Callable[[BinaryIO, int], bool] | None = None
        if start[:4] in (b"RIFF", b"RF64", b"BW64"):
            walk = _riff
        elif start[4:8] in (b"ftyp", b"styp", b"moov", b"moof", b"wide"):
            walk = _mp4
        elif start.startswith(b"\x1a\x45\xdf\xa3"):
            walk = _matroska
        elif start.startswith(b"OggS"):
            walk = _ogg
        elif start.startswith(b"FLV"):
            walk = _flv
        return walk is not None and walk(file, size)


def _riff(file: BinaryIO, size: int) -> bool:
    """Chunks of WAV and AVI: a name, a length, the content, even. A WAV behind the first is not read."""
    is_wav = file.read(12).endswith(b"WAVE")
    for _ in range(MOST_PARTS):
        header = file.read(8)
        if len(header) < 8:
            return False
        name, length = header[:4], struct.unpack("<I", header[4:])[0]
        place = file.tell()
        kind = file.read(4) if name == b"LIST" else b""
        if name == b"data" or kind == b"movi":
            if not length or length >= UNKNOWN_SIZE:
                return False
            if place + length * (1 - RIFF_SHARE) > size:
                return True
        if name == b"RIFF" and is_wav:
            return True
        file.seek(place + length + length % 2)
    return False


def _mp4(file: BinaryIO, size: int) -> bool:
    """Boxes: a length with this header, a name, the content. A second film behind the first is not read."""
    place = films = 0
    for _ in range(MOST_PARTS):
        file.seek(place)
        header = file.read(16)
        if len(header) < 8:
            return False
        length, name = struct.unpack(">I4s", header[:8])
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        films += name == b"moov"
        if films > 1:
            return True
        if length < 8:  # 0: up to the end of the file
            return False
        if place + length > size:
            return name in (b"mdat", b"moof")
        place += length
    return False


SEGMENT = 0x18538067
MASTERS = {SEGMENT, 0x1F43B675, 0xA0}  # Segment, Cluster, BlockGroup: walked into
BLOCKS = {0xA3, 0xA1}  # SimpleBlock, Block


def _matroska(file: BinaryIO, size: int) -> bool:
    """EBML elements: a name, a length, the content; live recordings leave lengths open.

    Of joined recordings FFmpeg reads two where their lengths are known, and all of them where they are open.
    """
    place = closed = 0
    for _ in range(MOST_PARTS):
        file.seek(place)
        header = file.read(12)
        name, width = _variable(header, marked=True)
        length, more = _variable(header[width:], marked=False)
        if not width or not more:
            return False
        place += width + more
        closed += name == SEGMENT and length is not None
        if closed > 2:
            return True
        if name in MASTERS:
            continue
        if length is None:  # only masters may be of unknown length
            return False
        if place + length > size:
            return name in BLOCKS
        place += length
    return False


def _variable(data: bytes, marked: bool) -> tuple[int | None, int]:
    """(value, bytes) of EBML's integer of variable width; (None, bytes) for "unknown", (0, 0) for none.

    marked : keep the bit that marks the width, as names do
    """
    width = 9 - data[0].bit_length() if data and data[0] else 0
    if not width or len(data) < width:
        return 0, 0
    value = int.from_bytes(data[:width], "big")
    if marked:
        return value, width
    value &= (1 << 7 * width) - 1
    return (None if value == (1 << 7 * width) - 1 else value), width


def _ogg(file: BinaryIO, size: int) -> bool:
    """Pages: a header of 27 bytes that ends in the number of segments, their lengths, their contents."""
    place = 0
    for _ in range(MOST_PARTS):
        file.seek(place)
        header = file.read(27 + 255)
        if not header:
            return False
        if not header.startswith(b"OggS") or len(header) < 27:
            return header[:4] == b"OggS"[: len(header)]  # damaged in between, or cut in a header
        count = header[26]
        place += 27 + count + sum(header[27 : 27 + count])
        if place > size or len(header) < 27 + count:
            return True
    return False


def _flv(file: BinaryIO, size: int) -> bool:
    """Tags: a kind and a length in 11 bytes, the content, 4 bytes of the whole length.

    Of joined recordings FFmpeg reads the first. Other bytes where a tag would be say nothing: padding behind
    the last, or an encrypted tag.
    """
    place = 13
    for _ in range(MOST_PARTS):
        file.seek(place)
        header = file.read(4)
        if len(header) < 4:
            return False
        if header[0] not in (8, 9, 18):  # sound, picture, script
            return header.startswith(b"FLV")
        place += 15 + int.from_bytes(header[1:], "big")
        if place - 4 > size:
            return True
    return False
