"""Trains the sentiment adapters of the text encoder on MOSI, MOSEI and MELD transcripts."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F
from tqdm import tqdm

from models.extractors.text import TextEncoder, plain
from models.training.metrics import sentiment_metrics

SENTIMENTS = ("negative", "neutral", "positive")
BATCH_TOKENS = 900  # padded tokens a batch; utterances of like length share a batch
MOSI_REPEATS = 3  # MOSI is a tenth of MOSEI, and closer to what visitors say


def load_transcripts(data: Path) -> pd.DataFrame:
    """All scored or labelled transcripts: columns source, id, video, text, score, sentiment, split.

    Rows of the videos in `clips/` get split `clips` (their speakers are test speakers), and a tenth of
    MOSEI's training videos gets split `fusion`: the fusion models learn from states of transcripts that
    the adapters never saw.
    """
    frames = []
    for source in ("mosi", "mosei", "meld"):
        frame = pd.read_csv(data / "text" / f"{source}.csv").assign(source=source)
        separator = {"mosi": "_", "mosei": "$", "meld": "_"}[source]
        frame["video"] = frame["id"].str.rsplit(separator, n=1).str[0]
        frames.append(frame)
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[["source", "id", "video", "text", "score", "sentiment", "split"]]
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
    data: Path, epochs: int = 4, learning_rate: float = 6e-4, seed: int = 0, limit: int | None = None
) -> TextEncoder:
    """Adapters trained with L1 on scores and cross-entropy on MELD's sentiments.

    Case is dropped by the tokenizer; punctuation is dropped from half of the utterances at random. No
    early stop: the schedule is fixed, so the validation splits stay unseen. `limit` cuts the rows (tests).
    """
    torch.manual_seed(seed)
    random.seed(seed)
    rng = np.random.default_rng(seed)
    rows = load_transcripts(data)
    rows = rows[(rows["split"] == "train") & rows["text"].notna()]
    mosi = rows[rows["source"] == "mosi"]
    rows = pd.concat([rows] + [mosi] * (MOSI_REPEATS - 1), ignore_index=True)
    if limit:
        rows = rows.sample(limit, random_state=seed).reset_index(drop=True)
    scores = torch.tensor(rows["score"].to_numpy(np.float32))
    sentiments = torch.tensor([SENTIMENTS.index(s) if s in SENTIMENTS else -100 for s in rows["sentiment"]])
    encoder = TextEncoder()
    heads = [*encoder.score_head.parameters(), *encoder.sentiment_head.parameters()]
    adapters = [p for p in encoder.backbone.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": adapters, "weight_decay": 0.01}, {"params": heads}], lr=learning_rate
    )
    lengths = rows["text"].str.split().str.len().clip(upper=80).to_numpy()
    steps = epochs * len(_batches(lengths, rng))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=steps + epochs * 8, pct_start=0.08
    )
    encoder.train()
    for epoch in range(epochs):
        progress = tqdm(_batches(lengths, rng), desc=f"text, epoch {epoch + 1}/{epochs}", mininterval=20)
        running = 0.0
        for batch in progress:
            texts = [plain(t) if random.random() < 0.5 else t for t in rows["text"].iloc[batch]]
            ids, token_lengths = encoder.tokenize(texts)
            score, logits = encoder(ids, token_lengths)
            target, sentiment = scores[batch], sentiments[batch]
            scored = ~target.isnan()
            loss = score.sum() * 0
            if scored.any():
                loss = loss + (score[scored] - target[scored]).abs().sum() / len(batch)
            if (sentiment >= 0).any():
                loss = loss + 0.5 * F.cross_entropy(
                    logits, sentiment, ignore_index=-100, reduction="sum"
                ) / len(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(adapters, 1.0)
            optimizer.step()
            schedule.step()
            running = 0.98 * running + 0.02 * loss.item()
            progress.set_postfix(loss=f"{running:.3f}", refresh=False)
    return encoder.eval()


@torch.inference_mode()
def score_transcripts(encoder: TextEncoder, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """Scores (n,) of `texts`, in their order."""
    order = np.argsort([len(t) for t in texts])
    scores = np.zeros(len(texts))
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        scores[batch] = encoder(*encoder.tokenize([texts[i] for i in batch]))[0].numpy()
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
