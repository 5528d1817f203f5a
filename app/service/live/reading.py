"""One visitor's stream -> a score about once a second, however long each part of it takes to read."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

import numpy as np

from app.media.voice import QUIET, nobody_speaks
from app.service.live.block import Block
from app.service.live.window import LONGEST, Window, cut_of
from app.service.subsets import Subset
from models.extractors.encoded_sound import SHORTEST
from models.extractors.face_tracking import track_faces
from models.extractors.speaking_face import speaking_face
from models.media.clip import SAMPLE_RATE, Word
from models.types import Features, Modality, Sequence

if TYPE_CHECKING:
    from app.service.reader import Reader

LIMIT = 300.0  # s after which a stream ends by itself
PERIOD = 1.0  # s from one score to the next
WAIT = 0.8  # s that a score waits for what is being read; what is not ready counts in the next
HISTORY = 60.0  # s of scores and words that are kept
MOST_LOOKED_AT = 5  # new frames whose faces are looked for at once: a second's


@dataclass(frozen=True)
class Judged:
    """What a method says: the score, its 80 % interval, and each used modality's share of certainty."""

    score: float
    interval: tuple[float, float]
    weights: dict[Modality, float]


Judge = Callable[[Features, str, Subset], Judged]  # (features, method, modalities in use)


@dataclass(frozen=True)
class Moment:
    """What was said of the window at a time.

    at : seconds since the stream began, of the newest block
    judged : None where nothing that is switched on is there
    heard, seen : end of the sound and of the frames that it rests on; None where there are none
    """

    at: float
    judged: Judged | None
    heard: float | None
    seen: float | None


@dataclass(frozen=True)
class Live:
    """What is shown of a stream.

    moments : of the last HISTORY seconds; words : of the same, with seconds since the stream began
    settled : seconds before which no word changes any more
    delay : seconds from the oldest end of what the last score rests on until it was there
    costs : {part: seconds that it took the last time}
    """

    moments: tuple[Moment, ...] = ()
    words: tuple[Word, ...] = ()
    settled: float = 0.0
    delay: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)


class LiveReading:
    """Give it blocks, and ask it for a score. Nothing of a stream is written down, or kept after `end`.

    Three threads read: one hears the voice, one recognises the words in that, one watches the face. A score
    waits WAIT seconds for them, and takes what is there: on a slow machine it rests on older sound and
    words, but comes in time.
    """

    def __init__(self, reader: Reader, judge: Judge):
        self._reader, self._judge = reader, judge
        self._window, self._lock = Window(), threading.Lock()
        self._began = monotonic()
        self._newest = (0.0, self._began)  # seconds of the stream, and the clock then
        dims = reader.profile.dims
        self._absent = {m: Sequence.single(None, dims[m]) for m in Modality}
        self._read = dict(self._absent)  # {modality: as it was read last}
        self._until: dict[Modality, float] = {}  # {voice and face: end of what was read}
        self._words: list[Word] = []
        self._read_words = ("", self._absent[Modality.TEXT])
        self._recognised = 0.0  # seconds of the stream whose words were looked for
        self._moments: deque[Moment] = deque()
        self._costs: dict[str, float] = {}
        self._threads = {name: ThreadPoolExecutor(1, name) for name in ("hear", "words", "watch")}
        self._running: dict[str, Future] = {}
        self._ended = False

    @property
    def over(self) -> bool:
        """Whether it has gone on for LIMIT seconds."""
        return monotonic() - self._began >= LIMIT

    @property
    def silent_for(self) -> float:
        """Seconds since anything came."""
        return monotonic() - self._newest[1]

    def give(self, block: Block) -> None:
        """Sound and frames, which may come late."""
        with self._lock:
            self._window.put(block)
            if not len(self._window.sound):
                self._window.forget_before(self._window.end - LONGEST)
            if block.at >= self._newest[0]:
                self._newest = (block.at, monotonic())

    def tick(self, method: str, wanted: Subset) -> Live:
        """A score by `method` of the modalities `wanted` in the window, and all of the last minute.

        CheckpointError where the method has no weights; whatever fails in reading is raised here, too.
        """
        self._start("hear", self._hear, wanted)
        self._start("watch", self._watch, wanted)
        deadline = perf_counter() + WAIT
        for name in ("watch", "hear", "words"):  # words begin when the voice is heard
            if name in self._running and wait([self._running[name]], deadline - perf_counter()).done:
                self._running[name].result()
        with self._lock:
            read = Features(**{m: self._read[m] if m in wanted else self._absent[m] for m in Modality})
            until = {m: second for m, second in self._until.items() if m in wanted}
            at, then = self._newest
        used = tuple(m for m, sequence in read if bool(sequence.present[0]))
        judged = None
        if used:
            start = perf_counter()
            judged = self._judge(read, method, used)
            self._costs["fuse"] = perf_counter() - start
        self._moments.append(Moment(at, judged, until.get(Modality.AUDIO), until.get(Modality.VISION)))
        while self._moments[0].at < at - HISTORY:
            self._moments.popleft()
        now = at + monotonic() - then
        with self._lock:
            return Live(
                moments=tuple(self._moments),
                words=tuple(self._words),
                settled=self._window.begin,
                delay=now - min(until.values(), default=now),
                costs=dict(self._costs),
            )

    def end(self) -> None:
        """Forget the sound and the frames; what is being read is let go."""
        with self._lock:
            self._ended, self._window = True, Window()
        for threads in self._threads.values():
            threads.shutdown(wait=False)

    def _start(self, name: str, read: Callable[..., None], *given: object) -> None:
        """Begin to read what is new, unless what came before is still being read."""
        running = self._running.get(name)
        with self._lock:
            if not self._ended and (running is None or running.done()):
                self._running[name] = self._threads[name].submit(self._timed, name, read, *given)

    def _timed(self, name: str, read: Callable[..., None], *given: object) -> None:
        start = perf_counter()
        read(*given)
        self._costs[name] = perf_counter() - start

    def _hear(self, wanted: Subset) -> None:
        """The voice of the window, and what its words are to be found in."""
        with self._lock:
            begin, sound = self._window.begin, self._window.sound
        cut = cut_of(sound)
        # what is cut off is not heard again, so its words come first
        if cut and (Modality.TEXT not in wanted or begin + cut <= self._recognised):
            with self._lock:
                self._window.forget_before(begin + cut)
                begin, sound = self._window.begin, self._window.sound
        end = begin + len(sound) / SAMPLE_RATE if len(sound) else None
        if not {Modality.TEXT, Modality.AUDIO}.intersection(wanted):
            return
        if len(sound) < SHORTEST or np.abs(sound).max() < QUIET or nobody_speaks(sound):
            self._keep(Modality.AUDIO, self._absent[Modality.AUDIO], end)
            self._keep_words(begin, ())
            self._recognised = end or 0.0
            return
        voice = self._reader.hear(sound)
        self._keep(Modality.AUDIO, voice.sequence, end)
        if Modality.TEXT in wanted:
            self._start("words", self._recognise, begin, sound, voice.encoded)

    def _recognise(self, begin: float, sound: np.ndarray, encoded: tuple | None) -> None:
        self._keep_words(begin, self._reader.recognise(sound, encoded).words)
        self._recognised = begin + len(sound) / SAMPLE_RATE

    def _keep_words(self, begin: float, words: tuple[Word, ...]) -> None:
        """Words of the window that began at `begin` take the place of those that it had before."""
        text = " ".join(word.text for word in words)
        if text != self._read_words[0]:
            self._read_words = text, self._reader.read_words(text, words).sequence
        moved = [replace(word, start=word.start + begin, end=word.end + begin) for word in words]
        with self._lock:
            before = [word for word in self._words if (word.start + word.end) / 2 < begin]
            oldest = self._newest[0] - HISTORY
            self._words = [word for word in (*before, *moved) if word.end > oldest]
            self._read[Modality.TEXT] = self._read_words[1]

    def _watch(self, wanted: Subset) -> None:
        """The face that speaks, or else the most prominent one; faces are looked for in new frames alone."""
        with self._lock:
            frames, begin, sound = list(self._window.frames), self._window.begin, self._window.sound
        if Modality.VISION not in wanted or not frames:
            self._keep(Modality.VISION, self._absent[Modality.VISION], None)
            return
        new = [frame for frame in frames if frame.faces is None]
        step = -(-len(new) // MOST_LOOKED_AT) or 1
        new = new[::-1][::step]
        detector = self._reader.profile.face_detector
        for frame, faces in zip(new, detector.detect_all(frame.picture for frame in new), strict=True):
            frame.faces = faces
        known = [frame for frame in frames if frame.faces is not None]
        times = np.array([frame.time - begin for frame in known])
        found = [frame.faces for frame in known if frame.faces is not None]
        tracks = track_faces([frame.picture for frame in known], times, found)
        face = self._absent[Modality.VISION]
        if tracks:
            face = self._reader.profile.embed_faces(tracks[speaking_face(tracks, sound) or 0])
        self._keep(Modality.VISION, face, frames[-1].time)

    def _keep(self, modality: Modality, read: Sequence, until: float | None) -> None:
        """until : seconds of the stream up to which it was read; None where there was nothing to read."""
        with self._lock:
            self._read[modality] = read
            if until is None:
                self._until.pop(modality, None)
            else:
                self._until[modality] = until
