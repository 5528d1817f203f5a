"""Trains the sentiment adapters of the text encoder on MOSI and MOSEI transcripts."""

from __future__ import annotations

import hashlib
import random
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from models.extractors.text import TextConfig, TextEncoder, plain
from models.tensors import load_tensors, read_meta, save_tensors
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


@dataclass(frozen=True)
class Schedule:
    """One run: passes over the training rows, highest learning rate, and rows drawn a pass.

    MOSI's rows are all shown, MOSI_REPEATS times; mosei : rows drawn, None for all
    """

    epochs: int
    learning_rate: float
    mosei: int | None = None


PARTS = (Schedule(3, 4e-4), Schedule(3, 4e-4))
PART = TextConfig(rank=16, alpha=32)
TOGETHER = Schedule(1, 1e-4, mosei=6000)
WHOLE = TextConfig(rank=PART.rank * len(PARTS), alpha=PART.alpha * len(PARTS))


def train_text_encoder(data: Path, cache: Path, seed: int = 0, limit: int | None = None) -> TextEncoder:
    """Adapters trained with L1 on scores.

    Two adapters of half the rank learn from different seeds, are averaged (which adds up their ranks) and
    learn together for a short while (Wortsman et al., Model soups, ICML 2022). Case is dropped by the
    tokenizer; punctuation is dropped from half of the utterances at random. No early stop: the schedules
    are fixed. `limit` cuts the rows (tests).
    cache : keeps each adapter once it has learned, so that an interrupted training goes on from there
    """
    rows = _training_rows(data, seed, limit)
    parts = []
    for number, schedule in enumerate(PARTS):
        path = cache / f"text-part-{number}.safetensors"
        about = {"seed": seed + number, "limit": limit, "schedule": asdict(schedule), "config": asdict(PART)}
        if not (path.is_file() and read_meta(path) == about):
            torch.manual_seed(seed + number)
            save_tensors(path, _fit(TextEncoder(PART), rows, schedule, seed + number), about)
        parts.append(load_tensors(path)[0])
    encoder = TextEncoder(WHOLE)
    set_trained(encoder, average_adapters(parts))
    together = _fit(encoder, rows, TOGETHER, seed + len(PARTS))
    encoder = TextEncoder(WHOLE)
    set_trained(encoder, together)
    return encoder.eval()


@torch.no_grad()
def set_trained(encoder: TextEncoder, trained: dict[str, Tensor]) -> None:
    """Give an encoder adapters and head, as `TextEncoder.trained` names them."""
    for name, tensor in encoder.trained().items():
        tensor.copy_(trained[name])


def _training_rows(data: Path, seed: int, limit: int | None) -> pd.DataFrame:
    rows = load_transcripts(data)
    rows = rows.loc[(rows["split"] == "train") & rows["text"].notna()]
    return rows.sample(limit, random_state=seed) if limit else rows


def average_adapters(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several low-rank adapters as one whose rank is their sum; heads are averaged.

    parts : `TextEncoder.trained()` of each; the mean of products B_i A_i is [B_1 / n, …] [A_1; …]
    """
    averaged = {}
    for name in parts[0]:
        tensors = [part[name] for part in parts]
        if "lora_a" in name:
            averaged[name] = torch.cat(tensors, 0)
        elif "lora_b" in name:
            averaged[name] = torch.cat(tensors, 1) / len(parts)
        else:
            averaged[name] = torch.stack(tensors).mean(0)
    return averaged


def _draw(rows: pd.DataFrame, schedule: Schedule, seed: int) -> pd.DataFrame:
    """The rows of one pass."""
    mosi, mosei = (rows.loc[rows["source"] == source] for source in ("mosi", "mosei"))
    if schedule.mosei is not None:
        mosei = mosei.sample(min(schedule.mosei, len(mosei)), random_state=seed)
    return pd.concat([*[mosi] * MOSI_REPEATS, mosei], ignore_index=True)


def _fit(encoder: TextEncoder, rows: pd.DataFrame, schedule: Schedule, seed: int) -> dict[str, Tensor]:
    """Adapters and head after training: warm-up, then a cosine to nearly zero.

    What is frozen becomes bfloat16, which halves the time where a core computes in it: coarse, but what
    learns does so in float32.
    """
    random.seed(seed)
    rng = np.random.default_rng(seed)
    for module in encoder.language_model.modules():
        for name, frozen in module.named_buffers(recurse=False):
            setattr(module, name, frozen.bfloat16())
    adapters = list(encoder.language_model.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": adapters, "weight_decay": 0.01}, {"params": list(encoder.score_head.parameters())}]
    )
    encoder.train()
    for epoch in range(schedule.epochs):
        shown = _draw(rows, schedule, seed * 100 + epoch)
        scores = torch.tensor(shown["score"].to_numpy(np.float32))
        batches = _batches(shown["text"].str.split().str.len().to_numpy(), rng)
        progress = tqdm(batches, desc=f"text, epoch {epoch + 1}/{schedule.epochs}", mininterval=20)
        running = 0.0
        for number, batch in enumerate(progress):
            done = (epoch + number / len(batches)) / schedule.epochs
            for group in optimizer.param_groups:
                group["lr"] = schedule.learning_rate * _warm_cosine(done)
            texts = [plain(t) if random.random() < 0.5 else t for t in shown["text"].iloc[batch]]
            loss = (encoder(*encoder.tokenize(texts)) - scores[batch]).abs().mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(adapters, 1.0)
            optimizer.step()
            running = 0.98 * running + 0.02 * loss.item()
            progress.set_postfix(loss=f"{running:.3f}", refresh=False)
    return encoder.trained()


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
