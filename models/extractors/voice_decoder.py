"""Voice states -> log-mel: the picture of an imagined voice.

The states say how something is said, not what: it has the spectrum and the loudness of a voice in that mood,
without words. The voice head does not hear the mood in it, as its card says: a tone of voice is heard by its
melody, see `melody`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.extractors.audio import BEYOND_WORDS, HOP, N_MELS, STRIDE, VoiceHead
from models.media.clip import SAMPLE_RATE

STATE_RATE = SAMPLE_RATE / HOP / STRIDE  # states a second


class VoiceDecoder(nn.Module):
    """Voice states (B, T, 12) -> levelled log-mel (B, 80, 8 T)."""

    def __init__(self, width: int = 128):
        super().__init__()
        self.read = nn.Sequential(
            nn.Conv1d(VoiceHead.dim - 1, width, 5, padding=2),
            nn.LeakyReLU(0.1),
            nn.Conv1d(width, width, 3, padding=1),
            nn.LeakyReLU(0.1),
        )
        self.spread = nn.ConvTranspose1d(width, width, STRIDE, STRIDE)
        self.draw = nn.Sequential(
            nn.LeakyReLU(0.1),
            nn.Conv1d(width, width, 5, padding=2),
            nn.LeakyReLU(0.1),
            nn.Conv1d(width, N_MELS, 5, padding=2),
        )

    def forward(self, states: Tensor) -> Tensor:
        # RAVDESS, from which it learns to draw, has no label for what a voice adds to its words
        heard = torch.cat([states[..., :BEYOND_WORDS], states[..., BEYOND_WORDS + 1 :]], dim=-1)
        spread = self.draw(self.spread(self.read(heard.transpose(1, 2))))
        # loudness is a state: the network draws the spectrum around it
        loudness = states[:, None, :, -1].repeat_interleave(STRIDE, dim=2)
        return spread + loudness


def at_state_rate(states: Tensor, seconds: float) -> Tensor:
    """States (T, d) over `seconds` at any rate -> (round(12.5 seconds), d), linearly between them."""
    count = max(1, round(seconds * STATE_RATE))
    return F.interpolate(states.T[None], size=count, mode="linear", align_corners=False)[0].T
