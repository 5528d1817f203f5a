"""Trains the voice encoder on RAVDESS, by speaker, and cross-fits its states."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from models.extractors.audio import RAVDESS_EMOTIONS, VALENCE, VoiceEncoder, level, log_mel, voiced_span
from models.extractors.valence import ravdess_valence
from models.media.clip import SAMPLE_RATE
from models.training.metrics import correlation

FOLDS = 4  # of six actors each, three women and three men; fold 0 is never in a shipped weight
CROP = 160  # log-mel frames (1.6 s) a training example


def load_speech(data: Path) -> pd.DataFrame:
    """RAVDESS: its manifest with fold (0 … 3), valence, and mel (80, frames), levelled and trimmed."""
    rows = pd.read_csv(data / "speech" / "manifest.csv")
    rows["fold"] = speech_folds(rows["speaker"])
    rows["valence"] = [
        ravdess_valence(emotion, intensity)
        for emotion, intensity in zip(rows["emotion"], rows["intensity"], strict=True)
    ]
    rows["mel"] = [
        prepare(load_waveform(data / "speech" / file)) for file in tqdm(rows["file"], desc="log-mel")
    ]
    return rows


def speech_folds(speakers: Iterable[str]) -> np.ndarray:
    """Fold (0 … 3) of each RAVDESS speaker name; women and men are spread evenly."""
    actors = np.array([int(speaker.removeprefix("ravdess")) for speaker in speakers])
    return (actors - 1) // 2 % FOLDS


def load_waveform(path: Path) -> Tensor:
    """A sound file as 16 kHz mono float32 (n,)."""
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    with av.open(str(path)) as container:
        frames = [r for frame in container.decode(audio=0) for r in resampler.resample(frame)]
    return torch.from_numpy(np.concatenate([frame.to_ndarray()[0] for frame in frames]))


def prepare(waveform: Tensor) -> Tensor:
    """Waveform (n,) -> levelled log-mel (80, frames) without silent ends: the encoder's input."""
    mel = log_mel(waveform)
    return level(mel[:, voiced_span(mel)])


def _augment(mels: list[Tensor], generator: torch.Generator) -> Tensor:
    """Crops (B, 80, CROP): speed, vocal-tract and tilt changes, a noise floor, time and band masks."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=generator).item()

    batch = torch.empty(len(mels), mels[0].shape[0], CROP)
    bands = torch.linspace(-1, 1, mels[0].shape[0])
    for row, mel in zip(batch, mels, strict=True):
        size = (round(mel.shape[0] * uniform(0.94, 1.06)), max(40, round(mel.shape[1] * uniform(0.85, 1.15))))
        mel = F.interpolate(mel[None, None], size=size, mode="bilinear")[0, 0]
        mel = F.pad(mel[: len(bands)], (0, 0, 0, max(0, len(bands) - size[0])), value=float(mel.min()))
        mel = mel + uniform(-1, 1) * bands[:, None] + uniform(-0.7, 0.7) * (bands**2)[:, None]
        mel = torch.logaddexp(mel, torch.full_like(mel, uniform(-12, -4)))
        if mel.shape[1] < CROP:
            mel = mel.repeat(1, -(-CROP // mel.shape[1]))
        start = int(uniform(0, mel.shape[1] - CROP + 1 - 1e-6))
        row.copy_(mel[:, start : start + CROP])
        for _ in range(2):
            width = int(uniform(0, 25))
            at = int(uniform(0, CROP - width))
            row[:, at : at + width] = -6.0
            width = int(uniform(0, 8))
            at = int(uniform(0, len(bands) - width))
            row[at : at + width] = -6.0
    return batch


def train_voice_encoder(
    speech: pd.DataFrame, epochs: int = 28, batch_size: int = 32, seed: int = 0, quiet: bool = False
) -> VoiceEncoder:
    """Encoder trained on the rows of `load_speech`; fixed schedule, no early stop.

    Cross-entropy on the 8 emotions (smoothed by 0.1) of the mean state, binary cross-entropy on intensity,
    L1 on valence.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    mels = speech["mel"].tolist()
    emotions = torch.tensor([RAVDESS_EMOTIONS.index(emotion) for emotion in speech["emotion"]])
    strong = torch.tensor((speech["intensity"] == "strong").to_numpy(np.float32))
    valence = torch.tensor(speech["valence"].to_numpy(np.float32))
    encoder = VoiceEncoder().train()
    optimizer = torch.optim.AdamW(encoder.parameters(), weight_decay=0.02)
    steps = len(mels) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=max(1, epochs * steps))
    for _ in tqdm(range(epochs), desc="voice", mininterval=20, disable=quiet):
        order = torch.randperm(len(mels), generator=generator)
        for step in range(steps):
            batch = order[step * batch_size : (step + 1) * batch_size]
            mean = encoder(_augment([mels[i] for i in batch], generator)).mean(1)
            loss = (
                F.cross_entropy(mean[:, :8], emotions[batch], label_smoothing=0.1)
                + 0.3 * F.binary_cross_entropy_with_logits(mean[:, 8], strong[batch])
                + 0.3 * F.l1_loss(mean[:, 9], valence[batch])
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), 2.0)
            optimizer.step()
            schedule.step()
    return encoder.eval()


@torch.inference_mode()
def voice_states(encoder: VoiceEncoder, mels: list[Tensor]) -> list[Tensor]:
    """States [(T, 11)] of levelled log-mels [(80, frames)], one utterance at a time."""
    return [encoder.states(mel[None])[0].clone() for mel in mels]


@torch.inference_mode()
def evaluate_voice_encoder(encoder: VoiceEncoder, speech: pd.DataFrame) -> dict[str, float]:
    """8-class accuracy and valence Corr on rows of `load_speech` whose actors the encoder never heard."""
    mels = speech["mel"].tolist()
    guesses = torch.cat([encoder(mel[None]).mean(1) for mel in mels])[:, : len(RAVDESS_EMOTIONS)].argmax(1)
    emotions = torch.tensor([RAVDESS_EMOTIONS.index(emotion) for emotion in speech["emotion"]])
    valence = [states[:, VALENCE].mean().item() for states in voice_states(encoder, mels)]
    return {
        "utterances": len(speech),
        "actors": len(set(speech["speaker"])),
        "accuracy": float((guesses == emotions).float().mean()),
        "valence_corr": correlation(np.array(valence), speech["valence"].to_numpy()),
    }
