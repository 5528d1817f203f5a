"""Numbers and pictures of the page's charts: places on the scale, and images and sound as data addresses.

Faces and spectrograms travel inside the answer, never as files, so no visitor's face stays on the disk.
"""

from __future__ import annotations

import base64
import io
import wave
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from PIL import Image

from models.media.clip import SAMPLE_RATE

if TYPE_CHECKING:
    from models.extractors.melody import Melody

LOWEST, HIGHEST = -3, 3  # the fixed scale of every score

# Told apart by people with each kind of colour blindness, and legible on white and on black.
COLOURS = {"text": "#2f7fc4", "audio": "#d97a0b", "vision": "#12967f", "other": "#8a8f98"}

MEL_FRAMES = 100  # log-mel frames a second
QUIET, LOUD = 5, 99.5  # percentiles of the log-mel energies drawn darkest and brightest
WIDEST = 1200  # columns of a log-mel picture


def position(score: float) -> str:
    """Where a score stands on the scale, in percent from the left."""
    return f"{100 * (min(max(score, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST):.2f}%"


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of the indices of `count` things, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist()


def group_of(name: str) -> str:
    """The name of the zoom buttons of a figure, whose own name is unique on the page."""
    return f"fb-zoom-{crc32(name.encode())}"


def mel_seconds(log_mel: np.ndarray) -> float:
    """Seconds of log-mel energies (80, frames)."""
    return log_mel.shape[1] / MEL_FRAMES


def sound_seconds(sound: np.ndarray) -> float:
    """Seconds of sound (n,) at 16 kHz."""
    return len(sound) / SAMPLE_RATE


def log_mel_address(log_mel: np.ndarray) -> str:
    """(80, frames) log energies as an orange picture, low bands at the bottom, as a data: address."""
    step = max(1, -(-log_mel.shape[1] // WIDEST))
    frames = log_mel[::-1, : log_mel.shape[1] // step * step]
    energies = frames.reshape(len(frames), -1, step).mean(axis=2)
    low, high = np.percentile(energies, [QUIET, LOUD])
    level = np.clip((energies - low) / max(high - low, 1e-6), 0, 1)[..., None]
    stops = np.array([[24, 18, 12], [217, 122, 11], [255, 240, 214]], dtype=np.float32)
    first, second = np.clip(2 * level, 0, 1), np.clip(2 * level - 1, 0, 1)
    colours = stops[0] + first * (stops[1] - stops[0]) + second * (stops[2] - stops[1])
    return picture_address(colours.astype(np.uint8))


def picture_address(pixels: np.ndarray) -> str:
    """Pixels (height, width) or (height, width, 3 or 4), uint8, as a data: address of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def webp_address(picture: bytes) -> str:
    """An encoded WebP, still or animated, as a data: address."""
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}"


def median_pitch(melody: Melody) -> float:
    """Semitones of the median of a melody's pitch above the usual; 0 where nothing is voiced."""
    return float(np.nanmedian(melody.pitch)) if melody.voiced.any() else 0.0


def pitch_range(melody: Melody) -> float:
    """Semitones between the 10th and the 90th percentile of a melody's pitch; 0 where nothing is voiced."""
    return float(np.ptp(np.nanquantile(melody.pitch, [0.1, 0.9]))) if melody.voiced.any() else 0.0


def sound_address(sound: np.ndarray) -> str:
    """Sound (n,) in [-1, 1] at 16 kHz as a data: address of a WAV: nothing is left on the disk."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((32767 * sound.clip(-1, 1)).astype("<i2").tobytes())
    return f"data:audio/wav;base64,{base64.b64encode(buffer.getvalue()).decode()}"
