"""Who speaks: the embedding of a voice by the GE2E speaker encoder (Wan et al., ICASSP 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional as F

from models.media.clip import SAMPLE_RATE
from models.tensors import CHECKPOINTS, load_strictly, load_tensors

WINDOW = 25_600  # samples (1.6 s) that the encoder was trained to hear
N_MELS = 40
HOP = 160  # samples, 10 ms
FRAMES = WINDOW // HOP
LEVEL = 10 ** (-30 / 20)  # root mean square to which sound is brought; in training quieter sound alone was
TOGETHER = 64  # windows a batch

_mel = torchaudio.transforms.MelSpectrogram(
    SAMPLE_RATE, 400, hop_length=HOP, n_mels=N_MELS, norm="slaney", mel_scale="slaney", pad_mode="constant"
)


class SpeakerEncoder(nn.Module):
    """Three LSTM layers over 40 mel energies; the last state, mapped, rectified and of length 1."""

    dim = 256

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_MELS, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, self.dim)

    @classmethod
    def load(cls, root: Path | None = None) -> SpeakerEncoder:
        """The encoder in `<root>/local/extractors`; CheckpointError for weights that do not fit."""
        path = Path(root or CHECKPOINTS) / "local" / "extractors" / "speaker.safetensors"
        encoder = cls()
        load_strictly(encoder.state_dict(), load_tensors(path)[0], path)
        return encoder.eval().requires_grad_(False)

    def forward(self, mel: Tensor) -> Tensor:
        """Mel energies (B, T, 40) of 16 kHz sound -> embeddings (B, 256) of length 1."""
        raw = self.linear(self.lstm(mel)[1][0][-1]).relu()
        return F.normalize(raw, dim=1)

    @torch.inference_mode()
    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """(n, 256) of sounds (m,) float32 at 16 kHz: of each the mean of its windows, of length 1.

        A sound shorter than a window is repeated until it fills one.
        """
        windows = [_windows(sound) for sound in sounds]
        rows = torch.cat(windows)
        embedded = torch.cat([self(rows[at : at + TOGETHER]) for at in range(0, len(rows), TOGETHER)])
        means = [part.mean(0) for part in embedded.split([len(part) for part in windows])]
        return F.normalize(torch.stack(means), dim=1).numpy()


def _windows(sound: np.ndarray) -> Tensor:
    """Mel energies (n, 160, 40) of windows that follow each other; the last one overlaps the one before."""
    wave = torch.from_numpy(np.asarray(sound, np.float32))
    if len(wave) < WINDOW:
        wave = wave.repeat(-(-WINDOW // max(1, len(wave))))[:WINDOW]
    level = wave.square().mean().sqrt()
    if level > 0:
        wave = wave * (LEVEL / level)
    mel = _mel(wave).T
    starts = [*range(0, len(mel) - FRAMES, FRAMES), len(mel) - FRAMES]
    return torch.stack([mel[start : start + FRAMES] for start in starts])
