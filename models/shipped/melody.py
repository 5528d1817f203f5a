"""Trains what imagines a voice's melody from its states, on RAVDESS, by speaker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from models.extractors.melody import (
    VALUES,
    Melody,
    MelodyDecoder,
    loudness_of,
    melody_from,
    pitch_of,
    spread,
    syllables,
    values_of,
)
from models.shipped.voice_head import load_waveform
from models.tensors import load_tensors, save_tensors
from models.training.metrics import correlation

FARTHEST = 3.0  # spreads from the median that a syllable's pitch counts at most: the rest are wrong octaves
WITHIN = 1.2816  # standard deviations either side of the mean: 80 % of a Gaussian
LOG_ROOT = math.log(2 * math.pi) / 2  # of a Gaussian's density


def speech_melodies(data: Path, cache: Path, speech: pd.DataFrame) -> list[Melody]:
    """Melodies of the rows of `load_speech`; an actor's usual pitch is the median over all of his or hers.

    Pitch and loudness are computed once.
    """
    path = cache / "speech-pitch.safetensors"
    if not path.is_file():
        heard = {}
        for i, file in enumerate(tqdm(speech["file"], desc="pitch", mininterval=20)):
            waveform = load_waveform(data / "speech" / file).numpy()
            heard[f"{i}.hz"] = torch.from_numpy(pitch_of(waveform))
            heard[f"{i}.loudness"] = torch.from_numpy(loudness_of(waveform))
        save_tensors(path, heard, {})
    heard = load_tensors(path)[0]
    hz = [heard[f"{i}.hz"].numpy() for i in range(len(speech))]
    speakers = speech["speaker"].to_numpy()
    usual = {
        speaker: float(np.nanmedian(np.concatenate([hz[i] for i in np.flatnonzero(speakers == speaker)])))
        for speaker in set(speakers)
    }
    return [
        melody_from(hz[i], heard[f"{i}.loudness"].numpy(), usual[speaker])
        for i, speaker in enumerate(speakers)
    ]


def train_melody_decoder(
    melodies: Sequence[Melody],
    states: Sequence[Tensor],
    epochs: int = 30,
    batch_size: int = 32,
    seed: int = 0,
) -> MelodyDecoder:
    """Decoder of melodies, each voiced somewhere, from their states [(T, 12)].

    Negative log-likelihood of the VALUES as independent Gaussians. Fixed schedule, no early stop.
    """
    torch.manual_seed(seed)
    decoder = MelodyDecoder().train()
    means, values = _means(states), _values(melodies)
    decoder.center.copy_(values.mean(0))
    decoder.scale.copy_(values.std(0) + 1e-3)
    for name, value in contours(melodies).items():
        getattr(decoder, name).fill_(value)
    optimizer = torch.optim.AdamW(decoder.parameters(), weight_decay=0.05)
    steps = max(1, len(values) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=max(1, epochs * steps))
    for _ in range(epochs):
        order = torch.randperm(len(values))
        for step in range(steps):
            rows = order[step * batch_size : (step + 1) * batch_size]
            mean, log_std = decoder(means[rows])
            loss = F.gaussian_nll_loss(mean, values[rows], (2 * log_std).exp())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return decoder.eval()


def contours(melodies: Sequence[Melody]) -> dict[str, float]:
    """How contours of speech are: the buffers of `MelodyDecoder` that `draw` makes one up with."""
    places, heights, gaps, shares = [], [], [], []
    for melody in melodies:
        frames = np.flatnonzero(melody.voiced)
        peaks = syllables(melody.loudness, melody.voiced)
        pitch = melody.pitch[frames]
        shares.append(len(frames) / (frames[-1] + 1 - frames[0]))
        if len(peaks) < 3 or spread(pitch) == 0:
            continue
        gaps += [not melody.voiced[a:b].all() for a, b in pairwise(peaks)]
        places.append((peaks - frames[0]) / (frames[-1] + 1 - frames[0]) - 0.5)
        height = (np.interp(peaks, frames, pitch) - np.median(pitch)) / spread(pitch)
        heights.append(height.clip(-FARTHEST, FARTHEST))
    if not places:
        return {"voiced": float(np.mean(shares))}
    slope, offset = np.polyfit(np.concatenate(places), np.concatenate(heights), 1)
    left = [height - offset - slope * place for place, height in zip(places, heights, strict=True)]
    before, after = (np.concatenate(part) for part in ([r[:-1] for r in left], [r[1:] for r in left]))
    return {
        "declination": float(slope),
        "persistence": correlation(before, after),
        "breaks": float(np.mean(gaps)),
        "voiced": float(np.mean(shares)),
    }


@torch.inference_mode()
def evaluate_melody_decoder(
    decoder: MelodyDecoder, melodies: Sequence[Melody], states: Sequence[Tensor], emotions: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Figures of each value, and by emotion, on melodies and states [(T, 12)] of actors no network heard.

    `corr` and `explained` variance compare the decoded mean with the real value, `explained` beside the
    training mean; `nll` in nats stands beside that of one Gaussian for all; `within 80 %` is the share of
    real values in the decoded interval. Pitch is in semitones above an actor's usual, its ending above that,
    pace in syllables a second.
    """
    real = _values(melodies)
    mean, log_std = decoder(_means(states))
    std, error = log_std.exp(), real - mean
    constant = (real - decoder.center) / decoder.scale
    nll = (error / std).square() / 2 + log_std
    constant_nll = constant.square() / 2 + decoder.scale.log()
    figures: dict[str, dict[str, float]] = {}
    for k, name in enumerate(VALUES):
        figures[name] = {
            "utterances": len(real),
            "corr": correlation(mean[:, k].numpy(), real[:, k].numpy()),
            "explained": 1 - float(error[:, k].square().sum() / (real - decoder.center)[:, k].square().sum()),
            "nll": float(nll[:, k].mean()) + LOG_ROOT,
            "nll of one gaussian": float(constant_nll[:, k].mean()) + LOG_ROOT,
            "within 80 %": float((error[:, k].abs() < WITHIN * std[:, k]).float().mean()),
        }
    labels = np.array(emotions)
    for emotion in dict.fromkeys(emotions):
        rows = torch.from_numpy(labels == emotion)
        own, decoded = real[rows].mean(0).tolist(), mean[rows].mean(0).tolist()
        figures[emotion] = {"utterances": int(rows.sum())}
        for k in (VALUES.index(value) for value in ("pitch", "ending", "pace")):
            figures[emotion] |= {f"{VALUES[k]}": own[k], f"decoded {VALUES[k]}": decoded[k]}
    return figures


def _means(states: Sequence[Tensor]) -> Tensor:
    """(utterances, 12) mean of each one's states [(T, 12)]."""
    return torch.stack([own.float().mean(0) for own in states])


def _values(melodies: Sequence[Melody]) -> Tensor:
    """(utterances, 5) VALUES."""
    return torch.from_numpy(np.stack([values_of(melody) for melody in melodies]))
