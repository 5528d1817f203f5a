"""An MP4 file as a tree of boxes that can be taken apart, and put together as no writer would."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

FOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"udta", b"edts", b"moof", b"traf", b"mvex"}
EXTREMES = (0, 1, 0x7F, 0x4000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
NUMBERS = (
    *(b"mvhd", b"tkhd", b"mdhd", b"elst", b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"stss"),
    *(b"tfhd", b"tfdt", b"trun", b"trex", b"mfhd"),
)
DURATIONS = {b"mvhd": (12, 16), b"mdhd": (12, 16), b"tkhd": (20,)}  # places of time scales and durations


@dataclass
class Box:
    """A box with a content, or with boxes in it; `length` where it lies about its own."""

    name: bytes
    content: bytes = b""
    parts: list[Box] = field(default_factory=list)
    length: int | None = None

    def __bytes__(self) -> bytes:
        inside = self.content + b"".join(map(bytes, self.parts))
        length = len(inside) + 8 if self.length is None else self.length
        return struct.pack(">I4s", length & 0xFFFFFFFF, self.name) + inside

    def copy(self) -> Box:
        """Another with copies of its parts."""
        return Box(self.name, self.content, [part.copy() for part in self.parts], self.length)


def read(data: bytes) -> list[Box]:
    """The boxes of a whole file that is not damaged."""
    boxes, place = [], 0
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + length]
        boxes.append(Box(name, b"", read(content)) if name in FOLDERS else Box(name, content))
        place += length
    return boxes


def every(boxes: list[Box]) -> list[tuple[list[Box], int]]:
    """All boxes of a tree, each as the list that it stands in and its place there."""
    found = []
    for place, box in enumerate(boxes):
        found += [(boxes, place), *every(box.parts)]
    return found


def rearranged(data: bytes, draw: random.Random) -> bytes:
    """Boxes swapped, doubled, left out, put into each other, or with a length that is not theirs."""
    boxes = read(data)
    for _ in range(draw.randint(1, 4)):
        places = every(boxes)
        if not places:
            break
        (there, i), (here, j) = draw.choice(places), draw.choice(places)
        act = draw.choice(("swap", "double", "leave out", "nest", "length", "many"))
        if act == "swap":
            there[i], here[j] = here[j].copy(), there[i].copy()
        elif act == "double":
            here.insert(j, there[i].copy())
        elif act == "leave out":
            del there[i]
        elif act == "nest":
            for _ in range(draw.choice((1, 20, 100))):
                there[i] = Box(draw.choice(sorted(FOLDERS)), parts=[there[i]])
        elif act == "length":
            there[i].length = draw.choice((*EXTREMES, len(bytes(there[i])) + draw.randint(-9, 9)))
        else:
            here[j:j] = [there[i].copy()] * draw.choice((10, 1000 if len(bytes(there[i])) < 2000 else 10))
    return b"".join(map(bytes, boxes))


def with_other_numbers(data: bytes, draw: random.Random) -> bytes:
    """Counts, sizes, offsets and rates that cannot be."""
    boxes = read(data)
    known = [there[i] for there, i in every(boxes) if there[i].name in NUMBERS and len(there[i].content) >= 8]
    for box in draw.choices(known, k=draw.randint(1, 6)):
        place = 4 * draw.randrange(len(box.content) // 4)
        number = struct.pack(">I", draw.choice((*EXTREMES, draw.getrandbits(32))))
        box.content = box.content[:place] + number + box.content[place + 4 :]
    return b"".join(map(bytes, boxes))


def with_other_durations(data: bytes, draw: random.Random) -> bytes:
    """Durations and time scales that are not those of what is in the file."""
    boxes = read(data)
    for there, i in every(boxes):
        for place in DURATIONS.get(there[i].name, ()):
            if draw.random() < 0.6:
                number = struct.pack(">I", draw.choice((*EXTREMES, draw.getrandbits(32))))
                there[i].content = there[i].content[:place] + number + there[i].content[place + 4 :]
    return b"".join(map(bytes, boxes))


def with_tracks(data: bytes, count: int) -> bytes:
    """The first track so many times."""
    boxes = read(data)
    moov = next(box for box in boxes if box.name == b"moov")
    track = next(box for box in moov.parts if box.name == b"trak")
    moov.parts += [track] * (count - 1)
    return b"".join(map(bytes, boxes))


def naming(data: bytes, address: str) -> bytes:
    """A film whose samples are in another file: by a data reference, and as a reference movie."""
    boxes = read(data)
    for there, i in every(boxes):
        if there[i].name == b"dref":
            entry = bytes(Box(b"url ", bytes(4) + address.encode() + b"\0"))
            there[i].content = struct.pack(">II", 0, 1) + entry
    reference = Box(
        b"rdrf", bytes(4) + b"url " + struct.pack(">I", len(address) + 1) + address.encode() + b"\0"
    )
    boxes.append(Box(b"moov", bytes(Box(b"rmra", bytes(Box(b"rmda", bytes(reference)))))))
    return b"".join(map(bytes, boxes))
