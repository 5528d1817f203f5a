"""Other rooms, microphones, codecs and voices for a recorded voice."""

from __future__ import annotations

import math

import numpy as np
import torch
import torchaudio.functional as AF
from torch import Tensor

from models.media.clip import SAMPLE_RATE


def altered(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    """The 16 kHz waveform (n,) in other conditions, drawn at random; its length changes with its speed.

    Played 12 % slower to 12 % faster, which moves the pitch as well, as another speaker's would; tilted by up
    to 6 dB an octave-wide shelf; half of the time in a room, half with a narrower band, most with noise.
    """
    speed = rng.uniform(0.88, 1.12)
    altered = AF.resample(waveform, round(100 * speed), 100)
    altered = AF.bass_biquad(altered, SAMPLE_RATE, rng.uniform(-6, 6), central_freq=rng.uniform(120, 400))
    altered = AF.treble_biquad(altered, SAMPLE_RATE, rng.uniform(-6, 6), central_freq=rng.uniform(2000, 4000))
    if rng.random() < 0.5:
        altered = _in_room(altered, seconds=rng.uniform(0.1, 0.5), share=rng.uniform(0.1, 0.6), rng=rng)
    if rng.random() < 0.5:
        altered = AF.lowpass_biquad(altered, SAMPLE_RATE, rng.uniform(3000, 7500))
    if rng.random() < 0.8:
        noise = torch.from_numpy(rng.normal(size=len(altered)).astype(np.float32))
        if rng.random() < 0.5:  # towards the hum of a room
            noise = AF.lowpass_biquad(noise, SAMPLE_RATE, rng.uniform(300, 2000))
        ratio = rng.uniform(8, 35)  # dB
        altered = altered + noise * (altered.std() / noise.std().clamp_min(1e-9)) * 10 ** (-ratio / 20)
    return altered


def _in_room(waveform: Tensor, seconds: float, share: float, rng: np.random.Generator) -> Tensor:
    """With an echo of noise that falls by 60 dB in `seconds`; `share` of the energy is the echo's."""
    count = round(seconds * SAMPLE_RATE)
    fall = torch.exp(-math.log(1000) * torch.arange(count) / count)
    echo = torch.from_numpy(rng.normal(size=count).astype(np.float32)) * fall
    wet = AF.fftconvolve(waveform, echo)[: len(waveform)]
    return (1 - share) ** 0.5 * waveform + share**0.5 * wet * waveform.std() / wet.std().clamp_min(1e-9)
