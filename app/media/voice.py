"""Is there a voice in the sound at all? Beeps, hum and music have none, and no score is made of them.

Measured with the figures below: a voice is found in all 287 clips of CMU-MOSI and in 99.4 % of RAVDESS's
1,440 recordings (most of the others are screams), as well 40 dB quieter, backwards, by telephone and in noise
as loud as the voice; in 97 % of those made to whisper, laugh or sob. It is "found" in 2 % of 840 made-up
sounds (tones, hum, noise, clicks, sirens, chords, melodies, drums): in melodies, mostly of a breathy flute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

import numpy as np

WINDOW = 512  # samples (32 ms) a probability
STRETCH = 128 * WINDOW  # samples (4.1 s)
CLEAR = 0.75  # of the mean, for a voice in a single stretch of a longer sound
LONGEST = 8  # windows (0.26 s) whose mean probability counts: the likeliest ones of the sound
ENOUGH = 0.4  # of that mean
SURE = 0.95  # below, the sound must pass when it is played slower too: music seldom does
SLOWER = (0.8, 0.7)  # of the speed
QUIET = 1e-3  # peak amplitude below which a recording is silence

Detector = Callable[[np.ndarray], np.ndarray]  # sound (n * WINDOW,) -> n probabilities of a voice

log = logging.getLogger(__name__)


def nobody_speaks(audio: np.ndarray) -> bool:
    """Whether (n,) float32 16 kHz sound is heard, but no voice in it: nobody speaks, laughs or cries.

    False for silence, and where the detector is not installed.
    """
    peak = float(np.abs(audio).max(initial=0.0))
    if peak < QUIET or (detector := _detector()) is None:
        return False
    levelled = np.asarray(audio, np.float32) / (2 * peak)
    probability = _probability(detector, levelled)
    if probability >= SURE:
        return False
    slower = (_probability(detector, _slowed(levelled, speed)) for speed in SLOWER)
    if probability >= ENOUGH and all(likely >= ENOUGH for likely in slower):
        return False
    # Each stretch is heard anew: after 20 s of hum the detector, which remembers, misses one voice in eleven.
    stretches = (levelled[start : start + STRETCH] for start in range(0, len(levelled), STRETCH))
    long = (_probability(detector, s) for s in stretches if len(s) > STRETCH / 4)
    return len(levelled) <= STRETCH or all(likely < CLEAR for likely in long)


def voice_probabilities(audio: np.ndarray) -> np.ndarray:
    """(n,) probability of a voice in each WINDOW of (m,) float32 16 kHz sound, the last filled with silence.

    1 everywhere where the detector is not installed, 0 in silence.
    """
    padded = np.pad(np.asarray(audio, np.float32), (0, -len(audio) % WINDOW))
    peak, windows = float(np.abs(padded).max(initial=0.0)), len(padded) // WINDOW
    if peak < QUIET:
        return np.zeros(windows)
    detector = _detector()
    return np.ones(windows) if detector is None else detector(padded / (2 * peak)).ravel()


def _probability(detector: Detector, audio: np.ndarray) -> float:
    """Mean probability of a voice over the LONGEST likeliest windows."""
    padded = np.pad(audio, (0, -len(audio) % WINDOW))  # also a copy: the detector writes into what it gets
    return float(np.sort(detector(padded).ravel())[-LONGEST:].mean())


def _slowed(audio: np.ndarray, speed: float) -> np.ndarray:
    steps = np.arange(0, len(audio) - 1, speed)
    return np.interp(steps, np.arange(len(audio)), audio).astype(np.float32)


@cache
def _detector() -> Detector | None:
    """Silero's voice activity detector, from faster-whisper.

    It keeps nothing between calls, so that threads may share it. None without the package.
    """
    try:
        from faster_whisper.vad import get_vad_model  # takes seconds

        return get_vad_model()
    except (ImportError, RuntimeError) as error:
        log.warning("every sound counts as a voice, for faster-whisper is not installed whole: %s", error)
        return None
