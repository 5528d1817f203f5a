"""Voice -> states: log-mel energies into a small convolutional recurrent network, 12.5 states a second."""

from __future__ import annotations

import torch
import torchaudio
from torch import Tensor, nn

from models.extractors import valence
from models.media.clip import SAMPLE_RATE

RAVDESS_EMOTIONS = tuple(valence.RAVDESS_EMOTIONS)
VALENCE = len(RAVDESS_EMOTIONS) + 1  # the state's coordinate
N_MELS = 80
HOP = 160  # samples, 10 ms
WINDOW = 400  # samples, 25 ms
STRIDE = 8  # log-mel frames a state: 80 ms
FLOOR = 1e-6  # of the mel energy, before the logarithm
SILENCE = 5.0  # nats below the loudest frame: quieter ends are trimmed
SHORTEST = 3200  # samples (0.2 s) of sound below which there is nothing to hear

_mel = torchaudio.transforms.MelSpectrogram(
    SAMPLE_RATE, n_fft=WINDOW, win_length=WINDOW, hop_length=HOP, n_mels=N_MELS, f_min=50.0, f_max=8000.0
)


@torch.inference_mode()
def log_mel(waveform: Tensor) -> Tensor:
    """Natural-log mel energies (80, frames) of a 16 kHz waveform (n,), 10 ms a frame."""
    return _mel(waveform).clamp_min(FLOOR).log()


def level(mel: Tensor) -> Tensor:
    """The same log-mel (80, frames) without its recording level: its loudest tenth has mean 0."""
    loudness = mel.mean(0)
    return mel - loudness.topk(max(1, len(loudness) // 10)).values.mean()


def voiced_span(mel: Tensor) -> slice:
    """Frames between the first and the last that are not silence."""
    loudness = mel.logsumexp(0)
    loud = torch.nonzero(loudness > loudness.max() - SILENCE)[:, 0]
    return slice(int(loud[0]), int(loud[-1]) + 1)


class VoiceEncoder(nn.Module):
    """Levelled log-mel (B, 80, frames) -> states (B, ceil(frames / 8), 11).

    A state's coordinates mean the same in every trained copy, so that states of cross-fitted copies can
    train one fusion model: probabilities of 8 emotions and of strong intensity, the valence in [-3, 3] that
    is expected under these, and loudness in nats below the loudest tenth.
    """

    dim = len(RAVDESS_EMOTIONS) + 3

    def __init__(self):
        super().__init__()

        def block(inputs: int, outputs: int, stride: tuple[int, int]) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            )

        self.convolutions = nn.Sequential(
            block(3, 24, (2, 2)),
            block(24, 40, (2, 2)),
            nn.Dropout2d(0.1),
            block(40, 64, (2, 1)),
            block(64, 96, (2, 2)),
            nn.Dropout2d(0.1),
        )
        self.mix = nn.Sequential(nn.Conv1d(96 * 5, 128, 3, padding=1), nn.BatchNorm1d(128), nn.ReLU())
        self.recurrent = nn.GRU(128, 64, batch_first=True, bidirectional=True)
        self.context = nn.Sequential(nn.Dropout(0.4), nn.Linear(512, 128), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.4), nn.Linear(256, self.dim - 1))
        # valence (8 emotions, 2 intensities): kept with the weights, since the states depend on it
        table = [
            [valence.ravdess_valence(e, i) for i in valence.INTENSITIES] for e in valence.RAVDESS_EMOTIONS
        ]
        self.register_buffer("valence", torch.tensor(table))

    def forward(self, mel: Tensor) -> Tensor:
        """Evidence (B, T, 10) in levelled log-mel (B, 80, frames); rows of a batch share one length.

        Its mean over time classifies the utterance: 8 emotion logits, the logit of "strong", and a valence,
        which only training uses.
        """
        relative = mel - mel.mean(2, keepdim=True)  # without the voice's and the microphone's spectrum
        change = nn.functional.pad(mel[:, :, 2:] - mel[:, :, :-2], (1, 1))
        grid = self.convolutions(torch.stack([mel / 3, relative / 2, change], dim=1))
        steps = self.mix(grid.flatten(1, 2))
        hidden = self.recurrent(steps.transpose(1, 2))[0]
        both = torch.cat([steps, hidden.transpose(1, 2)], dim=1)
        context = self.context(torch.cat([both.mean(2), both.std(2, correction=0)], dim=1))
        return self.head(torch.cat([hidden, context[:, None].expand(-1, hidden.shape[1], -1)], dim=2))

    def states(self, mel: Tensor) -> Tensor:
        """States (B, T, 11) of levelled log-mel (B, 80, frames)."""
        evidence = self(mel)
        emotions, strong = (
            evidence[..., : len(RAVDESS_EMOTIONS)].softmax(2),
            evidence[..., len(RAVDESS_EMOTIONS), None].sigmoid(),
        )
        # better on unseen actors than the valence the head was trained on: Corr 0.64 beside 0.60
        expected = (emotions @ self.valence * torch.cat([1 - strong, strong], 2)).sum(2, keepdim=True)
        loudness = nn.functional.adaptive_avg_pool1d(mel.mean(1, keepdim=True), evidence.shape[1])
        return torch.cat([emotions, strong, expected, loudness.transpose(1, 2)], dim=2)
