"""Trains the face encoder on FER+ vote distributions, and the decoder that draws faces back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from models.extractors.vision import EMOTIONS, VALENCE, FaceDecoder, FaceEncoder
from models.training.metrics import correlation

TRAIN, VALID, TEST = 0, 1, 2
SIZES = ((32, 0.65), (40, 0.85), (48, 1.0))  # pixels of the training faces, until which share of the epochs
EMA_DECAY = 0.998
THUMB = 16  # pixels of the thumbnail that keeps looks, beside emotion, in the embedding


def load_faces(data: Path, split: int) -> tuple[Tensor, Tensor]:
    """FER2013 faces (n, 1, 48, 48) uint8 and FER+ emotion distributions (n, 8), summing to 1.

    Single votes are dropped as FER+'s authors do (Barsoum et al., ICMI 2016); faces whose most frequent
    vote is "unknown" or "not a face" are left out.
    """
    with np.load(data / "faces" / "ferplus.npz") as archive:
        rows = archive["split"] == split
        images, votes = archive["images"][rows], archive["votes"][rows].astype(np.float32)
    votes[votes <= 1] = 0
    kept = (votes[:, :8].max(1) > votes[:, 8:].max(1)) & (votes[:, :8].sum(1) > 0)
    emotions = votes[kept, :8]
    return torch.from_numpy(images[kept])[:, None], torch.from_numpy(
        emotions / emotions.sum(1, keepdims=True)
    )


def train_face_encoder(
    data: Path,
    epochs: int = 12,
    batch_size: int = 128,
    seed: int = 0,
    limit: int | None = None,
    device: str = "cpu",
    after_epoch: Callable[[int, FaceEncoder], None] | None = None,
) -> FaceEncoder:
    """Encoder trained with cross-entropy against vote distributions; fixed schedule, no early stop.

    What is returned is the exponential moving average of the weights. A linear map from the embedding to a
    16 x 16 thumbnail is trained along, so that the embedding keeps what the decoder needs. Faces are seen at
    32, then 40, then 48 pixels, the share of the epochs at each in SIZES: the first cost half as much. It
    computes in bfloat16. `limit` cuts the training faces (tests).
    """
    torch.manual_seed(seed)
    images, votes = (tensor[:limit].to(device) for tensor in load_faces(data, TRAIN))
    encoder, thumbnail = FaceEncoder().to(device), nn.Linear(FaceEncoder.embedded, THUMB * THUMB).to(device)
    encoder.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (its stub lacks it)
    average = AveragedModel(encoder, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY), use_buffers=True)
    parameters = [*encoder.parameters(), *thumbnail.parameters()]
    optimizer = torch.optim.AdamW(parameters, weight_decay=0.05)
    steps = len(images) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=max(1, epochs * steps), pct_start=0.15
    )
    for epoch in range(epochs):
        encoder.train()
        size = next(size for size, until in SIZES if epoch < until * epochs)
        order = torch.randperm(len(images), device=device)
        progress = tqdm(range(steps), desc=f"faces, epoch {epoch + 1}/{epochs}", mininterval=20)
        running = 0.0
        for step in progress:
            batch = order[step * batch_size : (step + 1) * batch_size]
            faces = augmented(images[batch].float() / 255)
            looks = F.adaptive_avg_pool2d(faces, THUMB).flatten(1)
            faces = F.interpolate(faces, size=size, mode="bilinear", antialias=True)
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                embedding = encoder(faces.contiguous(memory_format=torch.channels_last))
            embedding = embedding.float()
            logits = encoder.head(F.dropout(embedding, 0.3, training=True))
            loss = F.cross_entropy(logits, votes[batch]) + 2 * F.mse_loss(thumbnail(embedding), looks)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 2.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(encoder)
            running = 0.98 * running + 0.02 * loss.item()
            progress.set_postfix(loss=f"{running:.3f}", refresh=False)
        if after_epoch:
            after_epoch(epoch, cast(FaceEncoder, average.module).eval())
    return cast(FaceEncoder, average.module).cpu().eval()  # a wrapper forgets the class


def augmented(faces: Tensor) -> Tensor:
    """Faces (n, 1, 48, 48) in [0, 1] mirrored, turned, scaled, moved, relit and partly covered at random."""
    n, device = len(faces), faces.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, device=device)

    angle, scale = torch.deg2rad(uniform(-20, 20)), uniform(0.8, 1.2)
    mirror = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    rows = (
        torch.stack([mirror * angle.cos() * scale, -angle.sin() * scale, uniform(-0.2, 0.2)], dim=1),
        torch.stack([mirror * angle.sin() * scale, angle.cos() * scale, uniform(-0.2, 0.2)], dim=1),
    )
    grid = F.affine_grid(torch.stack(rows, dim=1), list(faces.shape), align_corners=False)
    faces = F.grid_sample(faces, grid, padding_mode="border", align_corners=False)
    gamma, gain = uniform(-0.5, 0.5, 1, 1, 1).exp(), uniform(0.7, 1.3, 1, 1, 1)
    faces = (gain * faces.clamp(0, 1) ** gamma + uniform(-0.15, 0.15, 1, 1, 1)).clamp(0, 1)
    # a covered rectangle on half of them, of up to 24 pixels a side
    at = torch.arange(faces.shape[-1], device=device)
    covered = []
    for _ in range(2):
        side, middle = uniform(6, 24, 1), uniform(0, faces.shape[-1], 1)
        covered.append((at - middle).abs() < side / 2)
    hidden = covered[0][:, None, :, None] & covered[1][:, None, None, :]
    hidden &= torch.rand(n, 1, 1, 1, device=device) < 0.5
    return torch.where(hidden, uniform(0, 1, 1, 1, 1), faces)


def train_face_decoder(
    encoder: FaceEncoder, data: Path, epochs: int = 6, batch_size: int = 128, seed: int = 0
) -> FaceDecoder:
    """Decoder trained on the frozen encoder's states: L1 plus L1 of image gradients."""
    torch.manual_seed(seed)
    images, _ = load_faces(data, TRAIN)
    states = embed_faces(encoder, images)
    decoder = FaceDecoder().train()
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=2e-3)
    steps = len(images) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=max(1, epochs * steps))
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        for step in tqdm(range(steps), desc=f"face decoder, epoch {epoch + 1}/{epochs}", mininterval=20):
            batch = order[step * batch_size : (step + 1) * batch_size]
            faces = images[batch].float() / 255
            drawn = decoder(states[batch])
            loss = F.l1_loss(drawn, faces) + sum(
                F.l1_loss(drawn.diff(dim=axis), faces.diff(dim=axis)) for axis in (2, 3)
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return decoder.eval()


@torch.inference_mode()
def embed_faces(encoder: FaceEncoder, images: Tensor) -> Tensor:
    """States (n, 10) of faces (n, 1, 48, 48) uint8, each of another person."""
    read = torch.cat([encoder.readings(batch.float() / 255) for batch in images.split(256)])
    return F.pad(read, (0, 1)).clone()  # nobody's face differs from its own mean


@torch.inference_mode()
def evaluate_face_encoder(encoder: FaceEncoder, decoder: FaceDecoder, data: Path) -> dict[str, float]:
    """On the FER+ test split: majority-vote accuracy, valence Corr, and the decoder's error.

    `decoder_mae` is per pixel in [0, 1]; `mean_face_mae` is the same for the mean training face.
    """
    images, votes = load_faces(data, TEST)
    states = embed_faces(encoder, images)
    faces = images.float() / 255
    mean_face = (load_faces(data, TRAIN)[0].float() / 255).mean(0)
    return {
        "faces": len(images),
        "accuracy": float((states[:, : len(EMOTIONS)].argmax(1) == votes.argmax(1)).float().mean()),
        "valence_corr": correlation(states[:, VALENCE].numpy(), (votes @ encoder.valence).numpy()),
        "decoder_mae": float((decoder(states) - faces).abs().mean()),
        "mean_face_mae": float((mean_face - faces).abs().mean()),
    }
