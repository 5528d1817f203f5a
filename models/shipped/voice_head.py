"""Trains the voice head: emotions on RAVDESS by actor, what a voice adds to words on the clips by speaker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import av
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import Ridge
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from models.extractors.audio import (
    ENCODED,
    RAVDESS_EMOTIONS,
    STRONG,
    VALENCE,
    VoiceHead,
    statistics,
)
from models.extractors.valence import ravdess_valence
from models.media.clip import SAMPLE_RATE
from models.training.metrics import correlation

FOLDS = 4  # of six actors each, three women and three men; fold 0 is never in a shipped weight
VIEWS = 4  # of a recording that training looks at: the whole of it, and windows
PENALTY = 1.0  # of the ridge, for each of its inputs

Heard = tuple[Tensor, Tensor]  # `encoded` and `loudness` of a `Voice`


def load_speech(data: Path) -> pd.DataFrame:
    """RAVDESS's manifest with fold (0 … 3) and valence in [-3, 3]."""
    rows = pd.read_csv(data / "speech" / "manifest.csv")
    rows["fold"] = speech_folds(rows["speaker"])
    rows["valence"] = [
        ravdess_valence(emotion, intensity)
        for emotion, intensity in zip(rows["emotion"], rows["intensity"], strict=True)
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


def train_voice_head(
    speech: pd.DataFrame,
    copies: Sequence[Sequence[Heard]],
    epochs: int = 30,
    batch_size: int = 64,
    seed: int = 0,
) -> VoiceHead:
    """Head whose emotions are learned from the rows of `load_speech`; fixed schedule, no early stop.

    copies : the voices of these rows, as recorded first, then in other conditions
    Cross-entropy on the 8 emotions (smoothed by 0.1) and binary cross-entropy on intensity, half of the time
    of whole recordings, else of windows.
    """
    torch.manual_seed(seed)
    head = VoiceHead()
    own = torch.stack([statistics(encoded.float()) for encoded, _ in copies[0]])
    head.mean.copy_(own.mean(0))
    head.std.copy_(own.std(0) + 1e-4)
    views = _views(head, copies, np.random.default_rng(seed))
    emotions = torch.tensor([RAVDESS_EMOTIONS.index(emotion) for emotion in speech["emotion"]])
    strong = torch.tensor((speech["intensity"] == "strong").to_numpy(np.float32))
    for member in tqdm(head.emotion, desc="voice", mininterval=20):
        _train_member(member, views, emotions, strong, epochs, batch_size)
    for parameter in head.beyond_words.parameters():
        torch.nn.init.zeros_(parameter)
    return head.eval().requires_grad_(False)


def _train_member(
    member: torch.nn.Module, views: Tensor, emotions: Tensor, strong: Tensor, epochs: int, batch_size: int
) -> None:
    optimizer = torch.optim.AdamW(member.parameters(), weight_decay=0.1)
    steps = max(1, len(views) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=max(1, epochs * steps))
    member.train()
    for _ in range(epochs):
        order = torch.randperm(len(views))
        for step in range(steps):
            batch = order[step * batch_size : (step + 1) * batch_size]
            # a number below VIEWS - 1 stands for the whole recording: as often as for all windows together
            view = (torch.randint(2 * (VIEWS - 1), batch.shape) - (VIEWS - 2)).clamp_min(0)
            evidence = member(views[batch, torch.randint(views.shape[1], batch.shape), view].float())
            loss = F.cross_entropy(
                evidence[:, :STRONG], emotions[batch], label_smoothing=0.1
            ) + 0.3 * F.binary_cross_entropy_with_logits(evidence[:, STRONG], strong[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()


@torch.inference_mode()
def _views(head: VoiceHead, copies: Sequence[Sequence[Heard]], rng: np.random.Generator) -> Tensor:
    """(recordings, copies, VIEWS, 7168) float16: the whole first, then windows around random moments."""
    views = torch.empty(len(copies[0]), len(copies), VIEWS, 2 * ENCODED, dtype=torch.float16)
    for number, voices in enumerate(copies):
        for row, (encoded, _) in enumerate(tqdm(voices, desc=f"copy {number}", mininterval=20)):
            windows = head.windows(encoded.float())
            views[row, number, 0] = head.whole(encoded.float()).half()
            views[row, number, 1:] = windows[rng.integers(len(windows), size=VIEWS - 1)].half()
    return views


@torch.inference_mode()
def mean_windows(head: VoiceHead, voices: Sequence[Heard]) -> Tensor:
    """(n, 3584) what `VoiceHead.beyond_words` reads, mean over each voice."""
    return torch.stack([head.windows(encoded.float())[:, :ENCODED].mean(0) for encoded, _ in voices])


def fit_beyond_words(inputs: Tensor, left_over: np.ndarray) -> tuple[Tensor, Tensor]:
    """Weight (1, 3584) and bias (1,) of a ridge from `mean_windows` to what the words leave over.

    left_over : (n,) label less the words' score
    """
    mean, std = inputs.mean(0), inputs.std(0) + 1e-6
    ridge = Ridge(alpha=PENALTY * inputs.shape[1], solver="cholesky")
    ridge.fit(((inputs - mean) / std).double().numpy(), left_over)
    weight = torch.from_numpy(ridge.coef_).float() / std
    return weight[None], (float(ridge.intercept_) - mean @ weight)[None]


@torch.inference_mode()
def voice_states(head: VoiceHead, voices: Iterable[Heard]) -> list[Tensor]:
    """States [(T, 12)] of voices, one at a time."""
    return [head.states(encoded.float(), loudness) for encoded, loudness in voices]


@torch.inference_mode()
def evaluate_voice_head(head: VoiceHead, speech: pd.DataFrame, voices: Sequence[Heard]) -> dict[str, float]:
    """8-class accuracy and valence Corr on rows of `load_speech` whose actors the head never heard."""
    evidence = head(torch.stack([head.whole(encoded.float()) for encoded, _ in voices]))
    emotions = torch.tensor([RAVDESS_EMOTIONS.index(emotion) for emotion in speech["emotion"]])
    valence = [states[:, VALENCE].mean().item() for states in voice_states(head, voices)]
    return {
        "utterances": len(speech),
        "actors": len(set(speech["speaker"])),
        "accuracy": float((evidence[:, :STRONG].argmax(1) == emotions).float().mean()),
        "valence_corr": correlation(np.array(valence), speech["valence"].to_numpy()),
    }


def evaluate_beyond_words(
    inputs: Tensor, words: np.ndarray, labels: np.ndarray, speakers: np.ndarray
) -> dict[str, float]:
    """On clips of speakers left out: Corr of what the voice adds, and what it makes of the words' score.

    inputs : (n, 3584) `mean_windows`; words : (n,) scores; labels : (n,); speakers : (n,) names
    """
    added = np.zeros(len(labels))
    for speaker in np.unique(speakers):
        unseen = speakers == speaker
        weight, bias = fit_beyond_words(inputs[~unseen], (labels - words)[~unseen])
        added[unseen] = (inputs[unseen] @ weight[0] + bias).numpy()
    return {
        "clips": len(labels),
        "corr with what words leave over": correlation(added, labels - words),
        "corr with the words": correlation(added, words),
        "corr with the label": correlation(added, labels),
        "words: corr": correlation(words, labels),
        "words: mae": float(np.abs(words - labels).mean()),
        "words + voice: corr": correlation(words + added, labels),
        "words + voice: mae": float(np.abs(words + added - labels).mean()),
    }
