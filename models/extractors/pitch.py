"""The pitch of a voice: YIN, all frames at once.

`torchaudio.functional.detect_pitch_frequency` takes a tone of 330 Hz for one of 165, and gives every frame a
pitch, silence and noise too.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from models.extractors.audio import HOP, WINDOW
from models.media.clip import SAMPLE_RATE

LOWEST, HIGHEST = 45.0, 500.0  # Hz, of a voice
SHORTEST, LONGEST = int(SAMPLE_RATE / HIGHEST), int(SAMPLE_RATE / LOWEST) + 1  # samples a period
FFT_SIZE = 768  # samples: at least WINDOW + LONGEST + 1, and quick
CHUNK = 2000  # frames whose periods are searched at once
PERIODIC = 0.15  # normalised difference below which the shortest such period is taken; YIN's threshold
VOICED = 0.5  # normalised difference above which a frame is unvoiced
QUIET = 6.0  # nats below the loudest tenth (26 dB): quieter frames are unvoiced
SPAN = 0.7, 1.9  # of the lower and of the upper quartile: pitch is searched again between these
SMOOTHED = 5  # frames of the median that removes single wrong periods
FAINTEST = 1e-9  # energy of a frame, before the logarithm


def loudness_of(waveform: np.ndarray) -> np.ndarray:
    """Loudness (ceil(n / 160),) float32 of a waveform (n,) at 16 kHz, 10 ms a frame.

    The natural logarithm of the energy of 25 ms, less its mean in the loudest tenth.
    """
    frames = frames_of(waveform, WINDOW)
    return levelled(np.log(np.square(frames).mean(1) + FAINTEST)).astype(np.float32)


def levelled(loudness: np.ndarray) -> np.ndarray:
    """Loudness (n,) less its mean in the loudest tenth."""
    if not len(loudness):
        return loudness
    return loudness - np.sort(loudness)[-max(1, len(loudness) // 10) :].mean()


def pitch_of(waveform: np.ndarray) -> np.ndarray:
    """Pitch (ceil(n / 160),) float32 in Hz of a waveform (n,) at 16 kHz, NaN where unvoiced.

    Steps 1 to 5 of YIN (de Cheveigné & Kawahara, JASA 111, 2002), between 45 and 500 Hz. In place of step 6,
    pitch is searched a second time, in the range where most of the first is, and smoothed by a median.
    """
    count = -(-len(waveform) // HOP)
    if not count or not np.any(waveform):
        return np.full(count, np.nan, np.float32)
    frames = frames_of(waveform - waveform.mean(), WINDOW + LONGEST + 1)
    difference = np.concatenate(
        [_normalised_difference(frames[start : start + CHUNK]) for start in range(0, count, CHUNK)]
    )
    difference[loudness_of(waveform) < -QUIET] = 1.0
    hz = _search(difference, SHORTEST, LONGEST)
    if np.isnan(hz).all():
        return hz
    lower, upper = np.nanquantile(hz, [0.25, 0.75])
    shortest = max(SHORTEST, int(SAMPLE_RATE / (SPAN[1] * upper)))
    longest = min(LONGEST, int(SAMPLE_RATE / (SPAN[0] * lower)) + 1)
    return _median(_search(difference, shortest, longest))


def _normalised_difference(frames: np.ndarray) -> np.ndarray:
    """(n, LONGEST + 2) YIN's eq. 8 at each lag in samples, of frames (n, WINDOW + LONGEST + 1)."""
    lags = np.arange(LONGEST + 2)
    head = np.fft.rfft(frames[:, :WINDOW], FFT_SIZE)
    correlation = np.fft.irfft(np.fft.rfft(frames, FFT_SIZE) * head.conj(), FFT_SIZE)[:, : len(lags)]
    sums = np.cumsum(np.pad(np.square(frames, dtype=np.float64), ((0, 0), (1, 0))), axis=1)
    energy = sums[:, lags + WINDOW] - sums[:, lags]
    difference = (energy[:, :1] + energy - 2 * correlation).clip(min=0)
    normalised = np.ones_like(difference)
    normalised[:, 1:] = lags[1:] * difference[:, 1:] / np.cumsum(difference[:, 1:], axis=1).clip(min=1e-9)
    normalised[energy[:, 0] < WINDOW * FAINTEST] = 1.0
    return normalised


def _search(difference: np.ndarray, shortest: int, longest: int) -> np.ndarray:
    """Pitch (n,) float32 in Hz, NaN where unvoiced, of periods of `shortest` to `longest` samples."""
    before, here, after = (difference[:, shortest + shift : longest + 1 + shift] for shift in (-1, 0, 1))
    dips = np.where((here <= before) & (here < after), here, np.inf)
    periodic = dips < PERIODIC
    chosen = np.where(periodic.any(1), periodic.argmax(1), dips.argmin(1))
    rows = np.arange(len(dips))
    depth = dips[rows, chosen]
    left, right = before[rows, chosen], after[rows, chosen]
    voiced = depth < VOICED
    shift = np.zeros(len(dips))  # step 5: the middle of a parabola through the dip
    shift[voiced] = ((left - right) / 2 / (left + right - 2 * depth).clip(min=1e-9))[voiced]
    return np.where(voiced, SAMPLE_RATE / (shortest + chosen + shift.clip(-1, 1)), np.nan).astype(np.float32)


def _median(hz: np.ndarray) -> np.ndarray:
    """The median (n,) of SMOOTHED frames; unvoiced where most of them are, or the middle one is."""
    half = SMOOTHED // 2
    windows = sliding_window_view(np.pad(hz, half, constant_values=np.nan), SMOOTHED)
    unvoiced = np.isnan(hz) | (np.isnan(windows).sum(1) > half)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # windows of NaN only
        return np.where(unvoiced, np.nan, np.nanmedian(windows, axis=1)).astype(np.float32)


def frames_of(waveform: np.ndarray, size: int) -> np.ndarray:
    """(ceil(n / 160), size) windows around the middles of the frames, zeros outside the waveform (n,)."""
    count = -(-len(waveform) // HOP)
    padded = np.pad(waveform, ((size - HOP) // 2, size))
    return sliding_window_view(padded, size)[::HOP][:count]
