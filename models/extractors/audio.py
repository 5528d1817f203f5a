"""Voice -> states: how something is said, read from the states of Whisper's encoder, 12.5 states a second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional as F

from models.extractors import valence
from models.extractors.encoded_sound import EncodedWindow
from models.extractors.whisper_encoder import LAYERS, WIDTH
from models.media.clip import SAMPLE_RATE

RAVDESS_EMOTIONS = tuple(valence.RAVDESS_EMOTIONS)
STRONG, VALENCE, BEYOND_WORDS, LOUDNESS = range(
    len(RAVDESS_EMOTIONS), len(RAVDESS_EMOTIONS) + 4
)  # coordinates
N_MELS = 80
HOP = 160  # samples, 10 ms
WINDOW = 400  # samples, 25 ms
STRIDE = 8  # log-mel frames a state: 80 ms
ENCODED = (LAYERS + 1) * WIDTH  # coordinates of a pooled state
POOLED = 4  # states of Whisper's encoder a state: the same 80 ms
NEIGHBOURS = 10  # states before and after one that it is read from as well: 1.7 s in all
FLOOR = 1e-6  # of the mel energy, before the logarithm
SILENCE = 5.0  # nats below the loudest frame: quieter ends are trimmed

_mel = torchaudio.transforms.MelSpectrogram(
    SAMPLE_RATE, n_fft=WINDOW, win_length=WINDOW, hop_length=HOP, n_mels=N_MELS, f_min=50.0, f_max=8000.0
)


@torch.inference_mode()
def log_mel(waveform: Tensor) -> Tensor:
    """Natural-log mel energies (80, frames) of a 16 kHz waveform (n,), 10 ms a frame.

    Silence follows what is shorter than a window, which alone has nothing to mirror at its ends.
    """
    waveform = F.pad(waveform, (0, max(0, WINDOW - len(waveform))))
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


class VoiceHead(nn.Module):
    """Whisper's states of all layers -> states (T, 12) of the voice.

    A state's coordinates mean the same in every trained copy, so that states of cross-fitted copies can
    train one fusion model: probabilities of 8 emotions and of strong intensity, the valence in [-3, 3] that
    is expected under these, what the voice adds to the score of the words, in units of the score, and
    loudness in nats below the loudest tenth.
    """

    dim = len(RAVDESS_EMOTIONS) + 4
    hidden = 256
    members = 3  # networks for the emotions, trained apart, whose evidence is averaged
    mean: Tensor  # (7168,) of the recordings that it learned from
    std: Tensor  # (7168,)
    valence: Tensor  # (8, 2) of an emotion at normal and strong intensity

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(2 * ENCODED))
        self.register_buffer("std", torch.ones(2 * ENCODED))
        self.emotion = nn.ModuleList(
            nn.Sequential(
                nn.Dropout(0.5),
                nn.Linear(2 * ENCODED, self.hidden),
                nn.LayerNorm(self.hidden),
                nn.GELU(),
                nn.Dropout(0.5),
                nn.Linear(self.hidden, len(RAVDESS_EMOTIONS) + 1),
            )
            for _ in range(self.members)
        )
        self.beyond_words = nn.Linear(ENCODED, 1)
        # valence (8 emotions, 2 intensities): kept with the weights, since the states depend on it
        table = [
            [valence.ravdess_valence(e, i) for i in valence.INTENSITIES] for e in valence.RAVDESS_EMOTIONS
        ]
        self.register_buffer("valence", torch.tensor(table))

    def forward(self, windows: Tensor) -> Tensor:
        """Evidence (n, 9) in `windows` or `whole` (n, 7168): logits of 8 emotions and of "strong"."""
        return torch.stack([member(windows) for member in self.emotion]).mean(0)

    def windows(self, encoded: Tensor) -> Tensor:
        """(T, 7168) from pooled states (T, 3584): standardised mean and deviation of neighbours."""

        def average(values: Tensor) -> Tensor:
            size = 2 * NEIGHBOURS + 1
            return F.avg_pool1d(values.T[None], size, 1, NEIGHBOURS, count_include_pad=False)[0].T

        mean = average(encoded)
        deviation = (average(encoded.square()) - mean.square()).clamp_min(0).sqrt()
        return (torch.cat([mean, deviation], dim=1) - self.mean) / self.std

    def whole(self, encoded: Tensor) -> Tensor:
        """(7168,) the same over all of them."""
        return (statistics(encoded) - self.mean) / self.std

    def states(self, encoded: Tensor, loudness: Tensor) -> Tensor:
        """States (T, 12) from pooled states (T, 3584) and loudness (T,), see `Voice`."""
        windows = self.windows(encoded)
        evidence = self(windows)
        emotions = evidence[:, : len(RAVDESS_EMOTIONS)].softmax(1)
        strong = evidence[:, STRONG, None].sigmoid()
        expected = (emotions @ self.valence * torch.cat([1 - strong, strong], 1)).sum(1, keepdim=True)
        beyond_words = self.beyond_words(windows[:, :ENCODED])
        return torch.cat([emotions, strong, expected, beyond_words, loudness[:, None]], dim=1)


def statistics(encoded: Tensor) -> Tensor:
    """(7168,) mean and deviation over time of pooled states (T, 3584)."""
    return torch.cat([encoded.mean(0), encoded.std(0, correction=0)])


@dataclass(frozen=True)
class Voice:
    """What the voice head reads between the silent ends of a sound, 80 ms a row.

    encoded : (T, 3584) states of all layers of Whisper's encoder, side by side
    loudness : (T,) nats below the loudest tenth
    times : (T, 2) start and end in seconds
    """

    encoded: Tensor
    loudness: Tensor
    times: Tensor


def voice_of(windows: Iterable[EncodedWindow], mel: Tensor) -> Voice:
    """The voice of a sound from its windows (at least one) and its `log_mel` (80, frames)."""
    span = voiced_span(mel)
    loudness = level(mel[:, span]).mean(0)
    rows, spans = [], []
    for window in windows:
        first = round(window.start * SAMPLE_RATE / HOP)
        frames = first + STRIDE * torch.arange(-(-window.frames // STRIDE))
        ends = (frames + STRIDE).clamp_max(min(first + window.frames, mel.shape[1]))
        voiced = (frames < span.stop) & (ends > span.start)
        rows.append(_pooled(window.states[:, : -(-window.frames // 2)])[voiced])
        spans.append(torch.stack([frames.clamp_min(span.start), ends.clamp_max(span.stop)], dim=1)[voiced])
    frames = torch.cat(spans)
    own = [loudness[start - span.start : end - span.start].mean() for start, end in frames.tolist()]
    return Voice(torch.cat(rows), torch.stack(own), frames * HOP / SAMPLE_RATE)


def _pooled(states: Tensor) -> Tensor:
    """(ceil(N / 4), 3584) from states (7, N, 512), 20 ms each: layers side by side, means over 80 ms."""
    missing = -states.shape[1] % POOLED
    steps = torch.cat([states, states[:, -1:].expand(-1, missing, -1)], dim=1)
    return steps.unflatten(1, (-1, POOLED)).mean(2).transpose(0, 1).flatten(1)
