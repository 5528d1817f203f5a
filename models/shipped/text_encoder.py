"""Trains the sentiment adapters of the text encoder on MOSI and MOSEI transcripts."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from models.extractors.text import TextEncoder, plain
from models.training.metrics import sentiment_metrics

BATCH_TOKENS = 900  # padded tokens a batch; utterances of like length share a batch
WARM_UP = 0.06  # share of the training
MOSI_REPEATS = 3  # MOSI is a tenth of MOSEI, and closer to what visitors say


def load_transcripts(data: Path) -> pd.DataFrame:
    """All scored transcripts: columns source, id, video, text, score, split.

    Rows of the videos in `clips/` get split `clips` (their speakers are test speakers), and a tenth of
    MOSEI's training videos gets split `fusion`: the fusion models learn from states of transcripts that
    the adapters never saw.
    """
    frames = []
    for source in ("mosi", "mosei"):
        frame = pd.read_csv(data / "text" / f"{source}.csv").assign(source=source)
        separator = {"mosi": "_", "mosei": "$"}[source]
        frame["video"] = frame["id"].str.rsplit(separator, n=1).str[0]
        frames.append(frame)
    rows = pd.concat(frames, ignore_index=True)
    rows = rows.loc[:, ["source", "id", "video", "text", "score", "split"]]
    clips = set(pd.read_csv(data / "clips" / "manifest.csv")["video"])
    rows.loc[rows["video"].isin(clips), "split"] = "clips"
    held_out = rows["video"].map(lambda video: int(hashlib.md5(video.encode()).hexdigest(), 16) % 10 == 0)
    rows.loc[(rows["source"] == "mosei") & (rows["split"] == "train") & held_out, "split"] = "fusion"
    return rows


def _batches(lengths: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Index batches of like length, in random order, each at most BATCH_TOKENS padded tokens."""
    order = np.argsort(lengths + rng.uniform(0, 3, len(lengths)))
    batches, start = [], 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end - start + 1) * lengths[order[start : end + 1]].max() > BATCH_TOKENS:
            batches.append(order[start:end])
            start = end
    rng.shuffle(batches)
    return batches


def train_text_encoder(
    data: Path, epochs: int = 3, learning_rate: float = 4e-4, seed: int = 0, limit: int | None = None
) -> TextEncoder:
    """Adapters trained with L1 on scores; fixed schedule, no early stop.

    All of MOSEI's rows are shown an epoch, and MOSI's MOSI_REPEATS times. Case is dropped by the tokenizer;
    punctuation is dropped from half of the utterances at random. What is frozen becomes bfloat16 meanwhile,
    which halves the time where a core computes in it: coarse, but what learns does so in float32.
    `limit` cuts the rows (tests).
    """
    torch.manual_seed(seed)
    random.seed(seed)
    rng = np.random.default_rng(seed)
    rows = load_transcripts(data)
    rows = rows.loc[(rows["split"] == "train") & rows["text"].notna()]
    rows = rows.sample(limit, random_state=seed) if limit else rows
    mosi, mosei = (rows.loc[rows["source"] == source] for source in ("mosi", "mosei"))
    shown = pd.concat([*[mosi] * MOSI_REPEATS, mosei], ignore_index=True)
    scores = torch.tensor(shown["score"].to_numpy(np.float32))
    encoder = TextEncoder()
    for module in encoder.language_model.modules():
        for name, frozen in module.named_buffers(recurse=False):
            setattr(module, name, frozen.bfloat16())
    adapters = list(encoder.language_model.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": adapters, "weight_decay": 0.01}, {"params": list(encoder.score_head.parameters())}]
    )
    encoder.train()
    for epoch in range(epochs):
        batches = _batches(shown["text"].str.split().str.len().to_numpy(), rng)
        progress = tqdm(batches, desc=f"text, epoch {epoch + 1}/{epochs}", mininterval=20)
        running = 0.0
        for number, batch in enumerate(progress):
            done = (epoch + number / len(batches)) / epochs
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * _warm_cosine(done)
            texts = [plain(t) if random.random() < 0.5 else t for t in shown["text"].iloc[batch]]
            loss = (encoder(*encoder.tokenize(texts)) - scores[batch]).abs().mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(adapters, 1.0)
            optimizer.step()
            running = 0.98 * running + 0.02 * loss.item()
            progress.set_postfix(loss=f"{running:.3f}", refresh=False)
    trained, encoder = encoder.trained(), TextEncoder()
    with torch.no_grad():
        for name, tensor in encoder.trained().items():
            tensor.copy_(trained[name])
    return encoder.eval()


def _warm_cosine(done: float) -> float:
    """Share of the highest learning rate when the share `done` of the training is over."""
    return min(1.0, 0.02 + done / WARM_UP) * (0.02 + 0.49 * (1 + np.cos(np.pi * done)))


@torch.inference_mode()
def score_transcripts(encoder: TextEncoder, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """Scores (n,) of `texts`, in their order."""
    order = np.argsort([len(t) for t in texts])
    scores = np.zeros(len(texts))
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        scores[batch] = encoder(*encoder.tokenize([texts[i] for i in batch])).numpy()
    return scores


def evaluate_text_encoder(encoder: TextEncoder, data: Path) -> dict[str, dict[str, float]]:
    """Metrics on the official test splits, and on the transcripts of `clips/`, whose speakers are unseen."""
    rows = load_transcripts(data)
    groups = {
        "mosi_test": rows[(rows["source"] == "mosi") & (rows["split"] == "test")],
        "mosei_test": rows[(rows["source"] == "mosei") & (rows["split"] == "test")],
        "clips": pd.read_csv(data / "clips" / "manifest.csv"),
    }
    return {
        name: sentiment_metrics(
            score_transcripts(encoder, group["text"].astype(str).tolist()), group["score"].to_numpy()
        )
        for name, group in groups.items()
    }
