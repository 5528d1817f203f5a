"""Files that no honest visitor gives: each kind makes one from a clip of ours, by chance from a seed."""

from __future__ import annotations

import gzip
import io
import random
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
from av.error import FFmpegError
from PIL import Image

from tests.hostile_media import boxes
from tests.hostile_media.bases import EXACT, FILMS, FORMATS, HEIGHT, ISO, WIDTH, base, muxer, written
from tests.hostile_media.playlists import PLAYLISTS

STREAMS = (33, 200, 1000)
SIDES = (0, 1, 16_384, 32_767, 65_535)  # pixels
HUGE_METADATA = 3_000_000  # bytes
ENDINGS = (*FORMATS, "", "m3u8", "txt", "exe", "jpg", "zip")
UNDATED = {"creationDate": None, "modDate": None}  # of a PDF: the same bytes each time
NAMES = (
    *("../../escaped.mp4", "/etc/passwd.mp4", "clip.mp4/", "clip.mp4\\..\\b", "..", ".mp4", "con.mp4"),
    *("http://127.0.0.1/a.mp4", "concat:a|b.mp4", "%05d.mp4", "%s%n%x.mp4", "-i.mp4", "$(reboot).mp4"),
    *("x" * 300 + ".mp4", "clip." + "e" * 300, "a\nb.mp4", "\u202e4pm.exe", "影片.mp4", '";x="a.mp4'),
)


@dataclass(frozen=True)
class World:
    """What stands beside the server and must not be touched: a file, and an address that listens."""

    canary: Path
    address: str  # host:port


@dataclass(frozen=True)
class Hostile:
    """An upload."""

    kind: str
    name: str
    content: bytes


def hostile(seed: int, world: World) -> Hostile:
    """The file of a seed: the same each time, but for the places that `world` names."""
    draw = random.Random(seed)
    kind = draw.choice(list(KINDS))
    ending, content = KINDS[kind](draw, world)
    name = f"clip.{draw.choice(ENDINGS) if draw.random() < 0.3 else ending}"
    return Hostile(kind, draw.choice(NAMES) if draw.random() < 0.2 else name, content)


def bits_flipped(draw: random.Random, world: World) -> tuple[str, bytes]:
    """A few bits or many, anywhere or in the head."""
    ending, data = _any(draw)
    reach = draw.choice((64, 512, len(data)))
    for _ in range(draw.choice((1, 3, 20, 300))):
        data[draw.randrange(min(reach, len(data)))] ^= 1 << draw.randrange(8)
    return ending, bytes(data)


def cut(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Without its end, its beginning, or a piece between."""
    ending, data = _any(draw)
    first, last = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    piece = draw.choice((data[:last], data[first:], data[first:last], data[:first] + data[last:]))
    return ending, bytes(piece)


def spliced(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Blocks of zeros, of chance, of itself, or of another file."""
    ending, data = _any(draw)
    for _ in range(draw.randint(1, 5)):
        at, length = draw.randrange(len(data)), draw.choice((1, 16, 188, 2000))
        source = draw.choice((bytes(length), draw.randbytes(length), bytes(data), bytes(_any(draw)[1])))
        start = draw.randrange(max(1, len(source) - length + 1))
        data[at : at + draw.choice((0, length))] = source[start : start + length]
    return ending, bytes(data)


def joined(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Two files, or one many times, in a row."""
    (ending, first), (_, second) = _any(draw), _any(draw)
    return ending, bytes(draw.choice((first + second, first * 30)))


def boxes_rearranged(draw: random.Random, world: World) -> tuple[str, bytes]:
    """See `boxes.rearranged`."""
    ending = draw.choice(ISO)
    return ending, boxes.rearranged(base(ending), draw)


def numbers_changed(draw: random.Random, world: World) -> tuple[str, bytes]:
    """See `boxes.with_other_numbers`."""
    ending = draw.choice(ISO)
    return ending, boxes.with_other_numbers(base(ending), draw)


def durations_changed(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Durations and rates that are wrong: in MP4 by their fields, elsewhere by the bytes of the head."""
    if draw.random() < 0.6:
        ending = draw.choice(ISO)
        return ending, boxes.with_other_durations(base(ending), draw)
    ending, data = _any(draw)
    if ending in ("mkv", "webm"):
        at = data.find(b"\x44\x89\x88") + 3  # EBML's Duration, a double
        data[at : at + 8] = struct.pack(">d", draw.choice((-1.0, 0.0, 1e300, float("nan"), float("inf"))))
    else:
        at = 4 * draw.randrange(1, 20)
        data[at : at + 4] = struct.pack("<I", draw.choice(boxes.EXTREMES))
    return ending, bytes(data)


def other_sides(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Width or height of 0, or of far too many pixels, wherever the head says how large the picture is."""
    ending = draw.choice(FILMS)
    data, side = base(ending), draw.choice(SIDES)
    for pixels in draw.choice(((WIDTH,), (HEIGHT,), (WIDTH, HEIGHT))):
        for order in ("<H", ">H"):
            data = data.replace(struct.pack(order, pixels), struct.pack(order, side))
        data = data.replace(b"\xb0\x81" + bytes([pixels]), b"\xb0\x82" + struct.pack(">H", side))  # EBML
        data = data.replace(b"\xba\x81" + bytes([pixels]), b"\xba\x82" + struct.pack(">H", side))
    return ending, data


def really_large(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Pictures that truly have as many pixels as they say."""
    size = draw.choice(((16_384, 16), (16, 16_384), (1, 1), (2, 16_384), (7680, 4322), (16_384, 16_384)))
    return "avi", _film_of_one_colour(size)


def stamps_jumping(draw: random.Random, world: World) -> tuple[str, bytes]:
    """The same packets with time stamps that jump, go back, stand still, or are not there."""
    ending, target = draw.choice(FILMS), draw.choice(("mp4", "mkv", "ts", "avi", "flv", "mov"))
    jump = draw.choice((10**3, 10**6, 2**31, 2**40))
    file = io.BytesIO()
    with av.open(io.BytesIO(base(ending))) as source:
        try:
            with av.open(file, "w", format=muxer(target), options=EXACT) as container:
                streams = {s: container.add_stream_from_template(s) for s in source.streams}
                for packet in source.demux():
                    if packet.size:
                        at = packet.dts or 0
                        at = draw.choice((at, at, at + draw.randint(-jump, jump), 0, -jump))
                        packet.stream, packet.dts, packet.pts = streams[packet.stream], at, at
                        container.mux(packet)
        except (FFmpegError, ValueError):  # the writer refuses: what it has written until then is a file too
            pass
    return target, file.getvalue() or base(ending)


def many_streams(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Up to 1,000 streams."""
    count = draw.choice(STREAMS)
    if draw.random() < 0.5:
        ending = draw.choice(("mp4", "live.mp4", "mov", "m4a"))
        return ending, boxes.with_tracks(base(ending), count)
    return "mkv", _matroska_of(count)


def huge_metadata(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Megabytes of a title, thousands of tags, or tags that look like orders."""
    ending = draw.choice(("mp4", "mkv", "webm", "avi", "mp3", "flac", "ogg", "wav"))
    said = draw.choice(
        (
            {"title": "ä" * (HUGE_METADATA // 2)},
            {f"tag{number}": "x" * 20 for number in range(3000)},
            {
                "title": f"file://{world.canary}",
                "comment": "%s%n\x1b[2J",
                "encoder": "<script>alert(1)</script>",
            },
            {"title": "".join(chr(draw.randrange(1, 0xD800)) for _ in range(5000))},
        )
    )
    return ending, written(ending, FORMATS[ending], said)


def playlists(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Lists that name another file or an address, in every language that FFmpeg and players know."""
    inside = (
        str(world.canary),
        f"../{world.canary.name}",
        f"file:{world.canary}",
        f"subfile,,:{world.canary}",
    )
    outside = tuple(
        f"{kind}://{world.address}/a" for kind in ("http", "rtmp", "tcp", "udp", "rtsp", "ftp", "rtp")
    )
    to = draw.choice(inside + outside)
    ending, text = draw.choice(list(PLAYLISTS.items()))
    content = text.format(to=to, host=world.address.partition(":")[0], port=world.address.partition(":")[2])
    if draw.random() < 0.2:
        return "mp4", boxes.naming(base("mov"), to)
    if draw.random() < 0.2:  # behind something that looks like a film
        return ending, base("mp4")[:32] + content.encode()
    return draw.choice((ending, "mp4", "avi")), content.encode()


def archives(draw: random.Random, world: World) -> tuple[str, bytes]:
    """A film packed, packed twice, or with an archive behind it."""
    ending, data = _any(draw)
    return draw.choice((ending, "zip")), draw.choice(
        (
            lambda: _zipped(data),
            lambda: _zipped(_zipped(data)),
            lambda: bytes(data) + _zipped(data),
            lambda: _zipped(data) + bytes(data),
            lambda: _tarred(data),
            lambda: zlib.compress(data),
            lambda: _zipped(bytes(5_000_000)),
        )
    )()


def pictures(draw: random.Random, world: World) -> tuple[str, bytes]:
    """Photos, drawings and documents that are named like a film."""
    kind = draw.choice(("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "ICO", "PDF", "AVIF", "svg", "bomb"))
    if kind == "svg":
        text = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://{world.address}/a"/></svg>'
        return draw.choice(("mp4", "svg")), text.encode()
    if kind == "bomb":
        return "mp4", _png_header(30_000, 30_000) + bytes(200)
    file = io.BytesIO()
    Image.new("RGB", (draw.choice((1, 64, 3000)), 48), (200, 90, 40)).save(file, kind, **UNDATED)
    data = bytearray(file.getvalue())
    if draw.random() < 0.3:
        data += _any(draw)[1]
    return draw.choice(("mp4", "webm", kind.lower())), bytes(data)


def other_files(draw: random.Random, world: World) -> tuple[str, bytes]:
    """What is no media at all."""
    program = Path(sys.executable).resolve()
    return draw.choice(ENDINGS), draw.choice(
        (
            lambda: b"",
            lambda: b"\0",
            lambda: bytes(draw.choice((10, 100_000))),
            lambda: draw.randbytes(draw.choice((1, 100, 100_000))),
            lambda: program.read_bytes()[:100_000],
            lambda: b"\x80\x04\x95cos\nsystem\n(S'reboot'\ntR.",
            lambda: b'{"clip": "http://127.0.0.1/"}',
            lambda: "<html><video src='a.mp4'></html>".encode("utf-16"),
            lambda: draw.choice((b"ID3", b"RIFF", b"OggS", b"\x1a\x45\xdf\xa3", b"FLV", b"fLaC")) * 400,
            lambda: b"\xff\xfb\x90\x00" * 5000,
            lambda: b"1\n00:00:00,000 --> 00:00:01,000\nhello\n" * 50,
        )
    )()


def honest(draw: random.Random, world: World) -> tuple[str, bytes]:
    """A clip as it is; its name may be hostile all the same."""
    ending, data = _any(draw)
    return ending, bytes(data)


KINDS: dict[str, Callable[[random.Random, World], tuple[str, bytes]]] = {
    make.__name__.replace("_", " "): make
    for make in (
        *(bits_flipped, cut, spliced, joined, boxes_rearranged, numbers_changed, durations_changed),
        *(other_sides, really_large, stamps_jumping, many_streams, huge_metadata, playlists, archives),
        *(pictures, other_files, honest),
    )
}


def _any(draw: random.Random) -> tuple[str, bytearray]:
    ending = draw.choice(list(FORMATS))
    return ending, bytearray(base(ending))


@cache
def _film_of_one_colour(size: tuple[int, int]) -> bytes:
    """Two pictures as JPEG in an AVI file."""
    photo, file = io.BytesIO(), io.BytesIO()
    Image.new("L", size, 200).save(photo, "JPEG", quality=10)
    with av.open(file, "w", format="avi", options=EXACT) as container:
        stream = container.add_stream("mjpeg", rate=5, width=16, height=16, pix_fmt="yuvj420p")
        for number in range(2):
            packet = av.Packet(photo.getvalue())
            packet.stream, packet.pts, packet.dts = stream, number, number
            container.mux(packet)
    return file.getvalue()


@cache
def _matroska_of(count: int) -> bytes:
    """A film with so many sounds, all silent but the first."""
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(base("wav"))) as source,
        av.open(file, "w", format="matroska", options=EXACT) as container,
    ):
        streams = [container.add_stream_from_template(source.streams[0]) for _ in range(count)]
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[0]
                container.mux(packet)
    return file.getvalue()


def _zipped(data: bytes | bytearray) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        about = zipfile.ZipInfo("../../clip.mp4")  # which is dated 1980, not now
        archive.writestr(about, bytes(data), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _tarred(data: bytes | bytearray) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        about = tarfile.TarInfo("../../clip.mp4")
        about.size = len(data)
        archive.addfile(about, io.BytesIO(bytes(data)))
    return gzip.compress(file.getvalue(), mtime=0)


def _png_header(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
