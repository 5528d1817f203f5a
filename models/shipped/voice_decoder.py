"""Trains the decoder that draws a log-mel from voice states, on RAVDESS, by speaker."""

from __future__ import annotations

import numpy as np
import torch
import torchaudio
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from models.extractors.audio import (
    HOP,
    LOUDNESS,
    N_MELS,
    STRIDE,
    STRONG,
    VALENCE,
    WINDOW,
    level,
    log_mel,
    voiced_span,
)
from models.extractors.local_profile import LocalProfile
from models.extractors.voice_decoder import VoiceDecoder
from models.media.clip import SAMPLE_RATE
from models.training.metrics import correlation

CROP = 20  # states (1.6 s) a training example
PEAK = 0.5  # amplitude of the loudest sample
GRIFFIN_LIM_TURNS = 48


def prepare(waveform: Tensor) -> Tensor:
    """Waveform (n,) -> levelled log-mel (80, frames) without silent ends: what is drawn."""
    mel = log_mel(waveform)
    return level(mel[:, voiced_span(mel)])


def train_voice_decoder(
    mels: list[Tensor], states: list[Tensor], epochs: int = 16, batch_size: int = 32, seed: int = 0
) -> VoiceDecoder:
    """Decoder of levelled log-mels [(80, frames)] from their states [(about frames / 8, 12)].

    L1 on the log-mel and on its change over time and pitch. Fixed schedule, no early stop.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    decoder = VoiceDecoder().train()
    optimizer = torch.optim.AdamW(decoder.parameters(), weight_decay=0.01)
    steps = len(mels) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=max(1, epochs * steps))
    for _ in tqdm(range(epochs), desc="voice decoder", mininterval=20):
        order = rng.permutation(len(mels))
        for step in range(steps):
            rows = order[step * batch_size : (step + 1) * batch_size]
            crops = [_crop(mels[i], states[i], rng) for i in rows]
            mel, wanted = (torch.stack(parts) for parts in zip(*crops, strict=True))
            drawn = decoder(wanted)
            loss = F.l1_loss(drawn, mel) + sum(
                F.l1_loss(drawn.diff(dim=axis), mel.diff(dim=axis)) for axis in (1, 2)
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return decoder.eval()


def _crop(mel: Tensor, states: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A log-mel (80, 8 CROP) and its states (CROP, 12); short utterances are repeated."""
    mel = _of_length(mel, STRIDE * len(states))
    turns = -(-CROP // len(states))
    mel, states = mel.repeat(1, turns), states.repeat(turns, 1)
    start = int(rng.integers(0, len(states) - CROP + 1))
    return mel[:, STRIDE * start : STRIDE * (start + CROP)], states[start : start + CROP]


def _of_length(mel: Tensor, frames: int) -> Tensor:
    """A log-mel (80, n) cut to `frames`, or silent up to them: states begin within 80 ms of the voice."""
    return F.pad(mel[:, :frames], (0, max(0, frames - mel.shape[1])), value=float(mel.min()))


@torch.inference_mode()
def evaluate_voice_decoder(
    profile: LocalProfile, decoder: VoiceDecoder, mels: list[Tensor], states: list[Tensor], mean: Tensor
) -> dict[str, float]:
    """On log-mels [(80, frames)] and states of actors that neither network heard.

    mean : (80,) mean spectrum of the training utterances
    `mel_mae` is per cell in nats; `mean_mel_mae` is the same for the mean spectrum at the states' loudness.
    `valence_corr` and `emotion_agreement` compare what the profile hears in the sound of the drawn voice with
    what it hears in the real one; chance for the latter is `emotion_chance`, the commonest emotion's share.
    """
    errors, mean_errors, valences, emotions = [], [], [], []
    for mel, real in zip(mels, states, strict=True):
        mel = _of_length(mel, STRIDE * len(real))
        drawn = decoder(real[None])[0]
        heard = profile.hear(sound(drawn).numpy()).sequence.values[0]
        errors.append(float((drawn - mel).abs().mean()))
        loudness = real[:, LOUDNESS].repeat_interleave(STRIDE) - mean.mean()
        mean_errors.append(float((mean[:, None] + loudness - mel).abs().mean()))
        valences.append([float(s[:, VALENCE].mean()) for s in (real, heard)])
        emotions.append([int(s[:, :STRONG].mean(0).argmax()) for s in (real, heard)])
    real, drawn = np.array(valences).T
    real_emotion, drawn_emotion = np.array(emotions).T
    return {
        "utterances": len(mels),
        "mel_mae": float(np.mean(errors)),
        "mean_mel_mae": float(np.mean(mean_errors)),
        "valence_corr": correlation(real, drawn),
        "emotion_agreement": float((real_emotion == drawn_emotion).mean()),
        "emotion_chance": float(np.bincount(real_emotion).max() / len(mels)),
    }


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
    with torch.random.fork_rng(devices=[]):
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
