"""Fits what reads the arousal of words, to the emotions of MELD's dialogues."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeCV
from torch import Tensor

from models.extractors.phrases import mean_states
from models.extractors.readers import TextArousal
from models.extractors.text import TextEncoder
from models.extractors.valence import AROUSAL
from models.training.metrics import correlation

PENALTIES = (3, 10, 30, 100, 300)  # of the ridge; the best is chosen by leaving training utterances out


def load_dialogues(data: Path, split: str) -> tuple[list[str], np.ndarray]:
    """Texts and arousal (n,) of a split of MELD, that of the emotion it names."""
    rows = pd.read_csv(data / "text" / "meld.csv")
    rows = rows[(rows["split"] == split) & rows["text"].notna()]
    emotions = ["happiness" if emotion == "joy" else str(emotion) for emotion in rows["emotion"]]
    return rows["text"].tolist(), np.array([AROUSAL[emotion] for emotion in emotions])


def fit_text_arousal(states: Tensor, arousals: np.ndarray) -> TextArousal:
    """The ridge from mean text states (n, 769) to arousals (n,)."""
    ridge = RidgeCV(PENALTIES).fit(states.double().numpy(), arousals)
    fitted = TextArousal(states.shape[1])
    fitted.weight.copy_(torch.from_numpy(ridge.coef_))
    fitted.bias.fill_(float(ridge.intercept_))
    return fitted


def train_text_arousal(encoder: TextEncoder, data: Path) -> TextArousal:
    """Of MELD's training split."""
    texts, arousals = load_dialogues(data, "train")
    return fit_text_arousal(mean_states(encoder, texts), arousals)


def evaluate_text_arousal(fitted: TextArousal, encoder: TextEncoder, data: Path) -> dict[str, float]:
    """Corr on MELD's test split, and on what is not neutral there.

    Its dialogues are others than those of the training split, its speakers mostly the same: a series.
    """
    texts, arousals = load_dialogues(data, "test")
    read = fitted(mean_states(encoder, texts)[:, None]).numpy()
    emotional = arousals != 0
    return {
        "utterances": len(texts),
        "corr": correlation(read, arousals),
        "emotional utterances": int(emotional.sum()),
        "corr of these": correlation(read[emotional], arousals[emotional]),
    }
