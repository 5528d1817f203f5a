"""Speech recognition: a Whisper on disk, else the tiny one of a package, else PocketSphinx."""

from __future__ import annotations

import re
import threading
from typing import Protocol

import numpy as np
import pocketsphinx

from app.media.whisper import TinyWhisper, Whisper, find_weights, packaged_weights
from app.service.analysis import Transcript, Word
from models.media.clip import SAMPLE_RATE

SILENCE = 3e-4  # -70 dB of full scale: sound that never gets louder is silent
MIN_SPEECH = 0.15  # s of voiced sound below which there is no word
MARGIN = 0.3  # s kept before the first and after the last voiced frame

# On 20 clips of CMU-MOSI the defaults have a word error rate of 0.70; these have 0.69 in half the time.
# Language weight, denoising, gain, warping and wider beams gave nothing.
SPHINX = {"maxhmmpf": 5000, "maxwpf": 10, "cmn": "batch", "loglevel": "FATAL"}
SPHINX_FRAME = 0.01  # s


class Engine(Protocol):
    """What recognises: `words` gives text and timed words of (n,) float32 sound at 16 kHz, peak 1."""

    name: str
    rough: bool

    def words(self, audio: np.ndarray) -> tuple[str, list[Word]]: ...


class Recogniser:
    """Speech -> Transcript, by one engine that is loaded on first use and then kept.

    whisper : a folder with Whisper's weights, or its name on the hub, or "" for any that is on disk
    allow_downloads : whether weights that are not on disk may be fetched; if False, no network is touched
    device : where a Whisper from disk runs; the others know only the CPU
    """

    def __init__(self, whisper: str = "", allow_downloads: bool = False, device: str = "cpu") -> None:
        self._whisper = whisper
        self._allow_downloads = allow_downloads
        self._device = device
        self._engine: Engine | None = None
        # PocketSphinx and the pipeline keep the state of the utterance at hand, so one clip at a time.
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The engine in use, whisper or pocketsphinx; loads it, and raises as `transcribe` does."""
        with self._lock:
            return self._loaded().name

    def load(self) -> None:
        """Load the engine now, so that the first clip need not wait; raises as `transcribe` does."""
        with self._lock:
            self._loaded()

    def transcribe(self, audio: np.ndarray) -> Transcript:
        """The words of (n,) float32 sound at 16 kHz, with their times; text is "" where nobody speaks.

        Raises RecogniserError where the Whisper that is set, or the packaged one, cannot be loaded.
        """
        with self._lock:
            engine = self._loaded()
            span = speech_span(audio)
            if span is None:
                return Transcript("", engine.name, engine.rough)
            start, stop = span
            speech = np.asarray(audio[start:stop], np.float32)
            text, words = engine.words(speech / np.abs(speech).max())
        offset = start / SAMPLE_RATE
        shifted = tuple(
            Word(word.text, round(word.start + offset, 2), round(word.end + offset, 2)) for word in words
        )
        return Transcript(text, engine.name, engine.rough, shifted)

    def _loaded(self) -> Engine:
        if self._engine is None:
            folder = find_weights(self._whisper, self._allow_downloads)
            if folder is not None:
                self._engine = Whisper(folder, self._device)
            elif (folder := packaged_weights()) is not None:
                self._engine = TinyWhisper(folder)
            else:
                self._engine = PocketSphinx()
        return self._engine


def speech_span(audio: np.ndarray) -> tuple[int, int] | None:
    """(first, last + 1) sample of (n,) 16 kHz sound between which somebody speaks, or None."""
    peak = float(np.abs(audio).max(initial=0.0))
    if peak < SILENCE:
        return None
    detector = pocketsphinx.Vad(mode=1, sample_rate=SAMPLE_RATE)
    samples = detector.frame_bytes // 2
    pcm = to_pcm(audio / peak)
    voiced = [
        start
        for start in range(0, len(pcm) - samples + 1, samples)
        if detector.is_speech(pcm[start : start + samples].tobytes())
    ]
    if len(voiced) * samples < MIN_SPEECH * SAMPLE_RATE:
        return None
    margin = round(MARGIN * SAMPLE_RATE)
    return max(0, voiced[0] - margin), min(len(audio), voiced[-1] + samples + margin)


def to_pcm(audio: np.ndarray) -> np.ndarray:
    """(n,) int16 of (n,) sound in [-1, 1], with some headroom."""
    return (np.clip(audio, -1, 1) * 30_000).astype(np.int16)


class PocketSphinx:
    """The classic recogniser: fast, offline, and wrong in two words of three on free speech."""

    name = "pocketsphinx"
    rough = True

    def __init__(self) -> None:
        self._decoder = pocketsphinx.Decoder(**SPHINX)

    def words(self, audio: np.ndarray) -> tuple[str, list[Word]]:
        """Text and timed words; fillers, noises and marks of pronunciation are left out."""
        self._decoder.reinit_feat()  # or the words would depend on the clip before
        self._decoder.start_utt()
        self._decoder.process_raw(to_pcm(audio).tobytes(), full_utt=True)
        self._decoder.end_utt()
        # None, instead of segments, where the search found no way to the end
        segments = self._decoder.seg() or ()
        words = [
            Word(
                re.sub(r"\(\d+\)$", "", segment.word),
                segment.start_frame * SPHINX_FRAME,
                (segment.end_frame + 1) * SPHINX_FRAME,
            )
            for segment in segments
            if not segment.word.startswith(("<", "[", "+"))
        ]
        return " ".join(word.text for word in words), words
