"""Voice states -> log-mel and sound: what an imagined voice is heard through.

The states say how something is said, not what: the sound has the spectrum and the loudness of a voice in that
mood, without words. Whether one hears the mood is on its card: the voice head does not.
"""

from __future__ import annotations

import threading

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional as F

from models.extractors.audio import BEYOND_WORDS, HOP, N_MELS, STRIDE, WINDOW, VoiceHead
from models.media.clip import SAMPLE_RATE

STATE_RATE = SAMPLE_RATE / HOP / STRIDE  # states a second
PEAK = 0.5  # amplitude of the loudest sample
GRIFFIN_LIM_TURNS = 48
_random_state = threading.Lock()  # torch's is one of the process, and griffinlim takes no generator


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


def sound(mel: Tensor, seed: int = 0) -> Tensor:
    """Waveform (n,) at 16 kHz, peak 0.5, of natural-log mel energies (80, frames) at any level.

    Griffin & Lim, "Signal estimation from modified short-time Fourier transform" (1984), from random phases
    drawn with `seed`.
    """
    filters = torchaudio.functional.melscale_fbanks(
        WINDOW // 2 + 1, 50.0, SAMPLE_RATE / 2, N_MELS, SAMPLE_RATE
    )
    energy = (torch.linalg.pinv(filters.T) @ mel.exp()).clamp_min(0)
    energy = torch.cat([energy, energy[:, -1:]], dim=1)  # n hops lie between n + 1 frames
    with _random_state, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        waveform = torchaudio.functional.griffinlim(
            energy,
            window=torch.hann_window(WINDOW),
            n_fft=WINDOW,
            hop_length=HOP,
            win_length=WINDOW,
            power=2.0,
            n_iter=GRIFFIN_LIM_TURNS,
            momentum=0.99,
            length=mel.shape[1] * HOP,
            rand_init=True,
        )
    return waveform * (PEAK / waveform.abs().max().clamp_min(1e-9))
