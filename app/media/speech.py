"""Speech recognition: a Whisper on disk, else the one of our packages."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from app.media.voice import QUIET, nobody_speaks
from app.media.whisper import PackagedWhisper, RecogniserError, Whisper, find_weights
from app.service.analysis import Transcript, Word

if TYPE_CHECKING:
    from models.extractors.encoded_sound import EncodedWindow


class Engine(Protocol):
    """What recognises: `transcribe` gives text and timed words of (n,) float32 sound at 16 kHz, peak 1.

    encoded : the same sound by `encode_sound`, which not every engine can use
    translate : whether other languages are translated into English, by an engine that can
    """

    name: str

    def transcribe(
        self, audio: np.ndarray, encoded: tuple[EncodedWindow, ...] | None = None, translate: bool = True
    ) -> Transcript: ...


class Recogniser:
    """Speech -> Transcript, by one engine that is loaded on first use and then kept.

    whisper : a folder with Whisper's weights, or its name on the hub, or "" for any that is on disk
    allow_downloads : whether weights that are not on disk may be fetched; if False, no network is touched
    device : where a Whisper from disk runs, and the encoder of the packaged one
    """

    def __init__(self, whisper: str = "", allow_downloads: bool = False, device: str = "cpu") -> None:
        self._whisper = whisper
        self._allow_downloads = allow_downloads
        self._device = device
        self._engine: Engine | None = None
        # The pipeline keeps the state of the utterance at hand, so one clip at a time.
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The engine in use; loads it, and raises as `transcribe` does."""
        with self._lock:
            return self._loaded().name

    def load(self) -> None:
        """Load the engine now, so that the first clip need not wait; raises as `transcribe` does."""
        with self._lock:
            self._loaded()

    def load_aside(self) -> None:
        """Begin to load the engine in a thread of its own, on one core, where it is not there yet."""
        if self._engine is None:
            threading.Thread(target=self._load_quietly, name="load speech").start()

    def transcribe(
        self, audio: np.ndarray, encoded: tuple[EncodedWindow, ...] | None = None, translate: bool = True
    ) -> Transcript:
        """The words of (n,) float32 sound at 16 kHz, with their times; text is "" where nobody speaks.

        encoded : what `Profile.hear` heard in the same sound, which spares a second look
        translate : whether what is clearly in another language is translated into English
        Raises RecogniserError where the Whisper that is set, or the packaged one, cannot be loaded, and what
        the engine raises where it fails.
        """
        with self._lock:
            engine = self._loaded()
            peak = float(np.abs(audio).max(initial=0.0))
            if peak < QUIET or nobody_speaks(audio):
                return Transcript("", engine.name)
            try:
                heard = engine.transcribe(np.asarray(audio, np.float32) / peak, encoded, translate)
            except Exception:
                self._engine = None  # whatever has failed in it, the next clip has a new one
                raise
        rounded = tuple(Word(word.text, round(word.start, 2), round(word.end, 2)) for word in heard.words)
        return replace(heard, words=rounded)

    def _load_quietly(self) -> None:
        with self._lock, suppress(RecogniserError):  # `transcribe` will try again, and say it
            self._loaded()

    def _loaded(self) -> Engine:
        if self._engine is None:
            folder = find_weights(self._whisper, self._allow_downloads)
            self._engine = Whisper(folder, self._device) if folder else PackagedWhisper(self._device)
        return self._engine
