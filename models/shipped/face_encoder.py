"""Trains the face encoder on FER+ vote distributions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from models.extractors.vision import EMOTIONS, VALENCE, FaceEncoder
from models.training.metrics import correlation

TRAIN, VALID, TEST = 0, 1, 2
EMA_DECAY = 0.999
EPOCHS = 40  # of the teachers
TEACHERS, TEACHER_WIDTHS = 2, (64, 128, 256, 512)


def load_faces(data: Path, split: int) -> tuple[Tensor, Tensor, Tensor]:
    """FER2013 faces (n, 1, 48, 48) uint8, FER+ emotion distributions (n, 8), whether most agree (n,) bool.

    Single votes are dropped as FER+'s authors do (Barsoum et al., ICMI 2016); faces whose most frequent
    vote is "unknown" or "not a face" are left out. Most agree where one emotion has over half of the votes,
    those two included: the authors test on such faces.
    """
    with np.load(data / "faces" / "ferplus.npz") as archive:
        rows = archive["split"] == split
        images, votes = archive["images"][rows], archive["votes"][rows].astype(np.float32)
    votes[votes <= 1] = 0
    kept = (votes[:, :8].max(1) > votes[:, 8:].max(1)) & (votes[:, :8].sum(1) > 0)
    votes = votes[kept]
    emotions = votes[:, :8]
    shares = emotions / emotions.sum(1, keepdims=True)
    agreed = emotions.max(1) > votes.sum(1) / 2
    return torch.from_numpy(images[kept])[:, None], torch.from_numpy(shares), torch.from_numpy(agreed)


def train_face_encoder(data: Path, seed: int = 0, device: str = "cpu") -> FaceEncoder:
    """A small encoder that learns from the votes and from two large ones, trained before it.

    Distillation (Hinton et al., 2015) on the augmented training faces; fixed schedules, no early stop.
    Minutes on a large GPU, most of a day on a laptop's processor.
    """
    images, votes, _ = (tensor.to(device) for tensor in load_faces(data, TRAIN))
    teachers = [
        fit_faces(FaceEncoder(TEACHER_WIDTHS, pooled=False), images, votes, EPOCHS, seed + 1 + i)
        for i in range(TEACHERS)
    ]
    return fit_faces(FaceEncoder(), images, votes, 3 * EPOCHS // 2, seed, teachers).cpu()


def fit_faces(
    encoder: FaceEncoder,
    images: Tensor,
    votes: Tensor,
    epochs: int,
    seed: int,
    teachers: Sequence[FaceEncoder] = (),
    batch_size: int = 256,
    decay: float = EMA_DECAY,
    vary: Callable[[Tensor], Tensor] | None = None,
) -> FaceEncoder:
    """The exponential moving average of an encoder trained on faces (n, 1, 48, 48) uint8.

    votes : (n, 8) shares of the emotions, the cross-entropy's target; with teachers half of it, beside the
        mean of their probabilities for the same augmented face
    decay : of the average, less where there are fewer steps; vary : in the place of `augmented`
    """
    torch.manual_seed(seed)
    device = images.device
    encoder = encoder.to(device).train()
    average = AveragedModel(encoder, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    optimizer = torch.optim.AdamW(encoder.parameters(), weight_decay=0.05)
    steps = len(images) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=max(1, epochs * steps), pct_start=0.15
    )
    for epoch in range(epochs):
        order = torch.randperm(len(images), device=device)
        for step in tqdm(range(steps), desc=f"faces, epoch {epoch + 1}/{epochs}", mininterval=20):
            batch = order[step * batch_size : (step + 1) * batch_size]
            faces = (vary or augmented)(images[batch].float() / 255)
            target = votes[batch]
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                if teachers:
                    with torch.no_grad():
                        taught = [teacher.head(teacher(faces)).float().softmax(1) for teacher in teachers]
                    target = (target + torch.stack(taught).mean(0)) / 2
                logits = encoder.head(F.dropout(encoder(faces), 0.3, training=True)).float()
            loss = F.cross_entropy(logits, target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), 2.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(encoder)
    return cast(FaceEncoder, average.module).eval()  # a wrapper forgets the class


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


@torch.inference_mode()
def embed_faces(encoder: FaceEncoder, images: Tensor) -> Tensor:
    """States (n, 10) of faces (n, 1, 48, 48) uint8, each of another person.

    How each person looks otherwise is not known: the valence is less the mean of all, so that the coordinate
    has the range of a clip's.
    """
    read = torch.cat([encoder.readings(batch.float() / 255) for batch in images.split(256)])
    return torch.cat([read, read[:, VALENCE:] - read[:, VALENCE].mean()], dim=1)


@torch.inference_mode()
def evaluate_face_encoder(encoder: FaceEncoder, data: Path) -> dict[str, float]:
    """On the FER+ test split: accuracy against the most frequent vote, valence Corr.

    `majority_accuracy` is that of the faces for which more than half of all votes agree, those that FER+'s
    authors test on.
    """
    images, votes, agreed = load_faces(data, TEST)
    states = embed_faces(encoder, images)
    right = (states[:, : len(EMOTIONS)].argmax(1) == votes.argmax(1)).float()
    return {
        "faces": len(images),
        "accuracy": float(right.mean()),
        "majority_faces": int(agreed.sum()),
        "majority_accuracy": float(right[agreed].mean()),
        "valence_corr": correlation(states[:, VALENCE].numpy(), (votes @ encoder.valence).numpy()),
    }
