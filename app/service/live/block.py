"""What a browser sends while it is live: sound and frames since the last time, never as a file."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torchaudio.functional import resample

from app.service.query import AnalysisError
from models.media.clip import SAMPLE_RATE

MOST_CHARACTERS = 6_000_000  # of a block
MOST_SECONDS = 10.0  # of sound in a block; the latest count
MOST_FRAMES = 50  # likewise
LONGEST_SIDE = 640  # pixels of a frame
RATES = (8_000, 192_000)  # Hz, the least and the greatest of microphones


@dataclass(frozen=True)
class Block:
    """Times are seconds since the browser began.

    at : when it was sent
    start : of the sound; sound : (n,) float32 of 16 kHz
    frames : (time, (height, width, 3) uint8 RGB) each
    """

    at: float
    start: float
    sound: np.ndarray
    frames: tuple[tuple[float, np.ndarray], ...]


def read_block(written: str) -> Block:
    """From JSON: {at, start, rate, sound: 16-bit samples in base64, frames: [[time, JPEG in base64]]}.

    AnalysisError where it is anything else, or larger than a browser that keeps up would send.
    """
    try:
        if len(written) > MOST_CHARACTERS:
            raise ValueError(f"{len(written)} characters")
        given = json.loads(written)
        at, start, rate = float(given["at"]), float(given["start"]), int(given["rate"])
        if not (RATES[0] <= rate <= RATES[1] and np.isfinite([at, start]).all() and at >= 0):
            raise ValueError(f"{rate} Hz from {start} s at {at} s")
        sound = np.frombuffer(base64.b64decode(given["sound"]), "<i2")
        most = round(MOST_SECONDS * rate)
        start += max(0, len(sound) - most) / rate
        sound = _at_16_khz(sound[-most:], rate)
        frames = tuple((float(time), _picture(jpeg)) for time, jpeg in given["frames"][-MOST_FRAMES:])
    except (ValueError, LookupError, TypeError, OSError, Image.DecompressionBombError) as error:
        text = "What the browser sent cannot be read as sound and frames; load the page again."
        raise AnalysisError("live_block", text) from error
    return Block(at, start, sound, frames)


def _at_16_khz(sound: np.ndarray, rate: int) -> np.ndarray:
    wave = sound.astype(np.float32) / 32768
    return wave if rate == SAMPLE_RATE else resample(torch.from_numpy(wave), rate, SAMPLE_RATE).numpy()


def _picture(jpeg: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(jpeg)), formats=["JPEG"]) as picture:
        if max(picture.size) > LONGEST_SIDE:  # known before anything is decoded
            raise ValueError(f"a frame of {picture.size}")
        return np.asarray(picture.convert("RGB"))
