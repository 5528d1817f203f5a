"""Trains the decoder that draws a log-mel from voice states, on RAVDESS, by speaker."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from models.extractors.audio import STRIDE, VALENCE, VoiceEncoder
from models.extractors.voice_decoder import VoiceDecoder
from models.training.metrics import correlation

CROP = 20  # states (1.6 s) a training example
REHEARD = 0.3  # weight of what the encoder hears in the drawn voice


def train_voice_decoder(
    encoder: VoiceEncoder,
    mels: list[Tensor],
    states: list[Tensor],
    epochs: int = 12,
    batch_size: int = 32,
    seed: int = 0,
) -> VoiceDecoder:
    """Decoder of levelled log-mels [(80, frames)] from their states [(ceil(frames / 8), 11)].

    L1 on the log-mel, and L1 between the states and those that the frozen encoder reads from what was drawn:
    the likeliest spectrum alone would be every mood's mean. Fixed schedule, no early stop.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    encoder = encoder.eval().requires_grad_(False)
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
            heard = encoder.states(drawn)
            loss = F.l1_loss(drawn, mel) + REHEARD * F.l1_loss(heard, wanted)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return decoder.eval()


def _crop(mel: Tensor, states: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A log-mel (80, 8 CROP) and its states (CROP, 11); short utterances are repeated."""
    mel = F.pad(mel, (0, STRIDE * len(states) - mel.shape[1]), value=float(mel.min()))
    turns = -(-CROP // len(states))
    mel, states = mel.repeat(1, turns), states.repeat(turns, 1)
    start = int(rng.integers(0, len(states) - CROP + 1))
    return mel[:, STRIDE * start : STRIDE * (start + CROP)], states[start : start + CROP]


@torch.inference_mode()
def evaluate_voice_decoder(
    encoder: VoiceEncoder, decoder: VoiceDecoder, mels: list[Tensor], mean: Tensor
) -> dict[str, float]:
    """On log-mels [(80, frames)] of actors that neither network heard.

    mean : (80,) mean spectrum of the training utterances
    `mel_mae` is per cell in nats; `mean_mel_mae` is the same for the mean spectrum at the states' loudness.
    `valence_corr` and `emotion_agreement` compare what the encoder hears in the drawn voice with what it
    hears in the real one; chance for the latter is `emotion_chance`, the most frequent emotion's share.
    """
    errors, mean_errors, valences, emotions = [], [], [], []
    for mel in mels:
        states = encoder.states(mel[None])
        drawn = decoder(states)[0, :, : mel.shape[1]]
        heard = encoder.states(drawn[None])
        errors.append(float((drawn - mel).abs().mean()))
        loudness = states[0, :, -1].repeat_interleave(STRIDE)[: mel.shape[1]] - mean.mean()
        mean_errors.append(float((mean[:, None] + loudness - mel).abs().mean()))
        valences.append([float(s[0, :, VALENCE].mean()) for s in (states, heard)])
        emotions.append([int(s[0, :, :8].mean(0).argmax()) for s in (states, heard)])
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
