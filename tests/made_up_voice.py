"""A sound that passes for a voice, for tests that need one."""

from __future__ import annotations

import numpy as np

from models.media.clip import SAMPLE_RATE

WIDTHS = (80, 120, 160)  # Hz, of the formants
STRENGTHS = (1.0, 0.6, 0.3)


def vowels(seconds: float) -> np.ndarray:
    """(n,) float32 with peak 1: four vowels a second whose pitch and three formants move."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE

    def around(middle: float, reach: float, rate: float, phase: float = 0.0) -> np.ndarray:
        return middle + reach * np.sin(2 * np.pi * rate * time + phase)

    pitch = around(130, 25, 1.1)
    turns = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    formants = around(600, 250, 1.7), around(1400, 500, 2.3, 1.0), around(2600, 200, 1.3)
    sound = np.zeros(len(time))
    for harmonic in range(1, 30):
        for formant, width, strength in zip(formants, WIDTHS, STRENGTHS, strict=True):
            distance = (harmonic * pitch - formant) / width
            sound += strength / (1 + distance**2) * np.sin(harmonic * turns)
    sound *= 0.35 + 0.65 * np.clip(np.sin(2 * np.pi * 3.5 * time), 0, 1)
    return (sound / max(np.abs(sound).max(initial=0.0), 1e-9)).astype(np.float32)
