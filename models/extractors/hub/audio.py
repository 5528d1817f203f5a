"""Voice -> states: a speech encoder of `transformers` that reads waveforms, 5 states a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.extractors.hub.loading import LOAD, load_model, precision, usable
from models.media.clip import SAMPLE_RATE
from models.tensors import CheckpointError

STEP = SAMPLE_RATE // 5  # samples (0.2 s) of a state
WINDOW = 10 * SAMPLE_RATE  # samples whose states are kept; a whole number of STEP
MARGIN = SAMPLE_RATE  # samples before and after them that are heard as well
TOGETHER = 4  # windows of one length that a GPU reads at once; a core has enough to do with one


@dataclass(frozen=True)
class _Window:
    """Samples heard, and those of them whose states are kept; both from the beginning of the sound."""

    heard: slice
    kept: slice


class SpeechEncoder:
    """wav2vec 2.0, HuBERT, WavLM and their kin; stateless.

    dim : width of a state
    """

    def __init__(self, folder: Path, device: str):
        """CheckpointError for what is no encoder of 16 kHz waveforms."""
        from transformers import AutoFeatureExtractor

        with usable("the voice", folder):
            self._prepare = AutoFeatureExtractor.from_pretrained(folder, **LOAD)
            self._model, _ = load_model(folder, device)
            self._device, self._together = device, TOGETHER if device.startswith("cuda") else 1
            config, rate = self._model.config, getattr(self._prepare, "sampling_rate", None)
            if not hasattr(config, "conv_stride") or rate != SAMPLE_RATE:
                raise CheckpointError(
                    f"the voice encoder in {folder} does not read waveforms of 16 kHz; choose one like "
                    "wav2vec 2.0, HuBERT or WavLM"
                )
            self._hop = prod(config.conv_stride)  # samples from one frame to the next
            self._middle = _receptive_field(config.conv_kernel, config.conv_stride) // 2
            self.dim = self.states(np.zeros(SAMPLE_RATE, np.float32))[0].shape[1]

    @torch.inference_mode()
    def states(self, waveform: np.ndarray) -> tuple[Tensor, Tensor]:
        """States (T, d) of a waveform (n,) float32 of 16 kHz, and start and end (T, 2) of each in seconds.

        Each is the mean over all layers, since those between say more of the tone than the last (Yang et al.,
        SUPERB, Interspeech 2021), and over its 0.2 s. A few windows of 12 s are read at once.
        """
        sound = self._prepare(waveform, sampling_rate=SAMPLE_RATE, return_tensors="pt")["input_values"][0]
        count = -(-len(sound) // STEP)
        sums, frames = torch.zeros(count, self._width), torch.zeros(count)
        for windows in _batches(len(sound), self._together):
            read = self._read(torch.stack([sound[window.heard] for window in windows]))
            for window, states in zip(windows, read, strict=True):
                middles = window.heard.start + self._middle + self._hop * torch.arange(len(states))
                kept = (middles >= window.kept.start) & (middles < window.kept.stop)
                sums.index_add_(0, middles[kept] // STEP, states[kept])
                frames.index_add_(0, middles[kept] // STEP, torch.ones(int(kept.sum())))
        there = frames > 0  # the end of the sound may be too short for a frame
        starts = torch.arange(count)[there] * STEP
        times = torch.stack([starts, (starts + STEP).clamp_max(len(sound))], dim=1) / SAMPLE_RATE
        return sums[there] / frames[there, None], times

    @property
    def _width(self) -> int:
        return self._model.config.hidden_size

    def _read(self, sounds: Tensor) -> Tensor:
        """Frame states (B, F, d) of sounds (B, n); none is padded, for some encoders hear that."""
        with precision(self._device):
            read = self._model(input_values=sounds.to(self._device), output_hidden_states=True)
        return torch.stack([layer.float() for layer in read.hidden_states]).mean(0).cpu()


def _batches(samples: int, together: int) -> Iterator[list[_Window]]:
    """The windows of a sound in their order, at most so many of one length at a time."""
    windows = [
        _Window(slice(max(0, start - MARGIN), min(samples, end + MARGIN)), slice(start, end))
        for start in range(0, samples, WINDOW)
        for end in [min(samples, start + WINDOW)]
    ]
    for _, alike in groupby(windows, lambda window: window.heard.stop - window.heard.start):
        same = list(alike)
        for first in range(0, len(same), together):
            yield same[first : first + together]


def _receptive_field(kernels: list[int], strides: list[int]) -> int:
    """Samples that a frame is read from."""
    samples = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples
